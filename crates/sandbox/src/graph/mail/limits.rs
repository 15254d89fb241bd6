//! How much may be sent and received: thirty messages a minute and mailbox, ten thousand recipients a day, the
//! tenant's external recipients; 3,600 messages an hour into a mailbox, a third of them of one sender (Graph
//! reference §4.1, §13).

use std::collections::BTreeMap;

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::refusals::bad;
use super::report::Failure;
use super::transport::before;
use crate::graph::error::GraphError;
use crate::mail::{Address, Item};
use crate::tenant::Tenant;

/// Messages that leave a mailbox within a minute; more wait for the next one.
const A_MINUTE: usize = 30;
/// Recipients of one message.
const RECIPIENTS: usize = 500;
/// Recipients that a mailbox writes to within a day.
const RECIPIENTS_A_DAY: usize = 10_000;
/// External recipients a day of a tenant whose senders are on `onmicrosoft.com`.
const ONMICROSOFT_A_DAY: usize = 100;
/// Messages that a mailbox takes within an hour.
const RECEIVED_AN_HOUR: u32 = 3_600;
/// Of them those of one sender.
const OF_ONE_SENDER: u32 = RECEIVED_AN_HOUR / 3;
/// What a message may weigh.
const LARGEST: usize = 35 * 1024 * 1024;

/// A message that left.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Sent {
    /// When it leaves: later than it was handed in if the mailbox is over its rate.
    pub(super) at: Timestamp,
    pub(super) recipients: usize,
    /// How many of them turned out to be outside.
    pub(super) outside: usize,
}

/// What a mailbox received in the hour that began then, by sender in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Received {
    since: Timestamp,
    total: u32,
    senders: BTreeMap<String, u32>,
}

impl Received {
    /// Nothing yet.
    pub(super) fn new(since: Timestamp) -> Self {
        Self { since, total: 0, senders: BTreeMap::new() }
    }

    /// Takes a message, or says which limit it meets; what is refused is not counted.
    pub(super) fn admit(&mut self, sender: &str, now: Timestamp) -> Result<(), Failure> {
        let hour = SignedDuration::from_hours(1);
        // The clock may have been put back.
        if now.duration_since(self.since) >= hour || now < self.since {
            *self = Self::new(now);
        }
        if self.total >= RECEIVED_AN_HOUR {
            return Err(failure(
                "5.2.122",
                "The recipient has exceeded their limit for the number of messages they can receive per hour",
            ));
        }
        let of_sender = self.senders.entry(sender.to_ascii_lowercase()).or_default();
        if *of_sender >= OF_ONE_SENDER {
            return Err(failure(
                "5.2.121",
                "The recipient has exceeded their limit for the number of messages they can receive per hour from a specific sender",
            ));
        }
        *of_sender += 1;
        self.total += 1;
        Ok(())
    }
}

/// Refuses a message that may not be sent at all.
pub(super) fn check(tenant: &Tenant, owner: &str, item: &Item, now: Timestamp) -> Result<(), GraphError> {
    let count = item.recipients().count();
    if count == 0 {
        return Err(bad(
            "ErrorInvalidRecipients",
            "At least one recipient isn't valid., A message can't be sent because it contains no recipients.",
        ));
    }
    if let Some(wrong) = item.recipients().find(|one| !one.is_deliverable()) {
        return Err(bad(
            "ErrorInvalidRecipients",
            format!(
                "At least one recipient isn't valid., Recipient '{}' is not resolved. All recipients must be resolved before a message can be submitted.",
                wrong.address
            ),
        ));
    }
    if count > RECIPIENTS {
        return Err(bad(
            "ErrorInvalidRecipients",
            format!(
                "At least one recipient isn't valid., The message has {count} recipients; the limit is {RECIPIENTS}."
            ),
        ));
    }
    if item.size() > LARGEST {
        return Err(GraphError::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "ErrorMessageSizeExceeded",
            "The message exceeds the maximum supported size.",
        ));
    }
    let sent = tenant.workloads.mail.transport.sent.get(owner).map_or(&[][..], Vec::as_slice);
    let since = before(now, 24);
    let today: usize = sent.iter().filter(|one| one.at > since).map(|one| one.recipients).sum();
    if today + count > RECIPIENTS_A_DAY {
        return Err(GraphError::new(
            StatusCode::FORBIDDEN,
            "ErrorExceededMessageLimit",
            "The message can't be submitted because the message limit for the mailbox has been exceeded., Cannot submit message.",
        ));
    }
    Ok(())
}

/// When a message that is handed in at `now` leaves.
pub(super) fn admit(sent: &mut Vec<Sent>, recipients: usize, now: Timestamp) -> Timestamp {
    let since = before(now, 24);
    sent.retain(|one| one.at > since);
    let minute = SignedDuration::from_secs(60);
    let free = sent
        .len()
        .checked_sub(A_MINUTE)
        .and_then(|at| sent.get(at))
        .and_then(|one| one.at.checked_add(minute).ok());
    let at = free.map_or(now, |free| free.max(now));
    sent.push(Sent { at, recipients, outside: 0 });
    at
}

/// Lets one recipient outside be written to, or says why not: the tenant external recipient rate limit.
pub(super) fn leave(tenant: &mut Tenant, owner: &str, item: &Item, now: Timestamp) -> Result<(), Failure> {
    let since = before(now, 24);
    let licences: usize = tenant.skus.iter().map(|sku| tenant.users.count(&sku.sku_id)).sum();
    let is_onmicrosoft = item
        .from
        .as_ref()
        .is_some_and(|from| from.address.to_ascii_lowercase().ends_with(".onmicrosoft.com"));
    let transport = &mut tenant.workloads.mail.transport;
    let today: usize =
        transport.sent.values().flatten().filter(|one| one.at > since).map(|one| one.outside).sum();
    if is_onmicrosoft && today >= ONMICROSOFT_A_DAY {
        return Err(failure(
            "5.7.236",
            "Tenant exceeded its limit of external recipients for senders on onmicrosoft.com",
        ));
    }
    if today >= external_recipients(licences) {
        return Err(failure(
            "5.7.233",
            "Message can't be sent because tenant exceeded its threshold of external recipients (TERRL)",
        ));
    }
    if let Some(last) =
        transport.sent.get_mut(owner).and_then(|sent| sent.iter_mut().rfind(|one| one.at <= now))
    {
        last.outside += 1;
    }
    Ok(())
}

fn failure(status: &str, text: &str) -> Failure {
    Failure { address: Address::default(), status: status.to_owned(), text: text.to_owned() }
}

/// `500 × licences^0.7 + 9,500`, by integers: the share of the root is taken of the thousandths.
fn external_recipients(licences: usize) -> usize {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a formula with a power; a tenant has few licences"
    )]
    let bonus = (500.0 * (licences as f64).powf(0.7)) as usize;
    bonus + 9_500
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_takes_so_much_an_hour_and_a_third_of_it_of_one_sender() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let later = |minutes| start + SignedDuration::from_mins(minutes);
        let mut received = Received::new(start);
        let status = |taken: Result<(), Failure>| taken.err().map(|failure| failure.status);
        for sender in ["a@x.example", "b@x.example", "c@x.example"] {
            for _ in 0..1_200 {
                received.admit(sender, later(1)).unwrap();
            }
            let twice = received.admit(&sender.to_uppercase(), later(2));
            let expected = if sender.starts_with('c') { "5.2.122" } else { "5.2.121" };
            assert_eq!(status(twice).as_deref(), Some(expected));
        }
        assert_eq!(status(received.admit("d@x.example", later(59))).as_deref(), Some("5.2.122"));
        received.admit("a@x.example", later(60)).unwrap();
        received.admit("a@x.example", start).unwrap();
    }

    #[test]
    fn the_thirty_first_message_of_a_minute_waits() {
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut sent = Vec::new();
        for _ in 0..30 {
            assert_eq!(admit(&mut sent, 1, now), now);
        }
        let later: Vec<i64> =
            (0..31).map(|_| admit(&mut sent, 1, now).duration_since(now).as_secs()).collect();
        assert_eq!(later[..30], [60; 30]);
        assert_eq!(later[30], 120);
    }

    #[test]
    fn the_external_limit_grows_with_the_licences() {
        assert_eq!(external_recipients(1), 10_000);
        assert_eq!(external_recipients(100), 22_059);
    }
}

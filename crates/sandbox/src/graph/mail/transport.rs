//! The way of mail: out of the sender's hands, at the sender's rate, to mailboxes, to the spool, or back as a
//! report of non-delivery (Graph reference §4.1). What comes later waits with its time; [`settle`] lets happen
//! what is due.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::changes;
use super::folders::{INBOX, JUNK, OUTBOX, SENT_ITEMS};
use super::limits;
use super::recipients::{Destination, address_of, resolve};
use super::report::{self, Failure};
use crate::changes::Change;
use crate::files::FileError;
use crate::lag::{Cause, Lag};
use crate::mail::{Address, Blob, Body, Conversation, Header, Item, compose, internet_headers};
use crate::realm::{Inside, Realm};
use crate::sharing::{Held, SnapshotMap, parts, whole};
use crate::tenant::Tenant;

/// How many messages to the outside the spool keeps.
const SPOOLED: usize = 10_000;

/// What is on its way.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Transport {
    queue: Vec<Queued>,
    /// Mail to the outside, by id.
    pub(crate) outgoing: SnapshotMap<u64, Outgoing>,
    /// The ids of those that the courier has not looked at.
    waiting: VecDeque<u64>,
    next: u64,
    /// What each mailbox sent within a day, oldest first.
    pub(super) sent: SnapshotMap<String, Vec<limits::Sent>>,
    /// What each mailbox received within the hour.
    received: SnapshotMap<String, limits::Received>,
}

/// A message that left the tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Outgoing {
    pub(crate) id: u64,
    pub(crate) at: Timestamp,
    /// The envelope's sender.
    pub(crate) from: String,
    /// The envelope's recipients, all outside.
    pub(crate) to: Vec<String>,
    pub(crate) subject: String,
    pub(crate) message_id: String,
    pub(crate) mime: Blob,
    /// Whether it went on, to an SMTP host or to another tenant.
    pub(crate) is_carried: bool,
    /// The sender's object id, for whoever has to report.
    owner: String,
    item: Held<Item>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Queued {
    due: Timestamp,
    number: u64,
    work: Work,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
enum Work {
    /// A message leaves its sender's mailbox.
    Submit { owner: String, item: Held<Item>, is_saved: bool, draft: Option<u64> },
    /// Its sender learns that it did not arrive.
    Report { owner: String, item: Held<Item>, failures: Vec<Failure> },
}

parts!(Transport { outgoing, sent, received } whole { queue, waiting, next });

whole!(Outgoing, Vec<limits::Sent>, limits::Received);

impl Transport {
    fn later(&mut self, due: Timestamp, work: Work) {
        self.next += 1;
        self.queue.push(Queued { due, number: self.next, work });
    }

    fn take_due(&mut self, now: Timestamp) -> Option<Queued> {
        let due = self.queue.iter().enumerate().filter(|(_, one)| one.due <= now);
        let (at, _) = due.min_by_key(|(_, one)| (one.due, one.number))?;
        Some(self.queue.remove(at))
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.queue.iter().map(|one| one.due).min()
    }
}

/// Takes a message for sending; `now` is when the client said so.
pub(super) fn submit(
    tenant: &mut Tenant,
    owner: &str,
    mut item: Item,
    is_saved: bool,
    draft: Option<u64>,
    (now, lag): (Timestamp, Lag),
) {
    let number = tenant.workloads.mail.transport.next + 1;
    if item.message_id.is_empty() {
        item.message_id = message_id(owner, number, now);
    }
    if item.conversation.is_none() {
        item.conversation = Conversation::begin(*uuid::Uuid::new_v4().as_bytes(), now);
    }
    let count = item.recipients().count();
    let sent = tenant.workloads.mail.transport.sent.get_or_insert_with(&owner.to_owned(), Vec::new);
    let leaves = limits::admit(sent, count, now);
    let due = lag.due(Cause::Delivery, leaves);
    let work = Work::Submit { owner: owner.to_owned(), item: Held::new(item), is_saved, draft };
    tenant.workloads.mail.transport.later(due, work);
    if let Some(uid) = draft.filter(|_| due > now) {
        changes::transfer(tenant, owner, uid, OUTBOX, now, |_| {});
    }
    settle(tenant, now, lag);
}

/// An `internetMessageId` as Exchange makes them.
pub(super) fn message_id(owner: &str, number: u64, now: Timestamp) -> String {
    let host: String = owner.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    let host = format!("SB{}MB{:04}", host.to_uppercase(), number % 10_000);
    format!("<{host}{:012X}{number:06X}@{host}.prod.outlook.com>", now.as_millisecond())
}

/// Lets happen in a realm what is due by its clock, if anything is, and tells its feed.
///
/// # Errors
/// If it does not persist.
pub(crate) fn catch_up(realm: &Realm, tenant: &mut Inside<'_>) -> Result<bool, FileError> {
    let now = realm.clock.now();
    if tenant.workloads.mail.transport.next_due().is_none_or(|due| due > now) {
        return Ok(false);
    }
    settle(tenant, now, realm.lag());
    realm.settle(tenant)?;
    Ok(true)
}

/// Lets happen what is due at `now`.
pub(crate) fn settle(tenant: &mut Tenant, now: Timestamp, lag: Lag) {
    while let Some(Queued { due, work, .. }) = tenant.workloads.mail.transport.take_due(now) {
        match work {
            Work::Submit { owner, item, is_saved, draft } => {
                send(tenant, &owner, &item, is_saved, draft, (due, lag));
            }
            Work::Report { owner, item, failures } => {
                let report = report::report(tenant, &owner, &item, &failures, due);
                arrive(tenant, &owner, &Held::new(report), due, INBOX);
            }
        }
    }
}

fn send(
    tenant: &mut Tenant,
    owner: &str,
    item: &Item,
    is_saved: bool,
    draft: Option<u64>,
    (due, lag): (Timestamp, Lag),
) {
    let mut item = item.clone();
    item.sent = Some(due);
    let mut copy = item.clone();
    copy.headers = internet_headers(&item);
    keep(tenant, owner, copy.clone(), is_saved, draft, due);

    let mut delivered = Item { bcc: Vec::new(), ..copy };
    delivered.headers.splice(0..0, report::transport_headers(tenant, due, "Internal"));
    if let Some(mime) = &item.mime {
        let own = [Header { name: "Message-ID".to_owned(), value: item.message_id.clone() }];
        let front = if mime_has(&item, "Message-ID") { &[][..] } else { &own[..] };
        let bytes = crate::mail::rewrite_headers(&mime.0, front, |name| name.eq_ignore_ascii_case("Bcc"));
        delivered.mime = Some(bytes.into());
    }
    let delivered = Held::new(delivered);

    let (mut reached, mut outside, mut failures) = (Vec::new(), Vec::<String>::new(), Vec::new());
    let sender = item.from.as_ref().map(|from| from.address.clone()).unwrap_or_default();
    for recipient in item.recipients() {
        match resolve(tenant, &recipient.address, Some(owner), due) {
            Destination::Mailboxes(owners) => {
                for one in owners {
                    if reached.contains(&one) {
                        continue;
                    }
                    match take_in(tenant, &one, &sender, due) {
                        Ok(()) => reached.push(one),
                        Err(failure) => failures.push(Failure { address: recipient.clone(), ..failure }),
                    }
                }
            }
            Destination::Nobody => failures.push(Failure::unknown(recipient)),
            Destination::Closed(closed) => failures.push(Failure {
                address: recipient.clone(),
                status: closed.status.to_owned(),
                text: closed.text.to_owned(),
            }),
            Destination::Outside => match limits::leave(tenant, owner, &item, due) {
                Ok(()) => outside.push(recipient.address.clone()),
                Err(failure) => failures.push(Failure { address: recipient.clone(), ..failure }),
            },
        }
    }
    for one in reached {
        arrive(tenant, &one, &delivered, due, INBOX);
    }
    if !outside.is_empty() {
        spool(tenant, owner, &delivered, outside, due);
    }
    let is_report = item.header("Auto-Submitted").is_some();
    if !failures.is_empty() && !is_report {
        let at = lag.due(Cause::Bounce, due);
        let work = Work::Report { owner: owner.to_owned(), item: delivered, failures };
        tenant.workloads.mail.transport.later(at, work);
    }
}

/// Counts a message into a mailbox, if the mailbox takes it.
fn take_in(tenant: &mut Tenant, owner: &str, sender: &str, now: Timestamp) -> Result<(), Failure> {
    let received = &mut tenant.workloads.mail.transport.received;
    received.get_or_insert_with(&owner.to_owned(), || limits::Received::new(now)).admit(sender, now)
}

fn mime_has(item: &Item, name: &str) -> bool {
    item.mime
        .as_ref()
        .and_then(|mime| crate::mail::read(&mime.0))
        .is_some_and(|read| read.header(name).is_some())
}

/// What the sender keeps: the draft, moved, or a copy.
fn keep(tenant: &mut Tenant, owner: &str, copy: Item, is_saved: bool, draft: Option<u64>, due: Timestamp) {
    let is_there = draft.filter(|uid| tenant.workloads.mail.mailbox(owner).messages.contains_key(uid));
    if let Some(uid) = is_there {
        changes::transfer(tenant, owner, uid, SENT_ITEMS, due, |message| {
            (message.is_draft, message.is_read, message.received) = (false, true, due);
            message.item = Held::new(copy);
        });
    } else if is_saved {
        changes::place(tenant, owner, SENT_ITEMS, Held::new(copy), due, |message| message.is_read = true);
    }
}

/// Puts delivered mail into a mailbox, in its thread.
pub(super) fn arrive(
    tenant: &mut Tenant,
    owner: &str,
    item: &Held<Item>,
    now: Timestamp,
    folder: u64,
) -> u64 {
    let mut item = item.clone();
    if item.conversation.is_none() {
        let thread = tenant.workloads.mail.mailbox(owner).thread_of(&item);
        let thread = thread.map_or_else(
            || Conversation::begin(*uuid::Uuid::new_v4().as_bytes(), now),
            |thread| thread.answer(now),
        );
        item.edit().conversation = thread;
    }
    let uid = changes::place(tenant, owner, folder, item.clone(), now, |_| {});
    if folder == INBOX {
        answer_automatically(tenant, owner, &item, now);
    }
    uid
}

/// What the owner has the mailbox answer: once to each sender, and never to what is automatic itself (RFC 3834).
fn answer_automatically(tenant: &mut Tenant, owner: &str, item: &Item, now: Timestamp) {
    let Some(sender) = item.from.clone().filter(Address::is_deliverable) else { return };
    let is_automatic = ["Auto-Submitted", "List-Id", "X-Auto-Response-Suppress"]
        .iter()
        .any(|name| item.header(name).is_some_and(|value| !value.eq_ignore_ascii_case("no")));
    let own = own_address(tenant, owner, now);
    let key = sender.address.to_ascii_lowercase();
    let domain = key.rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_internal = tenant.domains.contains(domain);
    let replies = &mut tenant.workloads.mail.mailbox(owner).settings.replies;
    let Some(text) = replies.answer_to(is_internal, now).map(str::to_owned) else { return };
    if is_automatic || own.is(&key) || replies.answered.contains(&key) {
        return;
    }
    replies.answered.push(key);
    let number = tenant.workloads.mail.transport.next + 1;
    let answer = Item {
        subject: format!("Automatic reply: {}", item.subject),
        body: Body { is_html: true, content: text },
        from: Some(own.clone()),
        sender: Some(own),
        to: vec![sender],
        message_id: message_id(owner, number, now),
        in_reply_to: Some(item.message_id.clone()),
        references: vec![item.message_id.clone()],
        conversation: item.conversation.answer(now),
        headers: vec![
            Header { name: "Auto-Submitted".to_owned(), value: "auto-generated".to_owned() },
            Header { name: "X-Auto-Response-Suppress".to_owned(), value: "All".to_owned() },
        ],
        ..Item::default()
    };
    let work =
        Work::Submit { owner: owner.to_owned(), item: Held::new(answer), is_saved: false, draft: None };
    tenant.workloads.mail.transport.later(now, work);
}

pub(super) fn spool(tenant: &mut Tenant, owner: &str, item: &Held<Item>, to: Vec<String>, now: Timestamp) {
    let transport = &mut tenant.workloads.mail.transport;
    transport.next += 1;
    let id = transport.next;
    let outgoing = Outgoing {
        id,
        at: now,
        from: item.from.as_ref().map(|from| from.address.clone()).unwrap_or_default(),
        to,
        subject: item.subject.clone(),
        message_id: item.message_id.clone(),
        mime: compose(item),
        is_carried: false,
        owner: owner.to_owned(),
        item: item.clone(),
    };
    transport.outgoing.insert(id, outgoing);
    transport.waiting.push_back(id);
    let oldest = transport.outgoing.first().map(|(oldest, _)| *oldest);
    if let Some(oldest) = oldest.filter(|_| transport.outgoing.len() > SPOOLED) {
        transport.outgoing.remove(&oldest);
    }
    tenant.changed(Change::created(format!("sandbox/mail/outgoing/{id}"), "#sandbox.outgoing"));
}

/// The next message that the courier takes on: to the named host if there is one, or to another tenant, whose
/// domains `is_sibling` knows.
pub(crate) fn to_carry(
    tenant: &mut Inside<'_>,
    has_host: bool,
    is_sibling: impl Fn(&str) -> bool,
) -> Option<Outgoing> {
    while let Some(id) = tenant.workloads.mail.transport.waiting.front().copied() {
        let found = tenant.workloads.mail.transport.outgoing.get(&id);
        let goes_on = found.filter(|one| {
            has_host
                || one.to.iter().any(|to| to.rsplit_once('@').is_some_and(|(_, domain)| is_sibling(domain)))
        });
        if let Some(outgoing) = goes_on {
            return Some(outgoing.clone());
        }
        tenant.workloads.mail.transport.waiting.pop_front();
    }
    None
}

/// What the courier brought back: it went on, but for those who were refused, with the words.
pub(crate) fn carried(
    tenant: &mut Tenant,
    id: u64,
    refused: &[(String, String)],
    (now, lag): (Timestamp, Lag),
) {
    let transport = &mut tenant.workloads.mail.transport;
    transport.waiting.retain(|waiting| *waiting != id);
    let Some(outgoing) = transport.outgoing.get_mut(&id) else { return };
    outgoing.is_carried = true;
    if refused.is_empty() || outgoing.item.header("Auto-Submitted").is_some() {
        return;
    }
    let failures = refused.iter().map(|(address, words)| Failure::said(address, words)).collect();
    let work = Work::Report { owner: outgoing.owner.clone(), item: outgoing.item.clone(), failures };
    transport.later(lag.due(Cause::Bounce, now), work);
    settle(tenant, now, lag);
}

/// Mail from outside, as the edge hands it over.
#[derive(Debug, Clone, Default)]
pub(crate) struct Incoming {
    /// The envelope's sender; empty is the null sender.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) bytes: Vec<u8>,
    /// What the edge found out about the sender.
    pub(crate) authentication_results: Option<String>,
    /// Whether it goes to junk.
    pub(crate) is_junk: bool,
}

/// What became of mail from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Accepted {
    /// The owners' object ids and the messages' ids.
    Delivered(Vec<(String, String)>),
    /// None of the recipients is there.
    NoRecipient,
    /// None of them takes more for now, and why: `5.2.122 …`.
    Full(String),
    /// The bytes are no message.
    Unreadable,
}

/// Delivers mail from outside to whom it names.
pub(crate) fn receive(tenant: &mut Tenant, incoming: &Incoming, now: Timestamp, lag: Lag) -> Accepted {
    settle(tenant, now, lag);
    let mut owners: Vec<(String, String)> = Vec::new();
    for address in &incoming.to {
        if let Destination::Mailboxes(found) = resolve(tenant, address, None, now) {
            for one in found {
                if !owners.iter().any(|(other, _)| *other == one) {
                    owners.push((one, address.clone()));
                }
            }
        }
    }
    if owners.is_empty() {
        return Accepted::NoRecipient;
    }
    let mut full = None;
    owners.retain(|(owner, _)| match take_in(tenant, owner, &incoming.from, now) {
        Ok(()) => true,
        Err(failure) => {
            full = Some(format!("{} {}", failure.status, failure.text));
            false
        }
    });
    if let (true, Some(why)) = (owners.is_empty(), full) {
        return Accepted::Full(why);
    }
    let front = report::edge_headers(tenant, incoming, now);
    let bytes = crate::mail::rewrite_headers(&incoming.bytes, &front, report::is_firewalled);
    let Some(mut item) = crate::mail::read(&bytes) else { return Accepted::Unreadable };
    if item.from.is_none() && !incoming.from.is_empty() {
        item.from = Some(Address::new(incoming.from.clone(), incoming.from.clone()));
    }
    item.sent = item.sent.or(Some(now));
    for attachment in &mut item.attachments {
        attachment.modified = now;
    }
    if item.message_id.is_empty() {
        tenant.workloads.mail.transport.next += 1;
        item.message_id = message_id(&tenant.id, tenant.workloads.mail.transport.next, now);
    }
    let item = Held::new(item);
    let folder = if incoming.is_junk { JUNK } else { INBOX };
    let mut delivered = Vec::new();
    for (owner, _) in owners {
        let uid = arrive(tenant, &owner, &item, now, folder);
        let mailbox = tenant.workloads.mail.mailbox(&owner);
        let id = mailbox.messages.get(&uid).map(|message| mailbox.id(message, super::ids::IdKind::Ordinary));
        delivered.push((owner, id.unwrap_or_default()));
    }
    settle(tenant, now, lag);
    Accepted::Delivered(delivered)
}

/// The sender that an owner has when it says nothing.
pub(super) fn own_address(tenant: &Tenant, owner: &str, now: Timestamp) -> Address {
    tenant.users.get(owner).map(|user| address_of(tenant, user, now)).unwrap_or_default()
}

/// `days` before `now`.
pub(super) fn before(now: Timestamp, hours: i64) -> Timestamp {
    now.saturating_sub(SignedDuration::from_hours(hours)).unwrap_or(Timestamp::MIN)
}

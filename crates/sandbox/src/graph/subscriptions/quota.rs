//! How many subscriptions there may be: to a resource, to a mailbox, of an app, in a tenant (Graph reference §6.1).

use http::StatusCode;
use jiff::Timestamp;

use super::state::{Subscription, Subscriptions};
use super::watchable::Quota;
use crate::graph::GraphError;

/// Refuses one more than there may be.
pub(super) fn check(
    held: &Subscriptions,
    new: &Subscription,
    quota: Quota,
    now: Timestamp,
) -> Result<(), GraphError> {
    let same = || held.live(now).filter(|one| one.watches == new.watches);
    let of_app = |one: &&Subscription| one.caller.app_id == new.caller.app_id;
    let of_workload = || held.live(now).filter(|one| one.workload == new.workload);
    // How many there are, and how many there may be.
    let quotas = match quota {
        Quota::PerResource => vec![(same().filter(of_app).count(), 1), (of_workload().count(), 10_000)],
        Quota::TenPerUser => vec![(same().count(), 10), (of_workload().count(), 10_000)],
        Quota::Mailbox => {
            let mailbox = |one: &Subscription| one.watches[0].split('/').nth(1).map(str::to_owned);
            vec![(of_workload().filter(|one| mailbox(one) == mailbox(new)).count(), 1_000)]
        }
        Quota::Directory => {
            vec![(of_workload().filter(of_app).count(), 100), (of_workload().count(), 1_000)]
        }
        Quota::Unlimited => return Ok(()),
    };
    let Some((_, allowed)) = quotas.into_iter().find(|(count, allowed)| count >= allowed) else {
        return Ok(());
    };
    Err(GraphError::new(
        StatusCode::FORBIDDEN,
        "ExtensionError",
        format!(
            "Operation: Create; Exception: [Status Code: Forbidden; Reason: Maximum number of subscriptions ({allowed}) has been reached.]"
        ),
    ))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use jiff::SignedDuration;

    use super::*;
    use crate::authorize::{Caller, CallerKind};
    use crate::changes::ChangeKind;
    use crate::graph::subscriptions::watchable::Workload;
    use crate::requests::Permissions;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn subscription(number: usize, app: &str, watched: &str, workload: Workload) -> Subscription {
        let later = NOW + SignedDuration::from_hours(1);
        Subscription {
            id: format!("{number:05}"),
            resource: watched.to_owned(),
            watches: vec![watched.to_owned()],
            filter: None,
            select: None,
            workload,
            changes: vec![ChangeKind::Created],
            notification_url: "https://agent.example/hook".to_owned(),
            lifecycle_url: None,
            client_state: None,
            tls: "v1_2".to_owned(),
            is_rich: false,
            certificate: None,
            certificate_id: None,
            url_app_id: None,
            caller: Caller {
                tenant_id: String::new(),
                app_id: app.to_owned(),
                object_id: String::new(),
                kind: CallerKind::App { roles: Permissions::default() },
                issued: NOW,
                expires: later,
                takes_challenge: false,
            },
            created: NOW,
            expires: later,
        }
    }

    /// The number in the refusal of one more, when so many are held.
    fn refused(held: &Subscriptions, new: &Subscription, quota: Quota) -> Option<String> {
        let error = check(held, new, quota, NOW).err()?;
        assert_eq!((error.status, error.code), (StatusCode::FORBIDDEN, "ExtensionError"));
        let (_, number) = error.message.split_once('(')?;
        Some(number.split(')').next()?.to_owned())
    }

    fn held(all: impl Iterator<Item = Subscription>) -> Subscriptions {
        let by_id: BTreeMap<String, Subscription> = all.map(|one| (one.id.clone(), one)).collect();
        serde_json::from_value(serde_json::to_value(by_id).unwrap()).unwrap()
    }

    /// The last one that there may be is let in, and one more is not, unless the others are over.
    fn fill(quota: Quota, most: usize, new: impl Fn(usize) -> Subscription) {
        assert_eq!(refused(&held((0..most - 1).map(&new)), &new(most), quota), None);
        let full = held((0..most).map(&new));
        assert_eq!(refused(&full, &new(most), quota), Some(most.to_string()));
        assert!(check(&full, &new(most), quota, NOW + SignedDuration::from_hours(1)).is_ok());
    }

    #[test]
    fn a_chat_has_one_of_an_app_and_an_organisation_ten_thousand() {
        let of = |number, app: &str, chat: usize| {
            subscription(number, app, &format!("chats/{chat}/messages/*"), Workload::Teams)
        };
        fill(Quota::PerResource, 1, |number| of(number, "a", 7));
        fill(Quota::PerResource, 10_000, |number| of(number, "a", number));
        fill(Quota::TenPerUser, 10, |number| {
            subscription(number, &number.to_string(), "users/u/chats/*/messages/*", Workload::Teams)
        });
    }

    #[test]
    fn a_mailbox_has_a_thousand_over_all_apps() {
        fill(Quota::Mailbox, 1_000, |number| {
            let folder = format!("users/u/mailFolders/{number}/messages/*");
            subscription(number, &(number % 3).to_string(), &folder, Workload::Outlook)
        });
        let of = |number: usize, user: &str| {
            subscription(number, "a", &format!("users/{user}/messages/*"), Workload::Outlook)
        };
        let full = held((0..1_000).map(|number| of(number, "u")));
        assert_eq!(refused(&full, &of(1_000, "v"), Quota::Mailbox), None, "another mailbox has its own");
    }

    #[test]
    fn a_directory_has_a_hundred_of_an_app_and_a_thousand_of_all() {
        let of = |number: usize, app: usize| {
            subscription(number, &app.to_string(), "users/*", Workload::Directory)
        };
        fill(Quota::Directory, 100, |number| of(number, 0));
        fill(Quota::Directory, 1_000, |number| of(number, number / 50));
    }
}

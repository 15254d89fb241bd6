//! Whether mail that comes in is told of: the application's subscriptions to the mailboxes that are watched
//! (Graph reference §6.1, §6.4).

use std::net::IpAddr;

use attache_terms::{Check, Explain as _, Remedy, UserId, when};
use jiff::{SignedDuration, Timestamp};
use url::{Host, Url};

use crate::{Graph, Subscription};

const NAME: &str = "subscription";
/// The longest that a subscription to mail lasts (§6.1).
const LONGEST: SignedDuration = SignedDuration::from_hours(7 * 24);
/// The renewal comes every 12 hours; one that is nearer to its end than that has missed its turn.
const LATE: SignedDuration = SignedDuration::from_hours(12);

/// A mailbox that must be watched.
#[derive(Debug, Clone)]
pub struct Watched {
    /// Whose.
    pub id: UserId,
    /// What else a subscription may call it by: its addresses.
    pub names: Vec<String>,
}

const RENEW: &str = "make the subscription again (the renewal does at its next turn, if its variables are set), and read what came \
                     in meanwhile: nobody was told of it";

/// Looks at every subscription of the application, and whether each mailbox in `watched` has one.
pub async fn subscriptions(graph: &Graph, watched: &[Watched], now: Timestamp) -> Vec<Check> {
    match graph.subscriptions().await {
        Ok(answer) => judge(&answer.value, watched, now),
        Err(error) => {
            vec![
                Check::skipped(NAME, format!("the subscriptions could not be read: {error}"))
                    .with_remedy(error.remedy()),
            ]
        }
    }
}

fn judge(all: &[Subscription], watched: &[Watched], now: Timestamp) -> Vec<Check> {
    let mut found: Vec<Check> = all.iter().map(|one| judge_one(one, now)).collect();
    for mailbox in watched {
        let lives = |one: &&Subscription| one.expiration_date_time > now && watches(one, mailbox);
        if !all.iter().any(|one| lives(&one)) {
            let whose = mailbox.names.first().cloned().unwrap_or_else(|| mailbox.id.to_string());
            found.push(
                Check::fail(
                    NAME,
                    format!("none watches the mailbox of {whose}: it was never made, or it has expired"),
                    Remedy::operator(RENEW),
                )
                .meaning("mail that comes in starts nothing: no new approvals"),
            );
        }
    }
    if found.is_empty() {
        found.push(Check::ok(NAME, "the application has none, and no variable asks for one"));
    }
    found
}

fn judge_one(one: &Subscription, now: Timestamp) -> Check {
    let what = format!("{} ({})", one.resource.trim_start_matches('/'), one.change_type);
    let end = one.expiration_date_time;
    if end <= now {
        return Check::fail(NAME, format!("{what} expired {}", when(end, now)), Remedy::operator(RENEW));
    }
    let age = if is_mail(one) {
        format!(", renewed since {}", end.saturating_sub(LONGEST).unwrap_or(now).strftime("%Y-%m-%d"))
    } else {
        String::new()
    };
    let host = host_of(&one.notification_url);
    let seen = format!("{what} to {host} expires {}{age}", when(end, now));
    let unreachable = why_unreachable(&one.notification_url);
    let check = if end.duration_since(now) < LATE {
        let remedy = "see why the renewal does not run: it needs MICROSOFT_GRAPH_*, M365_WEBHOOK_CLIENT_STATE and, for the \
                      shared mailbox, M365_CONSUMER_INGEST_USER_ID";
        Check::warn(NAME, seen, Remedy::operator(remedy))
            .meaning("a renewal every 12 hours would have come by now")
    } else if let Some(why) = unreachable {
        let remedy = "make it again with a public https address that this service answers at";
        Check::warn(NAME, seen, Remedy::operator(remedy))
            .meaning(format!("notifications cannot arrive: {why}"))
    } else if one.lifecycle_notification_url.is_none() {
        let remedy = "make it again with a lifecycleNotificationUrl: it cannot be added later";
        Check::warn(NAME, seen, Remedy::operator(remedy)).meaning(
            "Graph cannot tell that it was removed or missed mail: that shows only by mail that stays away",
        )
    } else {
        Check::ok(NAME, seen).meaning("Graph keeps neither when it was made nor, in a list, its clientState")
    };
    if is_mail(one) { check.ending(end) } else { check }
}

/// The mailbox that a resource names, in lower case: `users/{id}/messages`, `users/{id}/mailFolders('inbox')/messages`.
fn mailbox(one: &Subscription) -> Option<String> {
    let resource = one.resource.trim_start_matches('/').to_ascii_lowercase();
    let path = resource.split('?').next()?;
    let rest = path.strip_prefix("users")?;
    let user = match rest.strip_prefix("('") {
        Some(rest) => rest.split('\'').next()?,
        None => rest.strip_prefix('/')?.split('/').next()?,
    };
    path.ends_with("/messages").then(|| user.to_owned())
}

fn is_mail(one: &Subscription) -> bool {
    mailbox(one).is_some()
}

fn watches(one: &Subscription, wanted: &Watched) -> bool {
    mailbox(one).is_some_and(|user| user == wanted.id.to_string() || wanted.names.contains(&user))
}

/// The host alone: a query may carry a token.
fn host_of(url: &str) -> String {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    host.unwrap_or_else(|| "an address that is none".to_owned())
}

/// Why Microsoft cannot reach an address, as far as the address itself shows.
fn why_unreachable(url: &str) -> Option<&'static str> {
    let Ok(url) = Url::parse(url) else { return Some("it is no URL") };
    if url.scheme() != "https" {
        return Some("it is not https");
    }
    match url.host() {
        Some(Host::Ipv4(ip)) => is_private(IpAddr::V4(ip)).then_some("it is an address of a private network"),
        Some(Host::Ipv6(ip)) => is_private(IpAddr::V6(ip)).then_some("it is an address of a private network"),
        Some(Host::Domain(name)) => {
            let inside = [".local", ".internal", ".lan", ".localhost", ".home.arpa"];
            let is_inside =
                name == "localhost" || !name.contains('.') || inside.iter().any(|end| name.ends_with(end));
            is_inside.then_some("its name is known only in a private network")
        }
        None => Some("it has no host"),
    }
}

fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let shared = ip.octets()[0] == 100 && (64..128).contains(&ip.octets()[1]);
            ip.is_private() || ip.is_loopback() || ip.is_link_local() || ip.is_unspecified() || shared
        }
        IpAddr::V6(ip) => {
            ip.is_loopback() || ip.is_unspecified() || ip.is_unique_local() || ip.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use attache_terms::Verdict;
    use serde_json::json;

    use super::*;

    const ID: &str = "a77ac4e0-0000-4000-8000-000000000101";

    fn now() -> Timestamp {
        "2026-11-28T10:00:00Z".parse().unwrap()
    }

    fn one(resource: &str, url: &str, end: &str, lifecycle: bool) -> Subscription {
        serde_json::from_value(json!({
            "id": "s", "resource": resource, "changeType": "created", "notificationUrl": url, "expirationDateTime": end,
            "lifecycleNotificationUrl": lifecycle.then_some(url),
        }))
        .unwrap()
    }

    fn watched() -> Vec<Watched> {
        vec![Watched { id: ID.parse().unwrap(), names: vec!["curate@contoso.example".to_owned()] }]
    }

    #[test]
    fn a_watched_mailbox_is_recognised_however_the_resource_names_it() {
        for resource in [
            format!("/users/{ID}/messages"),
            format!("Users/{}/mailFolders('inbox')/messages?$filter=isRead eq false", ID.to_uppercase()),
            format!("users('{ID}')/messages"),
            "users/Curate@contoso.example/mailFolders/inbox/messages".to_owned(),
        ] {
            let good = one(&resource, "https://hook.example/x?token=1", "2026-12-02T10:00:00Z", true);
            let found = judge(&[good], &watched(), now());
            assert_eq!(
                found.iter().map(|check| check.verdict).collect::<Vec<_>>(),
                [Verdict::Ok],
                "{found:?}"
            );
            assert!(!found[0].seen.contains("token"), "{found:?}");
            assert!(found[0].ends.is_some());
        }
    }

    #[test]
    fn what_expired_what_is_missing_and_what_is_late_differ() {
        let resource = format!("/users/{ID}/messages");
        let verdicts = |end: &str, lifecycle: bool| -> Vec<Verdict> {
            let all = [one(&resource, "https://hook.example/", end, lifecycle)];
            judge(&all, &watched(), now()).into_iter().map(|check| check.verdict).collect()
        };
        assert_eq!(verdicts("2026-11-28T09:00:00Z", true), [Verdict::Fail, Verdict::Fail]);
        assert_eq!(verdicts("2026-11-28T20:00:00Z", true), [Verdict::Warn]);
        assert_eq!(verdicts("2026-12-02T20:00:00Z", false), [Verdict::Warn]);
        assert_eq!(judge(&[], &watched(), now())[0].verdict, Verdict::Fail);
        assert_eq!(judge(&[], &[], now())[0].verdict, Verdict::Ok);
    }

    #[test]
    fn an_address_that_microsoft_cannot_reach_is_told_by_itself() {
        for url in [
            "http://hook.example/",
            "https://localhost/",
            "https://10.1.2.3/",
            "https://[::1]/",
            "https://gw.local/x",
            "https://gateway/",
            "nonsense",
        ] {
            assert!(why_unreachable(url).is_some(), "{url}");
        }
        for url in ["https://hook.example/x", "https://20.1.2.3:8443/"] {
            assert_eq!(why_unreachable(url), None, "{url}");
        }
    }
}

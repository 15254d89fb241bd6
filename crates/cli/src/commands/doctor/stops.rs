//! The date on which mail stops, as far as what was seen tells: the earliest of the things that end it.

use attache_terms::{Check, Verdict};
use jiff::Timestamp;

/// What mail cannot go out without.
const SENDING: &[&str] =
    &["configuration", "authority", "token", "send_permission", "agent_user", "licence", "mailbox"];
/// What mail cannot come in without.
const RECEIVING: &[&str] = &[
    "configuration",
    "authority",
    "token",
    "read_permission",
    "ingest_user",
    "ingest_address",
    "subscription",
];
/// The same for mail that comes in to the agent's own mailbox.
const OWN_MAILBOX: &[&str] = &["agent_user", "licence", "mailbox"];

/// When one direction stops.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// It has: these checks fail.
    Now(Vec<&'static str>),
    /// At this time, by what this check saw.
    At(Timestamp, String),
    /// Nothing that was seen ends by itself.
    Unseen,
}

/// When mail stops going out.
pub(super) fn sending(checks: &[Check]) -> Stop {
    stop(checks, SENDING, &["credential"])
}

/// When mail stops coming in, if nobody renews anything: to a shared mailbox, or to the agent's own.
pub(super) fn receiving(checks: &[Check], own_mailbox: bool) -> Stop {
    let needs = if own_mailbox { [RECEIVING, OWN_MAILBOX].concat() } else { RECEIVING.to_vec() };
    stop(checks, &needs, &["credential", "subscription"])
}

fn stop(checks: &[Check], needs: &[&str], ends: &[&str]) -> Stop {
    let mut failing: Vec<&'static str> = checks
        .iter()
        .filter(|check| check.verdict == Verdict::Fail && needs.contains(&check.name))
        .map(|check| check.name)
        .collect();
    failing.dedup();
    if !failing.is_empty() {
        return Stop::Now(failing);
    }
    let ending = checks.iter().filter(|check| ends.contains(&check.name));
    let first = ending.filter_map(|check| Some((check.ends?, check.seen.clone()))).min();
    first.map_or(Stop::Unseen, |(at, what)| Stop::At(at, what))
}

#[cfg(test)]
mod tests {
    use attache_terms::Remedy;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_earliest_end_counts_and_a_subscription_ends_only_what_comes_in() {
        let checks = [
            Check::ok("credential", "secret").ending(at("2027-06-01T00:00:00Z")),
            Check::ok("credential", "other").ending(at("2028-06-01T00:00:00Z")),
            Check::ok("subscription", "inbox").ending(at("2026-12-01T00:00:00Z")),
        ];
        assert_eq!(sending(&checks), Stop::At(at("2027-06-01T00:00:00Z"), "secret".to_owned()));
        assert_eq!(receiving(&checks, true), Stop::At(at("2026-12-01T00:00:00Z"), "inbox".to_owned()));
        assert_eq!(sending(&[]), Stop::Unseen);
    }

    #[test]
    fn what_fails_has_stopped_it_already() {
        let checks = [
            Check::fail("subscription", "x", Remedy::operator("y")),
            Check::fail("subscription", "z", Remedy::operator("y")),
            Check::fail("directory_permission", "x", Remedy::operator("y")),
        ];
        assert_eq!(sending(&checks), Stop::Unseen);
        assert_eq!(receiving(&checks, false), Stop::Now(vec!["subscription"]));
    }

    #[test]
    fn a_licence_that_is_gone_stops_what_comes_in_to_the_agents_own_mailbox() {
        let checks = [Check::fail("licence", "x", Remedy::operator("y"))];
        assert_eq!(receiving(&checks, true), Stop::Now(vec!["licence"]));
        assert_eq!(receiving(&checks, false), Stop::Unseen);
    }
}

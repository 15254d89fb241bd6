//! The last 24 hours, counted by the hour: a pure value.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// How long an hour counts: until its last message is 24 hours old.
const HOURS: i64 = 25;
const HOUR: i64 = 3600;
/// The window.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// How many recipients were written to, by hours since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Window(BTreeMap<i64, u32>);

/// There is no room for what is to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spent {
    /// How much of the quota is used.
    pub(super) used: u32,
    /// The quota.
    pub(super) quota: u32,
    /// How long until there is room for it.
    pub(super) wait: Duration,
}

impl Window {
    /// How much counts now.
    pub(super) fn used(&self, now: Timestamp) -> u32 {
        self.lately(now).map(|(_, count)| count).sum()
    }

    /// How long until nothing counts any more.
    pub(super) fn whole(&self, now: Timestamp) -> Duration {
        self.lately(now).last().map_or(Duration::ZERO, |(hour, _)| passes(hour, now))
    }

    /// With so many more, if the quota has room for them.
    pub(super) fn count(&self, more: u32, quota: u32, now: Timestamp) -> Result<Self, Spent> {
        let used = self.used(now);
        if used.saturating_add(more) > quota {
            return Err(Spent { used, quota, wait: self.wait(more, quota, now) });
        }
        let mut hours: BTreeMap<i64, u32> = self.lately(now).collect();
        *hours.entry(hour(now)).or_default() += more;
        Ok(Self(hours))
    }

    /// How long until enough hours have passed out of the window; the whole window if that never suffices.
    fn wait(&self, more: u32, quota: u32, now: Timestamp) -> Duration {
        let mut used = self.used(now);
        for (hour, count) in self.lately(now) {
            used -= count;
            if used.saturating_add(more) <= quota {
                return passes(hour, now);
            }
        }
        passes(hour(now), now)
    }

    fn lately(&self, now: Timestamp) -> impl Iterator<Item = (i64, u32)> {
        let first = hour(now) - HOURS + 1;
        self.0.range(first..).map(|(hour, count)| (*hour, *count))
    }
}

/// How long until an hour has passed out of the window.
fn passes(hour: i64, now: Timestamp) -> Duration {
    let seconds = ((hour + HOURS) * HOUR).saturating_sub(now.as_second());
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

fn hour(now: Timestamp) -> i64 {
    now.as_second().div_euclid(HOUR)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(minutes * 60).unwrap()
    }

    #[test]
    fn a_message_counts_for_at_least_24_hours_and_its_wait_is_told() {
        let window = Window::default().count(3, 5, at(59)).unwrap();
        let window = window.count(2, 5, at(120)).unwrap();
        let spent = window.count(1, 5, at(121)).unwrap_err();
        assert_eq!((spent.used, spent.quota), (5, 5));
        assert_eq!(spent.wait, Duration::from_secs((25 * 60 - 121) * 60));
        assert_eq!(window.whole(at(121)), Duration::from_secs((27 * 60 - 121) * 60));
        assert_eq!(Window::default().whole(at(121)), Duration::ZERO);
        let day = 24 * 60;
        assert_eq!(window.used(at(59 + day)), 5, "24 hours later to the minute it still counts");
        assert_eq!(window.used(at(60 + day)), 2, "then it does not");
        assert!(window.count(3, 5, at(60 + day)).is_ok());
    }

    #[test]
    fn what_is_more_than_a_days_quota_never_goes() {
        let spent = Window::default().count(6, 5, at(0)).unwrap_err();
        assert_eq!(spent.used, 0);
        assert_eq!(spent.wait, Duration::from_secs(25 * 3600));
    }

    #[test]
    fn nothing_is_kept_of_what_no_longer_counts() {
        let mut window = Window::default();
        for hours in 0..1000 {
            window = window.count(1, 100, at(hours * 60)).unwrap();
        }
        assert_eq!(window.0.len(), 25);
    }
}

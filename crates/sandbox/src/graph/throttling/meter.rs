//! The counts of a tenant. A window opens with the first request in it and ends by the tenant's clock; what is
//! refused counts too, as Microsoft says.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};

use super::limit::{Of, Per};

/// As many windows are kept before those that are over are thrown out.
const KEPT: usize = 10_000;

/// One tenant's counts.
#[derive(Debug, Default)]
pub(crate) struct Meter(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    windows: HashMap<Key, Window>,
    /// Requests that are being answered.
    running: HashMap<Key, u32>,
    refused: u64,
}

/// What is counted together: by the place in the table, the seconds of the window, and who shares it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) row: usize,
    pub(super) limit: usize,
    pub(super) seconds: u32,
    pub(super) who: String,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    ends: Timestamp,
    used: u64,
}

/// Something that a request uses.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) key: Key,
    pub(super) per: Per,
    pub(super) of: Of,
    /// How much of it.
    pub(super) cost: u64,
    /// How much is allowed.
    pub(super) most: u64,
    /// What the app used of it in other tenants.
    pub(super) elsewhere: u64,
}

/// The limit that a request met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Exceeded {
    pub(super) per: Per,
    pub(super) of: Of,
    pub(super) most: u64,
    pub(super) seconds: u32,
    /// How many seconds to wait.
    pub(super) wait: i64,
    /// Which of the tenant's refusals this is, from 1 upwards.
    pub(super) refused: u64,
}

impl std::fmt::Display for Exceeded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = match self.of {
            Of::Requests => "requests",
            Of::Units => "resource units",
            Of::Writes => "writes",
            Of::Bytes => "bytes",
            Of::AtOnce => {
                return write!(f, "{} requests at the same time for each app and mailbox", self.most);
            }
        };
        let per = match self.per {
            Per::App => "each app",
            Per::AppAndTenant => "each app in the tenant",
            Per::Tenant => "the tenant",
            Per::Mailbox => "each app and mailbox",
            Per::Place => "each app and chat, channel or team",
            Per::User => "each app and user",
            Per::Person => "each user",
        };
        write!(f, "{} {of} in {} s for {per}", self.most, self.seconds)
    }
}

impl Meter {
    /// Counts a request; the largest share of a limit that is used now, or the first limit that it exceeds.
    pub(super) fn count(&self, uses: &[Use], now: Timestamp) -> Result<f64, Exceeded> {
        let mut counts = self.counts();
        if counts.windows.len() > KEPT {
            counts.windows.retain(|_, window| window.ends > now);
        }
        let (mut share, mut met) = (0.0_f64, None);
        for one in uses {
            let (used, wait) = match one.of {
                Of::AtOnce => (u64::from(counts.running.get(&one.key).copied().unwrap_or(0)) + one.cost, 1),
                _ => counts.add(one, now),
            };
            let used = used + one.elsewhere;
            share = share.max(ratio(used, one.most));
            if used > one.most && met.is_none() {
                met = Some((one, wait));
            }
        }
        let Some((one, wait)) = met else {
            for one in uses.iter().filter(|one| one.of == Of::AtOnce) {
                *counts.running.entry(one.key.clone()).or_default() += 1;
            }
            return Ok(share);
        };
        counts.refused += 1;
        let refused = counts.refused;
        let (per, of, most, seconds) = (one.per, one.of, one.most, one.key.seconds);
        Err(Exceeded { per, of, most, seconds, wait, refused })
    }

    /// A request that was counted has been answered.
    pub(super) fn answered(&self, key: &Key) {
        let mut counts = self.counts();
        if let Some(running) = counts.running.get_mut(key) {
            *running = running.saturating_sub(1);
            if *running == 0 {
                counts.running.remove(key);
            }
        }
    }

    /// How much is used now.
    pub(super) fn used(&self, key: &Key, now: Timestamp) -> u64 {
        self.counts().windows.get(key).filter(|window| window.ends > now).map_or(0, |window| window.used)
    }

    /// How much is used now, and in how many seconds that is over.
    pub(super) fn standing(&self, key: &Key, now: Timestamp) -> Option<(u64, i64)> {
        let counts = self.counts();
        let window = counts.windows.get(key).filter(|window| window.ends > now)?;
        Some((window.used, until(window.ends, now)))
    }

    /// Forgets what was counted; what is being answered stays.
    pub(crate) fn clear(&self) {
        let mut counts = self.counts();
        counts.windows.clear();
        counts.refused = 0;
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// How much is used with this, and in how many seconds that is over.
    fn add(&mut self, one: &Use, now: Timestamp) -> (u64, i64) {
        let length = SignedDuration::from_secs(one.key.seconds.into());
        let fresh = Window { ends: now.saturating_add(length).unwrap_or(Timestamp::MAX), used: 0 };
        let window = self.windows.entry(one.key.clone()).or_insert(fresh);
        // The clock may have been put back.
        if window.ends <= now || window.ends > fresh.ends {
            *window = fresh;
        }
        window.used += one.cost;
        (window.used, until(window.ends, now))
    }
}

/// Whole seconds, at least one.
fn until(ends: Timestamp, now: Timestamp) -> i64 {
    let left = ends.duration_since(now);
    (left.as_secs() + i64::from(left.subsec_nanos() > 0)).max(1)
}

fn ratio(used: u64, most: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a share for a header of two digits")]
    let ratio = used as f64 / most.max(1) as f64;
    ratio
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(of: Of, cost: u64, most: u64) -> Use {
        let key = Key { row: 0, limit: 0, seconds: 10, who: "app".to_owned() };
        Use { key, per: Per::App, of, cost, most, elsewhere: 0 }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    #[test]
    fn a_window_opens_with_its_first_request_and_is_full_until_it_ends() {
        let (meter, units) = (Meter::default(), [one(Of::Units, 2, 5)]);
        assert_eq!(meter.count(&units, at(0)).unwrap(), 0.4);
        assert_eq!(meter.count(&units, at(3)).unwrap(), 0.8);
        let refused = meter.count(&units, at(4)).unwrap_err();
        assert_eq!((refused.wait, refused.refused), (6, 1));
        assert_eq!(meter.count(&units, at(9)).unwrap_err().wait, 1);
        assert!(meter.count(&units, at(10)).is_ok());
    }

    #[test]
    fn a_clock_that_is_put_back_opens_a_new_window() {
        let (meter, requests) = (Meter::default(), [one(Of::Requests, 1, 1)]);
        meter.count(&requests, at(100)).unwrap();
        assert!(meter.count(&requests, at(0)).is_ok());
    }

    #[test]
    fn what_an_app_used_in_other_tenants_counts_here() {
        let meter = Meter::default();
        let mut requests = [one(Of::Requests, 1, 3)];
        requests[0].elsewhere = 2;
        assert!(meter.count(&requests, at(0)).is_ok());
        assert!(meter.count(&requests, at(0)).is_err());
        assert_eq!(meter.used(&requests[0].key, at(0)), 2, "what is refused counts");
    }

    #[test]
    fn what_runs_at_once_is_free_again_when_it_is_answered() {
        let (meter, two) = (Meter::default(), [one(Of::AtOnce, 1, 2)]);
        assert!(meter.count(&two, at(0)).is_ok() && meter.count(&two, at(0)).is_ok());
        assert!(meter.count(&two, at(0)).is_err());
        meter.answered(&two[0].key);
        assert!(meter.count(&two, at(0)).is_ok());
    }
}

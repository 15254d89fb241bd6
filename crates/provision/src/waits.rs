//! Waits: back-off from a quarter of a second to half a minute for each reason, and an end to patience. What
//! counts is the sum of the waits, so that a lid that was closed over night uses up nobody's patience.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Patience, Reason};

const SHORTEST: Duration = Duration::from_millis(250);
const LONGEST: Duration = Duration::from_secs(30);

/// The waits of the current step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Waits {
    until: Option<(Timestamp, Reason)>,
    spent: BTreeMap<Reason, Spent>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Spent {
    tries: u32,
    waited: Duration,
}

impl Waits {
    /// The wait that is not over yet.
    pub(crate) fn pending(&self, now: Timestamp) -> Option<(Timestamp, Reason)> {
        let (at, reason) = self.until?;
        // A wall clock that was set back must not make a short wait a long one.
        let longest = now.saturating_add(LONGEST * 4).unwrap_or(Timestamp::MAX);
        (now < at).then_some((at.min(longest), reason))
    }

    /// Whether the step was tried before.
    pub(crate) fn begun(&self) -> bool {
        !self.spent.is_empty()
    }

    /// How long this reason was waited for.
    pub(crate) fn spent(&self, reason: Reason) -> Duration {
        self.spent.get(&reason).map_or(Duration::ZERO, |spent| spent.waited)
    }

    /// Starts the next wait for this reason; `false` when patience is at its end.
    pub(crate) fn wait(
        &mut self,
        reason: Reason,
        at_least: Option<Duration>,
        patience: &Patience,
        now: Timestamp,
        jitter: f64,
    ) -> bool {
        let spent = self.spent.entry(reason).or_default();
        if spent.waited >= reason.limit(patience) {
            return false;
        }
        let doubled = SHORTEST.saturating_mul(2u32.saturating_pow(spent.tries.min(16))).min(LONGEST);
        let span = doubled.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0).max(at_least.unwrap_or_default());
        spent.tries += 1;
        spent.waited = spent.waited.saturating_add(span);
        self.until = Some((now.saturating_add(span).unwrap_or(Timestamp::MAX), reason));
        true
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_grows_to_half_a_minute_and_ends(jitters in prop::collection::vec(0.0..1.0f64, 1..80)) {
            let patience = Patience { effect: Duration::from_secs(600), ..Patience::default() };
            let mut waits = Waits::default();
            let mut total = Duration::ZERO;
            for jitter in jitters {
                let now = Timestamp::UNIX_EPOCH;
                if !waits.wait(Reason::Replication, None, &patience, now, jitter) {
                    prop_assert!(total >= patience.effect);
                    return Ok(());
                }
                let (at, _) = waits.pending(now).unwrap();
                let span = Duration::try_from(at.duration_since(now)).unwrap();
                prop_assert!((SHORTEST / 2..=LONGEST).contains(&span));
                total += span;
            }
            prop_assert!(total < patience.effect + LONGEST);
        }
    }
}

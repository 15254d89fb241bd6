//! How often the inbox looks. A user may list chats once a second, and some three hundred devices of one
//! app share a tenant's allowance (Entra reference §5.4, §13 "Teams budgets"), so it looks often only while
//! a conversation is going on.

use std::time::Duration;

/// How often the inbox looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// While a conversation is going on.
    pub busy: Duration,
    /// When nothing has been said for a while.
    pub idle: Duration,
    /// For how long a conversation counts as going on.
    pub after: Duration,
}

/// The longest wait after failures.
const LONGEST: Duration = Duration::from_secs(60);

impl Pace {
    /// Every `busy` in a conversation, and seven times as seldom after three quiet minutes.
    pub fn of(busy: Duration) -> Self {
        Self { busy, idle: busy.saturating_mul(7), after: Duration::from_secs(180) }
    }

    /// The wait until the next look, when the last one went well. `fraction`, from 0 to 1, spreads devices.
    pub(crate) fn next(&self, quiet_for: Duration, fraction: f64) -> Duration {
        let base = if quiet_for < self.after { self.busy } else { self.idle };
        base.mul_f64(0.9 + 0.2 * fraction)
    }

    /// The wait after `failures` in a row. What the platform asked for is never shortened.
    pub(crate) fn after_failure(
        &self,
        failures: u32,
        retry_after: Option<Duration>,
        fraction: f64,
    ) -> Duration {
        let doubled = self.busy.saturating_mul(2u32.saturating_pow(failures.min(8)));
        let own = doubled.min(LONGEST.max(self.busy)).mul_f64(0.5 + 0.5 * fraction);
        retry_after.map_or(own, |asked| asked.max(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_conversation_is_followed_closely_and_silence_is_not() {
        let pace = Pace::of(Duration::from_secs(2));
        assert_eq!(pace.next(Duration::ZERO, 0.5), Duration::from_secs(2));
        assert_eq!(pace.next(Duration::from_secs(181), 0.5), Duration::from_secs(14));
    }

    proptest! {
        #[test]
        fn what_the_platform_asks_for_is_waited_for(failures in 0u32..100, asked in 0u64..600, fraction in 0.0f64..1.0) {
            let wait = Pace::of(Duration::from_secs(2)).after_failure(failures, Some(Duration::from_secs(asked)), fraction);
            prop_assert!(wait >= Duration::from_secs(asked));
            prop_assert!(wait <= Duration::from_secs(asked.max(60)));
        }
    }
}

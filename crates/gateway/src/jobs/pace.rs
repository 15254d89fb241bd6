//! When a failed job is tried again: a function of how often it has failed.

use std::time::Duration;

/// The first pause.
const FIRST: Duration = Duration::from_secs(1);
/// The longest pause.
pub(super) const LONGEST: Duration = Duration::from_secs(10 * 60);

/// How long to wait after so many failures in a row; `jitter` is a fraction from 0 to 1.
pub(super) fn pause(failures: u32, jitter: f64) -> Duration {
    let doubled = FIRST.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    doubled.min(LONGEST).mul_f64(0.5 + jitter / 2.0)
}

/// How long a job waits at the longest that has failed so often, before it is given up with its last try.
pub(super) fn longest(failures: u32, tries: u32) -> Duration {
    (failures..tries).map(|failures| pause(failures, 1.0)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_ten_minutes_and_no_further() {
        assert_eq!(pause(1, 1.0), Duration::from_secs(1));
        assert_eq!(pause(1, 0.0), Duration::from_millis(500));
        assert_eq!(pause(4, 1.0), Duration::from_secs(8));
        for failures in [10, 31, 32, 33, u32::MAX] {
            assert_eq!(pause(failures, 1.0), Duration::from_secs(512).max(LONGEST.min(pause(failures, 1.0))));
            assert!(pause(failures, 1.0) <= LONGEST);
        }
    }

    #[test]
    fn what_fails_once_more_waits_for_the_sum_of_what_is_left() {
        assert_eq!(longest(1, 4), Duration::from_secs(1 + 2 + 4));
        assert_eq!(longest(3, 4), Duration::from_secs(4));
        assert_eq!(longest(4, 4), Duration::ZERO);
    }
}

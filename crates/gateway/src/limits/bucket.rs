//! How often somebody may ask: a whole minute's requests at once, if need be, and from then on at the rate. This is
//! the generic cell rate algorithm (ITU-T I.371, annex A): all that is kept of somebody is one point in time, the
//! one at which their quota will be whole again.

use std::num::NonZeroU32;
use std::time::Duration;

use attache_terms::Boot;

/// The window to which a quota belongs.
pub(super) const WINDOW: Duration = Duration::from_secs(60);

/// Whether somebody may ask now, and how they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    /// How long to wait, if they may not.
    pub(super) refused: Option<Duration>,
    /// How many requests remain now.
    pub(super) remaining: u64,
    /// How long until the quota is whole again.
    pub(super) whole: Duration,
}

/// Takes one request from the quota of whoever is whole again at `whole_at`, which moves on when they may ask.
pub(super) fn take(whole_at: &mut Boot, quota: NonZeroU32, now: Boot) -> Taken {
    let each = WINDOW / quota.get();
    let used = now.until(*whole_at);
    let after = used.saturating_add(each);
    if let Some(early) = after.checked_sub(WINDOW).filter(|early| !early.is_zero()) {
        return Taken { refused: Some(early), remaining: 0, whole: used };
    }
    *whole_at = now.after(after);
    let remaining = (WINDOW.saturating_sub(after)).as_nanos() / each.as_nanos().max(1);
    Taken { refused: None, remaining: u64::try_from(remaining).unwrap_or(u64::MAX), whole: after }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quota(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn a_quota_can_be_used_at_once_and_comes_back_bit_by_bit() {
        let (mut whole_at, start) = (Boot(Duration::ZERO), Boot(Duration::from_secs(1000)));
        for left in (0..6).rev() {
            let taken = take(&mut whole_at, quota(6), start);
            assert_eq!((taken.refused, taken.remaining), (None, left));
        }
        let over = take(&mut whole_at, quota(6), start);
        assert_eq!(over.refused, Some(Duration::from_secs(10)), "a sixth of a minute");
        assert_eq!(over.whole, WINDOW);
        let early = start.after(Duration::from_secs(9));
        assert_eq!(take(&mut whole_at, quota(6), early).refused, Some(Duration::from_secs(1)));
        let then = start.after(Duration::from_secs(10));
        assert_eq!(take(&mut whole_at, quota(6), then).refused, None, "as was said");
        assert_eq!(take(&mut whole_at, quota(6), then).refused, Some(Duration::from_secs(10)));
    }

    #[test]
    fn what_was_not_used_does_not_add_up() {
        let mut whole_at = Boot(Duration::ZERO);
        let late = Boot(Duration::from_secs(86_400));
        let used = (0..10).filter(|_| take(&mut whole_at, quota(3), late).refused.is_none()).count();
        assert_eq!(used, 3);
    }

    #[test]
    fn whoever_waits_as_told_is_let_in_whatever_the_quota() {
        for number in [1, 7, 59, 6000, 1_000_000_007, u32::MAX] {
            let (mut whole_at, now) = (Boot(Duration::ZERO), Boot(Duration::from_secs(5)));
            // As if the quota had been used up.
            whole_at = whole_at.after(now.0 + WINDOW);
            let refused = take(&mut whole_at, quota(number), now).refused;
            let Some(wait) = refused else { continue };
            assert_eq!(take(&mut whole_at, quota(number), now.after(wait)).refused, None, "{number}");
        }
    }
}

//! When a request is sent again (Entra reference §7.1): a decision about values, made here and obeyed by the
//! client. A write is repeated only when it was certainly not executed: it never left, it was throttled, or
//! the service said 503 together with the time to come back.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

/// Whether doing a call twice does what doing it once does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// A read, or a write that sets a value.
    Freely,
    /// A write that makes something new each time.
    OnlyIfRefused,
}

/// How one try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Seen {
    /// An answer.
    Status { status: u16, retry_after: Option<Duration> },
    /// It never left.
    NotSent,
    /// It left, and no whole answer came.
    Lost,
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    /// This is the answer, or the failure, to report.
    Take,
    /// Send it again after this long.
    Again(Duration),
    /// Nobody knows whether the write happened.
    Unknown,
}

/// How often a request is sent again at most.
const REPETITIONS: u32 = 4;
/// How often after a try that never left: waiting does little for a wrong name or a closed port.
const UNSENT_REPETITIONS: u32 = 1;
/// A longer `Retry-After` is the caller's to wait for.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const FIRST_BACK_OFF: Duration = Duration::from_millis(250);

/// Decides. `tries` is how often it was sent before this one, `jitter` a fraction from 0 to 1.
pub(crate) fn decide(seen: Seen, repeat: Repeat, tries: u32, jitter: f64) -> Decision {
    let limit = if seen == Seen::NotSent { UNSENT_REPETITIONS } else { REPETITIONS };
    let again = |asked: Option<Duration>| {
        let span = wait(asked, tries, jitter);
        if tries < limit && span <= LONGEST_WAIT { Decision::Again(span) } else { Decision::Take }
    };
    match seen {
        Seen::NotSent => again(None),
        Seen::Status { status: 429 | 509, retry_after } => again(retry_after),
        Seen::Status { status: 503, retry_after: Some(asked) } => again(Some(asked)),
        Seen::Status { status: 500..=599, retry_after } => match repeat {
            Repeat::Freely => again(retry_after),
            Repeat::OnlyIfRefused => Decision::Unknown,
        },
        Seen::Status { .. } => Decision::Take,
        Seen::Lost => match repeat {
            Repeat::Freely => again(None),
            Repeat::OnlyIfRefused => Decision::Unknown,
        },
    }
}

/// Never less than was asked for; otherwise doubling from a quarter of a second, halved by jitter at most.
fn wait(asked: Option<Duration>, tries: u32, jitter: f64) -> Duration {
    match asked {
        Some(asked) => asked + Duration::from_millis(250).mul_f64(jitter),
        None => (FIRST_BACK_OFF * 2u32.saturating_pow(tries.min(8))).mul_f64(0.5 + jitter / 2.0),
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110 §10.2.3).
pub(crate) fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u32>() {
        return Some(Duration::from_secs(seconds.into()));
    }
    let at = rfc2822::parse(header).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn status(status: u16, retry_after: Option<u64>) -> Seen {
        Seen::Status { status, retry_after: retry_after.map(Duration::from_secs) }
    }

    #[test]
    fn a_write_is_repeated_only_when_it_was_certainly_not_executed() {
        for seen in [Seen::NotSent, status(429, None), status(429, Some(2)), status(503, Some(2))] {
            assert!(matches!(decide(seen, Repeat::OnlyIfRefused, 0, 0.0), Decision::Again(_)), "{seen:?}");
        }
        for seen in
            [Seen::Lost, status(500, None), status(502, None), status(503, None), status(504, Some(1))]
        {
            assert_eq!(decide(seen, Repeat::OnlyIfRefused, 0, 0.0), Decision::Unknown, "{seen:?}");
            assert!(matches!(decide(seen, Repeat::Freely, 0, 0.0), Decision::Again(_)), "{seen:?}");
        }
    }

    #[test]
    fn a_date_is_understood_and_the_past_is_now() {
        let now: Timestamp = "2026-11-23T06:00:00Z".parse().unwrap();
        assert_eq!(retry_after("Mon, 23 Nov 2026 06:00:07 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Mon, 23 Nov 2026 05:00:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after(" 12 ", now), Some(Duration::from_secs(12)));
        assert_eq!(retry_after("soon", now), None);
    }

    proptest! {
        #[test]
        fn what_was_asked_for_is_waited_for_and_it_ends(asked in 0u64..100, jitter in 0.0..1.0f64, tries in 0u32..12) {
            match decide(status(429, Some(asked)), Repeat::Freely, tries, jitter) {
                Decision::Again(span) => {
                    prop_assert!(span >= Duration::from_secs(asked) && span <= LONGEST_WAIT);
                    prop_assert!(tries < REPETITIONS);
                }
                decision => prop_assert_eq!(decision, Decision::Take),
            }
        }

        #[test]
        fn a_header_never_panics(text in "\\PC{0,40}") {
            let _ = retry_after(&text, Timestamp::UNIX_EPOCH);
        }
    }
}

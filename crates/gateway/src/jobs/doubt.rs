//! What a job that looks again and again makes of what it sees. What is amiss must be so at two looks with some time
//! between: the replicas of a directory may differ.

use std::time::Duration;

use jiff::Timestamp;

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weighed<A> {
    /// Nothing is amiss.
    Well,
    /// Something is, and it may be that only this look says so: look again soon.
    Doubtful,
    /// It was amiss before, and still is.
    Certain(A),
}

/// Weighs a look. `since` is when something was amiss first, and `doubt` the time between.
pub(crate) fn weigh<A>(
    amiss: Option<A>,
    since: Option<Timestamp>,
    doubt: Duration,
    now: Timestamp,
) -> Weighed<A> {
    match (amiss, since) {
        (None, _) => Weighed::Well,
        (Some(amiss), Some(since)) if now.duration_since(since).unsigned_abs() >= doubt => {
            Weighed::Certain(amiss)
        }
        (Some(_), _) => Weighed::Doubtful,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_makes_nothing_certain_and_two_too_close_neither() {
        const DOUBT: Duration = Duration::from_secs(120);
        let at = |second| Timestamp::from_second(second).unwrap();
        let gone = Some("gone");
        assert_eq!(weigh(gone, None, DOUBT, at(0)), Weighed::Doubtful);
        assert_eq!(weigh(gone, Some(at(0)), DOUBT, at(60)), Weighed::Doubtful);
        assert_eq!(weigh(gone, Some(at(0)), DOUBT, at(120)), Weighed::Certain("gone"));
        assert_eq!(weigh(None::<&str>, Some(at(0)), DOUBT, at(120)), Weighed::Well);
    }
}

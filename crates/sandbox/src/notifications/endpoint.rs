//! What Graph thinks of an endpoint: slow ones get everything later, those that are slower still get nothing
//! for a while (Graph reference §6.2, the newest text).

use jiff::{SignedDuration, Timestamp};

/// How long a window lasts.
const WINDOW: SignedDuration = SignedDuration::from_mins(10);

/// Fewer answers than this say nothing.
const LEAST: u32 = 10;

/// By how much a slow endpoint's notifications are delayed.
pub(super) const SLOWED: SignedDuration = SignedDuration::from_secs(10);

/// Its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Healthy,
    Slow,
    Drop,
}

/// The answers of one endpoint within a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Endpoint {
    opened: Timestamp,
    answers: u32,
    late: u32,
}

impl Endpoint {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { opened: now, answers: 0, late: 0 }
    }

    /// Counts an answer, or that none came in time.
    pub(super) fn answered(&mut self, is_late: bool, now: Timestamp) {
        if now.duration_since(self.opened) >= WINDOW {
            *self = Self::new(now);
        }
        self.answers += 1;
        self.late += u32::from(is_late);
    }

    pub(super) fn state(&self, now: Timestamp) -> State {
        if now.duration_since(self.opened) >= WINDOW || self.answers < LEAST {
            return State::Healthy;
        }
        // Per cent, without division.
        match self.late * 100 {
            late if late > self.answers * 15 => State::Drop,
            late if late > self.answers * 10 => State::Slow,
            _ => State::Healthy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(answers: u32, late: u32, minutes: i64) -> State {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut endpoint = Endpoint::new(start);
        for index in 0..answers {
            endpoint.answered(index < late, start);
        }
        endpoint.state(start + SignedDuration::from_mins(minutes))
    }

    #[test]
    fn an_endpoint_is_slow_above_ten_and_dropped_above_fifteen_per_cent_until_the_window_ends() {
        assert_eq!(after(100, 10, 0), State::Healthy);
        assert_eq!(after(100, 11, 0), State::Slow);
        assert_eq!(after(100, 15, 9), State::Slow);
        assert_eq!(after(100, 16, 9), State::Drop);
        assert_eq!(after(100, 16, 10), State::Healthy);
        assert_eq!(after(9, 9, 0), State::Healthy, "too few to tell");
    }
}

//! The sandbox's one clock. It runs with the system's unless a test moves it; everything that has a time
//! (tokens, credentials, lag, messages) asks it, so an hour can pass in no time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// A handle to the clock; clones move together.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Mutex<Reading>>);

#[derive(Debug)]
enum Reading {
    /// The system's time and what was added to it.
    Running(SignedDuration),
    /// A time that stands still until somebody moves it.
    Standing(Timestamp),
}

impl Clock {
    /// A clock that runs with the system's.
    pub fn running() -> Self {
        Self(Arc::new(Mutex::new(Reading::Running(SignedDuration::ZERO))))
    }

    /// A clock that stands at `now` until it is moved.
    pub fn standing_at(now: Timestamp) -> Self {
        Self(Arc::new(Mutex::new(Reading::Standing(now))))
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        match *self.reading() {
            Reading::Running(offset) => system_now().saturating_add(offset).unwrap_or(Timestamp::MAX),
            Reading::Standing(now) => now,
        }
    }

    /// Lets `by` pass at once.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let mut reading = self.reading();
        *reading = match *reading {
            Reading::Running(offset) => Reading::Running(offset.saturating_add(by)),
            Reading::Standing(now) => Reading::Standing(now.saturating_add(by).unwrap_or(Timestamp::MAX)),
        };
    }

    /// Makes it `now`; a running clock runs on from there.
    pub fn set(&self, now: Timestamp) {
        let mut reading = self.reading();
        *reading = match *reading {
            Reading::Running(_) => Reading::Running(now.duration_since(system_now())),
            Reading::Standing(_) => Reading::Standing(now),
        };
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::running()
    }
}

/// The system's time, for the clock itself and for TLS certificates, whose readers have no test clock.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the system's clock")]
pub(crate) fn system_now() -> Timestamp {
    Timestamp::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_standing_clock_moves_only_when_it_is_moved() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let clock = Clock::standing_at(start);
        let other_handle = clock.clone();
        other_handle.advance(Duration::from_secs(90));
        assert_eq!(clock.now().duration_since(start).as_secs(), 90);
        clock.set(start);
        assert_eq!(other_handle.now(), start);
    }

    #[test]
    fn a_running_clock_keeps_running_after_it_was_set() {
        let clock = Clock::running();
        let there: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
        clock.set(there);
        assert!(clock.now() >= there);
        assert!(clock.now().duration_since(there).as_secs() < 60);
    }
}

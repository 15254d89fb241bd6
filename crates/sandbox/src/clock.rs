//! The sandbox's one clock. It runs with the system's unless a test moves it; everything that has a time
//! (tokens, credentials, lag, messages) asks it, so an hour can pass in no time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

/// Nobody sleeps longer at a time: timers end somewhere.
const LONGEST_SLEEP: Duration = Duration::from_hours(24 * 30);

/// A handle to the clock; clones move together.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reading: Mutex<Reading>,
    /// Told whenever somebody moves it.
    moved: Notify,
}

/// How a clock was set, as it is kept from one start to the next: a running one runs on meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Setting(Reading);

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Reading {
    /// A time that runs on from `from`, which it was when the system's was `since`.
    Running { since: Timestamp, from: Timestamp, pace: f64 },
    /// A time that stands still until somebody moves it.
    Standing(Timestamp),
}

impl Reading {
    fn now(&self) -> Timestamp {
        match *self {
            Self::Running { since, from, pace } => {
                let passed = system_now().duration_since(since);
                // Real time is exact; another pace is as exact as a floating-point number of seconds.
                let passed = if pace == 1.0 {
                    passed
                } else {
                    SignedDuration::try_from_secs_f64(passed.as_secs_f64() * pace)
                        .unwrap_or(SignedDuration::MAX)
                };
                from.saturating_add(passed).unwrap_or(Timestamp::MAX)
            }
            Self::Standing(now) => now,
        }
    }

    fn set(&mut self, now: Timestamp) {
        *self = match *self {
            Self::Running { pace, .. } => Self::Running { since: system_now(), from: now, pace },
            Self::Standing(_) => Self::Standing(now),
        };
    }
}

impl Clock {
    /// A clock that runs with the system's.
    pub fn running() -> Self {
        let now = system_now();
        Self::of(Reading::Running { since: now, from: now, pace: 1.0 })
    }

    /// A clock that stands at `now` until it is moved.
    pub fn standing_at(now: Timestamp) -> Self {
        Self::of(Reading::Standing(now))
    }

    fn of(reading: Reading) -> Self {
        Self(Arc::new(Inner { reading: Mutex::new(reading), moved: Notify::new() }))
    }

    /// A clock of its own that shows the same.
    pub(crate) fn apart(&self) -> Self {
        Self::of(*self.reading())
    }

    /// How it is set.
    pub(crate) fn setting(&self) -> Setting {
        Setting(*self.reading())
    }

    /// Sets it as one was set.
    pub(crate) fn follow(&self, Setting(reading): Setting) {
        *self.reading() = reading;
        self.0.moved.notify_waiters();
    }

    /// Whether it is the system's time.
    pub(crate) fn is_real(&self) -> bool {
        matches!(*self.reading(), Reading::Running { since, from, pace } if since == from && pace == 1.0)
    }

    /// Waits until it is `at`, by itself or because somebody moves it.
    pub(crate) async fn reached(&self, at: Timestamp) {
        loop {
            let moved = self.0.moved.notified();
            tokio::pin!(moved);
            moved.as_mut().enable();
            let now = self.now();
            if now >= at {
                return;
            }
            let pace = self.pace();
            let left =
                Duration::try_from(at.duration_since(now)).unwrap_or(LONGEST_SLEEP).as_secs_f64() / pace;
            let left = Duration::try_from_secs_f64(left).unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP);
            tokio::select! {
                () = moved => {}
                () = tokio::time::sleep(left), if pace > 0.0 => {}
            }
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.reading().now()
    }

    /// How many seconds pass in one; 0 if it stands.
    pub fn pace(&self) -> f64 {
        match *self.reading() {
            Reading::Running { pace, .. } => pace,
            Reading::Standing(_) => 0.0,
        }
    }

    /// Changes the pace from now on: 1 is real time, 0 stops it.
    pub fn set_pace(&self, pace: f64) {
        let mut reading = self.reading();
        let now = reading.now();
        *reading = if pace > 0.0 {
            Reading::Running { since: system_now(), from: now, pace }
        } else {
            Reading::Standing(now)
        };
        drop(reading);
        self.0.moved.notify_waiters();
    }

    /// Lets `by` pass at once.
    pub fn advance(&self, by: Duration) {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        let mut reading = self.reading();
        let later = reading.now().saturating_add(by).unwrap_or(Timestamp::MAX);
        reading.set(later);
        drop(reading);
        self.0.moved.notify_waiters();
    }

    /// Makes it `now`; a running clock runs on from there.
    pub fn set(&self, now: Timestamp) {
        let mut reading = self.reading();
        reading.set(now);
        drop(reading);
        self.0.moved.notify_waiters();
    }

    fn reading(&self) -> std::sync::MutexGuard<'_, Reading> {
        self.0.reading.lock().unwrap_or_else(PoisonError::into_inner)
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

    #[tokio::test]
    async fn who_waits_is_woken_when_the_clock_is_moved() {
        let clock = Clock::standing_at("2026-03-01T12:00:00Z".parse().unwrap());
        let waiting = tokio::spawn({
            let clock = clock.clone();
            async move { clock.reached("2026-03-01T13:00:00Z".parse().unwrap()).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(30 * 60));
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished(), "half an hour is not enough");
        clock.advance(Duration::from_secs(30 * 60));
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn a_fast_clock_needs_less_real_time() {
        let clock = Clock::standing_at("2026-03-01T12:00:00Z".parse().unwrap());
        clock.set_pace(3_600_000.0);
        clock.reached("2026-03-01T13:00:00Z".parse().unwrap()).await;
        clock.set_pace(0.0);
        let stopped = clock.now();
        assert!(stopped >= "2026-03-01T13:00:00Z".parse().unwrap());
        assert_eq!((clock.now(), clock.pace()), (stopped, 0.0));
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

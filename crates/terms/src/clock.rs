//! Time as a parameter: the wall clock for what others read, boot time for what expires. Boot time goes
//! on during suspend (`CLOCK_BOOTTIME`) and never jumps when the wall clock is set, so a token's life is
//! measured on it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

/// Time since the machine started, suspend included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Boot(pub Duration);

impl Boot {
    /// The instant this much later.
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }

    /// How long until `later`; zero when it has passed.
    pub fn until(self, later: Boot) -> Duration {
        later.0.saturating_sub(self.0)
    }
}

/// A wait that ends when the clock has moved on.
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Where time comes from.
pub trait Clock: Send + Sync {
    /// The time of day.
    fn now(&self) -> Timestamp;

    /// Time since boot.
    fn boot(&self) -> Boot;

    /// Waits for this long on this clock.
    fn sleep(&self, span: Duration) -> Sleep;
}

/// The machine's own clocks.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    #[cfg(target_os = "linux")]
    fn boot(&self) -> Boot {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Boot(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)))
    }

    #[cfg(not(target_os = "linux"))]
    fn boot(&self) -> Boot {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        Boot(Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)))
    }

    fn sleep(&self, span: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(span))
    }
}

/// A clock that stands still until it is moved; for tests and simulations.
#[derive(Debug)]
pub struct ManualClock {
    start: Timestamp,
    moved: watch::Sender<Duration>,
    skew: Mutex<Duration>,
}

impl ManualClock {
    /// A clock that shows `start`.
    pub fn new(start: Timestamp) -> Self {
        Self { start, moved: watch::Sender::new(Duration::ZERO), skew: Mutex::new(Duration::ZERO) }
    }

    /// Moves wall and boot time; every wait that this ends wakes up.
    pub fn advance(&self, span: Duration) {
        self.moved.send_modify(|moved| *moved += span);
    }

    /// Sets the wall clock ahead without moving boot time, as an operator does.
    pub fn skew(&self, ahead: Duration) {
        *self.skew.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = ahead;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        let skew = *self.skew.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        self.start.saturating_add(*self.moved.borrow() + skew).unwrap_or(Timestamp::MAX)
    }

    fn boot(&self) -> Boot {
        Boot(*self.moved.borrow())
    }

    fn sleep(&self, span: Duration) -> Sleep {
        let mut moved = self.moved.subscribe();
        let end = *moved.borrow() + span;
        Box::pin(async move {
            // An error means that the clock is gone, and with it whoever could have moved it.
            let _ = moved.wait_for(|now| *now >= end).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_whoever_waited_long_enough() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        let short = clock.sleep(Duration::from_secs(1));
        let mut long = clock.sleep(Duration::from_secs(3));
        clock.advance(Duration::from_secs(2));
        short.await;
        let pending =
            std::future::poll_fn(|context| std::task::Poll::Ready(long.as_mut().poll(context).is_pending()));
        assert!(pending.await, "two seconds do not end a wait of three");
        clock.advance(Duration::from_secs(1));
        long.await;
    }

    #[test]
    fn setting_the_wall_clock_does_not_move_boot_time() {
        let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
        clock.skew(Duration::from_secs(3600));
        assert_eq!(clock.now().as_second(), 3600);
        assert_eq!(clock.boot(), Boot(Duration::ZERO));
    }
}

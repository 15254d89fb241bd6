//! Time for leases: it goes on as boot time does, whatever an operator sets the clock to, so that nobody takes
//! over a job whose holder still counts on it.

use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Boot, Clock};
use jiff::Timestamp;

/// A clock that nobody sets.
pub(crate) struct Steady {
    clock: Arc<dyn Clock>,
    start: Timestamp,
    since: Boot,
}

impl Steady {
    /// It shows the time of day as it is now.
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { start: clock.now(), since: clock.boot(), clock }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.after(Duration::ZERO)
    }

    pub(crate) fn after(&self, span: Duration) -> Timestamp {
        let passed = self.since.until(self.clock.boot());
        self.start.saturating_add(passed.saturating_add(span)).unwrap_or(Timestamp::MAX)
    }
}

//! A notification that waits: for its time, for a retry, for the subscriber to authorise again (Graph
//! reference §6.2).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How long Graph tries.
const LONGEST: SignedDuration = SignedDuration::from_hours(4);

/// The first pause; each further one is twice as long, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: SignedDuration = SignedDuration::from_secs(10);
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_mins(30);

/// What kind of message it is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    Change,
    Lifecycle,
}

/// One item of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    /// Which of its realm's it is.
    pub(super) number: u64,
    pub(super) due: Timestamp,
    pub(super) kind: Kind,
    pub(super) subscription: String,
    pub(super) url: String,
    pub(super) item: Value,
    /// The app that wants a validation token beside it.
    pub(super) token_for: Option<String>,
    /// When it was first due.
    since: Timestamp,
    tries: u32,
}

impl Pending {
    pub(super) fn new(
        number: u64,
        kind: Kind,
        subscription: &str,
        url: &str,
        item: Value,
        token_for: Option<String>,
        due: Timestamp,
    ) -> Self {
        let (subscription, url) = (subscription.to_owned(), url.to_owned());
        Self { number, due, kind, subscription, url, item, token_for, since: due, tries: 0 }
    }

    /// The same, tried again later; none when Graph gives up.
    pub(super) fn again(mut self, now: Timestamp) -> Option<Self> {
        let pause = FIRST_PAUSE.saturating_mul(1_i32 << self.tries.min(16)).min(LONGEST_PAUSE);
        self.tries += 1;
        self.due = now.saturating_add(pause).ok()?;
        (self.due.duration_since(self.since) <= LONGEST).then_some(self)
    }

    /// The same once more.
    pub(super) fn twin(&self, number: u64) -> Self {
        Self { number, ..self.clone() }
    }

    /// The same, for the first time due later than it was meant to be.
    pub(super) fn postponed(self, due: Timestamp) -> Self {
        Self { due, since: due, ..self }
    }

    /// Which attempt the next one is, from 1 upwards.
    pub(super) fn attempt(&self) -> u32 {
        self.tries + 1
    }

    /// The same, held until `due`; none when it has been held too long.
    pub(super) fn held(mut self, due: Timestamp) -> Option<Self> {
        self.due = due;
        (due.duration_since(self.since) <= LONGEST).then_some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end_after_four_hours() {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let mut pending = Pending::new(0, Kind::Change, "s", "u", Value::Null, None, start);
        let mut pauses = Vec::new();
        let mut now = start;
        while let Some(next) = pending.clone().again(now) {
            pauses.push(next.due.duration_since(now).as_secs());
            now = next.due;
            pending = next;
        }
        assert_eq!(pauses[..9], [10, 20, 40, 80, 160, 320, 640, 1280, 1800]);
        let total: i64 = pauses.iter().sum();
        assert!((3 * 3600..=4 * 3600).contains(&total), "{total}");
    }
}

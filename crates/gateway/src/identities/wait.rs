//! A wait that the identity tells: for what, since when, and when it is looked at next.

use std::time::Duration;

use attache_store::{JobEnd, Unit, Versioned};
use jiff::Timestamp;

use super::{Identity, State, Waiting};
use crate::Gateway;
use crate::jobs::Ending;

/// Ends a turn with a wait for what somebody or something else does, however long that takes.
pub(super) fn ending(
    gateway: &Gateway,
    identity: &Versioned<Identity>,
    span: Duration,
    reason: &str,
) -> Ending {
    let now = gateway.clock.now();
    let due = now.saturating_add(span).unwrap_or(Timestamp::MAX);
    let mut unit = Unit::new();
    unit.update(identity, &identity.waits(now, reason, due, None));
    Ending { end: JobEnd::Wait { due, reason: reason.to_owned() }, unit }
}

impl Identity {
    /// The same, while it waits for this. Since when it does so is kept.
    pub(super) fn waits(
        &self,
        now: Timestamp,
        reason: &str,
        next_attempt: Timestamp,
        deadline: Option<Timestamp>,
    ) -> Self {
        let same = self.waiting.as_ref().filter(|waiting| waiting.reason == reason);
        let waiting = Waiting {
            reason: reason.to_owned(),
            since: same.map_or(now, |waiting| waiting.since),
            deadline,
            next_attempt,
        };
        // What had stopped is being tried again.
        let (state, changed) = match self.state {
            State::Error => (State::Pending, now),
            state => (state, self.changed),
        };
        Self { state, waiting: Some(waiting), trouble: None, changed, ..self.clone() }
    }
}

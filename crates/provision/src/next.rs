//! What to do next: a function of the record and the time.

use jiff::Timestamp;

use crate::{Failure, Reason, Record, Step};

/// What whoever drives provisioning does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Begin, persist and perform this step.
    Do(Step),
    /// Wait, then ask again.
    WaitUntil {
        /// When.
        at: Timestamp,
        /// For what.
        reason: Reason,
    },
    /// All is done.
    Ready,
    /// Someone must act.
    Failed(Failure),
}

/// Decides. Steps are done in order; the wish is fulfilled when none is left.
pub fn next(record: &Record, now: Timestamp) -> Action {
    if let Some(failure) = record.failure() {
        return Action::Failed(failure.clone());
    }
    let Some(step) = record.current() else { return Action::Ready };
    match record.pending(now) {
        Some((at, reason)) => Action::WaitUntil { at, reason },
        None => Action::Do(step),
    }
}

//! What a realm still has to tell its subscribers: changes that its courier has not taken yet, and notifications
//! that no endpoint has taken yet. It is kept with the tenant, a change in one line with what it changed, so that
//! whoever is killed tells it after the next start: at least once.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::pending::Pending;
use crate::changes::Change;
use crate::sharing::{SnapshotMap, parts, whole};

/// How many changes may wait for the courier; with one more, all of them are lost.
const BACKLOG: usize = 4096;

/// The outbox of a realm.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: Mutex<Waiting>,
    came: Arc<Notify>,
}

/// What lies in it. Copies cost next to nothing.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Waiting {
    /// By a number that grows.
    changes: SnapshotMap<u64, Change>,
    /// The number of the next change.
    next: u64,
    /// Whether changes were lost.
    lost: bool,
    pending: SnapshotMap<u64, Pending>,
}

parts!(Waiting { changes, pending } whole { next, lost });

whole!(Change, Pending);

/// Changes for the courier.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) changes: Vec<Change>,
    /// Whether others were lost before.
    pub(super) lost: bool,
    /// They are those below.
    end: u64,
}

impl Outbox {
    /// What was kept of the last run.
    pub(crate) fn resume(&self, waiting: Waiting) {
        *self.waiting() = waiting;
    }

    /// What is to be kept.
    pub(crate) fn kept(&self) -> Waiting {
        self.waiting().clone()
    }

    /// Whether somebody has to be told something.
    pub(crate) fn is_empty(&self) -> bool {
        let waiting = self.waiting();
        waiting.changes.is_empty() && waiting.pending.is_empty() && !waiting.lost
    }

    /// Puts changes there, before they are kept.
    pub(crate) fn put(&self, changes: &[Change]) {
        let mut waiting = self.waiting();
        for change in changes {
            if waiting.changes.len() == BACKLOG {
                (waiting.changes, waiting.lost) = (SnapshotMap::default(), true);
            }
            let number = waiting.next;
            waiting.changes.insert(number, change.clone());
            waiting.next += 1;
        }
    }

    /// Tells the courier that there is something, once it is kept.
    pub(crate) fn announce(&self) {
        self.came.notify_one();
    }

    /// Wakes the courier.
    pub(super) fn came(&self) -> Arc<Notify> {
        Arc::clone(&self.came)
    }

    /// The changes that wait. They go with [`Self::settle`].
    pub(super) fn take(&self) -> Taken {
        let waiting = self.waiting();
        Taken { changes: waiting.changes.values().cloned().collect(), lost: waiting.lost, end: waiting.next }
    }

    /// The notifications that wait.
    pub(super) fn pending(&self) -> Vec<Pending> {
        self.waiting().pending.values().cloned().collect()
    }

    /// Changes have become notifications: now these wait. Whether anything is another than before.
    pub(super) fn settle<'p>(
        &self,
        taken: &Taken,
        pending: impl Iterator<Item = &'p Pending> + Clone,
    ) -> bool {
        let mut waiting = self.waiting();
        let mut has_changed = taken.lost || !taken.changes.is_empty();
        waiting.changes.retain(|number, _| *number >= taken.end);
        waiting.lost &= !taken.lost;
        let numbers: BTreeSet<u64> = pending.clone().map(|one| one.number).collect();
        let before = waiting.pending.len();
        waiting.pending.retain(|number, _| numbers.contains(number));
        has_changed |= waiting.pending.len() < before;
        for one in pending {
            if waiting.pending.get(&one.number) != Some(one) {
                waiting.pending.insert(one.number, one.clone());
                has_changed = true;
            }
        }
        has_changed
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What an entry records.

use serde::{Deserialize, Serialize};

use super::act::Verdict;
use super::names::{ActName, Code, EntryId};
use crate::tree::Hash;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// An act is about to be done.
    Intent {
        /// The act.
        act: ActName,
    },
    /// An act has ended.
    Outcome {
        /// The act.
        act: ActName,
        /// The entry that announced it.
        intent: EntryId,
        /// How it ended.
        verdict: Verdict,
        /// Why, when it did not happen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// An act was refused here before anything was sent.
    Refusal {
        /// The act.
        act: ActName,
        /// Why.
        code: Code,
    },
    /// Something of ours was changed in the same transaction as this was recorded, or was not, for this reason.
    Change {
        /// The act.
        act: ActName,
        /// How it ended.
        verdict: Verdict,
        /// Why, when it did not happen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// The end of the file could not be read, as after a loss of power, and was removed.
    Repair(Repair),
    /// Withheld fields were destroyed on purpose.
    Erasure {
        /// Of how many entries.
        entries: u64,
    },
    /// Entries were removed because they had been kept long enough.
    Retention(Retention),
}

impl Event {
    /// The act that this is about, if any.
    pub fn act(&self) -> Option<&ActName> {
        match self {
            Self::Intent { act }
            | Self::Outcome { act, .. }
            | Self::Refusal { act, .. }
            | Self::Change { act, .. } => Some(act),
            Self::Repair(_) | Self::Erasure { .. } | Self::Retention(_) => None,
        }
    }
}

/// What a repair removed. None of it had been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Where it began, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes there were.
    pub removed: u64,
    /// Their SHA-256.
    pub digest: Hash,
}

/// Which entries a retention removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// The number of the first entry that is gone now.
    pub from: u64,
    /// The number of the first entry after those.
    pub to: u64,
    /// How many of them were removed this time; the others were gone before.
    pub entries: u64,
}

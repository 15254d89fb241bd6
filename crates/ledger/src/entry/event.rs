//! What an entry records.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

use super::act::Verdict;
use super::names::{ActName, Code, EntryId};
use crate::tree::Hash;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
        #[serde(skip_serializing_if = "Option::is_none")]
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
        #[serde(skip_serializing_if = "Option::is_none")]
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

/// An event as it stands in a leaf, of whatever kind. Serde would keep a copy of it until it knows the kind.
#[derive(Deserialize)]
struct Written {
    kind: Kind,
    act: Option<ActName>,
    intent: Option<EntryId>,
    verdict: Option<Verdict>,
    code: Option<Code>,
    offset: Option<u64>,
    removed: Option<u64>,
    digest: Option<Hash>,
    entries: Option<u64>,
    from: Option<u64>,
    to: Option<u64>,
}

/// Which event it is.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    Intent,
    Outcome,
    Refusal,
    Change,
    Repair,
    Erasure,
    Retention,
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn there<T, E: Error>(value: Option<T>, name: &'static str) -> Result<T, E> {
            value.ok_or_else(|| E::missing_field(name))
        }
        let written = Written::deserialize(deserializer)?;
        let (act, verdict) = (written.act, written.verdict);
        Ok(match written.kind {
            Kind::Intent => Self::Intent { act: there(act, "act")? },
            Kind::Outcome => Self::Outcome {
                act: there(act, "act")?,
                intent: there(written.intent, "intent")?,
                verdict: there(verdict, "verdict")?,
                code: written.code,
            },
            Kind::Refusal => Self::Refusal { act: there(act, "act")?, code: there(written.code, "code")? },
            Kind::Change => Self::Change {
                act: there(act, "act")?,
                verdict: there(verdict, "verdict")?,
                code: written.code,
            },
            Kind::Repair => Self::Repair(Repair {
                offset: there(written.offset, "offset")?,
                removed: there(written.removed, "removed")?,
                digest: there(written.digest, "digest")?,
            }),
            Kind::Erasure => Self::Erasure { entries: there(written.entries, "entries")? },
            Kind::Retention => Self::Retention(Retention {
                from: there(written.from, "from")?,
                to: there(written.to, "to")?,
                entries: there(written.entries, "entries")?,
            }),
        })
    }
}

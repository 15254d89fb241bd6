//! What follows from the lines so far: the tree's frontier and the intents without outcome. Both the writer
//! and `verify` go through the file with it, so they cannot disagree.

use std::collections::{BTreeMap, HashMap};

use super::line::{CheckpointLine, EntryLine};
use crate::entry::{Brief, EntryError, EntryId, Role};
use crate::note::VerifierKey;
use crate::tree::{Frontier, Hash};

/// What is wrong with a line, given the lines before it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no line of a ledger.
    #[error("the line cannot be read")]
    Unreadable,
    /// It is no entry, or not the entry that was recorded.
    #[error(transparent)]
    Entry(#[from] EntryError),
    /// Entries are missing, or in another order.
    #[error("the entry calls itself number {found}: entries were removed, added or moved")]
    OutOfSequence {
        /// The number in the entry.
        found: u64,
    },
    /// An act ended that had not begun, or ended twice.
    #[error("it records the outcome of {0}, which is no open intent")]
    NoIntent(EntryId),
    /// An id is there twice.
    #[error("it repeats the id {0}")]
    Repeated(EntryId),
    /// The checkpoint covers another number of entries than there are before it.
    #[error("the checkpoint covers {found} entries: entries were removed or added before it")]
    OtherSize {
        /// The number in the checkpoint.
        found: u64,
    },
    /// The checkpoint signs another root than the entries have.
    #[error(
        "the checkpoint signs the root {signed}, but the entries before it have {actual}: one was altered"
    )]
    OtherRoot {
        /// The root in the checkpoint.
        signed: Hash,
        /// The root of the entries.
        actual: Hash,
    },
    /// An entry's bytes are not those that its hash stands for.
    #[error("its bytes do not have the hash that stands beside them: it was altered")]
    OtherHash,
    /// Entries are left out elsewhere than where the entries before end.
    #[error("it leaves out the entries from {found} on, which is not where the entries before it end")]
    OtherGap {
        /// The number in the line.
        found: u64,
    },
    /// A checkpoint signs another root, and the one before it was right.
    #[error(
        "the checkpoint signs the root {signed}, but the entries before it have {actual}: one from number \
         {from} on was altered"
    )]
    OneAltered {
        /// What the checkpoint before covers, which is as it was.
        from: u64,
        /// The root in the checkpoint.
        signed: Hash,
        /// The root of the entries.
        actual: Hash,
    },
    /// Nobody signed for the last entries.
    #[error("no checkpoint covers the entries from {from} on: the end of the file is missing")]
    NoCheckpoint {
        /// What the last checkpoint covers.
        from: u64,
    },
    /// The checkpoint is not signed by the log's key.
    #[error("the checkpoint is not signed by the ledger's key")]
    NotSigned,
    /// The checkpoint points to another intent than the oldest open one.
    #[error("the checkpoint hides or invents an open intent")]
    OtherOpenIntents,
}

/// An intent without outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OpenIntent {
    pub(crate) id: EntryId,
    pub(crate) writer: crate::entry::WriterId,
}

/// What the lines so far come to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Replay {
    frontier: Frontier,
    /// By their place in the file.
    open: BTreeMap<u64, OpenIntent>,
    places: HashMap<EntryId, u64>,
}

impl Replay {
    /// Goes on from a checkpoint, knowing nothing of the intents that are open there.
    pub(crate) fn from(frontier: Frontier) -> Self {
        Self { frontier, ..Self::default() }
    }

    pub(crate) fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// How many entries there are.
    pub(crate) fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// Intents without outcome, the oldest first, each with its place in the file.
    pub(crate) fn open(&self) -> impl Iterator<Item = (u64, OpenIntent)> {
        self.open.iter().map(|(offset, intent)| (*offset, *intent))
    }

    pub(crate) fn is_open(&self, intent: EntryId) -> bool {
        self.places.contains_key(&intent)
    }

    /// Where the oldest open intent stands, or `end` when there is none.
    pub(crate) fn open_from(&self, end: u64) -> u64 {
        self.open.first_key_value().map_or(end, |(offset, _)| *offset)
    }

    /// Reads the entry that stands at this place. Nothing changes when it is faulty.
    pub(crate) fn entry(&mut self, line: &EntryLine<'_>, offset: u64) -> Result<Brief, Fault> {
        let entry = Brief::decode(line.leaf, line.column)?;
        if entry.sequence != self.size() {
            return Err(Fault::OutOfSequence { found: entry.sequence });
        }
        self.note(&entry, offset)?;
        self.frontier.push(line.hash());
        Ok(entry)
    }

    /// Learns from an entry that the tree covers already which intent it opened or closed.
    pub(crate) fn recall(&mut self, line: &EntryLine<'_>, offset: u64) {
        if let Ok(entry) = Brief::decode(line.leaf, line.column) {
            // An outcome of an intent before `open_from` closes nothing that is known here.
            let _ = self.note(&entry, offset);
        }
    }

    /// Adds an entry that was just encoded here and so needs no check.
    pub(crate) fn push(&mut self, leaf: Hash) {
        self.frontier.push(leaf);
    }

    /// Keeps the account of open intents.
    fn note(&mut self, entry: &Brief, offset: u64) -> Result<(), Fault> {
        match entry.role {
            Role::Intent => {
                let open = OpenIntent { id: entry.id, writer: entry.writer };
                if self.begin(open, offset) { Ok(()) } else { Err(Fault::Repeated(entry.id)) }
            }
            Role::Outcome(intent) => {
                if self.end(intent) {
                    Ok(())
                } else {
                    Err(Fault::NoIntent(intent))
                }
            }
            _ => Ok(()),
        }
    }

    /// An intent begins; false when it has begun before.
    pub(crate) fn begin(&mut self, intent: OpenIntent, offset: u64) -> bool {
        if self.places.contains_key(&intent.id) {
            return false;
        }
        self.places.insert(intent.id, offset);
        self.open.insert(offset, intent);
        true
    }

    /// An intent has its outcome; false when it is not open.
    pub(crate) fn end(&mut self, intent: EntryId) -> bool {
        self.places.remove(&intent).and_then(|offset| self.open.remove(&offset)).is_some()
    }

    /// Checks a checkpoint that stands after the entries so far. `end` is where its line begins.
    pub(crate) fn checkpoint(&self, line: &CheckpointLine, key: &VerifierKey, end: u64) -> Result<(), Fault> {
        if line.frontier.size() != self.size() {
            return Err(Fault::OtherSize { found: line.frontier.size() });
        }
        if line.frontier != self.frontier {
            return Err(Fault::OtherRoot { signed: line.root, actual: self.frontier.root() });
        }
        if !line.is_signed_by(key) {
            return Err(Fault::NotSigned);
        }
        if line.open_from == self.open_from(end) { Ok(()) } else { Err(Fault::OtherOpenIntents) }
    }
}

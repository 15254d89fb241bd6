//! The Merkle log of an organisation, and of the gateway itself, as an engine keeps it: entries with the hashes
//! of their leaves, the root of each full block of leaves, the frontier, and the last signed checkpoint.

use attache_ledger::{Entry, EntryError, EntryId, Frontier, Hash};
use jiff::Timestamp;

use crate::number::terms;
use crate::{Place, StoreError};

/// How many leaves make a block: its root is kept, so that a proof reads few rows.
pub const BLOCK: u64 = 256;

/// One log: an organisation's, or the gateway's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Log(pub Place);

/// How a log stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHead {
    /// Which.
    pub log: Log,
    /// What it has grown to.
    pub frontier: Frontier,
    /// The last checkpoint that was signed.
    pub checkpoint: Option<Checkpointed>,
}

/// A signed checkpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpointed {
    /// How many entries it covers.
    pub size: u64,
    /// The signed note.
    pub note: String,
}

/// An entry as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryRow {
    /// Its number in its log, from 0.
    pub sequence: u64,
    /// Its id.
    pub id: EntryId,
    /// When it was made, to the microsecond.
    pub time: Timestamp,
    /// The act's name; empty for what the log itself does.
    pub act: String,
    /// Whether the act failed or was refused.
    pub failed: bool,
    /// The leaf, and the column of withheld fields; `None` when retention has removed them.
    pub text: Option<(String, String)>,
    /// The hash of its leaf.
    pub hash: Hash,
}

/// The column of an entry whose withheld fields were destroyed.
pub const ERASED: &str = "{}";

impl EntryRow {
    /// The entry, checked against itself; `None` when retention has removed it.
    pub fn entry(&self) -> Option<Result<Entry, EntryError>> {
        self.text.as_ref().map(|(leaf, column)| Entry::decode(leaf, column))
    }

    /// What finds it besides its number, as the [`crate::Numberer`] gave it; nothing when retention has removed
    /// the text.
    pub fn terms(&self) -> Result<Vec<String>, StoreError> {
        let entry = self
            .entry()
            .transpose()
            .map_err(|error| StoreError::damaged("entry", &self.id.to_string(), &error.to_string()))?;
        let of = |entry: Entry| terms(entry.id, &entry.event, &entry.target.things, &entry.correlation);
        Ok(entry.map(of).unwrap_or_default())
    }
}

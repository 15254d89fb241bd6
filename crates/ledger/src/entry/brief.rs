//! What the lines around an entry have to agree with: all that is left of it once it was checked by itself.

use super::spelling;
use super::{Entry, EntryError, EntryId, Event, Retention, WriterId};

/// An entry whose withheld fields are those of its leaf, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Brief {
    pub(crate) sequence: u64,
    pub(crate) id: EntryId,
    pub(crate) writer: WriterId,
    pub(crate) role: Role,
    /// Whether withheld fields were destroyed.
    pub(crate) is_erased: bool,
}

/// What an entry does to the account that is kept of all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Intent,
    Outcome(EntryId),
    Repair,
    Retention(Retention),
    Other,
}

impl Brief {
    /// Checks what [`Entry::decode`] checks. An entry that is not spelled as this program spells them is left
    /// to that, which also says what is wrong.
    pub(crate) fn decode(leaf: &str, column: &str) -> Result<Self, EntryError> {
        match spelling::read(leaf, column) {
            Some(brief) => Ok(brief),
            None => Entry::decode(leaf, column).map(|entry| Self::of(&entry)),
        }
    }

    pub(super) fn of(entry: &Entry) -> Self {
        let role = match entry.event {
            Event::Intent { .. } => Role::Intent,
            Event::Outcome { intent, .. } => Role::Outcome(intent),
            Event::Repair(_) => Role::Repair,
            Event::Retention(retention) => Role::Retention(retention),
            Event::Refusal { .. } | Event::Change { .. } | Event::Erasure { .. } => Role::Other,
        };
        let Entry { sequence, id, writer, .. } = *entry;
        Self { sequence, id, writer, role, is_erased: !entry.erased.is_empty() }
    }
}

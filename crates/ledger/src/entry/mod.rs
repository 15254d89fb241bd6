//! What the ledger records of an act: who did it as whom, what it touched, what finds it again in
//! Microsoft's logs, and how it ended. Never the text of a message.

mod act;
mod brief;
mod commitment;
mod draft;
mod event;
mod leaf;
mod names;
mod spelling;

use jiff::Timestamp;
use serde::Serialize;

pub use act::{Act, Actor, By, ByKind, Correlation, Mode, Outcome, Target, Thing, Verdict};
pub use commitment::Field;
pub use draft::{Composer, Draft, Numbered};
pub use event::{Event, Repair, Retention};
pub use leaf::EntryError;
pub use names::{ActName, Code, EntryId, Name, NameError, RequestId, WriterId};

pub(crate) use brief::{Brief, Role};
pub(crate) use leaf::{erased_column, id_of};

/// The version of entries that this program writes, and the newest that it reads. An entry has the lowest
/// version that can say it: 1 for what a device records, 2 where there are persons, keys, things and changes.
pub const ENTRY_VERSION: u32 = 2;

/// One entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 0.
    pub sequence: u64,
    /// Its id (UUID version 7).
    pub id: EntryId,
    /// The time of day at which it was made.
    pub time: Timestamp,
    /// Which running program wrote it.
    pub writer: WriterId,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Who did it.
    pub actor: Actor,
    /// What it touched.
    pub target: Target,
    /// What finds it again.
    pub correlation: Correlation,
    /// Fields that were recorded and later withheld or destroyed. They are `None` above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<Field>,
}

impl Entry {
    /// The act that this is about, if any.
    pub fn act(&self) -> Option<&ActName> {
        self.event.act()
    }
}

//! What verification found in a ledger or an export that verifies.

use serde::Serialize;

use crate::entry::{EntryId, Retention};
use crate::note::VerifierKey;
use crate::tree::Hash;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The log's name.
    pub origin: String,
    /// Its key.
    pub key: VerifierKey,
    /// How many entries it has, those in gaps included.
    pub entries: u64,
    /// The root over all of them.
    pub root: Hash,
    /// How many checkpoints the file has.
    pub checkpoints: u64,
    /// Intents without outcome: in flight, or left behind, or their outcome is in a gap.
    pub dangling: Vec<EntryId>,
    /// Outcomes whose intent is not open: in an export it may be in a gap.
    pub unannounced: u64,
    /// How often a torn end was repaired.
    pub repairs: u64,
    /// In how many entries withheld fields were destroyed.
    pub erased: u64,
    /// Where entries are not in the file. Only an export has such places.
    pub gaps: Vec<Gap>,
    /// How many entries are not in the file.
    pub missing: u64,
    /// How many of these no entry in the file says were removed: they were left out of this export, or the
    /// entry that says so was.
    pub unexplained: u64,
    /// Bytes at the end that belong to a write that was never finished, and so acknowledge nothing. The next
    /// append removes them and records that. An export has none.
    pub unfinished: u64,
    /// What the checkpoint file beside the file says.
    pub checkpoint_file: CheckpointFile,
}

/// Entries that are not in the file. The tree covers them all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// The number of the first.
    pub from: u64,
    /// The number of the first that is there again.
    pub to: u64,
}

/// The checkpoint file beside a log that verifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckpointFile {
    /// There is none.
    Absent,
    /// It is signed and agrees with the log.
    Agrees,
    /// It is not a signed checkpoint of this log. The next append writes it anew.
    Unreadable,
}

impl Report {
    /// Nothing was found yet.
    pub(super) fn new(key: VerifierKey, checkpoint_file: CheckpointFile) -> Self {
        Self {
            origin: key.name().to_owned(),
            key,
            entries: 0,
            root: Hash::of_nothing(),
            checkpoints: 0,
            dangling: Vec::new(),
            unannounced: 0,
            repairs: 0,
            erased: 0,
            gaps: Vec::new(),
            missing: 0,
            unexplained: 0,
            unfinished: 0,
            checkpoint_file,
        }
    }

    /// Counts what is missing, and what of it these retentions do not account for.
    pub(super) fn explain(&mut self, mut retentions: Vec<Retention>) {
        retentions.sort_unstable_by_key(|retention| retention.from);
        self.missing = self.gaps.iter().map(|gap| gap.to - gap.from).sum();
        self.unexplained = self.missing;
        // Both are in order and the gaps do not touch one another, so one pass over both suffices.
        let mut gaps = self.gaps.iter().peekable();
        let mut explained = 0;
        for Retention { from, to, .. } in retentions {
            let mut from = from.max(explained);
            while let Some(gap) = gaps.peek() {
                let (begin, end) = (gap.from.max(from), gap.to.min(to));
                self.unexplained -= end.saturating_sub(begin);
                if gap.to > to {
                    break;
                }
                from = gap.to;
                gaps.next();
            }
            explained = explained.max(to);
        }
    }
}

//! Why a ledger could not be read or does not verify.

use std::io;
use std::path::{Path, PathBuf};

use attache_terms::{Explain, Remedy};

use crate::entry::EntryId;
use crate::log::Fault;
use crate::note::{CheckpointError, VerifierKey};
use crate::tree::Hash;

/// The ledger cannot be read, or it is not what was recorded.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// The system does not let us.
    #[error("the ledger {path} could not be read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A newer program made the file.
    #[error("the ledger {path} has version {version}, which is newer than this program")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u64,
    },
    /// The file is something else.
    #[error("{path} is not a ledger")]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// A line is not what was written.
    #[error("entry {sequence} ({}byte {offset}): {fault}", named(.id))]
    Altered {
        /// The number of the entry that is, or should be, there; of a checkpoint, of the entry after it.
        sequence: u64,
        /// Where the line begins.
        offset: u64,
        /// The entry's id, when it still says so.
        id: Option<EntryId>,
        /// What is wrong.
        fault: Fault,
    },
    /// The file was begun with another key than was expected.
    #[error("the ledger is signed with the key {found}, not with {expected}")]
    OtherKey {
        /// The key in the file.
        found: VerifierKey,
        /// The key that was given.
        expected: VerifierKey,
    },
    /// The earlier checkpoint is not to be believed, or of another log.
    #[error("the earlier checkpoint cannot be used: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// Fewer entries than were signed for.
    #[error("the checkpoint covers {signed} entries, but the ledger has {found}: entries were removed")]
    Shrunk {
        /// How many there are.
        found: u64,
        /// How many there were.
        signed: u64,
    },
    /// Another history than was signed for.
    #[error(
        "the first {size} entries have the root {actual}, but the earlier checkpoint signed {signed}: \
         at least one of them was altered"
    )]
    Rewritten {
        /// How many entries the earlier checkpoint covers.
        size: u64,
        /// The root in the earlier checkpoint.
        signed: Hash,
        /// The root of these entries now.
        actual: Hash,
    },
    /// The file leaves out just the entries around the end of the earlier checkpoint.
    #[error(
        "the earlier checkpoint covers {size} entries, but this file leaves out those from {from} to {to}, so \
         that it cannot be compared"
    )]
    InGap {
        /// How many entries the earlier checkpoint covers.
        size: u64,
        /// The first entry that is left out.
        from: u64,
        /// The first entry after those.
        to: u64,
    },
    /// There is no entry or no tree of that number.
    #[error("the ledger's last checkpoint covers {covered} entries; {asked} is beyond it")]
    Beyond {
        /// What the last checkpoint covers.
        covered: u64,
        /// What was asked for.
        asked: u64,
    },
}

fn named(id: &Option<EntryId>) -> String {
    id.map(|id| format!("id {id}, ")).unwrap_or_default()
}

impl VerifyError {
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

impl Explain for VerifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "ledger_unreadable",
            Self::Newer { .. } => "ledger_newer",
            Self::NotALedger { .. } => "not_a_ledger",
            Self::Altered { .. } => "ledger_altered",
            Self::OtherKey { .. } => "ledger_key_differs",
            Self::Checkpoint(_) => "checkpoint_unusable",
            Self::Shrunk { .. } => "ledger_shrunk",
            Self::Rewritten { .. } => "ledger_rewritten",
            Self::InGap { .. } => "checkpoint_in_gap",
            Self::Beyond { .. } => "no_such_entry",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Io { .. } => Remedy::operator("check the path, and that the file belongs to you"),
            Self::Newer { .. } => Remedy::operator("verify with the version of attache that made the ledger"),
            Self::NotALedger { .. } => Remedy::caller("give the path of a ledger"),
            Self::OtherKey { .. } => Remedy::operator(
                "check that this is the ledger you mean; if it is, somebody began it anew with another key",
            ),
            Self::Checkpoint(_) => {
                Remedy::caller("give a checkpoint of this ledger, whole, as it stood in its checkpoint file")
            }
            Self::Altered { .. } | Self::Shrunk { .. } | Self::Rewritten { .. } => Remedy::operator(
                "keep the file as evidence, find out who could write to it, and compare it with a backup",
            ),
            Self::InGap { .. } => Remedy::caller(
                "ask for an export that has these entries, or for the proof that the log's last checkpoint \
                 continues yours",
            ),
            Self::Beyond { .. } => Remedy::caller("ask for an entry that the last checkpoint covers"),
        }
    }
}

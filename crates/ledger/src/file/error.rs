//! Why nothing was recorded. Whoever gets one of these must not do the act.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use attache_terms::{Explain, Remedy};

use crate::entry::EntryId;
use crate::log::Fault;
use crate::note::KeyError;

/// The ledger could not record. The act that was to be recorded must not happen.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LedgerError {
    /// The disk or the quota is full.
    #[error("the ledger {path} cannot grow: {source}; nothing was recorded")]
    Full {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: Arc<io::Error>,
    },
    /// The system does not let us.
    #[error("the ledger {path} could not be {doing}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried, as a participle.
        doing: &'static str,
        /// What the system said.
        source: Arc<io::Error>,
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
    /// What had been recorded was altered or damaged.
    #[error("the ledger {path} is damaged at entry {sequence} (byte {offset}): {fault}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The number of the entry that is, or should be, there.
        sequence: u64,
        /// Where the line begins.
        offset: u64,
        /// What is wrong.
        fault: Fault,
    },
    /// Entries that were signed for are gone.
    #[error(
        "the ledger {path} has {found} entries, but its checkpoint covers {signed}: entries were removed"
    )]
    Shrunk {
        /// The file.
        path: PathBuf,
        /// How many there are.
        found: u64,
        /// How many there were.
        signed: u64,
    },
    /// The key is not the one that began the ledger.
    #[error("the ledger {path} was begun with another key than the one in the keystore")]
    OtherKey {
        /// The file.
        path: PathBuf,
    },
    /// The key cannot be had.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The intent has its outcome already, or never was.
    #[error("the intent {0} is not open: its outcome was recorded before")]
    NotOpen(EntryId),
    /// The program is ending.
    #[error("the program ended before the entry was written")]
    Stopped,
}

impl LedgerError {
    /// For `map_err`: what was tried with which file.
    pub(super) fn io(path: &Path, doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| {
            let (path, source) = (path.to_owned(), Arc::new(source));
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                    Self::Full { path, source }
                }
                _ => Self::Io { path, doing, source },
            }
        }
    }
}

impl Explain for LedgerError {
    fn code(&self) -> &'static str {
        match self {
            Self::Full { .. } => "ledger_full",
            Self::Io { .. } => "ledger_unwritable",
            Self::Newer { .. } => "ledger_newer",
            Self::NotALedger { .. } => "not_a_ledger",
            Self::Damaged { .. } => "ledger_damaged",
            Self::Shrunk { .. } => "ledger_shrunk",
            Self::OtherKey { .. } => "ledger_key_differs",
            Self::Key(error) => error.code(),
            Self::NotOpen(_) => "intent_not_open",
            Self::Stopped => "ledger_stopped",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Full { path, .. } => {
                Remedy::operator(format!("free space on the disk of {}, then try again", path.display()))
            }
            Self::Io { path, .. } => Remedy::operator(format!(
                "check that {} and its folder belong to you and can be written",
                path.display()
            )),
            Self::Newer { .. } => Remedy::operator("update attache to the version that made the ledger"),
            Self::NotALedger { path } => Remedy::operator(format!(
                "move {} away, or set another profile or home: it is not overwritten",
                path.display()
            )),
            Self::Damaged { path, .. } | Self::Shrunk { path, .. } => Remedy::operator(format!(
                "run `attache audit verify`, find out who or what changed {0}, and restore it from a backup; \
                 or keep it as evidence: move it and {0}.checkpoint away, and a new ledger begins",
                path.display()
            )),
            Self::OtherKey { .. } => Remedy::operator(
                "restore the ledger's key to the keystore, or move the ledger and its checkpoint away, and a \
                 new ledger begins",
            ),
            Self::Key(error) => error.remedy(),
            Self::NotOpen(_) => Remedy::us("an intent has exactly one outcome"),
            Self::Stopped => Remedy::caller("wait for the ledger before the program ends, then try again"),
        }
    }
}

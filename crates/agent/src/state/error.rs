//! Why the state cannot be read or written, and what to do about it.

use std::path::{Path, PathBuf};

use attache_terms::{Explain, Remedy};
use rusqlite::ErrorCode;

/// Why a call on the state failed.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The file cannot be made or opened.
    #[error("the state in {path} cannot be opened: {source}")]
    Unreachable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// A newer Attaché wrote it.
    #[error("the state in {path} has version {found}; this program knows versions up to {known}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It is not what it should be.
    #[error("the state in {path} is damaged: {source}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another process held it for too long, or the disk failed.
    #[error("the state in {path} could not be used: {source}")]
    Failed {
        /// The file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// The program is ending.
    #[error("the program ended before the state in {path} was written")]
    Ended {
        /// The file.
        path: PathBuf,
    },
}

impl StateError {
    pub(super) fn failed(path: &Path, source: rusqlite::Error) -> Self {
        let path = path.to_owned();
        match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            _ => Self::Failed { path, source },
        }
    }
}

impl Explain for StateError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreachable { .. } => "state_unreachable",
            Self::Newer { .. } => "state_newer",
            Self::Damaged { .. } => "state_damaged",
            Self::Failed { .. } => "state_failed",
            Self::Ended { .. } => "state_ended",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unreachable { path, .. } => Remedy::operator(format!(
                "give this user the right to read and write {}, or choose another ATTACHE_HOME",
                path.display()
            )),
            Self::Newer { .. } => {
                Remedy::operator("use the newer attache that wrote it, or another --profile")
            }
            Self::Damaged { path, .. } => Remedy::operator(format!(
                "move {} away: a new one is made, and messages of the last minutes may be seen twice",
                path.display()
            )),
            Self::Failed { .. } => Remedy::operator("check that the disk has room, and try again"),
            Self::Ended { .. } => Remedy::us("a call was made while the program was ending"),
        }
    }
}

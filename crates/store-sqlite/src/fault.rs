//! Why something did not work in the file, before anybody is told.

use std::io::ErrorKind;
use std::path::Path;

use attache_store::{CommitError, StoreError};
use rusqlite::ErrorCode;

/// What a piece of work in a transaction comes to when it cannot be done.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The unit is refused, or what stands in the file cannot be read.
    Refused(CommitError),
    /// SQLite cannot do it.
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<CommitError> for Fault {
    fn from(error: CommitError) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Refused(error.into())
    }
}

impl Fault {
    /// What whoever asked is told.
    pub(crate) fn told(self, path: &Path) -> CommitError {
        match self {
            Self::Refused(error) => error,
            Self::Sql(error) => failed(path, error).into(),
        }
    }
}

/// What SQLite could not do with the file.
pub(crate) fn failed(path: &Path, error: rusqlite::Error) -> StoreError {
    let is_damage = match &error {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => true,
        error => {
            matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase))
        }
    };
    let what = path.display().to_string();
    if is_damage {
        return StoreError::Altered(format!("{what}: {error}"));
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::CannotOpen) if !path.exists() => StoreError::Absent { what },
        // A reader too has to write beside the file.
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
            StoreError::Denied { what, source: error.into() }
        }
        _ => StoreError::unavailable(format!("SQLite at {what}: {error}"), error),
    }
}

/// What the operating system could not do with the file.
pub(crate) fn unreachable(path: &Path, error: std::io::Error) -> StoreError {
    let what = path.display().to_string();
    match error.kind() {
        ErrorKind::PermissionDenied => StoreError::Denied { what, source: error.into() },
        ErrorKind::AlreadyExists => StoreError::Exists { what },
        _ => StoreError::unavailable(format!("{what}: {error}"), error),
    }
}

/// Whether a value stands already that must be unique.
pub(crate) fn is_taken(error: &rusqlite::Error) -> bool {
    let Some(code) = error.sqlite_error().map(|error| error.extended_code) else { return false };
    [rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE, rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY].contains(&code)
}

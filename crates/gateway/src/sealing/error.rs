//! Why a secret cannot be sealed or opened.

use attache_store::{CommitError, StoreError};
use attache_terms::{Explain, Remedy};
use uuid::Uuid;

use crate::server::Problem;

/// Why a secret cannot be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The place of the master key.
    #[error(transparent)]
    Secrets(#[from] attache_keys::StoreError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database refused a new data key.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The data key is not there, or sealed by another master key.
    #[error("the key {0} that sealed a secret cannot be opened")]
    NoKey(Uuid),
    /// What was sealed was altered, or belongs to something else.
    #[error("a sealed secret does not open")]
    Altered,
}

/// What the gateway keeps sealed cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("what the gateway keeps sealed cannot be opened: {0}")]
pub struct KeysError(#[from] SealError);

impl Explain for KeysError {
    fn code(&self) -> &'static str {
        self.0.code()
    }

    fn remedy(&self) -> Remedy {
        self.0.remedy()
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Self {
        error.0.into()
    }
}

impl From<SealError> for Problem {
    fn from(error: SealError) -> Self {
        match error {
            SealError::Store(error) => error.into(),
            SealError::Commit(error) => error.into(),
            error => Self::inside("what the gateway keeps sealed", &error),
        }
    }
}

impl Explain for SealError {
    fn code(&self) -> &'static str {
        match self {
            Self::Secrets(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::NoKey(_) => "master_key_differs",
            Self::Altered => "sealed_secret_altered",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Secrets(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Commit(error) => error.remedy(),
            Self::NoKey(_) => Remedy::operator(
                "give this gateway the master key that the database was made with: every node needs the same one",
            ),
            Self::Altered => Remedy::operator("restore the database from a backup"),
        }
    }
}

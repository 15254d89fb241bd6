//! Why a log cannot be signed or proved.

use attache_store::{CommitError, StoreError};
use attache_terms::{Explain, Remedy};
use http::StatusCode;

use crate::jobs::JobError;
use crate::sealing::SealError;
use crate::server::Problem;

/// Why a log cannot be signed or proved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AuditError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database refused a change.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The signing key's seal.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The signing key itself.
    #[error(transparent)]
    Key(#[from] attache_ledger::KeyError),
    /// What is stored does not make a log.
    #[error("the log is damaged: {0}")]
    Damaged(String),
}

impl Explain for AuditError {
    fn code(&self) -> &'static str {
        match self {
            Self::Store(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Seal(error) => error.code(),
            Self::Key(error) => error.code(),
            Self::Damaged(_) => "log_damaged",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Store(error) => error.remedy(),
            Self::Commit(error) => error.remedy(),
            Self::Seal(error) => error.remedy(),
            Self::Key(error) => error.remedy(),
            Self::Damaged(_) => Remedy::operator(
                "compare an export with one that was taken earlier (attache audit verify), and restore a backup",
            ),
        }
    }
}

impl From<AuditError> for JobError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Store(error) => error.into(),
            AuditError::Commit(error) => error.into(),
            AuditError::Seal(error) => error.into(),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::Store(error) => error.into(),
            AuditError::Commit(error) => error.into(),
            AuditError::Seal(error) => error.into(),
            error => {
                tracing::error!(code = error.code(), %error, "the audit log");
                Self::explained(StatusCode::INTERNAL_SERVER_ERROR, &error)
            }
        }
    }
}

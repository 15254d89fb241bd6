//! What goes wrong with PostgreSQL: why a database cannot be opened, and, of its own errors, what is to be done
//! about each. A server's detail may quote rows, so that it is never repeated.

use std::error::Error as _;
use std::time::Duration;

use attache_store::StoreError;
use attache_terms::{Explain, Remedy};
use tokio_postgres::error::SqlState;

/// A database cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The address cannot be read. It is not repeated: it may hold a password.
    #[error("the database's address cannot be read: {0}")]
    Address(String),
    /// The certificates to trust cannot be read.
    #[error("the certificates that the database is to be trusted by cannot be read: {0}")]
    Roots(String),
    /// The server is too old.
    #[error("the database runs on PostgreSQL {found}; version {OLDEST} or newer is needed")]
    TooOld {
        /// Its version.
        found: String,
    },
    /// It does not answer, or is not this program's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The oldest PostgreSQL that will do.
pub(crate) const OLDEST: u32 = 15;

impl Explain for OpenError {
    fn code(&self) -> &'static str {
        match self {
            Self::Address(_) => "database_address",
            Self::Roots(_) => "database_roots",
            Self::TooOld { .. } => "database_too_old",
            Self::Store(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Address(_) => Remedy::operator(
                "write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE, with what has a meaning in addresses \
                 percent-encoded; ?sslmode=disable turns TLS off, ?sslrootcert=FILE names the certificates to trust",
            ),
            Self::Roots(_) => Remedy::operator("name a PEM file of certificates with ?sslrootcert=FILE"),
            Self::TooOld { .. } => Remedy::operator("upgrade the database server, or use a newer one"),
            Self::Store(error) => error.remedy(),
        }
    }
}

/// What an error of PostgreSQL's calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Others were in the way: the same again may work at once.
    Contended,
    /// The connection is gone, and with it what was not committed.
    Lost,
    /// Anything else.
    Refused,
}

/// What this error calls for.
pub(crate) fn trouble(error: &tokio_postgres::Error) -> Trouble {
    match error.code() {
        Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => Trouble::Contended,
        Some(
            &SqlState::ADMIN_SHUTDOWN
            | &SqlState::CRASH_SHUTDOWN
            | &SqlState::CANNOT_CONNECT_NOW
            | &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        ) => Trouble::Lost,
        Some(_) => Trouble::Refused,
        None if is_of_the_wire(error) => Trouble::Lost,
        None => Trouble::Refused,
    }
}

/// What has another cause than the wire is about values that do not fit.
fn is_of_the_wire(error: &tokio_postgres::Error) -> bool {
    error.is_closed() || error.source().is_none_or(|cause| cause.is::<std::io::Error>())
}

/// The error for whoever asked: what was tried, and what the server said of it.
pub(crate) fn unavailable(what: &str, error: &tokio_postgres::Error) -> StoreError {
    StoreError::unavailable(what, said(error))
}

/// What PostgreSQL said, without the detail.
pub(crate) fn said(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("PostgreSQL says: {} ({})", error.message(), error.code().code()),
        None => {
            let (mut said, mut cause) = (error.to_string(), error.source());
            while let Some(one) = cause {
                said.push_str(&format!(": {one}"));
                cause = one.source();
            }
            said
        }
    }
}

/// The error when nothing came back for so long.
pub(crate) fn silent(what: &str, span: Duration) -> StoreError {
    StoreError::unavailable(what, format!("no answer within {} seconds", span.as_secs()))
}

/// Something in a row that this program did not write.
pub(crate) fn damaged(kind: &str, key: impl ToString, why: &str) -> StoreError {
    StoreError::damaged(kind, &key.to_string(), why)
}

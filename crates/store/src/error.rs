//! What can go wrong between the gateway and its store.

use attache_terms::{Explain, Remedy};

/// The store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It does not answer: the connection is cut, the disk is full, a file cannot be read.
    #[error("the database cannot be used: {what}")]
    Unavailable {
        /// What was tried and what came of it, without content.
        what: String,
        /// What came of it.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// There is none.
    #[error("there is no database at {what}")]
    Absent {
        /// Where it was looked for.
        what: String,
    },
    /// A file stands where a new one is to be made.
    #[error("there is a file already at {what}")]
    Exists {
        /// Where.
        what: String,
    },
    /// The system does not let this user have it.
    #[error("{what} cannot be opened by the user that this runs as: {source}")]
    Denied {
        /// The file.
        what: String,
        /// What the system said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another process has it for itself.
    #[error("{what} is in use by another process")]
    InUse {
        /// What it is, for people.
        what: String,
    },
    /// Something in it cannot be read.
    #[error("the {kind} {key} in the database cannot be read: {why}")]
    Damaged {
        /// What it is.
        kind: String,
        /// Its key.
        key: String,
        /// Why.
        why: String,
    },
    /// A newer program made it.
    #[error("the database has version {found}; this program knows versions up to {known}")]
    Newer {
        /// Its version.
        found: i64,
        /// The newest that this program knows.
        known: i64,
    },
    /// It was altered by something else than this program.
    #[error("the database is not as this program made it: {0}")]
    Altered(String),
}

impl StoreError {
    /// It does not answer.
    pub fn unavailable(
        what: impl Into<String>,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Unavailable { what: what.into(), source: Some(source.into()) }
    }

    /// Something in it cannot be read.
    pub fn damaged(kind: &str, key: &str, why: &str) -> Self {
        Self::Damaged { kind: kind.to_owned(), key: key.to_owned(), why: why.to_owned() }
    }
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unavailable { .. } => "store_unavailable",
            Self::Absent { .. } => "store_absent",
            Self::Exists { .. } => "store_file_exists",
            Self::Denied { .. } => "store_denied",
            Self::InUse { .. } => "store_in_use",
            Self::Damaged { .. } => "store_damaged",
            Self::Newer { .. } => "store_newer",
            Self::Altered(_) => "store_altered",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unavailable { .. } => Remedy::operator(
                "see that the database runs, can be reached and has room; nothing that was accepted is lost, and \
                 work goes on by itself when it answers again",
            ),
            Self::Absent { .. } => Remedy::operator(
                "give the home or the --database that the gateway has, in the environment that it runs in; it makes its \
                 database when it first starts",
            ),
            Self::Exists { .. } => Remedy::operator(
                "give a name that is not taken, with the date in it for instance, or move the file away",
            ),
            Self::Denied { .. } => Remedy::operator(
                "run this as the user that the gateway runs as, to whom the file and its folder must belong",
            ),
            Self::InUse { .. } => Remedy::operator(
                "stop the other gateway first, or give this one a database of its own; several gateways share one \
                 PostgreSQL database, not one SQLite file",
            ),
            Self::Damaged { .. } => Remedy::operator(
                "restore the database from a backup, or report this if nothing else wrote to it",
            ),
            Self::Newer { .. } => Remedy::operator("use the newer version of attache that made it"),
            Self::Altered(_) => Remedy::operator("restore the database from a backup"),
        }
    }
}

/// A unit was not applied; none of it was.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Something that it changes was changed by somebody else since it was read, or is no longer there.
    #[error("the {kind} {key} was changed by somebody else meanwhile")]
    Conflict {
        /// What.
        kind: &'static str,
        /// Its key.
        key: String,
    },
    /// Something that must be unique is taken.
    #[error("there is a {kind} already with this {lookup}")]
    Taken {
        /// What.
        kind: &'static str,
        /// The name of the lookup; `key` for the key itself.
        lookup: &'static str,
    },
    /// Another worker has the job.
    #[error("another worker has taken over the job")]
    LeaseLost,
    /// The store cannot be used. Whether the unit was applied is not known when the connection broke.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for CommitError {
    fn code(&self) -> &'static str {
        match self {
            Self::Conflict { .. } => "conflict",
            Self::Taken { .. } => "taken",
            Self::LeaseLost => "lease_lost",
            Self::Store(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Conflict { .. } => {
                Remedy::caller("read it again and repeat the change if it still applies")
            }
            Self::Taken { lookup, .. } => Remedy::caller(format!("choose another {lookup}")),
            Self::LeaseLost => Remedy::platform(None, "the other worker goes on with it"),
            Self::Store(error) => error.remedy(),
        }
    }
}

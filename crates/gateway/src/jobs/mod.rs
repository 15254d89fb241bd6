//! Jobs: the runner that claims them, keeps their leases alive, and ends them in the unit of what they changed.
//!
//! A kind of job is a row in [`KINDS`]; what it does stands with its feature. It is an idempotent step: it looks,
//! does what is missing, persists, and says how it ended. It may be killed anywhere.

mod doubt;
mod http;
mod operators;
mod outside;
mod pace;
mod page;
mod runner;
mod turn;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use attache_store::{CommitError, Job, JobEnd, StoreError, Unit};
use attache_terms::Explain as _;
use jiff::Timestamp;

pub(crate) use doubt::{Weighed, weigh};
pub(crate) use http::{api, take_up};
pub(crate) use outside::{correlated, is_unknown, judge, outside};
pub(crate) use page::pages;
pub(crate) use runner::run;
pub(crate) use turn::{LeaseLost, Turn};

use crate::sealing::SealError;
use crate::{Gateway, audit, cells, hosting, identities, licences, siem, sponsors};

/// One kind of job.
pub(crate) struct Kind {
    /// Its name: `identity.provision`.
    pub(crate) name: &'static str,
    /// How often it may fail in a row before it is given up.
    pub(crate) tries: u32,
    /// Whether it is there for good: it is never given up, and after so many failures begins again later.
    pub(crate) recurring: bool,
    /// What it does.
    pub(crate) work: fn(Arc<Gateway>, Turn) -> Work,
}

/// What a kind of job does, under way.
pub(crate) type Work = Pin<Box<dyn Future<Output = Result<Ending, JobError>> + Send>>;

/// How a turn ended.
#[derive(Debug)]
pub(crate) struct Ending {
    /// How the job goes on.
    pub(crate) end: JobEnd,
    /// What else is to be applied with it.
    pub(crate) unit: Unit,
}

impl Ending {
    /// It is done.
    pub(crate) fn done() -> Self {
        Self { end: JobEnd::Done, unit: Unit::new() }
    }

    /// It is done, and so is this.
    pub(crate) fn done_with(unit: Unit) -> Self {
        Self { end: JobEnd::Done, unit }
    }
}

/// Why a turn came to nothing. The job is tried again, but for the last.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    /// Another node has the job now.
    #[error(transparent)]
    LeaseLost(#[from] LeaseLost),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A unit was refused; the next turn reads anew.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// What is kept sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Something outside; the text has no content.
    #[error("{0}")]
    Failed(String),
    /// What is asked for is refused until somebody acts; the text has no content.
    #[error("{message}; {remedy}")]
    Refused {
        /// The code of the refusal.
        code: &'static str,
        /// What was refused.
        message: String,
        /// What to do.
        remedy: String,
    },
    /// It cannot be done, ever.
    #[error("{0}")]
    Hopeless(String),
}

impl JobError {
    /// What is said of it where an organisation reads it: of the gateway's own parts no more than the code, since what
    /// they say is for the log.
    fn reason(&self) -> String {
        let inside = |code| format!("something of the gateway's own failed ({code})");
        match self {
            Self::Store(error) | Self::Commit(CommitError::Store(error)) => inside(error.code()),
            Self::Seal(error) => inside(error.code()),
            Self::LeaseLost(_)
            | Self::Commit(_)
            | Self::Failed(_)
            | Self::Refused { .. }
            | Self::Hopeless(_) => self.to_string(),
        }
    }
}

/// Every kind there is.
pub(crate) const KINDS: &[Kind] = &[
    identities::PROVISION,
    identities::ENFORCE,
    identities::FOLLOW,
    identities::WATCH,
    cells::ENFORCE,
    cells::GIVE_BACK,
    identities::REMOVE,
    hosting::LEAVE,
    sponsors::WATCH,
    sponsors::HAND_OVER,
    licences::COUNT,
    audit::FORGET,
    audit::ERASE,
    siem::DELIVER,
];

/// What else is so when a turn at a job of a kind failed and ends so, in the unit that says it: what the job is about
/// tells what stands in its way, and waits for no job that was given up. The time is when that is so at the latest.
pub(crate) type Setback = fn(
    Arc<Gateway>,
    Job,
    JobEnd,
    Timestamp,
) -> Pin<Box<dyn Future<Output = Result<Unit, StoreError>> + Send>>;

/// Every kind that is waited for.
pub(crate) const SETBACKS: &[(&str, Setback)] =
    &[(identities::PROVISION.name, SET_BACK), (identities::REMOVE.name, SET_BACK)];

const SET_BACK: Setback = |gateway, job, end, until| Box::pin(identities::set_back(gateway, job, end, until));

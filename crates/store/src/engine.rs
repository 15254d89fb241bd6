//! What an engine does. It knows rows, not records; both engines pass the one suite in `conformance`.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use attache_ledger::Hash;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{
    Claim, CommitError, Committed, EntryRow, Job, JobId, JobState, Lease, Log, LogHead, Order, OrgId, Page,
    Place, Row, StoreError, Unit, Within,
};

/// Which rows a list shows.
#[derive(Debug, Clone)]
pub struct ListQuery<'a> {
    /// Of which kind.
    pub kind: &'static str,
    /// Where.
    pub within: Within,
    /// Only those with this lookup.
    pub lookup: Option<(&'static str, &'a str)>,
    /// Which part of them. Lists that look anywhere are in the order of places, then keys.
    pub page: Page,
}

/// What one row is found by.
#[derive(Debug, Clone)]
pub struct Lookups<'a> {
    /// Of which kind.
    pub kind: &'static str,
    /// Where.
    pub within: Within,
    /// The lookup's name.
    pub name: &'static str,
    /// Its value.
    pub value: &'a str,
}

/// Which entries of a log to show. What is not set lets everything through.
#[derive(Debug, Clone)]
pub struct EntryQuery<'a> {
    /// Which log.
    pub log: Log,
    /// Only of these numbers.
    pub sequences: Range<u64>,
    /// None before this time.
    pub since: Option<Timestamp>,
    /// None from this time on.
    pub until: Option<Timestamp>,
    /// Only acts whose name begins so: `identity.`.
    pub act: Option<&'a str>,
    /// Only what carries this: an entry's id, the id of something that it is about, a request id.
    pub term: Option<&'a str>,
    /// Only what this person, key or agent asked for, by id, or `system`.
    pub by: Option<&'a str>,
    /// Only acts that failed or were refused.
    pub failures: bool,
    /// Which way.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

impl EntryQuery<'_> {
    /// All entries of a log, the oldest first, at most so many.
    pub fn all(log: Log, limit: usize) -> Self {
        Self {
            log,
            sequences: 0..u64::MAX,
            since: None,
            until: None,
            act: None,
            term: None,
            by: None,
            failures: false,
            order: Order::Ascending,
            limit,
        }
    }
}

/// Which entries of a log to count, and in which slots of time.
#[derive(Debug, Clone, Copy)]
pub struct TallyQuery {
    /// Which log.
    pub log: Log,
    /// From this time on; the first slot begins here.
    pub since: Timestamp,
    /// How long a slot is; not zero.
    pub slot: Duration,
    /// Only the newest so many entries, so that a long log costs no more than that.
    pub newest: u64,
}

/// How many entries fell into a slot of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Which slot, from 0.
    pub slot: u64,
    /// How many entries.
    pub entries: u64,
    /// How many of them say that an act failed or was refused.
    pub failures: u64,
}

/// Which jobs to show.
#[derive(Debug, Clone, Default)]
pub struct JobQuery<'a> {
    /// Only this one.
    pub id: Option<JobId>,
    /// Only this organisation's.
    pub org: Option<OrgId>,
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this kind.
    pub kind: Option<&'a str>,
    /// Only with this key.
    pub key: Option<&'a str>,
    /// Only what comes after this one, the newest first.
    pub after: Option<JobId>,
    /// At most so many.
    pub limit: usize,
}

/// A database of the gateway's.
///
/// Time: an engine that one process uses takes the process's clock; one that several share takes the
/// database's, so that leases do not depend on how well their clocks agree (tests may give it another).
#[async_trait]
pub trait Engine: Send + Sync {
    /// Applies all of a unit or none of it. It is durable when this returns. Lookups are compared when all
    /// changes are made, so that two records of one unit may swap a value.
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError>;

    /// Which state of the records is the present one, where nobody changes them without this engine's knowing: as long
    /// as it answers the same number, every record is as it was. `None` while a change is being made, and always where
    /// another process may make one.
    fn generation(&self) -> Option<u64> {
        None
    }

    /// The row with this key.
    async fn get(&self, kind: &'static str, place: Place, key: &str) -> Result<Option<Row>, StoreError>;

    /// The row with this unique lookup; what many may share finds nothing here.
    async fn find(&self, lookup: Lookups<'_>) -> Result<Option<Row>, StoreError>;

    /// A part of the rows.
    async fn list(&self, query: ListQuery<'_>) -> Result<Vec<Row>, StoreError>;

    /// How many rows there are of a kind, or with a lookup.
    async fn count(
        &self,
        kind: &'static str,
        within: Within,
        lookup: Option<(&'static str, &str)>,
    ) -> Result<u64, StoreError>;

    /// Removes records that expired before `now`, at most so many; says how many.
    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError>;

    /// Claims due jobs, those that have been due the longest first. A lapsed lease counts as due, and as a
    /// failure: what takes its worker down must not be tried for ever.
    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError>;

    /// Prolongs a lease, counted from now; `None` when it is lost. One that lapsed is lost only when another
    /// worker has it.
    async fn extend(&self, lease: &Lease, span: Duration) -> Result<Option<Lease>, StoreError>;

    /// When the next job of these kinds becomes due, lapsing leases included.
    async fn next_due(&self, kinds: &[&'static str]) -> Result<Option<Timestamp>, StoreError>;

    /// Jobs as they stand, the newest first.
    async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError>;

    /// How many jobs there are, by kind and state.
    async fn job_counts(&self) -> Result<Vec<(String, JobState, u64)>, StoreError>;

    /// Lets a dead job be done again, or a waiting one at once; false when there is none such, or when another
    /// with the dead one's key waits or runs.
    async fn revive(&self, org: Option<OrgId>, job: JobId) -> Result<bool, StoreError>;

    /// Removes finished jobs that ended before this, at most so many; says how many. Dead ones stay.
    async fn forget_jobs(&self, ended_before: Timestamp, limit: usize) -> Result<u64, StoreError>;

    /// Changes whenever jobs may have become due, here or, as far as the engine can tell, on other nodes.
    /// A hint: whoever waits on it also looks again by itself after a while.
    fn woken(&self) -> watch::Receiver<u64>;

    /// How a log stands; `None` before its first entry.
    async fn log(&self, log: Log) -> Result<Option<LogHead>, StoreError>;

    /// Logs that have entries which no checkpoint covers.
    async fn unsigned(&self, limit: usize) -> Result<Vec<LogHead>, StoreError>;

    /// Keeps a signed checkpoint, unless a later one is kept already.
    async fn put_checkpoint(&self, log: Log, size: u64, note: &str) -> Result<(), StoreError>;

    /// Entries of a log.
    async fn entries(&self, query: EntryQuery<'_>) -> Result<Vec<EntryRow>, StoreError>;

    /// How many entries fell into each slot, those that retention has removed included; slots without any are left
    /// out.
    async fn tally(&self, query: TallyQuery) -> Result<Vec<Tally>, StoreError>;

    /// The hashes of these leaves.
    async fn hashes(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError>;

    /// The roots of these full blocks.
    async fn blocks(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError>;

    /// Removes the texts, terms and actors of these entries, keeping their hashes; says how many had one. It may do so in
    /// rounds: after an error some may be removed, and asking again goes on.
    async fn retain(&self, log: Log, forget: Range<u64>) -> Result<u64, StoreError>;

    /// Whether it answers.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Copies the whole database into a new file while it is in use. Engines that have their own tools for
    /// that say so.
    async fn backup(&self, to: &Path) -> Result<(), StoreError>;

    /// What it is, for people: `SQLite at /var/lib/attache/gateway.db`. No password.
    fn describe(&self) -> String;
}

//! The gateway's store on PostgreSQL 15 and newer, for many nodes that share the work without a leader.
//!
//! A unit of work is one transaction of two round trips (`unit`); jobs are claimed by `SKIP LOCKED` under leases
//! on the database's time (`queue`); nodes wake each other by `NOTIFY` (`wake`). The contract is
//! [`attache_store::Engine`], and its suite is passed here.

mod address;
mod changes;
mod connections;
mod ends;
mod error;
mod jobs;
mod log;
mod migrate;
mod pipeline;
mod queue;
mod records;
mod statement;
mod tls;
mod unit;
mod values;
mod wake;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use attache_ledger::Hash;
use attache_store::{
    Claim, CommitError, Committed, Engine, EntryQuery, EntryRow, Job, JobEnd, JobId, JobQuery, JobState,
    Lease, ListQuery, Log, LogHead, Lookups, OrgId, Place, Row, StoreError, Tally, TallyQuery, Unit, Within,
};
use attache_terms::{Clock, Secret};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::address::Address;
use crate::connections::Connections;
pub use crate::error::OpenError;
use crate::error::said;
use crate::wake::Waker;

/// Whose time decides when jobs are due and leases lapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Time {
    /// The database's, which all nodes share.
    OfDatabase,
    /// The given clock's; for tests.
    OfClock,
}

/// Which database, and how it is used.
#[derive(Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`.
    pub address: Secret,
    /// At most so many connections, besides the one that listens.
    pub connections: usize,
    /// Counts how long a lease holds.
    pub clock: Arc<dyn Clock>,
    /// Whose time decides.
    pub time: Time,
}

impl PostgresOptions {
    /// The database at this address, used as a gateway does.
    pub fn new(address: Secret, clock: Arc<dyn Clock>) -> Self {
        Self { address, connections: 16, clock, time: Time::OfDatabase }
    }
}

/// A PostgreSQL database.
pub struct Postgres {
    connections: Connections,
    waker: Waker,
    clock: Arc<dyn Clock>,
    time: Time,
    described: String,
}

impl Postgres {
    /// Opens the database, having brought it to what this program knows.
    pub async fn open(options: PostgresOptions) -> Result<Self, OpenError> {
        let PostgresOptions { address, connections, clock, time } = options;
        let address = Address::parse(&address)?;
        let tls = tls::connector(&address)?;
        let Address { config, described, .. } = address;
        let (mut client, connection) = config.connect(tls.clone()).await.map_err(|error| {
            StoreError::unavailable(format!("{described} cannot be reached: {}", said(&error)), error)
        })?;
        let driver = tokio::spawn(connection);
        let migrated = migrate::migrate(&mut client).await;
        drop(client);
        driver.abort();
        migrated?;
        let waker = Waker::start(config.clone(), tls.clone());
        let connections = Connections::new(config, tls, connections)?;
        Ok(Self { connections, waker, clock, time, described })
    }

    /// The time that decides, when it is not the database's own.
    fn now(&self) -> Option<SystemTime> {
        match self.time {
            Time::OfDatabase => None,
            Time::OfClock => Some(values::time(self.clock.now())),
        }
    }
}

#[async_trait]
impl Engine for Postgres {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        let committed = self.connections.applied(&unit, self.now()).await?;
        let waits = |end: &JobEnd| matches!(end, JobEnd::Wait { .. } | JobEnd::Retry { .. });
        if !unit.jobs.is_empty() || unit.ended.iter().any(|(_, end)| waits(end)) {
            self.waker.wake();
        } else if !unit.ended.is_empty() {
            // One that was asked for once more while it ran waits again.
            self.waker.wake_here();
        }
        Ok(committed)
    }

    async fn get(&self, kind: &'static str, place: Place, key: &str) -> Result<Option<Row>, StoreError> {
        self.connections.record(kind, place, key).await
    }

    async fn find(&self, lookup: Lookups<'_>) -> Result<Option<Row>, StoreError> {
        self.connections.found(lookup).await
    }

    async fn list(&self, query: ListQuery<'_>) -> Result<Vec<Row>, StoreError> {
        self.connections.listed(query).await
    }

    async fn count(
        &self,
        kind: &'static str,
        within: Within,
        lookup: Option<(&'static str, &str)>,
    ) -> Result<u64, StoreError> {
        self.connections.counted(kind, within, lookup).await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.connections.swept(now, limit).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        let until = self.clock.boot().after(claim.lease);
        self.connections.claimed(claim, self.now(), until).await
    }

    async fn extend(&self, lease: &Lease, span: Duration) -> Result<Option<Lease>, StoreError> {
        let until = self.clock.boot().after(span);
        let holds = self.connections.extended(lease, span, self.now()).await?;
        Ok(holds.then(|| Lease { until, ..lease.clone() }))
    }

    async fn next_due(&self, kinds: &[&'static str]) -> Result<Option<Timestamp>, StoreError> {
        self.connections.due_next(kinds).await
    }

    async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        self.connections.shown_jobs(query).await
    }

    async fn job_counts(&self) -> Result<Vec<(String, JobState, u64)>, StoreError> {
        self.connections.job_numbers().await
    }

    async fn revive(&self, org: Option<OrgId>, job: JobId) -> Result<bool, StoreError> {
        let revived = self.connections.revived(org, job, self.now()).await?;
        if revived {
            self.waker.wake();
        }
        Ok(revived)
    }

    async fn forget_jobs(&self, ended_before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.connections.forgotten_jobs(ended_before, limit).await
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.waker.woken()
    }

    async fn log(&self, log: Log) -> Result<Option<LogHead>, StoreError> {
        self.connections.head(log).await
    }

    async fn unsigned(&self, limit: usize) -> Result<Vec<LogHead>, StoreError> {
        self.connections.unsigned_logs(limit).await
    }

    async fn put_checkpoint(&self, log: Log, size: u64, note: &str) -> Result<(), StoreError> {
        self.connections.checkpointed(log, size, note).await
    }

    async fn entries(&self, query: EntryQuery<'_>) -> Result<Vec<EntryRow>, StoreError> {
        self.connections.shown_entries(query).await
    }

    async fn tally(&self, query: TallyQuery) -> Result<Vec<Tally>, StoreError> {
        self.connections.tally(query).await
    }

    async fn hashes(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.connections.leaf_hashes(log, range).await
    }

    async fn blocks(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.connections.block_roots(log, range).await
    }

    async fn retain(&self, log: Log, forget: Range<u64>) -> Result<u64, StoreError> {
        self.connections.retained(log, forget).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        self.connections.ask("seeing whether it answers", "SELECT 1", &[]).await.map(drop)
    }

    async fn backup(&self, _: &Path) -> Result<(), StoreError> {
        Err(StoreError::unavailable(
            "PostgreSQL is backed up by its own tools",
            "pg_dump copies the whole database while it is in use: pg_dump --format=custom --file=FILE DATABASE",
        ))
    }

    fn describe(&self) -> String {
        self.described.clone()
    }
}

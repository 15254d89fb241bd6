//! The contract, each promise kept by the module that knows the rows.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use attache_ledger::Hash;
use attache_store::{
    Claim, CommitError, Committed, Engine, EntryQuery, EntryRow, Job, JobId, JobQuery, JobState, Lease,
    ListQuery, Log, LogHead, Lookups, OrgId, Place, Row, StoreError, Tally, TallyQuery, Unit, Within,
};
use jiff::Timestamp;
use tokio::sync::watch;

use crate::{Sqlite, apply, backup, jobs, log, records, schema};

#[async_trait]
impl Engine for Sqlite {
    async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        let now = self.clock.now();
        self.writer.run(move |connection, effects| apply(connection, unit, now, effects)).await
    }

    fn generation(&self) -> Option<u64> {
        self.writer.generation()
    }

    async fn get(&self, kind: &'static str, place: Place, key: &str) -> Result<Option<Row>, StoreError> {
        self.readers.read(|connection| records::get(connection, kind, place, key))
    }

    async fn find(&self, lookup: Lookups<'_>) -> Result<Option<Row>, StoreError> {
        self.readers.read(|connection| records::find(connection, &lookup))
    }

    async fn list(&self, query: ListQuery<'_>) -> Result<Vec<Row>, StoreError> {
        let lookup = query.lookup.map(|(name, value)| (name, value.to_owned()));
        let ListQuery { kind, within, page, .. } = query;
        self.read(move |connection| {
            let lookup = lookup.as_ref().map(|(name, value)| (*name, &**value));
            records::list(connection, &ListQuery { kind, within, lookup, page })
        })
        .await
    }

    async fn count(
        &self,
        kind: &'static str,
        within: Within,
        lookup: Option<(&'static str, &str)>,
    ) -> Result<u64, StoreError> {
        let lookup = lookup.map(|(name, value)| (name, value.to_owned()));
        self.read(move |connection| {
            let lookup = lookup.as_ref().map(|(name, value)| (*name, &**value));
            records::count_of(connection, kind, within, lookup)
        })
        .await
    }

    async fn sweep(&self, now: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.write(move |connection, _| Ok(records::sweep(connection, now, limit)?)).await
    }

    async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Lease>, StoreError> {
        // Before the claim is made, so that its holder never believes in it longer than the file does.
        let (until, token) = (self.clock.boot().after(claim.lease), self.rng.uuid());
        let taking = jobs::Taking {
            node: claim.node,
            kinds: jobs::kinds(claim.kinds),
            token,
            now: self.clock.now(),
            steady: self.steady.now(),
            until: self.steady.after(claim.lease),
            limit: claim.limit,
        };
        let jobs = self.write(move |connection, _| Ok(jobs::claim(connection, &taking)?)).await?;
        Ok(jobs.into_iter().map(|job| Lease { job, token, until }).collect())
    }

    async fn extend(&self, lease: &Lease, span: Duration) -> Result<Option<Lease>, StoreError> {
        let (job, token) = (lease.job.id, lease.token);
        let (until, stored) = (self.clock.boot().after(span), self.steady.after(span));
        let held = self.write(move |connection, _| Ok(jobs::extend(connection, job, token, stored)?)).await?;
        Ok(held.then(|| Lease { until, ..lease.clone() }))
    }

    async fn next_due(&self, kinds: &[&'static str]) -> Result<Option<Timestamp>, StoreError> {
        let kinds = jobs::kinds(kinds);
        self.read(move |connection| jobs::next_due(connection, &kinds)).await
    }

    async fn jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        let (kind, key) = (query.kind.map(str::to_owned), query.key.map(str::to_owned));
        let JobQuery { id, org, state, after, limit, .. } = query;
        self.read(move |connection| {
            let (kind, key) = (kind.as_deref(), key.as_deref());
            jobs::jobs(connection, &JobQuery { id, org, state, kind, key, after, limit })
        })
        .await
    }

    async fn job_counts(&self) -> Result<Vec<(String, JobState, u64)>, StoreError> {
        self.read(jobs::counts).await
    }

    async fn revive(&self, org: Option<OrgId>, job: JobId) -> Result<bool, StoreError> {
        let now = self.clock.now();
        self.write(move |connection, effects| {
            let revived = jobs::revive(connection, org, job, now)?;
            effects.wakes = revived;
            Ok(revived)
        })
        .await
    }

    async fn forget_jobs(&self, ended_before: Timestamp, limit: usize) -> Result<u64, StoreError> {
        self.write(move |connection, _| Ok(jobs::forget(connection, ended_before, limit)?)).await
    }

    fn woken(&self) -> watch::Receiver<u64> {
        self.writer.woken()
    }

    async fn log(&self, log: Log) -> Result<Option<LogHead>, StoreError> {
        self.readers.read(|connection| log::log(connection, log))
    }

    async fn unsigned(&self, limit: usize) -> Result<Vec<LogHead>, StoreError> {
        self.read(move |connection| log::unsigned(connection, limit)).await
    }

    async fn put_checkpoint(&self, log: Log, size: u64, note: &str) -> Result<(), StoreError> {
        let note = note.to_owned();
        self.write(move |connection, _| Ok(log::put_checkpoint(connection, log, size, &note)?)).await
    }

    async fn entries(&self, query: EntryQuery<'_>) -> Result<Vec<EntryRow>, StoreError> {
        let own = |text: Option<&str>| text.map(str::to_owned);
        let (act, term, by) = (own(query.act), own(query.term), own(query.by));
        let EntryQuery { log, sequences, since, until, failures, order, limit, .. } = query;
        self.read(move |connection| {
            let (act, term, by) = (act.as_deref(), term.as_deref(), by.as_deref());
            let query = EntryQuery { log, sequences, since, until, act, term, by, failures, order, limit };
            log::entries(connection, &query)
        })
        .await
    }

    async fn tally(&self, query: TallyQuery) -> Result<Vec<Tally>, StoreError> {
        self.read(move |connection| log::tally(connection, query)).await
    }

    async fn hashes(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.read(move |connection| log::hashes(connection, log, range)).await
    }

    async fn blocks(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        self.read(move |connection| log::blocks(connection, log, range)).await
    }

    async fn retain(&self, log: Log, forget: Range<u64>) -> Result<u64, StoreError> {
        self.write(move |connection, _| log::retain(connection, log, forget)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        // What answers has a thread that writes, and a disk.
        self.write(|connection, _| {
            connection.query_row("SELECT 1 FROM migration", [], |_| Ok(()))?;
            Ok(())
        })
        .await
    }

    async fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let (path, to) = (self.path.clone(), to.to_owned());
        self.read(move |connection| backup::copy(connection, &path, &to, schema::STEPS)).await
    }

    fn describe(&self) -> String {
        format!("SQLite at {}", self.path.display())
    }
}

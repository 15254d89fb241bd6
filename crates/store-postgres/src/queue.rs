//! The queue as workers see it: claims that skip what others are claiming, leases, and what is shown of jobs.

use std::time::{Duration, SystemTime};

use attache_store::{Claim, Job, JobId, JobQuery, JobState, LAPSED, Lease, NodeId, OrgId, Place, StoreError};
use attache_terms::Boot;
use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::error::SqlState;
use uuid::Uuid;

use crate::connections::{Connections, Failed, Param};
use crate::error::damaged;
use crate::jobs::{DEAD, DONE, RUNNING, WAITING};
use crate::values::{can_be_kept, limit, micros, read, read_number, read_time, time};

/// A lease that lapsed counts as a failure. It keeps its plan, as `jobs::END` does; the ids stand there twice for the
/// same reason.
const CLAIM: &str = "
    WITH due AS (
        SELECT id AS it, next AS since, (state = 1)::int AS lapsed FROM jobs
        WHERE next <= (SELECT coalesce($1::timestamptz, statement_timestamp()))
            AND kind = ANY((SELECT $2::text[])::text[])
        ORDER BY next LIMIT (SELECT $3::bigint) FOR UPDATE SKIP LOCKED
    )
    UPDATE jobs SET state = 1, token = gen_random_uuid(), node = $4, failures = failures + due.lapsed,
        reason = CASE WHEN due.lapsed = 1 THEN $6 ELSE reason END,
        changed = coalesce($1::timestamptz, statement_timestamp()),
        next = coalesce($1::timestamptz, statement_timestamp()) + $5::bigint * interval '1 microsecond'
    FROM due WHERE id = ANY(ARRAY(SELECT it FROM due)) AND id = due.it
    RETURNING id, kind, org, key, body, state, failures, due, created, changed, reason, node, token, since";

const EXTEND: &str = "
    UPDATE jobs SET
        next = coalesce($3::timestamptz, statement_timestamp()) + $4::bigint * interval '1 microsecond'
    WHERE id = $1 AND token = $2 AND state = 1 RETURNING 1";

const REVIVE: &str = "
    UPDATE jobs SET state = 0, due = now, next = now, changed = now,
        failures = CASE WHEN state = 2 THEN 0 ELSE failures END
    FROM coalesce($3::timestamptz, statement_timestamp()) AS now
    WHERE id = $1 AND ($2::uuid IS NULL OR org = $2) AND state IN (0, 2) RETURNING 1";

impl Connections {
    pub(crate) async fn claimed(
        &self,
        claim: Claim<'_>,
        now: Option<SystemTime>,
        until: Boot,
    ) -> Result<Vec<Lease>, StoreError> {
        let Claim { node, kinds, lease, limit: most } = claim;
        let (node, most, lease) = (node.uuid(), limit(most), micros(lease));
        let mut rows =
            self.once("claiming jobs", CLAIM, &[&now, &kinds, &most, &node, &lease, &LAPSED]).await?;
        rows.sort_by_key(|row| row.get::<_, SystemTime>("since"));
        let lease = |row: &Row| Ok(Lease { job: job(row)?, token: read(row, "token", "job")?, until });
        rows.iter().map(lease).collect()
    }

    /// Whether the lease still holds.
    pub(crate) async fn extended(
        &self,
        lease: &Lease,
        span: Duration,
        now: Option<SystemTime>,
    ) -> Result<bool, StoreError> {
        let (id, span) = (lease.job.id.uuid(), micros(span));
        let rows = self.ask("prolonging a lease", EXTEND, &[&id, &lease.token, &now, &span]).await?;
        Ok(!rows.is_empty())
    }

    pub(crate) async fn due_next(&self, kinds: &[&'static str]) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT next FROM jobs WHERE next IS NOT NULL AND kind = ANY($1) ORDER BY next LIMIT 1";
        let rows = self.ask("looking for the next job", sql, &[&kinds]).await?;
        rows.first().map(|row| read_time(row, "next", "job")).transpose()
    }

    pub(crate) async fn shown_jobs(&self, query: JobQuery<'_>) -> Result<Vec<Job>, StoreError> {
        if [query.kind, query.key].into_iter().flatten().any(|text| !can_be_kept(text)) {
            return Ok(Vec::new());
        }
        let id = query.id.map(JobId::uuid);
        let org = query.org.map(OrgId::uuid);
        let state = query.state.map(code);
        let after = query.after.map(JobId::uuid);
        let most = limit(query.limit);
        let mut sql = String::from(
            "SELECT id, kind, org, key, body, state, failures, due, created, changed, reason, node
             FROM jobs WHERE true",
        );
        let mut params: Vec<Param<'_>> = vec![&most];
        let mut only = |condition: &str, value| {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        };
        if let Some(id) = &id {
            only("id =", id);
        }
        if let Some(org) = &org {
            only("org <> '00000000-0000-0000-0000-000000000000' AND org =", org);
        }
        if let Some(state) = &state {
            only("state =", state);
        }
        if let Some(kind) = &query.kind {
            only("kind =", kind);
        }
        if let Some(key) = &query.key {
            only("key =", key);
        }
        if let Some(after) = &after {
            only("id <", after);
        }
        sql.push_str(" ORDER BY id DESC LIMIT $1");
        self.ask("showing jobs", &sql, &params).await?.iter().map(job).collect()
    }

    pub(crate) async fn job_numbers(&self) -> Result<Vec<(String, JobState, u64)>, StoreError> {
        let sql = "SELECT kind, state, count(*) AS n FROM jobs GROUP BY kind, state ORDER BY kind, state";
        let rows = self.ask("counting jobs", sql, &[]).await?;
        let count = |row: &Row| Ok((read(row, "kind", "job")?, state(row)?, read_number(row, "n", "job")?));
        rows.iter().map(count).collect()
    }

    pub(crate) async fn revived(
        &self,
        org: Option<OrgId>,
        job: JobId,
        now: Option<SystemTime>,
    ) -> Result<bool, StoreError> {
        let org = org.map(OrgId::uuid);
        match self.try_once("reviving a job", REVIVE, &[&job.uuid(), &org, &now]).await {
            Ok(rows) => Ok(!rows.is_empty()),
            // Another with its key waits or runs.
            Err(Failed::Server(_, error)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => Ok(false),
            Err(failed) => Err(failed.into()),
        }
    }

    pub(crate) async fn forgotten_jobs(&self, before: Timestamp, most: usize) -> Result<u64, StoreError> {
        let sql = "
            WITH old AS (
                SELECT id FROM jobs WHERE state = 3 AND changed < $1
                ORDER BY changed LIMIT $2 FOR UPDATE SKIP LOCKED
            ), gone AS (DELETE FROM jobs USING old WHERE jobs.id = old.id RETURNING 1)
            SELECT count(*) AS n FROM gone";
        let rows = self.once("forgetting jobs", sql, &[&time(before), &limit(most)]).await?;
        rows.first().map_or(Ok(0), |row| read_number(row, "n", "job"))
    }
}

fn job(row: &Row) -> Result<Job, StoreError> {
    let (org, node): (Uuid, Option<Uuid>) = (read(row, "org", "job")?, read(row, "node", "job")?);
    let failures: i32 = read(row, "failures", "job")?;
    Ok(Job {
        id: JobId::new(read(row, "id", "job")?),
        kind: read(row, "kind", "job")?,
        org: Place::from_uuid(org).org(),
        key: read(row, "key", "job")?,
        body: read(row, "body", "job")?,
        state: state(row)?,
        failures: u32::try_from(failures).unwrap_or(0),
        due: read_time(row, "due", "job")?,
        created: read_time(row, "created", "job")?,
        changed: read_time(row, "changed", "job")?,
        reason: read(row, "reason", "job")?,
        node: node.map(NodeId::new),
    })
}

fn code(state: JobState) -> i16 {
    match state {
        JobState::Waiting => WAITING,
        JobState::Running => RUNNING,
        JobState::Dead => DEAD,
        JobState::Done => DONE,
    }
}

fn state(row: &Row) -> Result<JobState, StoreError> {
    match read::<i16>(row, "state", "job")? {
        WAITING => Ok(JobState::Waiting),
        RUNNING => Ok(JobState::Running),
        DEAD => Ok(JobState::Dead),
        DONE => Ok(JobState::Done),
        other => Err(damaged("job", "state", &format!("there is no state {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use attache_terms::SystemClock;
    use attache_tests::Cluster;
    use tokio_postgres::NoTls;

    use super::*;
    use crate::jobs::END;
    use crate::{Postgres, PostgresOptions};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_busy_queue_is_not_planned_anew_each_time() {
        let address = Cluster::shared().unwrap().database().unwrap();
        let options = PostgresOptions::new(address.clone().into(), Arc::new(SystemClock));
        let _with_tables = Postgres::open(options).await.unwrap();
        let (client, connection) = tokio_postgres::connect(&address, NoTls).await.unwrap();
        tokio::spawn(connection);
        let (claim, end) = (client.prepare(CLAIM).await.unwrap(), client.prepare(END).await.unwrap());
        let (now, kinds, node) = (None::<SystemTime>, ["a"].as_slice(), Uuid::nil());
        for many in 1..=10_i64 {
            client.query(&claim, &[&now, &kinds, &many, &node, &many, &LAPSED]).await.unwrap();
            let ids = vec![Uuid::nil(); usize::try_from(many).unwrap()];
            let (states, dues) = (vec![DONE; ids.len()], vec![now; ids.len()]);
            let (failed, reasons) = (vec![false; ids.len()], vec![None::<&str>; ids.len()]);
            client.query(&end, &[&ids, &ids, &states, &dues, &failed, &reasons, &now]).await.unwrap();
        }
        let kept = "SELECT generic_plans, custom_plans FROM pg_prepared_statements
                    WHERE statement IN ($1, $2)";
        let kept = client.query(kept, &[&CLAIM, &END]).await.unwrap();
        let plans: Vec<(i64, i64)> = kept.iter().map(|row| (row.get(0), row.get(1))).collect();
        // PostgreSQL compares after five.
        assert_eq!(plans, [(5, 5), (5, 5)]);
    }
}

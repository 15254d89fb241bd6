//! Jobs: rows that a worker claims, holds under a lease, and ends.

use attache_store::{
    CommitError, Job, JobEnd, JobId, JobQuery, JobState, LAPSED, Lease, NewJob, NodeId, OrgId, Settled,
};
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use uuid::Uuid;

use crate::fault::{Fault, is_taken};
use crate::value::{At, Id, Micros, count, limit};

const COLUMNS: &str = "id, kind, place, key, body, state, failures, due, created, changed, reason, node";

fn number(state: JobState) -> i64 {
    match state {
        JobState::Waiting => 0,
        JobState::Running => 1,
        JobState::Dead => 2,
        JobState::Done => 3,
    }
}

fn state(number: i64) -> JobState {
    match number {
        0 => JobState::Waiting,
        1 => JobState::Running,
        2 => JobState::Dead,
        _ => JobState::Done,
    }
}

fn job(row: &rusqlite::Row<'_>) -> rusqlite::Result<Job> {
    let (Id(id), At(place)) = (row.get(0)?, row.get(2)?);
    let time = |column: usize| row.get(column).map(|Micros(time)| time);
    Ok(Job {
        id: JobId::new(id),
        kind: row.get(1)?,
        org: place.org(),
        key: row.get(3)?,
        body: row.get(4)?,
        state: state(row.get(5)?),
        failures: row.get(6)?,
        due: time(7)?,
        created: time(8)?,
        changed: time(9)?,
        reason: row.get(10)?,
        node: row.get::<_, Option<Id>>(11)?.map(|Id(node)| NodeId::new(node)),
    })
}

/// Adds a job, or makes the one with its key due earlier.
pub(crate) fn enqueue(connection: &Connection, job: &NewJob, now: Timestamp) -> Result<(), Fault> {
    let due = Micros(job.due.unwrap_or(now));
    if let Some(key) = &job.key {
        let sql = "UPDATE job SET changed = ?5,
                       due = iif(state = 0, min(due, ?4), due),
                       ready = iif(state = 0, min(ready, ?4), ready),
                       again = iif(state = 1, min(ifnull(again, ?4), ?4), again)
                   WHERE kind = ?1 AND place = ?2 AND key = ?3 AND ready IS NOT NULL";
        let row = params![job.kind, At::org(job.org), key, due, Micros(now)];
        if connection.prepare_cached(sql)?.execute(row)? > 0 {
            return Ok(());
        }
    }
    let sql = "INSERT INTO job (id, kind, place, key, body, state, failures, due, ready, created, changed)
               VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, ?6, ?6, ?7, ?7)";
    let row = params![Id(job.id.uuid()), job.kind, At::org(job.org), job.key, job.body, due, Micros(now)];
    match connection.prepare_cached(sql)?.execute(row) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => Err(CommitError::Taken { kind: "job", lookup: "key" }.into()),
        Err(error) => Err(error.into()),
    }
}

/// Demands that nobody else has the job.
pub(crate) fn hold(connection: &Connection, lease: &Lease) -> Result<(), Fault> {
    let sql = "SELECT 1 FROM job WHERE id = ?1 AND token = ?2 AND state = 1";
    let held = connection.prepare_cached(sql)?.exists(params![Id(lease.job.id.uuid()), Id(lease.token)])?;
    if held { Ok(()) } else { Err(CommitError::LeaseLost.into()) }
}

/// Ends a job; says whether it waits again.
pub(crate) fn end(
    connection: &Connection,
    lease: &Lease,
    end: JobEnd,
    now: Timestamp,
) -> Result<bool, Fault> {
    let id = Id(lease.job.id.uuid());
    let sql = "SELECT failures, again FROM job WHERE id = ?1 AND token = ?2 AND state = 1";
    let held = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get::<_, Option<Micros>>(1)?));
    let held = connection.prepare_cached(sql)?.query_row(params![id, Id(lease.token)], held).optional()?;
    let (failures, again) = held.ok_or(CommitError::LeaseLost)?;
    let Settled { state, due, failures, reason } = end.settle(failures, again.map(|Micros(again)| again));
    let due = due.map(Micros);
    let sql = "UPDATE job SET state = ?2, failures = ?3, due = ifnull(?4, due), ready = ?4, reason = ?5,
                   changed = ?6, again = NULL, token = NULL, node = NULL
               WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        id,
        number(state),
        failures,
        due,
        reason,
        Micros(now)
    ])?;
    Ok(due.is_some())
}

/// What a claim says of itself.
pub(crate) struct Taking {
    pub(crate) node: NodeId,
    pub(crate) kinds: String,
    pub(crate) token: Uuid,
    /// The time of day, for what waits.
    pub(crate) now: Timestamp,
    /// The time of leases.
    pub(crate) steady: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) limit: usize,
}

/// The kinds as a statement takes them.
pub(crate) fn kinds(kinds: &[&str]) -> String {
    serde_json::Value::from(kinds).to_string()
}

/// Claims due jobs.
pub(crate) fn claim(connection: &Connection, taking: &Taking) -> rusqlite::Result<Vec<Job>> {
    let sql = "SELECT id FROM job
               WHERE ready <= max(?1, ?2) AND ready <= iif(state = 1, ?2, ?1)
                   AND kind IN (SELECT value FROM json_each(?3))
               ORDER BY ready, id LIMIT ?4";
    let (now, steady) = (Micros(taking.now), Micros(taking.steady));
    let due: Vec<Id> = connection
        .prepare_cached(sql)?
        .query_map(params![now, steady, taking.kinds, limit(taking.limit)], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let sql = format!(
        "UPDATE job SET failures = failures + (state = 1),
             reason = iif(state = 1, '{LAPSED}', reason),
             state = 1, ready = ?2, token = ?3, node = ?4, changed = ?5
         WHERE id = ?1 RETURNING {COLUMNS}"
    );
    let mut take = connection.prepare_cached(&sql)?;
    let (token, node) = (Id(taking.token), Id(taking.node.uuid()));
    let until = Micros(taking.until);
    due.iter().map(|id| take.query_row(params![id, until, token, node, now], job)).collect()
}

/// Prolongs a lease; false when it is lost.
pub(crate) fn extend(
    connection: &Connection,
    job: JobId,
    token: Uuid,
    until: Timestamp,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE job SET ready = ?3 WHERE id = ?1 AND token = ?2 AND state = 1";
    let row = params![Id(job.uuid()), Id(token), Micros(until)];
    Ok(connection.prepare_cached(sql)?.execute(row)? > 0)
}

pub(crate) fn next_due(connection: &Connection, kinds: &str) -> rusqlite::Result<Option<Timestamp>> {
    let sql = "SELECT ready FROM job
               WHERE ready IS NOT NULL AND kind IN (SELECT value FROM json_each(?1)) ORDER BY ready LIMIT 1";
    let next = connection.prepare_cached(sql)?.query_row([kinds], |row| row.get(0)).optional()?;
    Ok(next.map(|Micros(next)| next))
}

pub(crate) fn jobs(connection: &Connection, query: &JobQuery<'_>) -> rusqlite::Result<Vec<Job>> {
    let (mut sql, mut values) = (format!("SELECT {COLUMNS} FROM job WHERE TRUE"), Vec::new());
    let mut narrow = |condition: &str, value: Option<Value>| {
        if let Some(value) = value {
            sql += condition;
            values.push(value);
        }
    };
    let bytes = |uuid: Uuid| Value::Blob(uuid.into_bytes().to_vec());
    let text = |text: &str| Value::Text(text.to_owned());
    narrow(" AND id = ?", query.id.map(|id| bytes(id.uuid())));
    narrow(" AND place = ?", query.org.map(|org| bytes(org.uuid())));
    narrow(" AND state = ?", query.state.map(|state| Value::Integer(number(state))));
    narrow(" AND kind = ?", query.kind.map(text));
    narrow(" AND key = ?", query.key.map(text));
    narrow(" AND id < ?", query.after.map(|id| bytes(id.uuid())));
    narrow(" ORDER BY id DESC LIMIT ?", Some(Value::Integer(limit(query.limit))));
    connection.prepare_cached(&sql)?.query_map(params_from_iter(values), job)?.collect()
}

pub(crate) fn counts(connection: &Connection) -> rusqlite::Result<Vec<(String, JobState, u64)>> {
    let mut select =
        connection.prepare_cached("SELECT kind, state, count(*) FROM job GROUP BY kind, state")?;
    let counted = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, state(row.get(1)?), count(row.get(2)?)));
    select.query_map([], counted)?.collect()
}

/// Lets a dead job be done again, and a waiting one at once.
pub(crate) fn revive(
    connection: &Connection,
    org: Option<OrgId>,
    job: JobId,
    now: Timestamp,
) -> rusqlite::Result<bool> {
    let sql =
        "UPDATE job SET failures = iif(state = 2, 0, failures), state = 0, due = ?3, ready = ?3, changed = ?3
               WHERE id = ?1 AND state IN (0, 2) AND (?2 IS NULL OR place = ?2)";
    let place = org.map(|org| At::org(Some(org)));
    match connection.prepare_cached(sql)?.execute(params![Id(job.uuid()), place, Micros(now)]) {
        // Another with its key waits or runs.
        Err(error) if is_taken(&error) => Ok(false),
        changed => changed.map(|changed| changed > 0),
    }
}

pub(crate) fn forget(connection: &Connection, before: Timestamp, most: usize) -> rusqlite::Result<u64> {
    let sql = "DELETE FROM job WHERE id IN
               (SELECT id FROM job WHERE state = 3 AND changed < ?1 ORDER BY changed LIMIT ?2)";
    let removed = connection.prepare_cached(sql)?.execute(params![Micros(before), limit(most)])?;
    Ok(removed as u64)
}

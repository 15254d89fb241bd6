//! Jobs: the statements of a unit that add and end them, and how workers claim them. Time is the database's, as
//! it was when a statement arrived, unless a test's clock is given.

use std::collections::BTreeMap;
use std::time::SystemTime;

use attache_store::{CommitError, JobEnd, Lease, NewJob, Place};
use jiff::Timestamp;
use uuid::Uuid;

use crate::statement::Statement;
use crate::values::{text, time};

/// How jobs stand, as the database has it.
pub(crate) const WAITING: i16 = 0;
pub(crate) const RUNNING: i16 = 1;
pub(crate) const DEAD: i16 = 2;
pub(crate) const DONE: i16 = 3;

/// Adds jobs in an order that is the same for everybody. One whose key waits or runs already makes that one due
/// earlier, or run once more.
const ADD: &str = "
    INSERT INTO jobs (id, kind, org, key, body, state, due, next, created, changed)
    SELECT id, kind, org, key, body, 0, coalesce(due, now), coalesce(due, now), now, now
    FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[])
        AS w(id, kind, org, key, body, due),
        coalesce($7::timestamptz, statement_timestamp()) AS now
    ORDER BY kind, org, key
    ON CONFLICT (kind, org, key) WHERE key IS NOT NULL AND state < 2 DO UPDATE SET
        due = CASE WHEN jobs.state = 0 THEN least(jobs.due, excluded.due) ELSE jobs.due END,
        next = CASE WHEN jobs.state = 0 THEN least(jobs.due, excluded.due) ELSE jobs.next END,
        again = CASE WHEN jobs.state = 1 THEN least(jobs.again, excluded.due) END,
        changed = excluded.changed";

/// Ends jobs whose lease nobody else has. The rules are those of `JobEnd::settle`.
///
/// To plan it takes longer than to do it. A parameter behind a `SELECT` has no value yet when a plan is made, so that
/// no plan for certain values is better than the one for any, and PostgreSQL keeps that one. The ids stand there
/// twice: of an array it takes for granted that it is short, so that the plan goes by the key however large the table
/// has become since.
pub(crate) const END: &str = "
    UPDATE jobs j SET
        state = CASE WHEN w.state = 0 OR j.again IS NOT NULL THEN 0 ELSE w.state END,
        due = coalesce(least(w.due, j.again), j.due),
        next = least(w.due, j.again),
        failures = CASE
            WHEN w.state = 0 AND w.failed THEN j.failures + 1
            WHEN w.state = 0 OR j.again IS NOT NULL THEN 0
            WHEN w.failed THEN j.failures + 1
            ELSE j.failures END,
        reason = w.reason, again = NULL, node = NULL,
        changed = coalesce($7::timestamptz, statement_timestamp())
    FROM unnest((SELECT $1::uuid[]), (SELECT $2::uuid[]), (SELECT $3::smallint[]), (SELECT $4::timestamptz[]),
            (SELECT $5::boolean[]), (SELECT $6::text[]))
        AS w(id, token, state, due, failed, reason)
    WHERE j.id = ANY((SELECT $1::uuid[])::uuid[]) AND j.id = w.id AND j.token = w.token AND j.state = 1
    RETURNING j.id";

/// Keeps everybody else from taking a job over until the unit is applied; nothing when another has it.
const HOLD: &str = "SELECT 1 FROM jobs WHERE id = $1 AND token = $2 AND state = 1 FOR SHARE";

/// Whether a lease's job was ended under it.
pub(crate) const ENDED_BY: &str = "SELECT 1 FROM jobs WHERE id = $1 AND token = $2 AND state <> 1";

/// The statement that adds these jobs.
pub(crate) fn added(jobs: &[NewJob], now: Option<SystemTime>) -> Option<Statement<'_>> {
    let jobs = coalesced(jobs);
    if jobs.is_empty() {
        return None;
    }
    let ids: Vec<Uuid> = jobs.iter().map(|(job, _)| job.id.uuid()).collect();
    let kinds: Vec<&str> = jobs.iter().map(|(job, _)| job.kind).collect();
    let orgs: Vec<Uuid> = jobs.iter().map(|(job, _)| Place::from(job.org).uuid()).collect();
    let keys: Vec<Option<&str>> = jobs.iter().map(|(job, _)| job.key.as_deref()).collect();
    let bodies: Vec<&str> = jobs.iter().map(|(job, _)| job.body.as_str()).collect();
    let dues: Vec<Option<SystemTime>> = jobs.iter().map(|(_, due)| due.map(time)).collect();
    let statement = Statement::new(ADD).with(ids).with(kinds).with(orgs).with(keys);
    Some(statement.with(bodies).with(dues).with(now))
}

/// One job for each key, due when the earliest is: a statement cannot add one and find it there.
fn coalesced(jobs: &[NewJob]) -> Vec<(&NewJob, Option<Timestamp>)> {
    let mut kept: Vec<(&NewJob, Option<Timestamp>)> = Vec::with_capacity(jobs.len());
    let mut by_key = BTreeMap::new();
    for job in jobs {
        let Some(key) = &job.key else {
            kept.push((job, job.due));
            continue;
        };
        let first = *by_key.entry((job.kind, job.org, key)).or_insert(kept.len());
        match kept.get_mut(first) {
            // None is now, and sorts first.
            Some((_, due)) => *due = job.due.min(*due),
            None => kept.push((job, job.due)),
        }
    }
    kept
}

/// The statement that demands that nobody else has the lease's job.
pub(crate) fn held<'u>(lease: &Lease) -> Statement<'u> {
    let hold = Statement::new(HOLD).with(lease.job.id.uuid()).with(lease.token);
    hold.checked(|rows| if rows.is_empty() { Err(CommitError::LeaseLost) } else { Ok(()) })
}

/// The statement that ends these jobs.
pub(crate) fn ended(ends: &[(Lease, JobEnd)], now: Option<SystemTime>) -> Option<Statement<'_>> {
    if ends.is_empty() {
        return None;
    }
    let ids: Vec<Uuid> = ends.iter().map(|(lease, _)| lease.job.id.uuid()).collect();
    let tokens: Vec<Uuid> = ends.iter().map(|(lease, _)| lease.token).collect();
    let states: Vec<i16> = ends.iter().map(|(_, end)| state(end)).collect();
    let dues: Vec<Option<SystemTime>> = ends.iter().map(|(_, end)| due(end)).collect();
    let failed: Vec<bool> =
        ends.iter().map(|(_, end)| matches!(end, JobEnd::Retry { .. } | JobEnd::Dead { .. })).collect();
    let reasons: Vec<Option<String>> = ends.iter().map(|(_, end)| reason(end)).collect();
    let statement = Statement::new(END).with(ids).with(tokens).with(states).with(dues);
    let statement = statement.with(failed).with(reasons).with(now);
    Some(statement.checked(
        move |rows| {
            if rows.len() == ends.len() { Ok(()) } else { Err(CommitError::LeaseLost) }
        },
    ))
}

fn state(end: &JobEnd) -> i16 {
    match end {
        JobEnd::Wait { .. } | JobEnd::Retry { .. } => WAITING,
        JobEnd::Dead { .. } => DEAD,
        JobEnd::Done => DONE,
    }
}

fn due(end: &JobEnd) -> Option<SystemTime> {
    match end {
        JobEnd::Wait { due, .. } | JobEnd::Retry { due, .. } => Some(time(*due)),
        JobEnd::Done | JobEnd::Dead { .. } => None,
    }
}

fn reason(end: &JobEnd) -> Option<String> {
    match end {
        JobEnd::Wait { reason, .. } | JobEnd::Retry { reason, .. } | JobEnd::Dead { reason } => {
            Some(text(reason))
        }
        JobEnd::Done => None,
    }
}

#[cfg(test)]
mod tests {
    use attache_store::JobId;

    use super::*;

    #[test]
    fn jobs_of_one_unit_with_one_key_are_one_job_due_at_the_earliest() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let job = |number: u128, key: &str, due: Option<i64>| NewJob {
            id: JobId::new(Uuid::from_u128(number)),
            kind: "identity.provision",
            org: None,
            key: (!key.is_empty()).then(|| key.to_owned()),
            body: String::new(),
            due: due.map(at),
        };
        let jobs = [
            job(1, "", Some(1)),
            job(2, "a", Some(9)),
            job(3, "a", Some(5)),
            job(4, "b", Some(7)),
            job(5, "b", None),
            job(6, "", Some(1)),
        ];
        let kept: Vec<_> =
            coalesced(&jobs).iter().map(|(job, due)| (job.id.uuid().as_u128(), *due)).collect();
        assert_eq!(kept, [(1, Some(at(1))), (2, Some(at(5))), (4, None), (6, Some(at(1)))]);
    }
}

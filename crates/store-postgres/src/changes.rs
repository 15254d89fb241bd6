//! The statements that change records: one each, then one for all lookups of the unit, so that two records may
//! swap a value.

use std::collections::BTreeMap;

use attache_store::{Becomes, Change, CommitError, Lookup, Reach};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::records::{EVERYWHERE, version};
use crate::statement::Statement;
use crate::values::time;

const CREATE: &str = "
    INSERT INTO records (kind, place, key, version, body, expires) VALUES ($1, $2, $3, 1, $4, $5)
    ON CONFLICT DO NOTHING RETURNING 1";

/// Lookups that it no longer has go with the same statement.
const UPDATE: &str = "
    WITH r AS (
        UPDATE records SET version = version + 1, body = $5, expires = $6
        WHERE kind = $1 AND place = $2 AND key = $3 AND version = $4 RETURNING 1
    ), stale AS (
        DELETE FROM lookups l USING r WHERE l.kind = $1 AND l.place = $2 AND l.key = $3
          AND NOT EXISTS (
            SELECT FROM unnest($7::text[], $8::text[], $9::uuid[]) AS w(name, value, only_in)
            WHERE w.name = l.name AND w.value = l.value AND w.only_in IS NOT DISTINCT FROM l.only_in)
    )
    SELECT 1 FROM r";

const DELETE: &str = "
    WITH r AS (
        DELETE FROM records WHERE kind = $1 AND place = $2 AND key = $3 AND version = $4 RETURNING 1
    ), stale AS (
        DELETE FROM lookups l USING r WHERE l.kind = $1 AND l.place = $2 AND l.key = $3
    )
    SELECT 1 FROM r";

const EXPECT: &str =
    "SELECT 1 FROM records WHERE kind = $1 AND place = $2 AND key = $3 AND version = $4 FOR SHARE";

const EXPECT_NONE: &str =
    "SELECT 1 WHERE NOT EXISTS (SELECT FROM records WHERE kind = $1 AND place = $2 AND key = $3)";

/// Locks what several changes are about in one order for everybody, so that two units never wait for each other.
const LOCK: &str = "
    SELECT 1 FROM records r JOIN unnest($1::text[], $2::uuid[], $3::text[]) AS w(kind, place, key)
    ON r.kind = w.kind AND r.place = w.place AND r.key = w.key
    ORDER BY r.kind, r.place, r.key FOR UPDATE OF r";

/// Adds those that are not there yet; tells those that could not be added, since others have them.
const LOOKUPS: &str = "
    WITH w AS (
        SELECT DISTINCT * FROM unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::uuid[])
            AS w(kind, place, key, name, value, only_in)
    ), missing AS (
        SELECT * FROM w WHERE NOT EXISTS (
            SELECT FROM lookups l WHERE l.kind = w.kind AND l.place = w.place AND l.key = w.key
              AND l.name = w.name AND l.value = w.value)
    ), added AS (
        INSERT INTO lookups (kind, place, key, name, value, only_in)
        SELECT * FROM missing ORDER BY kind, name, value, place, key
        ON CONFLICT DO NOTHING RETURNING kind, place, key, name, value
    )
    SELECT kind, name FROM missing
    EXCEPT ALL
    SELECT kind, name FROM added";

/// The statements for these changes, in order.
pub(crate) fn statements(changes: &[Change]) -> Vec<Statement<'_>> {
    let mut statements = Vec::new();
    statements.extend(lock(changes));
    statements.extend(changes.iter().map(statement));
    statements.extend(lookups(changes));
    statements
}

fn lock(changes: &[Change]) -> Option<Statement<'_>> {
    let existing: Vec<&Change> = changes.iter().filter(|change| change.expects.is_some()).collect();
    if existing.len() < 2 {
        return None;
    }
    let kinds: Vec<&str> = existing.iter().map(|change| change.kind).collect();
    let places: Vec<Uuid> = existing.iter().map(|change| change.place.uuid()).collect();
    let keys: Vec<&str> = existing.iter().map(|change| change.key.as_str()).collect();
    Some(Statement::new(LOCK).with(kinds).with(places).with(keys))
}

fn statement(change: &Change) -> Statement<'_> {
    let about =
        |sql| Statement::new(sql).with(change.kind).with(change.place.uuid()).with(change.key.as_str());
    let statement = match (change.expects, &change.becomes) {
        (None, Becomes::Body { body, expires, .. }) => {
            about(CREATE).with(body.as_str()).with(expires.map(time))
        }
        (None, Becomes::Same | Becomes::Nothing) => about(EXPECT_NONE),
        (Some(expected), Becomes::Body { body, lookups, expires }) => {
            let (names, values, only_in) = columns(change, lookups.iter());
            let update = about(UPDATE).with(version(expected)).with(body.as_str()).with(expires.map(time));
            update.with(names).with(values).with(only_in)
        }
        (Some(expected), Becomes::Same) => about(EXPECT).with(version(expected)),
        (Some(expected), Becomes::Nothing) => about(DELETE).with(version(expected)),
    };
    statement.checked(move |rows| applied(change, rows))
}

fn applied(change: &Change, rows: &[Row]) -> Result<(), CommitError> {
    match (rows.is_empty(), change.expects) {
        (false, _) => Ok(()),
        (true, Some(_)) => Err(CommitError::Conflict { kind: change.kind, key: change.key.clone() }),
        (true, None) => Err(CommitError::Taken { kind: change.kind, lookup: "key" }),
    }
}

/// One statement for the lookups of all records that there will be.
fn lookups(changes: &[Change]) -> Option<Statement<'_>> {
    let altering = changes.iter().filter(|change| change.becomes != Becomes::Same);
    let last: BTreeMap<_, _> =
        altering.map(|change| ((change.kind, change.place, change.key.as_str()), change)).collect();
    let wanted: Vec<(&Change, &Lookup)> = last
        .into_values()
        .flat_map(|change| match &change.becomes {
            Becomes::Body { lookups, .. } => lookups.iter().map(|lookup| (change, lookup)).collect(),
            Becomes::Same | Becomes::Nothing => Vec::new(),
        })
        .collect();
    if wanted.is_empty() {
        return None;
    }
    let kinds: Vec<&str> = wanted.iter().map(|(change, _)| change.kind).collect();
    let places: Vec<Uuid> = wanted.iter().map(|(change, _)| change.place.uuid()).collect();
    let keys: Vec<&str> = wanted.iter().map(|(change, _)| change.key.as_str()).collect();
    let names: Vec<&str> = wanted.iter().map(|(_, lookup)| lookup.name).collect();
    let values: Vec<&str> = wanted.iter().map(|(_, lookup)| lookup.value.as_str()).collect();
    let only_in: Vec<Option<Uuid>> = wanted.iter().map(|(change, lookup)| only_in(change, lookup)).collect();
    let statement = Statement::new(LOOKUPS).with(kinds).with(places).with(keys);
    let statement = statement.with(names).with(values).with(only_in);
    Some(statement.checked(move |rows| {
        let taken = |row: &Row| {
            let (kind, name): (&str, &str) = (row.get(0), row.get(1));
            wanted.iter().find(|(change, lookup)| change.kind == kind && lookup.name == name)
        };
        match rows.iter().find_map(taken) {
            Some((change, lookup)) => Err(CommitError::Taken { kind: change.kind, lookup: lookup.name }),
            None => Ok(()),
        }
    }))
}

type Columns<'u> = (Vec<&'u str>, Vec<&'u str>, Vec<Option<Uuid>>);

fn columns<'u>(change: &Change, lookups: impl Iterator<Item = &'u Lookup> + Clone) -> Columns<'u> {
    let names = lookups.clone().map(|lookup| lookup.name).collect();
    let values = lookups.clone().map(|lookup| lookup.value.as_str()).collect();
    (names, values, lookups.map(|lookup| only_in(change, lookup)).collect())
}

/// Among what it is unique.
fn only_in(change: &Change, lookup: &Lookup) -> Option<Uuid> {
    match lookup.reach {
        Reach::Many => None,
        Reach::UniqueInPlace => Some(change.place.uuid()),
        Reach::UniqueEverywhere => Some(EVERYWHERE),
    }
}

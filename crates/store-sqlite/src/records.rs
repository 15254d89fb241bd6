//! Records and what they are found by.

use std::collections::BTreeMap;

use attache_store::{
    Becomes, Change, CommitError, ListQuery, Lookup, Lookups, Order, Place, Reach, Row, Within,
};
use jiff::Timestamp;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::fault::{Fault, is_taken};
use crate::value::{At, Micros, count, limit, whole};

/// Applies the changes of a unit: the records one after the other, then what they are found by, so that two
/// of them may swap a value.
pub(crate) fn apply(connection: &Connection, changes: &[Change]) -> Result<(), Fault> {
    let mut found_by = BTreeMap::new();
    for change in changes {
        match &change.becomes {
            Becomes::Body { body, lookups, expires } => {
                let expires = expires.map(Micros);
                let (id, is_new) = match change.expects {
                    None => (create(connection, change, body, expires)?, true),
                    Some(version) => (update(connection, change, version, body, expires)?, false),
                };
                let before = if is_new { Vec::new() } else { lookups_of(connection, id)? };
                found_by.entry(id).or_insert((change, before, lookups)).2 = lookups;
            }
            Becomes::Same => expect(connection, change)?,
            Becomes::Nothing => {
                if let Some(id) = delete(connection, change)? {
                    found_by.remove(&id);
                }
            }
        }
    }
    for (id, (_, before, now)) in &found_by {
        for kept in before.iter().filter(|kept| !now.iter().any(|lookup| kept.is(lookup))) {
            let sql = "DELETE FROM lookup WHERE record = ?1 AND name = ?2 AND value = ?3";
            connection.prepare_cached(sql)?.execute(params![id, kept.name, kept.value])?;
        }
    }
    for (id, (change, before, now)) in &found_by {
        for (nth, lookup) in now.iter().enumerate() {
            let is_known = now[..nth].contains(lookup) || before.iter().any(|kept| kept.is(lookup));
            if !is_known {
                let sole = sole(lookup, change.place);
                add_lookup(connection, *id, change, lookup, sole)?;
            }
        }
    }
    Ok(())
}

fn conflict(change: &Change) -> Fault {
    CommitError::Conflict { kind: change.kind, key: change.key.clone() }.into()
}

fn taken(change: &Change) -> Fault {
    CommitError::Taken { kind: change.kind, lookup: "key" }.into()
}

fn create(
    connection: &Connection,
    change: &Change,
    body: &str,
    expires: Option<Micros>,
) -> Result<i64, Fault> {
    let sql = "INSERT INTO record (kind, place, key, version, body, expires) VALUES (?1, ?2, ?3, 1, ?4, ?5)
               ON CONFLICT DO NOTHING";
    let row = params![change.kind, At(change.place), change.key, body, expires];
    match connection.prepare_cached(sql)?.execute(row)? {
        0 => Err(taken(change)),
        _ => Ok(connection.last_insert_rowid()),
    }
}

fn update(
    connection: &Connection,
    change: &Change,
    version: u64,
    body: &str,
    expires: Option<Micros>,
) -> Result<i64, Fault> {
    let sql = "UPDATE record SET version = version + 1, body = ?5, expires = ?6
               WHERE kind = ?1 AND place = ?2 AND key = ?3 AND version = ?4 RETURNING id";
    let row = params![change.kind, At(change.place), change.key, whole(version), body, expires];
    let id = connection.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?;
    id.ok_or_else(|| conflict(change))
}

/// Removes the record, and with it its lookups; `None` when there was none, as expected.
fn delete(connection: &Connection, change: &Change) -> Result<Option<i64>, Fault> {
    let Some(version) = change.expects else { return expect(connection, change).map(|()| None) };
    let sql = "DELETE FROM record WHERE kind = ?1 AND place = ?2 AND key = ?3 AND version = ?4 RETURNING id";
    let row = params![change.kind, At(change.place), change.key, whole(version)];
    let id = connection.prepare_cached(sql)?.query_row(row, |row| row.get(0)).optional()?;
    id.map(Some).ok_or_else(|| conflict(change))
}

fn expect(connection: &Connection, change: &Change) -> Result<(), Fault> {
    let sql = "SELECT version FROM record WHERE kind = ?1 AND place = ?2 AND key = ?3";
    let at = params![change.kind, At(change.place), change.key];
    let found = connection.prepare_cached(sql)?.query_row(at, |row| row.get(0)).optional()?;
    match (found.map(count), change.expects) {
        (found, expected) if found == expected => Ok(()),
        (_, Some(_)) => Err(conflict(change)),
        (_, None) => Err(taken(change)),
    }
}

/// A lookup as it stands.
struct Kept {
    name: String,
    value: String,
    sole: Option<Vec<u8>>,
}

impl Kept {
    /// Whether it is this one. Its reach is part of it.
    fn is(&self, lookup: &Lookup) -> bool {
        let reach = match self.sole.as_deref() {
            None => Reach::Many,
            Some([]) => Reach::UniqueEverywhere,
            Some(_) => Reach::UniqueInPlace,
        };
        self.name == lookup.name && self.value == lookup.value && reach == lookup.reach
    }
}

fn lookups_of(connection: &Connection, id: i64) -> rusqlite::Result<Vec<Kept>> {
    let mut select = connection.prepare_cached("SELECT name, value, sole FROM lookup WHERE record = ?1")?;
    let kept =
        |row: &rusqlite::Row<'_>| Ok(Kept { name: row.get(0)?, value: row.get(1)?, sole: row.get(2)? });
    select.query_map([id], kept)?.collect()
}

/// Among what the value is unique.
fn sole(lookup: &Lookup, place: Place) -> Option<Vec<u8>> {
    match lookup.reach {
        Reach::Many => None,
        Reach::UniqueInPlace => Some(place.uuid().into_bytes().to_vec()),
        Reach::UniqueEverywhere => Some(Vec::new()),
    }
}

fn add_lookup(
    connection: &Connection,
    id: i64,
    change: &Change,
    lookup: &Lookup,
    sole: Option<Vec<u8>>,
) -> Result<(), Fault> {
    let sql = "INSERT INTO lookup (record, kind, name, value, place, key, sole)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    let row = params![id, change.kind, lookup.name, lookup.value, At(change.place), change.key, sole];
    match connection.prepare_cached(sql)?.execute(row) {
        Ok(_) => Ok(()),
        Err(error) if is_taken(&error) => {
            Err(CommitError::Taken { kind: change.kind, lookup: lookup.name }.into())
        }
        Err(error) => Err(error.into()),
    }
}

fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let At(place) = row.get(0)?;
    Ok(Row { place, key: row.get(1)?, version: count(row.get(2)?), body: row.get(3)? })
}

pub(crate) fn get(
    connection: &Connection,
    kind: &str,
    place: Place,
    key: &str,
) -> rusqlite::Result<Option<Row>> {
    let sql = "SELECT place, key, version, body FROM record WHERE kind = ?1 AND place = ?2 AND key = ?3";
    connection.prepare_cached(sql)?.query_row(params![kind, At(place), key], row).optional()
}

pub(crate) fn find(connection: &Connection, lookup: &Lookups<'_>) -> rusqlite::Result<Option<Row>> {
    let select = "SELECT r.place, r.key, r.version, r.body FROM lookup l JOIN record r ON r.id = l.record
                  WHERE l.kind = ?1 AND l.name = ?2 AND l.value = ?3 AND ";
    let Lookups { kind, within, name, value } = lookup;
    match within {
        Within::Place(place) => {
            let sql = format!("{select} l.place = ?4 AND l.sole IS NOT NULL");
            connection.prepare_cached(&sql)?.query_row(params![kind, name, value, At(*place)], row)
        }
        Within::Anywhere => {
            let sql = format!("{select} l.sole = x''");
            connection.prepare_cached(&sql)?.query_row(params![kind, name, value], row)
        }
    }
    .optional()
}

pub(crate) fn list(connection: &Connection, query: &ListQuery<'_>) -> rusqlite::Result<Vec<Row>> {
    let (mut sql, mut values) = (String::from("SELECT r.place, r.key, r.version, r.body FROM "), Vec::new());
    let at = narrow(&mut sql, &mut values, query.kind, query.within, query.lookup);
    let (than, direction) = match query.page.order {
        Order::Ascending => (">", "ASC"),
        Order::Descending => ("<", "DESC"),
    };
    if let Some(after) = &query.page.after {
        match query.within {
            Within::Place(_) => sql += &format!(" AND {at}.key {than} ?"),
            Within::Anywhere => {
                sql += &format!(" AND ({at}.place, {at}.key) {than} (?, ?)");
                values.push(Value::Blob(after.place.uuid().into_bytes().to_vec()));
            }
        }
        values.push(Value::Text(after.key.clone()));
    }
    sql += &format!(" ORDER BY {at}.place {direction}, {at}.key {direction} LIMIT ?");
    values.push(Value::Integer(limit(query.page.limit)));
    connection.prepare_cached(&sql)?.query_map(params_from_iter(values), row)?.collect()
}

pub(crate) fn count_of(
    connection: &Connection,
    kind: &str,
    within: Within,
    lookup: Option<(&str, &str)>,
) -> rusqlite::Result<u64> {
    let (mut sql, mut values) = (String::from("SELECT count(*) FROM "), Vec::new());
    narrow(&mut sql, &mut values, kind, within, lookup);
    let number = connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))?;
    Ok(count(number))
}

/// From which tables, and which rows of them. Says which of the tables gives the order.
fn narrow(
    sql: &mut String,
    values: &mut Vec<Value>,
    kind: &str,
    within: Within,
    lookup: Option<(&str, &str)>,
) -> &'static str {
    let text = |text: &str| Value::Text(text.to_owned());
    values.push(text(kind));
    let at = match lookup {
        None => {
            *sql += "record r WHERE r.kind = ?";
            "r"
        }
        Some((name, value)) => {
            *sql +=
                "lookup l JOIN record r ON r.id = l.record WHERE l.kind = ? AND l.name = ? AND l.value = ?";
            values.extend([text(name), text(value)]);
            "l"
        }
    };
    if let Within::Place(place) = within {
        *sql += &format!(" AND {at}.place = ?");
        values.push(Value::Blob(place.uuid().into_bytes().to_vec()));
    }
    at
}

pub(crate) fn sweep(connection: &Connection, now: Timestamp, most: usize) -> rusqlite::Result<u64> {
    let sql = "DELETE FROM record WHERE id IN
               (SELECT id FROM record WHERE expires < ?1 ORDER BY expires LIMIT ?2)";
    let removed = connection.prepare_cached(sql)?.execute(params![Micros(now), limit(most)])?;
    Ok(removed as u64)
}

//! The logs: numbered entries, the hashes of their leaves, the roots of full blocks, and how each log stands.

use std::ops::Range;

use attache_ledger::{Draft, Frontier, Hash};
use attache_store::{
    Checkpointed, CommitError, ERASED, EntryQuery, EntryRow, Log, LogHead, NewEntry, Numberer, Order,
    StoreError, Tally, TallyQuery, actor_digest,
};
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};

use crate::fault::Fault;
use crate::value::{At, Id, Micros, count, limit, whole};

/// A log that a unit writes to.
struct Open {
    log: Log,
    id: i64,
    numberer: Numberer,
}

/// Numbers and adds the entries of a unit; says their numbers.
pub(crate) fn append(connection: &Connection, entries: Vec<(Log, Draft)>) -> Result<Vec<u64>, Fault> {
    let mut open: Vec<Open> = Vec::new();
    let mut sequences = Vec::with_capacity(entries.len());
    for (log, draft) in entries {
        let at = match open.iter().position(|open| open.log == log) {
            Some(at) => at,
            None => {
                open.push(Open::find_or_make(connection, log)?);
                open.len() - 1
            }
        };
        let entry = open[at].numberer.number(draft);
        sequences.push(entry.row.sequence);
        insert(connection, open[at].id, entry)?;
    }
    for Open { id, numberer, .. } in open {
        let sql = "UPDATE log SET size = ?2, frontier = ?3 WHERE id = ?1";
        let frontier = numberer.frontier();
        let row = params![id, whole(frontier.size()), frontier.to_bytes()];
        connection.prepare_cached(sql)?.execute(row)?;
    }
    Ok(sequences)
}

impl Open {
    fn find_or_make(connection: &Connection, log: Log) -> Result<Self, Fault> {
        let sql = "SELECT id, frontier FROM log WHERE place = ?1";
        let found = connection
            .prepare_cached(sql)?
            .query_row([At(log.0)], |row| Ok((row.get(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        if let Some((id, frontier)) = found {
            return Ok(Self { log, id, numberer: Numberer::from(read(log, &frontier)?) });
        }
        let empty = Frontier::default();
        let sql = "INSERT INTO log (place, size, frontier) VALUES (?1, 0, ?2)";
        connection.prepare_cached(sql)?.execute(params![At(log.0), empty.to_bytes()])?;
        Ok(Self { log, id: connection.last_insert_rowid(), numberer: Numberer::from(empty) })
    }
}

fn read(log: Log, frontier: &[u8]) -> Result<Frontier, StoreError> {
    let damaged = || StoreError::damaged("log", &log.0.uuid().to_string(), "its frontier is none");
    Frontier::from_bytes(frontier).ok_or_else(damaged)
}

fn insert(connection: &Connection, log: i64, entry: NewEntry) -> rusqlite::Result<()> {
    let NewEntry { row, terms, actor, block } = entry;
    let sequence = whole(row.sequence);
    let (leaf, withheld) = row.text.unzip();
    let sql = "INSERT INTO entry (log, sequence, entry, time, act, failed, hash, leaf, withheld, actor)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (id, time) = (Id(row.id.uuid()), Micros(row.time));
    let actor = actor.map(|Hash(digest)| digest);
    let values = params![log, sequence, id, time, row.act, row.failed, row.hash.0, leaf, withheld, actor];
    connection.prepare_cached(sql)?.execute(values)?;
    let mut find = connection.prepare_cached("INSERT INTO term (log, term, sequence) VALUES (?1, ?2, ?3)")?;
    for term in terms {
        find.execute(params![log, term, sequence])?;
    }
    if let Some((number, Hash(root))) = block {
        let sql = "INSERT INTO block (log, number, root) VALUES (?1, ?2, ?3)";
        connection.prepare_cached(sql)?.execute(params![log, whole(number), root])?;
    }
    Ok(())
}

/// Destroys the withheld fields of an entry. One that retention has removed has none.
pub(crate) fn erase(connection: &Connection, log: Log, sequence: u64) -> Result<(), Fault> {
    let sql = "UPDATE entry SET withheld = iif(leaf IS NULL, NULL, ?3), actor = NULL
               WHERE log = (SELECT id FROM log WHERE place = ?1) AND sequence = ?2";
    let row = params![At(log.0), whole(sequence), ERASED];
    if connection.prepare_cached(sql)?.execute(row)? > 0 {
        return Ok(());
    }
    Err(CommitError::Conflict { kind: "entry", key: sequence.to_string() }.into())
}

fn head(row: &rusqlite::Row<'_>) -> rusqlite::Result<(Log, Vec<u8>, Option<Checkpointed>)> {
    let At(place) = row.get(0)?;
    let (size, note): (i64, Option<String>) = (row.get(2)?, row.get(3)?);
    let checkpoint = note.map(|note| Checkpointed { size: count(size), note });
    Ok((Log(place), row.get(1)?, checkpoint))
}

fn whole_head((log, frontier, checkpoint): (Log, Vec<u8>, Option<Checkpointed>)) -> Result<LogHead, Fault> {
    Ok(LogHead { log, frontier: read(log, &frontier)?, checkpoint })
}

pub(crate) fn log(connection: &Connection, log: Log) -> Result<Option<LogHead>, Fault> {
    let sql = "SELECT place, frontier, signed, checkpoint FROM log WHERE place = ?1";
    let found = connection.prepare_cached(sql)?.query_row([At(log.0)], head).optional()?;
    found.map(whole_head).transpose()
}

pub(crate) fn unsigned(connection: &Connection, most: usize) -> Result<Vec<LogHead>, Fault> {
    let sql = "SELECT place, frontier, signed, checkpoint FROM log WHERE size > signed ORDER BY id LIMIT ?1";
    let mut select = connection.prepare_cached(sql)?;
    let found: Vec<_> = select.query_map([limit(most)], head)?.collect::<Result<_, _>>()?;
    found.into_iter().map(whole_head).collect()
}

pub(crate) fn put_checkpoint(
    connection: &Connection,
    log: Log,
    size: u64,
    note: &str,
) -> rusqlite::Result<()> {
    let sql = "UPDATE log SET signed = ?2, checkpoint = ?3
               WHERE place = ?1 AND (checkpoint IS NULL OR signed < ?2)";
    connection.prepare_cached(sql)?.execute(params![At(log.0), whole(size), note]).map(drop)
}

pub(crate) fn entries(connection: &Connection, query: &EntryQuery<'_>) -> rusqlite::Result<Vec<EntryRow>> {
    let mut sql = String::from(
        "SELECT sequence, entry, time, act, failed, hash, leaf, withheld FROM entry
         WHERE log = (SELECT id FROM log WHERE place = ?) AND sequence >= ? AND sequence < ?",
    );
    let Range { start, end } = query.sequences.clone();
    let place = Value::Blob(query.log.0.uuid().into_bytes().to_vec());
    let mut values = vec![place.clone(), whole(start).into(), whole(end).into()];
    let mut narrow = |condition: &str, by: &[Value]| {
        sql += condition;
        values.extend_from_slice(by);
    };
    if let Some(since) = query.since {
        narrow(" AND time >= ?", &[since.as_microsecond().into()]);
    }
    if let Some(until) = query.until {
        narrow(" AND time < ?", &[until.as_microsecond().into()]);
    }
    if let Some(act) = query.act {
        narrow(" AND substr(act, 1, length(?)) = ?", &[act.to_owned().into(), act.to_owned().into()]);
    }
    if let Some(term) = query.term {
        let carries = " AND sequence IN (SELECT sequence FROM term
                        WHERE log = (SELECT id FROM log WHERE place = ?) AND term = ?)";
        narrow(carries, &[place, term.to_owned().into()]);
    }
    if let Some(by) = query.by {
        narrow(" AND actor = ?", &[actor_digest(by).0.to_vec().into()]);
    }
    if query.failures {
        narrow(" AND failed", &[]);
    }
    let order = match query.order {
        Order::Ascending => " ORDER BY sequence LIMIT ?",
        Order::Descending => " ORDER BY sequence DESC LIMIT ?",
    };
    narrow(order, &[limit(query.limit).into()]);
    connection.prepare_cached(&sql)?.query_map(params_from_iter(values), entry)?.collect()
}

fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<EntryRow> {
    let (sequence, Id(id), Micros(time)) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let (leaf, withheld): (Option<String>, Option<String>) = (row.get(6)?, row.get(7)?);
    Ok(EntryRow {
        sequence: count(sequence),
        id: id.into(),
        time,
        act: row.get(3)?,
        failed: row.get(4)?,
        text: leaf.zip(withheld),
        hash: Hash(row.get(5)?),
    })
}

/// Counts by slots, of the newest entries only.
pub(crate) fn tally(connection: &Connection, query: TallyQuery) -> rusqlite::Result<Vec<Tally>> {
    let sql = "SELECT (time - ?2) / ?3, count(*), sum(failed) FROM entry WHERE log = (SELECT id FROM log WHERE place = ?1)
               AND sequence > (SELECT max(sequence) FROM entry WHERE log = (SELECT id FROM log WHERE place = ?1)) - ?4
               AND time >= ?2 GROUP BY 1 ORDER BY 1";
    let slot = i64::try_from(query.slot.as_micros()).unwrap_or(i64::MAX);
    let values = (query.log.0.uuid().into_bytes(), query.since.as_microsecond(), slot, whole(query.newest));
    let row = |row: &rusqlite::Row<'_>| {
        let (slot, entries, failures) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(Tally { slot: count(slot), entries: count(entries), failures: count(failures) })
    };
    connection.prepare_cached(sql)?.query_map(values, row)?.collect()
}

pub(crate) fn hashes(connection: &Connection, log: Log, range: Range<u64>) -> rusqlite::Result<Vec<Hash>> {
    let sql = "SELECT hash FROM entry WHERE log = (SELECT id FROM log WHERE place = ?1)
               AND sequence >= ?2 AND sequence < ?3 ORDER BY sequence";
    roots(connection, sql, log, range)
}

pub(crate) fn blocks(connection: &Connection, log: Log, range: Range<u64>) -> rusqlite::Result<Vec<Hash>> {
    let sql = "SELECT root FROM block WHERE log = (SELECT id FROM log WHERE place = ?1)
               AND number >= ?2 AND number < ?3 ORDER BY number";
    roots(connection, sql, log, range)
}

fn roots(connection: &Connection, sql: &str, log: Log, range: Range<u64>) -> rusqlite::Result<Vec<Hash>> {
    let mut select = connection.prepare_cached(sql)?;
    let values = params![At(log.0), whole(range.start), whole(range.end)];
    select.query_map(values, |row| row.get(0).map(Hash))?.collect()
}

/// How many entries are in memory at once while they are removed.
const AT_ONCE: u64 = 1_000;

/// Removes the texts, terms and actors of these entries.
pub(crate) fn retain(connection: &Connection, log: Log, forget: Range<u64>) -> Result<u64, Fault> {
    let (mut removed, id) = (0, "(SELECT id FROM log WHERE place = ?1)");
    let mut lose = connection
        .prepare_cached(&format!("DELETE FROM term WHERE log = {id} AND sequence = ?2 AND term = ?3"))?;
    let mut empty = connection.prepare_cached(&format!(
        "UPDATE entry SET leaf = NULL, withheld = NULL, actor = NULL WHERE log = {id} AND sequence = ?2"
    ))?;
    let mut from = forget.start;
    while from < forget.end {
        let to = forget.end.min(from.saturating_add(AT_ONCE));
        let part = EntryQuery { sequences: from..to, ..EntryQuery::all(log, usize::MAX) };
        for row in entries(connection, &part)?.iter().filter(|row| row.text.is_some()) {
            for term in row.terms()? {
                lose.execute(params![At(log.0), whole(row.sequence), term])?;
            }
            removed += empty.execute(params![At(log.0), whole(row.sequence)])? as u64;
        }
        from = to;
    }
    Ok(removed)
}

//! Logs: the statements of a unit that add entries, and reading.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::SystemTime;

use attache_ledger::{Draft, EntryId, Frontier, Hash};
use attache_store::{
    Checkpointed, CommitError, ERASED, EntryQuery, EntryRow, Log, LogHead, NewEntry, Numberer, Order, Place,
    StoreError, Tally, TallyQuery, actor_digest,
};
use tokio_postgres::Row;
use uuid::Uuid;

use crate::connections::{Connections, Param};
use crate::error::damaged;
use crate::statement::Statement;
use crate::values::{can_be_kept, limit, number, read, read_number, read_time, time};

/// Locks the logs that a unit adds to, in one order for everybody.
pub(crate) const HEADS: &str =
    "SELECT place, frontier FROM logs WHERE place = ANY($1) ORDER BY place FOR UPDATE";

/// Begins logs; whoever comes second waits for the first.
pub(crate) const BEGIN_LOGS: &str = "
    INSERT INTO logs (place, frontier, unsigned) SELECT place, $2, false FROM unnest($1::uuid[]) AS w(place)
    ORDER BY place ON CONFLICT DO NOTHING";

/// What retention has emptied stays so.
const ERASE: &str = "
    UPDATE entries e SET withheld = CASE WHEN e.leaf IS NOT NULL THEN $3 END, actor = NULL
    FROM unnest($1::uuid[], $2::bigint[]) AS w(place, sequence)
    WHERE e.place = w.place AND e.sequence = w.sequence RETURNING e.place, e.sequence";

/// What separates the terms of one entry on their way into the database. No term holds it.
const SEPARATOR: &str = "\u{1f}";

const ADD: &str = "
    WITH w AS MATERIALIZED (
        SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::text[],
            $6::boolean[], $7::text[], $8::text[], $9::bytea[], $10::text[], $11::bytea[])
            AS w(place, sequence, id, time, act, failed, leaf, withheld, hash, terms, actor)
    ), found AS (
        INSERT INTO entry_terms (place, term, sequence)
        SELECT place, term, sequence FROM w, string_to_table(w.terms, E'\\x1f') AS term
    ), grown AS (
        UPDATE logs SET frontier = g.frontier, unsigned = true
        FROM unnest($12::uuid[], $13::bytea[]) AS g(place, frontier) WHERE logs.place = g.place
    )
    INSERT INTO entries (place, sequence, id, time, act, failed, leaf, withheld, hash, actor)
    SELECT place, sequence, id, time, act, failed, leaf, withheld, hash, actor FROM w";

/// How many entries are removed in one statement.
const ROUND: usize = 500;

const ADD_BLOCKS: &str = "
    INSERT INTO blocks (place, number, root) SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[])";

/// The logs of these entries.
pub(crate) fn places(entries: &[(Log, Draft)]) -> Vec<Uuid> {
    let mut places: Vec<Uuid> = entries.iter().map(|(log, _)| log.0.uuid()).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// What the locked logs have grown to.
pub(crate) fn heads(rows: &[Row]) -> Result<BTreeMap<Uuid, Numberer>, StoreError> {
    let head = |row: &Row| Ok((read(row, "place", "log")?, Numberer::from(frontier(row)?)));
    rows.iter().map(head).collect()
}

/// Gives the entries their numbers; the entries, in order.
pub(crate) fn numbered(
    heads: &mut BTreeMap<Uuid, Numberer>,
    entries: &[(Log, Draft)],
) -> Vec<(Uuid, NewEntry)> {
    let number = |(log, draft): &(Log, Draft)| {
        let place = log.0.uuid();
        let numberer = heads.entry(place).or_insert_with(|| Numberer::from(Frontier::default()));
        (place, numberer.number(draft.clone()))
    };
    entries.iter().map(number).collect()
}

/// The statements that keep the entries and what their logs have grown to.
pub(crate) fn added<'u>(
    entries: &'u [(Uuid, NewEntry)],
    heads: &BTreeMap<Uuid, Numberer>,
) -> Vec<Statement<'u>> {
    if entries.is_empty() {
        return Vec::new();
    }
    let places: Vec<Uuid> = entries.iter().map(|(place, _)| *place).collect();
    let rows = || entries.iter().map(|(_, entry)| &entry.row);
    let sequences: Vec<i64> = rows().map(|row| number(row.sequence)).collect();
    let ids: Vec<Uuid> = rows().map(|row| row.id.uuid()).collect();
    let times: Vec<SystemTime> = rows().map(|row| time(row.time)).collect();
    let acts: Vec<&str> = rows().map(|row| row.act.as_str()).collect();
    let failed: Vec<bool> = rows().map(|row| row.failed).collect();
    let leaves: Vec<Option<&str>> =
        rows().map(|row| row.text.as_ref().map(|(leaf, _)| leaf.as_str())).collect();
    let withheld: Vec<Option<&str>> =
        rows().map(|row| row.text.as_ref().map(|(_, column)| column.as_str())).collect();
    let hashes: Vec<&[u8]> = rows().map(|row| row.hash.0.as_slice()).collect();
    let terms: Vec<String> = entries.iter().map(|(_, entry)| entry.terms.join(SEPARATOR)).collect();
    let actors: Vec<Option<&[u8]>> =
        entries.iter().map(|(_, entry)| entry.actor.as_ref().map(|digest| digest.0.as_slice())).collect();
    let grown: Vec<Uuid> = heads.keys().copied().collect();
    let frontiers: Vec<Vec<u8>> = heads.values().map(|head| head.frontier().to_bytes()).collect();
    let add = Statement::new(ADD).with(places).with(sequences).with(ids).with(times).with(acts).with(failed);
    let add = add.with(leaves).with(withheld).with(hashes).with(terms).with(actors);
    let add = add.with(grown).with(frontiers);
    let mut statements = vec![add];
    statements.extend(blocks(entries));
    statements
}

fn blocks(entries: &[(Uuid, NewEntry)]) -> Option<Statement<'_>> {
    let full: Vec<(Uuid, u64, &Hash)> = entries
        .iter()
        .filter_map(|(place, entry)| entry.block.as_ref().map(|(number, root)| (*place, *number, root)))
        .collect();
    if full.is_empty() {
        return None;
    }
    let places: Vec<Uuid> = full.iter().map(|(place, ..)| *place).collect();
    let numbers: Vec<i64> = full.iter().map(|(_, block, _)| number(*block)).collect();
    let roots: Vec<&[u8]> = full.iter().map(|(.., root)| root.0.as_slice()).collect();
    Some(Statement::new(ADD_BLOCKS).with(places).with(numbers).with(roots))
}

/// The statement that destroys the withheld fields of these entries.
pub(crate) fn erased(entries: &[(Log, u64)]) -> Option<Statement<'_>> {
    if entries.is_empty() {
        return None;
    }
    let places: Vec<Uuid> = entries.iter().map(|(log, _)| log.0.uuid()).collect();
    let sequences: Vec<i64> = entries.iter().map(|(_, sequence)| number(*sequence)).collect();
    let statement = Statement::new(ERASE).with(places).with(sequences).with(ERASED);
    Some(statement.checked(move |rows| {
        let there: Vec<(Uuid, i64)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        match entries.iter().find(|(log, sequence)| !there.contains(&(log.0.uuid(), number(*sequence)))) {
            Some((_, sequence)) => Err(CommitError::Conflict { kind: "entry", key: sequence.to_string() }),
            None => Ok(()),
        }
    }))
}

const HEAD: &str = "SELECT place, frontier, checkpoint_size, checkpoint_note FROM logs";

impl Connections {
    pub(crate) async fn head(&self, log: Log) -> Result<Option<LogHead>, StoreError> {
        let rows = self.ask("reading a log", &format!("{HEAD} WHERE place = $1"), &[&log.0.uuid()]).await?;
        rows.first().map(head).transpose()
    }

    pub(crate) async fn unsigned_logs(&self, most: usize) -> Result<Vec<LogHead>, StoreError> {
        let sql = format!("{HEAD} WHERE unsigned ORDER BY place LIMIT $1");
        self.ask("looking for unsigned logs", &sql, &[&limit(most)]).await?.iter().map(head).collect()
    }

    /// The log's size is the beginning of its frontier.
    pub(crate) async fn checkpointed(&self, log: Log, size: u64, note: &str) -> Result<(), StoreError> {
        let sql = "UPDATE logs SET checkpoint_size = $2, checkpoint_note = $3,
                       unsigned = substr(frontier, 1, 8) > int8send($2)
                   WHERE place = $1 AND coalesce(checkpoint_size, 0) < $2";
        let done = self.ask("keeping a checkpoint", sql, &[&log.0.uuid(), &number(size), &note]).await;
        done.map(drop)
    }

    pub(crate) async fn shown_entries(&self, query: EntryQuery<'_>) -> Result<Vec<EntryRow>, StoreError> {
        if [query.act, query.term].into_iter().flatten().any(|text| !can_be_kept(text)) {
            return Ok(Vec::new());
        }
        let place = query.log.0.uuid();
        let (from, to) = (number(query.sequences.start), number(query.sequences.end));
        let (since, until) = (query.since.map(time), query.until.map(time));
        let by = query.by.map(|by| actor_digest(by).0.to_vec());
        let most = limit(query.limit);
        let mut params: Vec<Param<'_>> = vec![&place, &from, &to, &most];
        let mut sql =
            String::from("SELECT sequence, id, time, act, failed, leaf, withheld, hash FROM entries");
        if let Some(term) = &query.term {
            params.push(term);
            sql.push_str(&format!(
                " JOIN (SELECT place, sequence FROM entry_terms WHERE term = ${}) t USING (place, sequence)",
                params.len()
            ));
        }
        sql.push_str(" WHERE place = $1 AND sequence >= $2 AND sequence < $3");
        let mut only = |condition: &str, value| {
            params.push(value);
            sql.push_str(&format!(" AND {condition} ${}", params.len()));
        };
        if let Some(since) = &since {
            only("time >=", since);
        }
        if let Some(until) = &until {
            only("time <", until);
        }
        if let Some(act) = &query.act {
            only("act ^@", act);
        }
        if let Some(by) = &by {
            only("actor =", by);
        }
        if query.failures {
            sql.push_str(" AND failed");
        }
        let way = if query.order == Order::Ascending { "ASC" } else { "DESC" };
        sql.push_str(&format!(" ORDER BY sequence {way} LIMIT $4"));
        self.ask("reading entries", &sql, &params).await?.iter().map(entry).collect()
    }

    /// Counts by slots, of the newest entries only.
    pub(crate) async fn tally(&self, query: TallyQuery) -> Result<Vec<Tally>, StoreError> {
        let sql = "
            SELECT floor(extract(epoch FROM time - $2)::float8 / $3::float8)::bigint AS slot, count(*) AS entries,
                   count(*) FILTER (WHERE failed) AS failures
            FROM entries
            WHERE place = $1 AND sequence > (SELECT max(sequence) FROM entries WHERE place = $1) - $4 AND time >= $2
            GROUP BY 1 ORDER BY 1";
        let (since, slot) = (time(query.since), query.slot.as_secs_f64());
        let params: [Param<'_>; 4] = [&query.log.0.uuid(), &since, &slot, &number(query.newest)];
        let rows = self.ask("counting entries", sql, &params).await?;
        let column = |row: &Row, name| read_number(row, name, "entry");
        rows.iter()
            .map(|row| {
                let (slot, entries) = (column(row, "slot")?, column(row, "entries")?);
                Ok(Tally { slot, entries, failures: column(row, "failures")? })
            })
            .collect()
    }

    pub(crate) async fn leaf_hashes(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let sql = "SELECT hash FROM entries WHERE place = $1 AND sequence >= $2 AND sequence < $3
                   ORDER BY sequence";
        self.hash_column("hash", sql, log, range).await
    }

    pub(crate) async fn block_roots(&self, log: Log, range: Range<u64>) -> Result<Vec<Hash>, StoreError> {
        let sql = "SELECT root FROM blocks WHERE place = $1 AND number >= $2 AND number < $3 ORDER BY number";
        self.hash_column("root", sql, log, range).await
    }

    async fn hash_column(
        &self,
        column: &str,
        sql: &str,
        log: Log,
        range: Range<u64>,
    ) -> Result<Vec<Hash>, StoreError> {
        let (from, to) = (number(range.start), number(range.end));
        let rows = self.ask("reading hashes", sql, &[&log.0.uuid(), &from, &to]).await?;
        rows.iter().map(|row| hash(row, column)).collect()
    }

    /// Each round is a statement of its own, which ends long before a statement must; whoever asks again after one
    /// that failed goes on from there.
    pub(crate) async fn retained(&self, log: Log, forget: Range<u64>) -> Result<u64, StoreError> {
        let (mut removed, mut from) = (0, forget.start);
        loop {
            let round = EntryQuery { sequences: from..forget.end, ..EntryQuery::all(log, ROUND) };
            let rows = self.shown_entries(round).await?;
            let Some(last) = rows.last() else { return Ok(removed) };
            from = last.sequence + 1;
            removed += self.emptied(log, &rows).await?;
        }
    }

    /// The terms of an entry follow from its text: so they are found by their key, and need no index of their own.
    async fn emptied(&self, log: Log, rows: &[EntryRow]) -> Result<u64, StoreError> {
        let (mut sequences, mut terms, mut carried) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows.iter().filter(|row| row.text.is_some()) {
            let sequence = number(row.sequence);
            sequences.push(sequence);
            for term in row.terms()? {
                terms.push(term);
                carried.push(sequence);
            }
        }
        if sequences.is_empty() {
            return Ok(0);
        }
        let sql = "
            WITH unfound AS (
                DELETE FROM entry_terms t USING unnest($3::text[], $4::bigint[]) AS w(term, sequence)
                WHERE t.place = $1 AND t.term = w.term AND t.sequence = w.sequence
            ), emptied AS (
                UPDATE entries SET leaf = NULL, withheld = NULL, actor = NULL
                WHERE place = $1 AND sequence = ANY($2::bigint[]) AND leaf IS NOT NULL RETURNING 1
            )
            SELECT count(*) AS n FROM emptied";
        let place = log.0.uuid();
        let params: [Param<'_>; 4] = [&place, &sequences, &terms, &carried];
        let rows = self.once("removing old entries", sql, &params).await?;
        rows.first().map_or(Ok(0), |row| read_number(row, "n", "entry"))
    }
}

fn head(row: &Row) -> Result<LogHead, StoreError> {
    let size: Option<i64> = read(row, "checkpoint_size", "log")?;
    let note: Option<String> = read(row, "checkpoint_note", "log")?;
    let checkpoint = match (size, note) {
        (Some(size), Some(note)) => Some(Checkpointed { size: u64::try_from(size).unwrap_or(0), note }),
        _ => None,
    };
    let place = Place::from_uuid(read(row, "place", "log")?);
    Ok(LogHead { log: Log(place), frontier: frontier(row)?, checkpoint })
}

fn frontier(row: &Row) -> Result<Frontier, StoreError> {
    let bytes: &[u8] = read(row, "frontier", "log")?;
    Frontier::from_bytes(bytes).ok_or_else(|| damaged("log", "frontier", "its length does not fit its size"))
}

fn entry(row: &Row) -> Result<EntryRow, StoreError> {
    let id: Uuid = read(row, "id", "entry")?;
    let leaf: Option<String> = read(row, "leaf", "entry")?;
    let withheld: Option<String> = read(row, "withheld", "entry")?;
    Ok(EntryRow {
        sequence: read_number(row, "sequence", "entry")?,
        id: EntryId::from(id),
        time: read_time(row, "time", "entry")?,
        act: read(row, "act", "entry")?,
        failed: read(row, "failed", "entry")?,
        text: leaf.zip(withheld),
        hash: hash(row, "hash")?,
    })
}

fn hash(row: &Row, column: &str) -> Result<Hash, StoreError> {
    let bytes: &[u8] = read(row, column, "hash")?;
    Hash::try_from(bytes).map_err(|error| damaged("hash", column, &error.to_string()))
}

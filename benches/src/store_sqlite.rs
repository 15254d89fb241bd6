//! Audited units on SQLite, beside what the bare engine commits in the same run: the same rows into the same tables,
//! the same durability (WAL, `synchronous=FULL`), and as many units to a transaction as the store had. The bare rows
//! are numbered, hashed and written out beforehand, by one thread that nobody has to wake.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use attache_ledger::{Composer, Frontier};
use attache_store::{Engine, Numberer};
use attache_store_sqlite::{Sqlite, SqliteOptions, Written};
use attache_terms::{SystemClock, SystemRng};
use rusqlite::{Connection, params};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::audited::{self, Rows};

/// The share of the bare engine's commits that the store is to reach.
const BOUND: f64 = 0.6;

/// Concurrent writers, and the units of each.
const LOADS: [(usize, usize); 3] = [(1, 200), (8, 100), (64, 50)];

/// Repetitions, ours and bare in turn, so that whatever else the disk does befalls both; the median counts.
const ROUNDS: usize = 9;

struct Round {
    ours: Duration,
    bare: Duration,
    written: Written,
}

impl Round {
    fn ratio(&self) -> f64 {
        self.bare.as_secs_f64() / self.ours.as_secs_f64()
    }
}

/// Prints both, and how they compare.
pub(crate) async fn run() -> anyhow::Result<()> {
    // Beside the program, since a folder for temporary files may not be on a disk.
    let program = std::env::current_exe()?;
    let disk = program.parent().context("the program stands in a folder")?;
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    for (writers, units) in LOADS {
        let folder = tempfile::tempdir_in(disk)?;
        let ours = Arc::new(open(&folder.path().join("ours.db"))?);
        let mut bare = bare(&folder.path().join("bare.db"))?;
        let mut rounds = Vec::new();
        // The first warms both up.
        for round in 0..=ROUNDS {
            let before = ours.written();
            let took = our_round(&ours, &composer, writers, units).await?;
            let after = ours.written();
            let written = Written { units: after.units - before.units, groups: after.groups - before.groups };
            let bare = bare_round(&mut bare, &composer, writers, units, written)?;
            if round > 0 {
                rounds.push(Round { ours: took, bare, written });
            }
        }
        report(writers, (writers * units) as f64, rounds);
    }
    Ok(())
}

fn report(writers: usize, units: f64, mut rounds: Vec<Round>) {
    rounds.sort_by(|a, b| a.ratio().total_cmp(&b.ratio()));
    let at = |quarter: usize| &rounds[rounds.len() * quarter / 4];
    let median = at(2);
    let rate = |took: Duration| units / took.as_secs_f64();
    crate::print(format_args!(
        "store-sqlite, audited units, {writers:2} writers {:6.0} /s; the same rows by the bare engine in groups of {:.1}: \
         {:.0} /s; ratio {:.2}, half of the rounds {:.2} to {:.2} (to reach: {BOUND})",
        rate(median.ours),
        median.written.units as f64 / median.written.groups as f64,
        rate(median.bare),
        median.ratio(),
        at(1).ratio(),
        at(3).ratio(),
    ));
}

fn open(path: &Path) -> anyhow::Result<Sqlite> {
    let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
    Ok(Sqlite::open(SqliteOptions { path: path.to_owned(), clock, rng })?)
}

/// The same tables, without the store.
fn bare(path: &Path) -> anyhow::Result<Connection> {
    drop(open(path)?);
    let connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Each writer has an organisation of its own, and waits for each unit before the next.
async fn our_round(
    store: &Arc<Sqlite>,
    composer: &Composer,
    writers: usize,
    units: usize,
) -> anyhow::Result<Duration> {
    let mut work = Vec::new();
    for _ in 0..writers {
        let org = audited::organisation();
        let units = (0..units).map(|_| audited::unit(org, composer));
        work.push(units.collect::<anyhow::Result<Vec<_>>>()?);
    }
    let started = Instant::now();
    let mut writing = JoinSet::new();
    for units in work {
        let store = Arc::clone(store);
        writing.spawn(async move {
            for unit in units {
                store.commit(unit).await?;
            }
            anyhow::Ok(())
        });
    }
    writing.join_all().await.into_iter().collect::<anyhow::Result<()>>()?;
    Ok(started.elapsed())
}

fn bare_round(
    connection: &mut Connection,
    composer: &Composer,
    writers: usize,
    units: usize,
    written: Written,
) -> anyhow::Result<Duration> {
    let mut logs: Vec<_> = (0..writers)
        .map(|_| (audited::organisation().org().uuid(), Numberer::from(Frontier::default())))
        .collect();
    let mut rows = Vec::new();
    for _ in 0..units {
        for (place, log) in &mut logs {
            rows.push((*place, Rows::next(log, composer)?));
        }
    }
    let started = Instant::now();
    let mut done = 0;
    for group in 1..=written.groups {
        let until = usize::try_from(written.units * group / written.groups)?.min(rows.len());
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for (place, rows) in &rows[done..until] {
            insert(&transaction, *place, rows)?;
        }
        transaction.commit()?;
        done = until;
    }
    anyhow::ensure!(done == rows.len(), "{done} bare units were written");
    Ok(started.elapsed())
}

fn insert(connection: &Connection, place: Uuid, rows: &Rows) -> anyhow::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| connection.prepare_cached(sql)?.execute(values);
    let place = place.as_bytes().as_slice();
    let Rows { identity, body, entry, size, frontier } = rows;
    let record =
        "INSERT INTO record (kind, place, key, version, body) VALUES ('bench_identity', ?1, ?2, 1, ?3)";
    run(record, params![place, identity.id, body])?;
    let found_by = "INSERT INTO lookup (record, kind, name, value, place, key, sole)
                    VALUES (?1, 'bench_identity', 'address', ?2, ?3, ?4, x'')";
    run(found_by, params![connection.last_insert_rowid(), identity.address, place, identity.id])?;
    let size = i64::try_from(*size)?;
    if size == 1 {
        run("INSERT INTO log (place, size, frontier) VALUES (?1, 0, x'')", params![place])?;
    }
    let log = "UPDATE log SET size = ?2, frontier = ?3 WHERE place = ?1 RETURNING id";
    let log: i64 =
        connection.prepare_cached(log)?.query_row(params![place, size, frontier], |row| row.get(0))?;
    let row = &entry.row;
    let (leaf, withheld) = row.text.as_ref().map(|(leaf, withheld)| (leaf, withheld)).unzip();
    let (id, time) = (row.id.uuid(), row.time.as_microsecond());
    let insert = "INSERT INTO entry (log, sequence, entry, time, act, failed, hash, leaf, withheld, actor)
                  VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let (id, actor) = (id.as_bytes().as_slice(), entry.actor.map(|digest| digest.0));
    run(insert, params![log, size - 1, id, time, row.act, row.failed, row.hash.0, leaf, withheld, actor])?;
    for term in &entry.terms {
        let find = "INSERT INTO term (log, term, sequence) VALUES (?1, ?2, ?3)";
        run(find, params![log, term, size - 1])?;
    }
    if let Some((number, root)) = &entry.block {
        let block = "INSERT INTO block (log, number, root) VALUES (?1, ?2, ?3)";
        run(block, params![log, i64::try_from(*number)?, root.0])?;
    }
    Ok(())
}

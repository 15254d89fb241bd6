//! The tables, and how an older file gets them: step by step, forward only, each step's text remembered by its
//! hash. A newer file is refused, and so is one whose steps were others.

use std::path::Path;

use attache_ledger::{Hash, leaf_hash};
use attache_store::StoreError;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::fault::failed;
use crate::{backup, file};

/// Step `n`, from 1, leads to version `n`. Steps are only ever added.
pub(crate) const STEPS: &[&str] = &[include_str!("schema/1-store.sql"), include_str!("schema/2-actor.sql")];

/// What tells our files from other SQLite files: `Atta`.
const APPLICATION: i32 = 0x4174_7461;

/// Brings the file to the newest version, once it is clear that it is ours. A copy of an older one is kept
/// beside it.
pub(crate) fn bring_up_to_date(
    connection: &mut Connection,
    path: &Path,
    steps: &[&str],
    now: Timestamp,
) -> Result<(), StoreError> {
    let found = check(connection, path, steps)?;
    file::set_up(connection).map_err(|error| failed(path, error))?;
    if found == steps.len() {
        return Ok(());
    }
    if found > 0 {
        let copy = file::beside(path, &format!(".v{found}"));
        if !copy.exists() {
            backup::copy(connection, path, &copy, steps)?;
        }
        tracing::info!(from = found, to = steps.len(), copy = %copy.display(), "the database is migrated");
    }
    migrate(connection, found, steps, now).map_err(|error| failed(path, error))
}

/// The file's version, after it is clear that this program's steps led to it.
pub(crate) fn check(connection: &Connection, path: &Path, steps: &[&str]) -> Result<usize, StoreError> {
    let foreign = || StoreError::Altered(format!("{} is not a database of the gateway's", path.display()));
    let applied = applied(connection).map_err(|error| failed(path, error))?.ok_or_else(foreign)?;
    if applied.len() > steps.len() {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        return Err(StoreError::Newer { found: number(applied.len()), known: number(steps.len()) });
    }
    for (number, (applied, step)) in (1..).zip(applied.iter().zip(steps)) {
        if *applied != leaf_hash(step.as_bytes()).0 {
            let what = format!("{}: step {number} of its tables was another one", path.display());
            return Err(StoreError::Altered(what));
        }
    }
    Ok(applied.len())
}

/// The hashes of the steps that led to this file; `None` when it is another program's.
fn applied(connection: &Connection) -> rusqlite::Result<Option<Vec<[u8; 32]>>> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let table = "SELECT 1 FROM sqlite_schema LIMIT 1";
    let is_empty = connection.query_row(table, [], |_| Ok(())).optional()?.is_none();
    match application {
        APPLICATION => {
            let mut steps = connection.prepare("SELECT checksum FROM migration ORDER BY number")?;
            steps.query_map([], |row| row.get(0))?.collect::<Result<_, _>>().map(Some)
        }
        0 if is_empty => Ok(Some(Vec::new())),
        _ => Ok(None),
    }
}

fn migrate(connection: &mut Connection, from: usize, steps: &[&str], now: Timestamp) -> rusqlite::Result<()> {
    let unit = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if from == 0 {
        unit.pragma_update(None, "application_id", APPLICATION)?;
        unit.execute_batch(
            "CREATE TABLE migration (
                number   INTEGER PRIMARY KEY,
                checksum BLOB NOT NULL,
                applied  INTEGER NOT NULL
            ) STRICT",
        )?;
    }
    for (number, step) in (1_i64..).zip(steps).skip(from) {
        unit.execute_batch(step)?;
        let Hash(checksum) = leaf_hash(step.as_bytes());
        let row = (number, checksum, now.as_microsecond());
        unit.execute("INSERT INTO migration (number, checksum, applied) VALUES (?1, ?2, ?3)", row)?;
    }
    unit.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &[&str] = &["CREATE TABLE a (x INTEGER) STRICT", "CREATE TABLE b (x INTEGER) STRICT"];

    fn tables(connection: &Connection) -> i64 {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table'";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn an_older_file_is_copied_and_brought_up_to_date() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.db");
        let mut connection = file::open_to_write(&path).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        bring_up_to_date(&mut connection, &path, &TWO[..1], now).unwrap();
        assert_eq!(tables(&connection), 2);
        assert!(!folder.path().join("gateway.db.v0").exists(), "a new file needs no copy");

        bring_up_to_date(&mut connection, &path, TWO, now).unwrap();
        assert_eq!((check(&connection, &path, TWO).unwrap(), tables(&connection)), (2, 3));
        let copy = file::open_to_read(&folder.path().join("gateway.db.v1")).unwrap();
        assert_eq!((check(&copy, &path, TWO).unwrap(), tables(&copy)), (1, 2));
    }

    #[test]
    fn a_step_that_fails_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("gateway.db");
        let mut connection = file::open_to_write(&path).unwrap();
        let steps = [TWO[0], "CREATE TABLE a (again INTEGER) STRICT"];
        bring_up_to_date(&mut connection, &path, &steps, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!((check(&connection, &path, &steps).unwrap(), tables(&connection)), (0, 0));
    }
}

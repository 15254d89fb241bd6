//! Migrations: numbered, embedded, forward only. Nodes that start at once take turns; a database that a newer
//! program made is refused, and so is one whose migrations were not these.

use attache_store::StoreError;
use aws_lc_rs::digest::{SHA256, digest};
use tokio_postgres::Client;

use crate::OpenError;
use crate::error::{OLDEST, unavailable};

/// In order; the first has number 1. None is ever changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("store", include_str!("../migrations/0001_store.sql")),
    ("actor", include_str!("../migrations/0002_actor.sql")),
];

/// Any number that nothing else in the database takes for its lock: "attache" in ASCII.
const LOCK: i64 = 0x0061_7474_6163_6865;

const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS migrations (
        number   bigint PRIMARY KEY,
        name     text NOT NULL,
        checksum bytea NOT NULL,
        applied  timestamptz NOT NULL DEFAULT clock_timestamp()
    )";

/// Brings the database to what this program knows.
pub(crate) async fn migrate(client: &mut Client) -> Result<(), OpenError> {
    check_version(client).await?;
    bring(client).await.map_err(|error| match error {
        Stopped::Server(error) => OpenError::Store(unavailable("its tables cannot be made", &error)),
        Stopped::Store(error) => OpenError::Store(error),
    })
}

async fn check_version(client: &Client) -> Result<(), OpenError> {
    let sql = "SELECT current_setting('server_version_num')::int, current_setting('server_version')";
    let row =
        client.query_one(sql, &[]).await.map_err(|error| unavailable("its version is not known", &error))?;
    let number: i32 = row.get(0);
    if number / 10_000 >= i32::try_from(OLDEST).unwrap_or(i32::MAX) {
        return Ok(());
    }
    Err(OpenError::TooOld { found: row.get(1) })
}

enum Stopped {
    Server(tokio_postgres::Error),
    Store(StoreError),
}

impl From<tokio_postgres::Error> for Stopped {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Server(error)
    }
}

async fn bring(client: &mut Client) -> Result<(), Stopped> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    transaction.batch_execute(TABLE).await?;
    let rows = transaction.query("SELECT number, checksum FROM migrations ORDER BY number", &[]).await?;
    let applied: Vec<(i64, Vec<u8>)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    for (name, sql) in missing(&applied).map_err(Stopped::Store)? {
        transaction.batch_execute(sql).await?;
        let insert = "INSERT INTO migrations (number, name, checksum)
                      SELECT coalesce(max(number), 0) + 1, $1, $2 FROM migrations";
        transaction.execute(insert, &[name, &checksum(sql)]).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Those that are still to be applied.
fn missing(applied: &[(i64, Vec<u8>)]) -> Result<&'static [(&'static str, &'static str)], StoreError> {
    for (expected, (number, found)) in (1..).zip(applied) {
        let known = usize::try_from(number - 1).ok().and_then(|at| MIGRATIONS.get(at));
        match known {
            None if *number > 0 => {
                let found = applied.last().map_or(*number, |(number, _)| *number);
                return Err(StoreError::Newer {
                    found,
                    known: MIGRATIONS.len().try_into().unwrap_or(i64::MAX),
                });
            }
            Some((_, sql)) if *number == expected && *found == checksum(sql) => {}
            _ => return Err(StoreError::Altered(format!("its migration {number} is another one"))),
        }
    }
    Ok(&MIGRATIONS[applied.len()..])
}

fn checksum(sql: &str) -> Vec<u8> {
    digest(&SHA256, sql.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_brought_forward_only_from_what_this_program_knows() {
        let first = (1, checksum(MIGRATIONS[0].1));
        assert_eq!(missing(&[]).unwrap().len(), MIGRATIONS.len());
        assert_eq!(missing(std::slice::from_ref(&first)).unwrap().len(), MIGRATIONS.len() - 1);
        let strange = missing(&[(1, vec![0])]).unwrap_err();
        assert!(matches!(strange, StoreError::Altered(_)), "{strange}");
        let known = MIGRATIONS.len() as i64;
        let all: Vec<_> = (1..).zip(MIGRATIONS).map(|(number, (_, sql))| (number, checksum(sql))).collect();
        let newer = [all, vec![(known + 1, vec![1])]].concat();
        let newer = missing(&newer).unwrap_err();
        assert!(matches!(newer, StoreError::Newer { found, known: is } if found == known + 1 && is == known));
    }
}

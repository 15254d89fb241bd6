//! The file: whose it is, who may have it open, and which files are refused.

use std::path::{Path, PathBuf};

use attache_store::{Engine, StoreError};
use rusqlite::Connection;
use tempfile::TempDir;

use super::open;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/gateway.db");
    (folder, path)
}

/// Does this to the file behind the program's back.
fn tamper(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}

#[test]
fn one_process_has_a_file_for_itself() {
    let (_folder, path) = folder();
    let first = open(&path).unwrap();
    let Err(refused) = open(&path) else { panic!("two have it open") };
    assert!(matches!(refused, StoreError::InUse { .. }), "{refused:?}");
    assert!(refused.to_string().contains("gateway.db is in use by another process"), "{refused}");
    drop(first);
    open(&path).unwrap();
}

#[cfg(unix)]
#[test]
fn the_file_and_what_is_beside_it_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, path) = folder();
    let engine = open(&path).unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap).collect();
    assert!(files.len() >= 3, "the database, its journal, its lock: {files:?}");
    for file in files {
        assert_eq!(mode(&file.path()), 0o600, "{file:?}");
    }
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    drop(engine);
}

#[test]
fn a_newer_file_is_refused() {
    let (_folder, path) = folder();
    drop(open(&path).unwrap());
    tamper(&path, "INSERT INTO migration VALUES (2, zeroblob(32), 0)");
    let Err(refused) = open(&path) else { panic!("it was opened") };
    assert!(matches!(refused, StoreError::Newer { found: 2, known: 1 }), "{refused:?}");
}

#[test]
fn a_file_with_other_tables_than_ours_is_refused() {
    let (_folder, path) = folder();
    drop(open(&path).unwrap());
    tamper(&path, "UPDATE migration SET checksum = zeroblob(32)");
    let Err(refused) = open(&path) else { panic!("it was opened") };
    assert!(matches!(refused, StoreError::Altered(_)), "{refused:?}");
}

#[test]
fn another_programs_database_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    tamper(&path, "CREATE TABLE recipe (name TEXT)");
    let Err(refused) = open(&path) else { panic!("it was opened") };
    assert!(refused.to_string().contains("not a database of the gateway's"), "{refused}");
    let tables = "SELECT count(*) FROM sqlite_schema";
    let tables: i64 = Connection::open(&path).unwrap().query_row(tables, [], |row| row.get(0)).unwrap();
    assert_eq!(tables, 1);

    std::fs::write(&path, "this is no database, and long enough to be read as one. ".repeat(50)).unwrap();
    let Err(refused) = open(&path) else { panic!("it was opened") };
    assert!(matches!(refused, StoreError::Altered(_)), "{refused:?}");
}

#[tokio::test]
async fn it_says_what_it_is_and_answers() {
    let (_folder, path) = folder();
    let engine = open(&path).unwrap();
    assert_eq!(engine.describe(), format!("SQLite at {}", path.display()));
    engine.ping().await.unwrap();
}

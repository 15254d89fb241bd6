//! The file: whose it is, who may have it open, and which files are refused.

use std::path::{Path, PathBuf};

use attache_store::{CommitError, Engine, Store, StoreError, Unit};
use attache_terms::{Clock as _, SystemClock};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

use super::{Page, entry, open, org};

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
    tamper(&path, "INSERT INTO migration SELECT max(number) + 1, zeroblob(32), 0 FROM migration");
    let Err(refused) = open(&path) else { panic!("it was opened") };
    assert!(matches!(refused, StoreError::Newer { found, known } if found == known + 1), "{refused:?}");
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

#[test]
fn who_has_no_database_or_may_not_open_it_is_told_so() {
    let (folder, path) = folder();
    let copy = folder.path().join("copy.db");
    let refused = attache_store_sqlite::backup(&path, &copy);
    assert!(matches!(refused, Err(StoreError::Absent { .. })), "{refused:?}");
    let refused = attache_store_sqlite::commit_beside(&path, Unit::new(), Timestamp::UNIX_EPOCH);
    assert!(matches!(refused, Err(CommitError::Store(StoreError::Absent { .. }))), "{refused:?}");
    assert!(!path.exists(), "asking makes none");
    drop(open(&path).unwrap());
    std::fs::write(&copy, "somebody's").unwrap();
    let refused = attache_store_sqlite::backup(&path, &copy);
    assert!(matches!(refused, Err(StoreError::Exists { .. })), "{refused:?}");
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "somebody's");
}

#[cfg(unix)]
#[test]
fn what_root_makes_and_puts_back_is_for_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt, chown};
    let folder = tempfile::tempdir().unwrap();
    let (place, copy) = (folder.path().join("service"), folder.path().join("copy.db"));
    std::fs::create_dir(&place).unwrap();
    let somebody = 65_534;
    if chown(&place, Some(somebody), Some(somebody)).is_err() {
        // Only root can give a file away, and so be a danger to its owner.
        return;
    }
    let path = place.join("gateway.db");
    drop(open(&path).unwrap());
    attache_store_sqlite::backup(&path, &copy).unwrap();
    attache_store_sqlite::restore(&copy, &path, Timestamp::UNIX_EPOCH).unwrap();
    let made: Vec<_> = std::fs::read_dir(&place).unwrap().map(Result::unwrap).collect();
    assert!(made.len() >= 3, "the database, the one before, the lock: {made:?}");
    for file in made {
        assert_eq!(file.metadata().unwrap().uid(), somebody, "{file:?}");
    }
}

#[tokio::test]
async fn a_unit_comes_from_beside_while_another_process_has_the_file() {
    let (_folder, path) = folder();
    let engine = std::sync::Arc::new(open(&path).unwrap());
    let store = Store::new(engine.clone());
    let unit = |key: &str| {
        let mut unit = Unit::new();
        unit.create(org(), &Page::new(key)).record(org(), entry("ada"));
        unit
    };
    for number in 0..3 {
        store.commit(unit(&format!("own {number}"))).await.unwrap();
        let beside = unit(&format!("beside {number}"));
        let committed = attache_store_sqlite::commit_beside(&path, beside, SystemClock.now()).unwrap();
        assert_eq!(committed.sequences, [2 * number + 1], "the log goes on, whoever writes it");
        assert!(store.org(org()).get::<Page>(format!("beside {number}")).await.unwrap().is_some());
    }
    let taken = attache_store_sqlite::commit_beside(&path, unit("own 0"), SystemClock.now());
    assert!(matches!(taken, Err(CommitError::Taken { .. })), "{taken:?}");
    assert_eq!(store.org(org()).log().await.unwrap().unwrap().frontier.size(), 6, "all of it or nothing");
}

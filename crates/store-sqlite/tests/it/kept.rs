//! What is kept elsewhere, and what is kept no more: backups and erasures.

use std::path::{Path, PathBuf};

use attache_store::{Engine, EntryQuery, Log, Scope, Store, StoreError, Unit};
use attache_store_sqlite::restore;
use jiff::Timestamp;
use tempfile::TempDir;

use super::{Page, entry, open, org, store};

fn folder() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (path, copy) = (folder.path().join("gateway.db"), folder.path().join("backup.db"));
    (folder, path, copy)
}

async fn write(store: &Store, number: usize) {
    let mut unit = Unit::new();
    unit.create(org(), &Page::new(format!("{number:05}"))).record(org(), entry("ada"));
    store.commit(unit).await.unwrap();
}

/// How many pages there are: as many as entries, in a copy that was made between two units.
async fn pages(path: &Path) -> u64 {
    let store = store(path);
    let pages = store.org(org()).count::<Page>(None).await.unwrap();
    let logged = store.org(org()).log().await.unwrap().map_or(0, |head| head.frontier.size());
    assert_eq!(pages, logged);
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_made_while_units_are_written_and_is_whole() {
    let (_folder, path, copy) = folder();
    let engine = std::sync::Arc::new(open(&path).unwrap());
    let store = Store::new(engine.clone());
    for number in 0..50 {
        write(&store, number).await;
    }
    let (told, started) = tokio::sync::oneshot::channel();
    let writing = tokio::spawn(async move {
        write(&store, 50).await;
        told.send(()).unwrap();
        for number in 51..300 {
            write(&store, number).await;
        }
    });
    started.await.unwrap();
    engine.backup(&copy).await.unwrap();
    writing.await.unwrap();
    let Err(refused) = engine.backup(&copy).await else { panic!("it was replaced") };
    assert!(refused.to_string().contains("there is a file already"), "{refused}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!((51..=300).contains(&pages(&copy).await));
}

#[tokio::test]
async fn a_backup_is_put_back_when_nobody_uses_the_database() {
    let (_folder, path, copy) = folder();
    let engine = std::sync::Arc::new(open(&path).unwrap());
    let first = Store::new(engine.clone());
    write(&first, 1).await;
    engine.backup(&copy).await.unwrap();
    write(&first, 2).await;

    let refused = restore(&copy, &path, Timestamp::UNIX_EPOCH);
    assert!(matches!(refused, Err(StoreError::InUse { .. })), "{refused:?}");
    drop((first, engine));
    let kept = restore(&copy, &path, Timestamp::UNIX_EPOCH).unwrap().unwrap();
    assert_eq!(pages(&path).await, 1);
    assert_eq!(pages(&kept).await, 2, "what was there is kept");

    std::fs::remove_file(&path).unwrap();
    assert_eq!(restore(&copy, &path, Timestamp::UNIX_EPOCH).unwrap(), None);
    assert_eq!(pages(&path).await, 1);
}

#[tokio::test]
async fn a_damaged_backup_is_not_put_back() {
    let (_folder, path, copy) = folder();
    let engine = std::sync::Arc::new(open(&path).unwrap());
    let first = Store::new(engine.clone());
    for number in 0..100 {
        write(&first, number).await;
    }
    engine.backup(&copy).await.unwrap();
    drop((first, engine));
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8192].fill(0x55);
    std::fs::write(&copy, bytes).unwrap();
    let refused = restore(&copy, &path, Timestamp::UNIX_EPOCH);
    assert!(matches!(refused, Err(StoreError::Altered(_))), "{refused:?}");
    assert_eq!(pages(&path).await, 100, "nothing has changed");
}

#[tokio::test]
async fn what_was_destroyed_is_not_in_the_file() {
    let (folder, path, _) = folder();
    let holds = |name: &str| {
        std::fs::read_dir(folder.path()).unwrap().any(|file| {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            bytes.windows(name.len()).any(|window| window == name.as_bytes())
        })
    };
    let first = store(&path);
    let mut unit = Unit::new();
    unit.record(org(), entry("grace@contoso.example")).record(org(), entry("ada@contoso.example"));
    first.commit(unit).await.unwrap();
    drop(first);
    assert!(holds("grace@contoso.example"));

    let first = store(&path);
    let mut unit = Unit::new();
    unit.erase(org(), 0);
    first.commit(unit).await.unwrap();
    let log = Log(org().place());
    let rows = first.org(org()).entries(EntryQuery::all(log, 9)).await.unwrap();
    assert_eq!(rows[0].entry().unwrap().unwrap().erased.len(), 1);
    drop(first);
    assert!(!holds("grace@contoso.example"));
    assert!(holds("ada@contoso.example"));
}

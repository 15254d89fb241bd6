//! A disk that takes nothing more. A limit on the size of files makes writes fail as a full disk does, for an
//! ordinary user too; it must be there before the process starts, so the test runs itself under it.

#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;

use attache_store::{CommitError, Engine, StoreError, Unit};
use attache_terms::Explain;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Page, entry, open, org, store};

/// Where the process under the limit finds its file.
const FILE: &str = "ATTACHE_STORE_FULL_FILE";

#[tokio::test]
async fn a_full_disk_is_told_and_gotten_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    // In blocks of 512 bytes. The signal that comes with such a failure would end the process.
    let limited = r#"trap '' XFSZ; ulimit -S -f 1000; exec "$@""#;
    let output = Command::new("sh")
        .args(["-c", limited, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["full::the_process_whose_disk_is_full", "--exact", "--nocapture"])
        .env(FILE, &path)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}\n{}", String::from_utf8_lossy(&output.stderr));
    let own = store(&path);
    let pages = own.org(org()).count::<Page>(None).await.unwrap();
    let line = told.lines().find_map(|line| line.split_once("pages ")).unwrap().1;
    assert_eq!(line, pages.to_string(), "all that was acknowledged is there, and nothing else");
}

/// Not a test of its own: it writes until the disk is full, when it is told a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_whose_disk_is_full() {
    let Some(path) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let engine = open(&path).unwrap();
    let mut number = 0;
    let refused = loop {
        match write(&engine, number).await {
            Ok(()) => number += 1,
            Err(error) => break error,
        }
        assert!(number < 10_000, "there is no limit");
    };
    assert!(matches!(refused, CommitError::Store(StoreError::Unavailable { .. })), "{refused:?}");
    assert_eq!(refused.code(), "store_unavailable");
    assert!(write(&engine, number).await.is_err(), "nor does it take the next");
    assert!(number > 10, "{number}");
    for number in [0, number - 1] {
        let key = number.to_string();
        let read = engine.get("page", attache_store::Scope::place(org()), &key).await.unwrap();
        assert!(read.is_some(), "what is there can be read");
    }

    let Rlimit { maximum, .. } = getrlimit(Resource::Fsize);
    setrlimit(Resource::Fsize, Rlimit { current: maximum, maximum }).unwrap();
    for number in number..number + 10 {
        write(&engine, number).await.unwrap();
    }
    println!("pages {}", number + 10);
}

async fn write(engine: &impl Engine, number: u32) -> Result<(), CommitError> {
    let mut unit = Unit::new();
    unit.create(org(), &Page::new(number.to_string())).record(org(), entry("ada"));
    engine.commit(unit).await.map(drop)
}

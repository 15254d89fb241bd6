//! A process that writes is killed at any moment: what it acknowledged is there, and nothing is there by half.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use attache_store::{EntryQuery, JobId, JobQuery, Log, NewJob, Scope, Unit};
use attache_terms::{Rng, SystemClock, SystemRng};

use super::{Page, entry, org, store};

/// Where the process that is to be killed finds its file, and the number with which it begins.
const FILE: &str = "ATTACHE_STORE_KILL_FILE";
const FIRST: &str = "ATTACHE_STORE_KILL_FIRST";

/// How often one is killed.
const ROUNDS: u64 = 6;

/// How many units are on their way at once.
const WRITERS: u64 = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_and_nothing_by_half() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.db");
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        acknowledged.extend(written_until_killed(&path, round * 1_000_000));
        check(&path, &acknowledged).await;
    }
}

/// Has another process write, kills it, and says what it had acknowledged.
fn written_until_killed(path: &Path, first: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["kill::the_process_that_is_killed", "--exact", "--nocapture"])
        .env(FILE, path)
        .env(FIRST, first.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let most = (SystemRng.fraction() * 300.0) as usize;
    let mut numbers = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some((_, number)) = line.split_once("acknowledged ") else { continue };
        numbers.push(number.parse().unwrap());
        if numbers.len() == most + 1 {
            child.kill().unwrap();
        }
    }
    child.wait().unwrap();
    assert!(numbers.len() > most, "it ended by itself");
    numbers
}

async fn check(path: &Path, acknowledged: &BTreeSet<u64>) {
    let store = store(path);
    let own = store.org(org());
    let pages = own.list::<Page>(attache_store::Page::first(usize::MAX)).await.unwrap();
    let keys: BTreeSet<String> = pages.iter().map(|page| page.key.clone()).collect();
    let numbers: BTreeSet<u64> =
        keys.iter().map(|key| key.split('-').next().unwrap().parse().unwrap()).collect();
    assert!(acknowledged.is_subset(&numbers), "an acknowledged unit is lost");
    for number in &numbers {
        assert!(keys.contains(&format!("{number}-a")) && keys.contains(&format!("{number}-b")));
    }
    let jobs = own.jobs(JobQuery { limit: usize::MAX, ..JobQuery::default() }).await.unwrap();
    let of_jobs: BTreeSet<u64> = jobs.iter().map(|job| job.body.parse().unwrap()).collect();
    assert_eq!(of_jobs, numbers);
    assert_eq!(jobs.len(), numbers.len());

    let log = Log(org().place());
    let entries = own.entries(EntryQuery::all(log, usize::MAX)).await.unwrap();
    assert_eq!(entries.len(), numbers.len());
    let mut tree = attache_ledger::Frontier::default();
    entries.iter().for_each(|entry| tree.push(entry.hash));
    assert_eq!(own.log().await.unwrap().unwrap().frontier, tree);
}

/// Not a test of its own: it writes until it is killed, when it is told a file.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Some(path) = std::env::var_os(FILE).map(PathBuf::from) else { return };
    let first: u64 = std::env::var(FIRST).unwrap().parse().unwrap();
    let store = store(&path);
    let writers = (0..WRITERS).map(|writer| {
        let store = store.clone();
        tokio::spawn(async move {
            for number in (first + writer..).step_by(WRITERS as usize) {
                let mut unit = Unit::new();
                unit.create(org(), &Page::new(format!("{number}-a")));
                unit.create(org(), &Page::new(format!("{number}-b")));
                let id = JobId::make(&SystemClock, &SystemRng);
                unit.enqueue(NewJob::new(id, "page.index", Some(org().org()), &number));
                unit.record(org(), entry("ada"));
                store.commit(unit).await.unwrap();
                // One write, so that a line is not torn by another.
                let line = format!("acknowledged {number}\n");
                std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

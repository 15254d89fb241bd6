//! Real processes, made by running this test binary again.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use attache_ledger::Outcome;
use attache_terms::SystemRng;

use crate::world::{World, act, ledger_at};

/// Starts one test of this binary as a process of its own.
pub(crate) fn start(test: &str, world: &World, variables: &[(&str, String)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env("ATTACHE_TEST_LEDGER", world.path());
    for (name, value) in variables {
        command.env(name, value);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_appends() {
    let (Some(path), Ok(count)) =
        (std::env::var_os("ATTACHE_TEST_LEDGER"), std::env::var("ATTACHE_TEST_APPEND"))
    else {
        return;
    };
    let ledger = ledger_at(path.as_ref(), Arc::new(SystemRng));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let (ledger, count) = (ledger.clone(), count.parse::<u32>().unwrap());
            tokio::spawn(async move {
                for _ in 0..count {
                    let intent = ledger.intent(act()).await.unwrap();
                    ledger.outcome(intent, Outcome::done()).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[test]
fn processes_append_to_one_ledger_and_it_verifies() {
    const EACH: u64 = 40;
    let world = World::new();
    let appending = [("ATTACHE_TEST_APPEND", EACH.to_string())];
    let children: Vec<Child> =
        (0..3).map(|_| start("processes::child_that_appends", &world, &appending)).collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let report = world.verify().unwrap();
    assert_eq!(report.entries, 3 * 4 * EACH * 2);
    assert!(report.dangling.is_empty());
    assert_eq!(report.repairs, 0);
    let entries = world.entries();
    let mut writers: Vec<_> = entries.iter().map(|shown| shown.entry.writer).collect();
    let turns = writers.chunk_by(|a, b| a == b).count();
    assert!(turns > 6, "the processes took turns: {turns}");
    writers.sort();
    writers.dedup();
    assert_eq!(writers.len(), 3);
}

#[tokio::test]
async fn child_with_an_intent() {
    let (Some(path), Some(_)) =
        (std::env::var_os("ATTACHE_TEST_LEDGER"), std::env::var_os("ATTACHE_TEST_INTENT"))
    else {
        return;
    };
    let ledger = ledger_at(path.as_ref(), Arc::new(SystemRng));
    let intent = ledger.intent(act()).await.unwrap();
    println!("\nintent={}", intent.id());
    std::io::stdout().flush().unwrap();
    let _ = std::io::stdin().read(&mut [0]);
}

#[tokio::test]
async fn an_intent_in_flight_elsewhere_is_not_dangling_until_its_process_dies() {
    let world = World::new();
    let mut child = start("processes::child_with_an_intent", &world, &[("ATTACHE_TEST_INTENT", "1".into())]);
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let id = lines.filter_map(|line| line.strip_prefix("intent=").map(str::to_owned)).next().unwrap();

    let ledger = world.ledger();
    assert!(ledger.dangling().await.unwrap().is_empty(), "its writer lives");
    let own = ledger.intent(act()).await.unwrap();
    assert!(ledger.dangling().await.unwrap().is_empty(), "so does this one");

    child.kill().unwrap();
    child.wait().unwrap();
    let mut found = ledger.dangling().await.unwrap();
    assert_eq!(found.len(), 1);
    let dangling = found.remove(0);
    assert_eq!(dangling.intent.id().to_string(), id);
    ledger.outcome(dangling.intent, Outcome::unknown()).await.unwrap();
    ledger.outcome(own, Outcome::done()).await.unwrap();
    assert!(world.verify().unwrap().dangling.is_empty());
}

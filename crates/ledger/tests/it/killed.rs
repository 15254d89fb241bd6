//! A writing process is killed, again and again, and nothing that it was told is recorded is ever lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;

use attache_ledger::{Code, Outcome};
use attache_terms::{Rng, SeededRng, SystemRng};

use crate::processes::start;
use crate::world::{World, act, ledger_at};

const ROUNDS: usize = 25;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child_that_never_ends() {
    let (Some(path), Some(_)) =
        (std::env::var_os("ATTACHE_TEST_LEDGER"), std::env::var_os("ATTACHE_TEST_FOREVER"))
    else {
        return;
    };
    let ledger = ledger_at(path.as_ref(), Arc::new(SystemRng));
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let mut standing = true;
                while standing {
                    let intent = ledger.intent(act()).await.unwrap();
                    let id = intent.id();
                    tell(&format!("intent {} {id}", intent.sequence()));
                    let receipt = ledger.outcome(intent, Outcome::done()).await.unwrap();
                    tell(&format!("outcome {} {id}", receipt.sequence));
                    standing = ledger.path().exists();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

fn tell(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

#[tokio::test]
async fn every_acknowledged_entry_survives_a_kill() {
    let world = World::new();
    let chance = SeededRng::new(11);
    let mut acknowledged: BTreeMap<u64, String> = BTreeMap::new();
    for round in 0..ROUNDS {
        let mut child =
            start("killed::child_that_never_ends", &world, &[("ATTACHE_TEST_FOREVER", "1".into())]);
        let patience = (chance.fraction() * 120.0) as usize + 1;
        let (mut told, mut open) = (0, BTreeSet::new());
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            let mut words = line.split(' ');
            let (kind, Some(sequence), Some(id)) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            match kind {
                Some("intent") => open.insert(id.to_owned()),
                Some("outcome") => open.remove(id),
                _ => continue,
            };
            acknowledged.insert(sequence.parse().unwrap(), id.to_owned());
            told += 1;
            // What the child said before it died is still read after this.
            if told == patience {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(told >= patience, "round {round}: the child ended by itself after {told}");
        resolve(&world, &open).await;
        check(&world, &acknowledged);
    }
    let report = world.verify().unwrap();
    assert!(report.dangling.is_empty());
    println!("{report:?}");
}

/// Whoever comes next finds every intent that was acknowledged and not known to have ended.
async fn resolve(world: &World, open: &BTreeSet<String>) {
    let ledger = world.ledger();
    let dangling = ledger.dangling().await.unwrap();
    let found: BTreeSet<_> = dangling.iter().map(|dangling| dangling.intent.id().to_string()).collect();
    let ended: BTreeSet<_> = world
        .entries()
        .into_iter()
        .filter_map(|shown| match shown.entry.event {
            attache_ledger::Event::Outcome { intent, .. } => Some(intent.to_string()),
            _ => None,
        })
        .collect();
    for id in open {
        assert!(found.contains(id) || ended.contains(id), "{id} is lost");
    }
    for dangling in dangling {
        ledger.outcome(dangling.intent, Outcome::unknown()).await.unwrap();
    }
    ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
}

fn check(world: &World, acknowledged: &BTreeMap<u64, String>) {
    let report = world.verify().unwrap();
    assert_eq!(report.unfinished, 0);
    let entries = world.entries();
    for (sequence, id) in acknowledged {
        let entry = &entries[usize::try_from(*sequence).unwrap()].entry;
        let recorded = match entry.event {
            attache_ledger::Event::Outcome { intent, .. } => intent,
            _ => entry.id,
        };
        assert_eq!(recorded.to_string(), *id, "entry {sequence}");
    }
}

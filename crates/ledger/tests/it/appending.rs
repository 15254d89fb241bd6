use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use attache_ledger::{
    CheckpointFile, Code, Correlation, Event, Filter, KeyError, Ledger, LedgerError, NoteSigner, Outcome,
    RequestId, Target, Verdict, show,
};
use attache_terms::SystemRng;

use crate::world::{SEND, World, act, key, options};

#[tokio::test]
async fn an_act_stands_in_the_ledger_before_and_after() {
    let world = World::new();
    let ledger = world.ledger();
    let intent = ledger.intent(act()).await.unwrap();
    let (id, sequence) = (intent.id(), intent.sequence());
    assert_eq!(world.verify().unwrap().dangling, [id], "the intent is on the disk before the act");

    let message = Target { message: Some("1795310835683".parse().unwrap()), ..Target::default() };
    let correlation = Correlation {
        request_id: RequestId::from_header("0f8fad5b-d9cb-469f-a165-70867728950e"),
        token_request_id: RequestId::from_header("7c9e6679-7425-40de-944b-e07fc1f90ae7"),
        ..Correlation::default()
    };
    let outcome = Outcome::done().on(message.clone()).correlated(correlation.clone());
    let receipt = ledger.outcome(intent, outcome).await.unwrap();
    assert_eq!((sequence, receipt.sequence), (0, 1));
    ledger.flush().await.unwrap();

    let report = world.verify().unwrap();
    assert_eq!((report.entries, report.dangling.len(), report.repairs), (2, 0, 0));
    assert_eq!(report.checkpoint_file, CheckpointFile::Agrees);
    assert!(report.origin.starts_with("attache/test/"));

    let entries = world.entries();
    assert_eq!(entries[0].entry.event, Event::Intent { act: SEND });
    assert_eq!(entries[0].entry.actor, act().actor);
    assert_eq!(entries[0].entry.target, act().target);
    assert_eq!(
        entries[1].entry.event,
        Event::Outcome { act: SEND, intent: id, verdict: Verdict::Done, code: None }
    );
    assert_eq!(entries[1].entry.target, message);
    assert_eq!(entries[1].entry.correlation, correlation);
    assert_eq!(entries[1].leaf, receipt.leaf);
}

#[tokio::test]
async fn a_handle_touches_nothing_before_the_first_entry() {
    let world = World::new();
    let loads = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&loads);
    let mut options = options(&world.path(), Arc::new(SystemRng));
    options.key = Arc::new(move || -> Result<Arc<dyn NoteSigner>, KeyError> {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok(key(1))
    });
    let ledger = Ledger::new(options);
    assert!(ledger.dangling().await.unwrap().is_empty());
    ledger.flush().await.unwrap();
    assert_eq!(std::fs::read_dir(world.path().parent().unwrap()).unwrap().count(), 0);
    assert_eq!(loads.load(Ordering::SeqCst), 0);
    ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
    ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
    assert_eq!(loads.load(Ordering::SeqCst), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_the_owners_only() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.refuse().await;
    for path in [world.path(), world.checkpoint_path()] {
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
    std::fs::set_permissions(world.path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    world.refuse().await;
    assert_eq!(std::fs::metadata(world.path()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_that_wait_together_share_a_write() {
    const TASKS: u64 = 400;
    let world = World::new();
    let ledger = world.ledger();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let ledger = ledger.clone();
            tokio::spawn(async move {
                let intent = ledger.intent(act()).await.unwrap();
                let first = intent.sequence();
                let outcome = ledger.outcome(intent, Outcome::done()).await.unwrap();
                assert!(first < outcome.sequence);
                [first, outcome.sequence]
            })
        })
        .collect();
    let mut sequences = BTreeSet::new();
    for task in tasks {
        sequences.extend(task.await.unwrap());
    }
    assert_eq!(sequences, (0..2 * TASKS).collect());
    let report = world.verify().unwrap();
    assert_eq!(report.entries, 2 * TASKS);
    assert!(report.checkpoints < TASKS, "{} writes for {} entries", report.checkpoints, report.entries);
}

#[tokio::test]
async fn an_outcome_that_nobody_waits_for_is_written() {
    let world = World::new();
    let ledger = world.ledger();
    let intent = ledger.intent(act()).await.unwrap();
    drop(ledger.outcome(intent, Outcome::failed(Code::new("throttled"))));
    ledger.flush().await.unwrap();
    assert_eq!(world.verify().unwrap().entries, 2);
}

#[tokio::test]
async fn an_intent_has_one_outcome_even_when_two_resolve_it() {
    let world = World::new();
    let left = world.left_behind().await;
    let (one, two) = (world.ledger(), world.ledger());
    let first = one.dangling().await.unwrap().remove(0);
    let second = two.dangling().await.unwrap().remove(0);
    assert_eq!(first.entry.target, act().target);
    one.outcome(first.intent, Outcome::unknown()).await.unwrap();
    let error = two.outcome(second.intent, Outcome::done()).await.unwrap_err();
    assert!(matches!(error, LedgerError::NotOpen(id) if id == left), "{error}");
    assert_eq!(world.verify().unwrap().entries, 2);
    assert!(one.dangling().await.unwrap().is_empty());
}

#[tokio::test]
async fn intents_that_stay_open_for_long_are_found_from_the_end() {
    let world = World::new();
    let old = world.left_behind().await;
    let ledger = world.ledger();
    for _ in 0..300 {
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
    }
    assert!(std::fs::metadata(world.path()).unwrap().len() > 2 * (1 << 16), "more than is read at first");
    let found = world.ledger().dangling().await.unwrap();
    assert_eq!(found.iter().map(|dangling| dangling.intent.id()).collect::<Vec<_>>(), [old]);
    world.ledger().refusal(act(), Code::new("chat_not_found")).await.unwrap();
    assert_eq!(world.verify().unwrap().dangling, [old]);
}

#[tokio::test]
async fn entries_are_found_by_what_is_known_of_them() {
    let world = World::new();
    let ledger = world.ledger();
    let intent = ledger.intent(act()).await.unwrap();
    let id = intent.id();
    let request = RequestId::from_header("req-1").unwrap();
    let correlation = Correlation { request_id: Some(request), ..Correlation::default() };
    ledger.outcome(intent, Outcome::refused(Code::new("Forbidden")).correlated(correlation)).await.unwrap();
    ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
    let found = |filter| -> Vec<u64> {
        show(&world.path(), filter).unwrap().map(|shown| shown.unwrap().entry.sequence).collect()
    };
    assert_eq!(found(Filter::default()), [0, 1, 2]);
    assert_eq!(found(Filter { failures: true, ..Filter::default() }), [1, 2]);
    assert_eq!(found(Filter { id: Some(id.to_string()), ..Filter::default() }), [0, 1]);
    assert_eq!(found(Filter { id: Some("req-1".into()), ..Filter::default() }), [1]);
    assert_eq!(found(Filter { from_sequence: 2, ..Filter::default() }), [2]);
    assert_eq!(found(Filter { act: Some("create_chat".parse().unwrap()), ..Filter::default() }), [0u64; 0]);
    let time = world.entries()[0].entry.time;
    assert_eq!(found(Filter { until: Some(time), ..Filter::default() }), [0u64; 0]);
    assert_eq!(found(Filter { since: Some(time), ..Filter::default() }), [0, 1, 2]);
}

/// Each asks again as soon as it is answered, which is when the writer is about to give up.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_asks_just_as_a_turn_ends_is_answered_too() {
    let world = World::new();
    let ledger = world.ledger();
    let asking = (0..3).map(|_| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for _ in 0..300 {
                ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
                tokio::task::yield_now().await;
            }
        })
    });
    for task in asking.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(world.entries().len(), 900);
}

use attache_ledger::{Code, Fault, Outcome, VerifyError, VerifyOptions, verify};
use attache_terms::{Rng, SeededRng};

use crate::world::{World, act};

/// Five entries in five batches, one of them erased, and what its holder needs to verify it.
async fn recorded() -> (World, VerifyOptions) {
    let world = World::new();
    let ledger = world.ledger();
    let intent = ledger.intent(act()).await.unwrap();
    ledger.outcome(intent, Outcome::done()).await.unwrap();
    ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
    ledger.erase(|entry| entry.sequence == 0).await.unwrap();
    let _left_open = ledger.intent(act()).await.unwrap();
    ledger.flush().await.unwrap();
    let key = world.verify().unwrap().key;
    let options = VerifyOptions { checkpoint: Some(world.checkpoint()), key: Some(key) };
    std::fs::remove_file(world.checkpoint_path()).unwrap();
    (world, options)
}

#[tokio::test]
async fn no_byte_can_be_changed_unnoticed() {
    let (world, options) = recorded().await;
    let original = std::fs::read(world.path()).unwrap();
    assert_eq!(verify(&world.path(), &options).unwrap().entries, 5);
    let chance = SeededRng::new(3);
    for at in 0..original.len() {
        let mut bytes = original.clone();
        let mut change = [0];
        chance.fill(&mut change);
        bytes[at] ^= change[0].max(1);
        std::fs::write(world.path(), &bytes).unwrap();
        if let Ok(report) = verify(&world.path(), &options) {
            assert!(report.unfinished > 0, "byte {at} ^ {} passed: {report:?}", change[0].max(1));
        }
    }
}

#[tokio::test]
async fn no_line_can_be_removed_repeated_or_moved_unnoticed() {
    let (world, options) = recorded().await;
    let original = std::fs::read_to_string(world.path()).unwrap();
    let lines: Vec<&str> = original.split_inclusive('\n').collect();
    let mut changed = Vec::new();
    for at in 0..lines.len() {
        let mut removed = lines.clone();
        removed.remove(at);
        changed.push((format!("line {at} removed"), removed));
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at]);
        changed.push((format!("line {at} repeated"), repeated));
        for other in 0..at {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            changed.push((format!("lines {at} and {other} swapped"), swapped));
        }
        changed.push((format!("cut before line {at}"), lines[..at].to_vec()));
    }
    for (what, lines) in changed {
        std::fs::write(world.path(), lines.concat()).unwrap();
        match verify(&world.path(), &options) {
            Err(_) => {}
            // A last checkpoint may be missing, as after a kill, or be there twice: every entry is covered
            // by the checkpoint that was held.
            Ok(report) => assert_eq!(report.entries, 5, "{what}"),
        }
    }
}

#[tokio::test]
async fn the_report_says_which_entry_was_altered() {
    let (world, options) = recorded().await;
    let text = std::fs::read_to_string(world.path()).unwrap();
    let altered = text.replacen("chat_not_found", "chat_not_fuond", 1);
    std::fs::write(world.path(), altered).unwrap();
    let error = verify(&world.path(), &options).unwrap_err();
    assert!(
        matches!(error, VerifyError::Altered { sequence: 3, fault: Fault::OtherRoot { .. }, .. }),
        "the third entry, number 2, differs from what the checkpoint after it signs: {error}"
    );
}

#[tokio::test]
async fn a_history_that_was_rewritten_with_the_right_key_is_noticed() {
    let (first, second) = (World::new(), World::new());
    for (world, code) in [(&first, "chat_not_found"), (&second, "something_else")] {
        let ledger = world.seeded_ledger();
        ledger.refusal(act(), Code::new(code)).await.unwrap();
    }
    let held = first.checkpoint();
    assert_eq!(first.verify().unwrap().key, second.verify().unwrap().key);
    second.seeded_ledger().refusal(act(), Code::new("more")).await.unwrap();
    let options = VerifyOptions { checkpoint: Some(held), key: None };
    let error = verify(&second.path(), &options).unwrap_err();
    assert!(matches!(error, VerifyError::Rewritten { size: 1, .. }), "{error}");
}

#[tokio::test]
async fn another_ledgers_checkpoint_or_key_is_refused() {
    let (ours, theirs) = (World::new(), World::new());
    for world in [&ours, &theirs] {
        world.refuse().await;
    }
    let options = VerifyOptions { checkpoint: Some(theirs.checkpoint()), key: None };
    assert!(matches!(verify(&ours.path(), &options), Err(VerifyError::Checkpoint(_))));
    let options = VerifyOptions { checkpoint: None, key: Some(theirs.verify().unwrap().key) };
    assert!(matches!(verify(&ours.path(), &options), Err(VerifyError::OtherKey { .. })));
}

use attache_ledger::{Code, Event, Field, Outcome, VerifyOptions, verify};

use crate::world::{CHAT, World, act};

#[tokio::test]
async fn what_is_erased_is_gone_and_every_proof_still_holds() {
    let world = World::new();
    let ledger = world.ledger();
    for _ in 0..3 {
        let intent = ledger.intent(act()).await.unwrap();
        ledger.outcome(intent, Outcome::done()).await.unwrap();
    }
    let (before, held) = (world.entries(), world.checkpoint());
    let proof = attache_ledger::prove_inclusion(&world.path(), 2).unwrap();

    assert_eq!(ledger.erase(|entry| entry.sequence < 3).await.unwrap(), 2, "outcomes withhold nothing here");

    let entries = world.entries();
    assert_eq!(entries.len(), 7);
    assert_eq!(entries[6].entry.event, Event::Erasure { entries: 2 });
    for sequence in [0, 2] {
        assert_eq!(entries[sequence].entry.erased, [Field::User, Field::Chat]);
        assert_eq!((&entries[sequence].entry.target.chat, entries[sequence].entry.actor.user), (&None, None));
        assert_eq!(entries[sequence].leaf, before[sequence].leaf);
    }
    assert_eq!(entries[4].entry, before[4].entry);
    let text = std::fs::read_to_string(world.path()).unwrap();
    assert_eq!(text.matches(CHAT).count(), 1, "only the third intent's");

    let report = verify(&world.path(), &VerifyOptions { checkpoint: Some(held), key: None }).unwrap();
    assert_eq!((report.entries, report.erased), (7, 2));
    assert_eq!(proof.proof.verify(entries[2].leaf, proof.root), Ok(()));
    assert_eq!(ledger.erase(|entry| entry.sequence < 3).await.unwrap(), 0, "there is nothing left");
    ledger.refusal(act(), Code::new("x")).await.unwrap();
    assert_eq!(world.verify().unwrap().entries, 8);
}

#[tokio::test]
async fn an_interrupted_erasure_is_noticed_and_can_be_finished() {
    let world = World::new();
    let ledger = world.ledger();
    ledger.refusal(act(), Code::new("x")).await.unwrap();
    let text = std::fs::read_to_string(world.path()).unwrap();
    let column = text.rfind("\t{\"user\":[").unwrap() + 1;
    let torn = format!("{}{{}}{}{}", &text[..column], " ".repeat(20), &text[column + 22..]);
    std::fs::write(world.path(), torn).unwrap();
    let error = world.verify().unwrap_err().to_string();
    assert!(error.contains("entry 0") && error.contains("withheld fields is damaged"), "{error}");
    assert_eq!(ledger.erase(|_| true).await.unwrap(), 1);
    assert_eq!(world.verify().unwrap().erased, 1);
}

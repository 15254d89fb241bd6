use attache_ledger::{
    Checkpoint, Code, ProofError, VerifyError, leaf_hash, prove_consistency, prove_inclusion,
};

use crate::world::{World, act};

#[tokio::test]
async fn an_entry_is_proved_to_whoever_holds_a_checkpoint() {
    let world = World::new();
    let ledger = world.ledger();
    let mut receipts = Vec::new();
    for _ in 0..11 {
        receipts.push(ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap());
    }
    let report = world.verify().unwrap();
    for receipt in &receipts {
        let inclusion = prove_inclusion(&world.path(), receipt.sequence).unwrap();
        let checkpoint = Checkpoint::open(&inclusion.checkpoint, &report.key).unwrap();
        assert_eq!((checkpoint.size, checkpoint.root), (11, inclusion.root));
        assert_eq!(inclusion.leaf, receipt.leaf);
        assert_eq!(inclusion.proof.verify(receipt.leaf, checkpoint.root), Ok(()));
        let other = inclusion.proof.verify(leaf_hash(b"another"), checkpoint.root);
        assert_eq!(other, Err(ProofError::RootDiffers));
    }
    let error = prove_inclusion(&world.path(), 11).unwrap_err();
    assert!(matches!(error, VerifyError::Beyond { covered: 11, asked: 11 }));
}

#[tokio::test]
async fn growth_is_proved_to_whoever_holds_an_earlier_checkpoint() {
    let world = World::new();
    let ledger = world.ledger();
    let mut held = Vec::new();
    for _ in 0..9 {
        ledger.refusal(act(), Code::new("chat_not_found")).await.unwrap();
        held.push(world.checkpoint());
    }
    let key = world.verify().unwrap().key;
    for note in held {
        let old = Checkpoint::open(&note, &key).unwrap();
        let consistency = prove_consistency(&world.path(), old.size).unwrap();
        let new = Checkpoint::open(&consistency.checkpoint, &key).unwrap();
        assert_eq!(consistency.proof.verify(old.root, new.root), Ok(()), "from {}", old.size);
        assert!(consistency.proof.verify(leaf_hash(b"another"), new.root).is_err());
    }
}

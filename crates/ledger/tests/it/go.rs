//! Ledgers and exports are read by the packages that Go's own checksum database is checked with.

use attache_ledger::{
    ConsistencyProof, InclusionProof, Outcome, consistency_ranges, inclusion_ranges, prove_consistency,
    prove_inclusion,
};
use serde_json::json;

use crate::exporting::{File, Log};
use crate::judge::Judge;
use crate::world::{World, act};

#[tokio::test]
async fn go_checks_exports_and_ledgers() {
    let judge = Judge::new();
    an_export_and_its_proofs_are_right(&judge);
    gaps_keep_the_root(&judge);
    what_was_altered_is_refused(&judge);
    a_devices_ledger_is_right(&judge).await;
}

fn inclusions(log: &Log, size: u64) -> Vec<InclusionProof> {
    let proof = |index| InclusionProof { index, size, path: log.roots(inclusion_ranges(index, size)) };
    (0..size).map(proof).collect()
}

fn consistencies(log: &Log, new_size: u64) -> Vec<ConsistencyProof> {
    let path = |old_size| log.roots(consistency_ranges(old_size, new_size));
    (1..=new_size).map(|old_size| ConsistencyProof { old_size, new_size, path: path(old_size) }).collect()
}

fn an_export_and_its_proofs_are_right(judge: &Judge) {
    for size in [1, 2, 7, 32, 45] {
        let log = Log::of(size as usize);
        let file = File::of(log.export(&[], &[size / 2]));
        let proofs = json!({ "inclusion": inclusions(&log, size), "consistency": consistencies(&log, size) });
        let said = judge.judge(&file.path(), &log.checkpoint(size), &proofs).unwrap();
        let root = log.root(0..size);
        assert_eq!(said, format!("{size} inclusions {size} consistencies\n{size} entries {root}\n"));
    }
}

fn gaps_keep_the_root(judge: &Judge) {
    let log = Log::of(45);
    for gaps in [vec![(0, 17)], vec![(3, 4), (9, 44)], vec![(40, 45)]] {
        let file = File::of(log.export(&gaps, &[]));
        let said = judge.judge(&file.path(), &log.checkpoint(45), &json!({})).unwrap();
        assert!(said.ends_with(&format!("45 entries {}\n", log.root(0..45))), "{said}");
    }
}

fn what_was_altered_is_refused(judge: &Judge) {
    let log = Log::of(9);
    let text = log.export(&[(2, 4)], &[]);
    let (note, none) = (log.checkpoint(9), json!({}));
    assert!(judge.judge(&File::of(&text).path(), &note, &none).is_ok());
    let altered = File::of(text.replacen("suspend", "resume_", 1));
    let error = judge.judge(&altered.path(), &note, &none).unwrap_err();
    assert!(error.contains("was signed"), "{error}");
    let error = judge.judge(&File::of(&text).path(), &note.replacen('9', "8", 1), &none).unwrap_err();
    assert!(error.starts_with("the note: "), "{error}");
    let mut proofs = consistencies(&log, 9);
    proofs[2].path.swap(0, 1);
    let file = File::of(log.export(&[], &[]));
    let error = judge.judge(&file.path(), &note, &json!({ "consistency": proofs })).unwrap_err();
    assert!(error.starts_with("from 3 to 9 entries: "), "{error}");
}

async fn a_devices_ledger_is_right(judge: &Judge) {
    let world = World::new();
    let ledger = world.ledger();
    for _ in 0..5 {
        let intent = ledger.intent(act()).await.unwrap();
        ledger.outcome(intent, Outcome::done()).await.unwrap();
    }
    ledger.flush().await.unwrap();
    let note = std::fs::read_to_string(world.checkpoint_path()).unwrap();
    let inclusion = prove_inclusion(&world.path(), 3).unwrap().proof;
    let consistency = prove_consistency(&world.path(), 7).unwrap().proof;
    let proofs = json!({ "inclusion": [inclusion], "consistency": [consistency] });
    let said = judge.judge(&world.path(), &note, &proofs).unwrap();
    let report = world.verify().unwrap();
    assert_eq!(said, format!("1 inclusions 1 consistencies\n10 entries {}\n", report.root));
}

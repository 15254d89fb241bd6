//! Whatever stands in the file, nothing panics, and nothing that is not a ledger is written to.

use std::path::Path;

use attache_ledger::{VerifyOptions, prove_consistency, prove_inclusion, show, verify};
use proptest::prelude::*;

use crate::exporting::Log;
use crate::world::{World, act};

/// Reads the file in every way there is, and appends to it.
fn use_it(world: &World) {
    let (path, runtime) = (world.path(), tokio::runtime::Builder::new_current_thread().build().unwrap());
    let before = std::fs::read(&path).unwrap();
    let readable = verify(&path, &VerifyOptions::default()).is_ok();
    if let Ok(entries) = show(&path, Default::default()) {
        entries.for_each(drop);
    }
    let _ = prove_inclusion(&path, 0);
    let _ = prove_consistency(&path, 1);
    let recorded = runtime.block_on(async {
        let ledger = world.ledger();
        let _ = ledger.dangling().await;
        ledger.intent(act()).await
    });
    match recorded {
        Ok(_) => assert!(verify(&path, &VerifyOptions::default()).is_ok() || !readable),
        Err(error) => {
            assert_eq!(std::fs::read(&path).unwrap(), before, "{error}");
            // An export is read, but nothing is appended to it.
            let ours = ["another key", "is not a ledger"];
            assert!(!readable || ours.iter().any(|why| error.to_string().contains(why)), "{error}");
        }
    }
}

fn exported() -> Vec<u8> {
    Log::of(6).export(&[(2, 4)], &[5]).into_bytes()
}

#[test]
fn the_corpus_is_read_without_a_panic() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut count = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let world = World::new();
        std::fs::copy(file.unwrap().path(), world.path()).unwrap();
        use_it(&world);
        count += 1;
    }
    assert!(count >= 20, "{count}");
}

fn recorded() -> Vec<u8> {
    let world = World::new();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let ledger = world.seeded_ledger();
        for _ in 0..2 {
            let intent = ledger.intent(act()).await.unwrap();
            ledger.outcome(intent, attache_ledger::Outcome::unknown()).await.unwrap();
        }
    });
    std::fs::read(world.path()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let world = World::new();
        std::fs::write(world.path(), bytes).unwrap();
        use_it(&world);
    }

    #[test]
    fn mangled_ledgers_and_exports_are_read_without_a_panic(
        original in prop_oneof![Just(recorded as fn() -> Vec<u8>), Just(exported as fn() -> Vec<u8>)],
        cuts in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..4),
        noise in prop::collection::vec(any::<u8>(), 0..40),
    ) {
        let original = original();
        let header = original.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        let mut bytes = original.clone();
        for (from, to) in cuts {
            let (from, to) = (from.index(original.len()), to.index(bytes.len() - header) + header);
            let end = (from + 300).min(original.len());
            bytes.splice(to..to, original[from..end].iter().copied().chain(noise.iter().copied()));
        }
        let world = World::new();
        std::fs::write(world.path(), bytes).unwrap();
        use_it(&world);
    }
}

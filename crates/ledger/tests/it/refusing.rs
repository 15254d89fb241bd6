use std::process::{Command, Stdio};
use std::sync::Arc;

use attache_ledger::{
    Code, FixedKey, KeyError, Ledger, LedgerError, NoteSigner, VerifyError, VerifyOptions, verify,
};
use attache_terms::{Explain, SystemRng, Who};

use crate::world::{World, act, key, options};

#[tokio::test]
async fn a_newer_ledger_is_refused_and_left_alone() {
    let world = World::new();
    world.refuse().await;
    let text = std::fs::read_to_string(world.path()).unwrap();
    let newer = text.replacen("attache-ledger\t1\t", "attache-ledger\t2\t", 1);
    std::fs::write(world.path(), &newer).unwrap();
    let error = world.ledger().intent(act()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Newer { version: 2, .. }), "{error}");
    assert!(matches!(world.verify(), Err(VerifyError::Newer { version: 2, .. })));
    assert_eq!(std::fs::read_to_string(world.path()).unwrap(), newer);
}

#[tokio::test]
async fn another_file_is_refused_and_left_alone() {
    for text in ["dear diary\n", "\n", "attache-ledger\t1\tnonsense\n", "attache-ledger\t0\tx\n", "no end"] {
        let world = World::new();
        std::fs::write(world.path(), text).unwrap();
        let error = world.ledger().intent(act()).await.unwrap_err();
        assert!(matches!(error, LedgerError::NotALedger { .. }), "{text:?}: {error}");
        assert_eq!(std::fs::read_to_string(world.path()).unwrap(), text);
    }
}

#[tokio::test]
async fn another_key_does_not_go_on_with_a_ledger() {
    let world = World::new();
    world.refuse().await;
    let mut options = options(&world.path(), Arc::new(SystemRng));
    options.key = Arc::new(FixedKey(key(2)));
    let error = Ledger::new(options).intent(act()).await.unwrap_err();
    assert!(matches!(error, LedgerError::OtherKey { .. }), "{error}");
    assert_eq!(world.verify().unwrap().entries, 1);
}

#[tokio::test]
async fn without_a_key_nothing_is_recorded_until_there_is_one() {
    let world = World::new();
    let mut options = options(&world.path(), Arc::new(SystemRng));
    let locked = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_locked = Arc::clone(&locked);
    options.key = Arc::new(move || -> Result<Arc<dyn NoteSigner>, KeyError> {
        if is_locked.load(std::sync::atomic::Ordering::SeqCst) {
            Err(KeyError::new("the keyring is locked"))
        } else {
            Ok(key(1))
        }
    });
    let ledger = Ledger::new(options);
    let error = ledger.intent(act()).await.unwrap_err();
    assert_eq!(error.code(), "ledger_key_unusable");
    assert!(error.to_string().contains("the keyring is locked"));
    assert!(!world.path().exists());
    locked.store(false, std::sync::atomic::Ordering::SeqCst);
    let intent = ledger.intent(act()).await.unwrap();
    assert_eq!(intent.sequence(), 0);
}

#[tokio::test]
async fn a_missing_folder_is_an_error_for_the_operator() {
    let world = World::new();
    let options = options(&world.path().join("nowhere/ledger"), Arc::new(SystemRng));
    std::fs::write(world.path(), "a file where a folder should be").unwrap();
    let error = Ledger::new(options).intent(act()).await.unwrap_err();
    assert_eq!(error.code(), "ledger_unwritable");
    assert_eq!(error.remedy().who, Who::Operator);
}

#[tokio::test]
async fn a_ledger_that_lost_entries_is_not_gone_on_with() {
    let world = World::new();
    let ledger = world.ledger();
    ledger.refusal(act(), Code::new("x")).await.unwrap();
    let backup = std::fs::read(world.path()).unwrap();
    ledger.refusal(act(), Code::new("x")).await.unwrap();
    ledger.flush().await.unwrap();
    let held = world.checkpoint();

    std::fs::write(world.path(), &backup).unwrap();
    let error = world.ledger().intent(act()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Shrunk { found: 1, signed: 2, .. }), "{error}");
    assert!(matches!(world.verify(), Err(VerifyError::Shrunk { found: 1, signed: 2 })));
    let error = ledger.intent(act()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Shrunk { .. }), "a running program notices, too: {error}");

    std::fs::remove_file(world.checkpoint_path()).unwrap();
    assert_eq!(world.verify().unwrap().entries, 1, "nothing here remembers the second entry");
    let options = VerifyOptions { checkpoint: Some(held), key: None };
    assert!(matches!(verify(&world.path(), &options), Err(VerifyError::Shrunk { found: 1, signed: 2 })));
}

#[tokio::test]
async fn a_ledger_that_is_gone_is_not_begun_again_in_silence() {
    let world = World::new();
    let ledger = world.ledger();
    ledger.refusal(act(), Code::new("x")).await.unwrap();
    ledger.flush().await.unwrap();
    std::fs::remove_file(world.path()).unwrap();
    for ledger in [ledger, world.ledger()] {
        let error = ledger.intent(act()).await.unwrap_err();
        assert!(matches!(error, LedgerError::Shrunk { found: 0, signed: 1, .. }), "{error}");
    }
}

/// Run in a process whose files may not grow beyond 16 KiB: appends until that fails.
#[tokio::test]
async fn child_on_a_full_disk() {
    let Some(path) = std::env::var_os("ATTACHE_TEST_FULL_DISK") else { return };
    let ledger = crate::world::ledger_at(path.as_ref(), Arc::new(SystemRng));
    let mut recorded = 0;
    let error = loop {
        match ledger.refusal(act(), Code::new("chat_not_found")).await {
            Ok(_) => recorded += 1,
            Err(error) => break error,
        }
    };
    let again = ledger.intent(act()).await.unwrap_err();
    println!("\nrecorded={recorded} code={} again={}", error.code(), again.code());
}

#[cfg(unix)]
#[tokio::test]
async fn a_full_disk_stops_the_act_and_leaves_a_ledger_that_verifies() {
    let world = World::new();
    // The limit raises SIGXFSZ, which is ignored here so that the write fails as it does on a full disk.
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 32; exec \"$0\" --exact refusing::child_on_a_full_disk --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env("ATTACHE_TEST_FULL_DISK", world.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.starts_with("recorded=")).unwrap_or_else(|| panic!("{text}"));
    let report = world.verify().unwrap();
    assert_eq!(line, format!("recorded={} code=ledger_full again=ledger_full", report.entries));
    assert!(report.entries > 5, "{report:?}");
    assert_eq!(report.unfinished, 0, "what did not fit was taken back");
    world.refuse().await;
    assert_eq!(world.verify().unwrap().repairs, 0);
}

//! What `docs/ledger.md` tells a reader to type works, and notices what it should.

use std::path::Path;
use std::process::Command;

use attache_ledger::Outcome;

use crate::exporting::{File, Log};
use crate::world::{World, act};

/// The shell commands on the page. They need a POSIX shell, Python 3 and OpenSSL 3.
fn commands() -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/ledger.md");
    let text = std::fs::read_to_string(page).unwrap();
    let blocks = text.split("```sh\n").skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap().to_owned()).collect()
}

fn run(command: &str, ledger: &Path) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let output = Command::new("sh")
        .args(["-euc", command])
        .env("LEDGER", ledger)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

#[test]
fn standard_tools_verify_an_export() {
    let log = Log::of(7);
    let file = File::of(log.export(&[], &[3]));
    let answers = [0, 2].map(|nth| run(&commands()[nth], &file.path()).unwrap());
    assert_eq!(answers[0], format!("7 entries {}\n", log.root(0..7)));
    assert_eq!(answers[1], "withheld fields agree\n");
}

#[tokio::test]
async fn standard_tools_verify_a_ledger() {
    let world = World::new();
    let ledger = world.ledger();
    for _ in 0..7 {
        let intent = ledger.intent(act()).await.unwrap();
        ledger.outcome(intent, Outcome::done()).await.unwrap();
    }
    ledger.erase(|entry| entry.sequence == 4).await.unwrap();
    let report = world.verify().unwrap();

    let commands = commands();
    assert_eq!(commands.len(), 3);
    let answers: Vec<String> = commands
        .iter()
        .map(|command| run(command, &world.path()).unwrap_or_else(|e| panic!("{e}")))
        .collect();
    assert_eq!(answers[0], format!("15 entries {}\n", report.root));
    assert!(answers[1].contains("Signature Verified Successfully"), "{}", answers[1]);
    assert_eq!(answers[2], "withheld fields agree\n");

    let text = std::fs::read_to_string(world.path()).unwrap();
    std::fs::write(world.path(), text.replacen("agent_user", "sponsor", 1)).unwrap();
    let error = run(&commands[0], &world.path()).unwrap_err();
    assert!(error.contains("altered before entry 1"), "{error}");
    std::fs::write(world.path(), text.replacen("2da4c29f", "3da4c29f", 1)).unwrap();
    assert!(run(&commands[2], &world.path()).is_err());
    std::fs::write(world.path(), &text).unwrap();
    let note = std::fs::read_to_string(world.checkpoint_path()).unwrap();
    std::fs::write(world.checkpoint_path(), note.replacen("\n15\n", "\n16\n", 1)).unwrap();
    assert!(run(&commands[1], &world.path()).is_err());
}

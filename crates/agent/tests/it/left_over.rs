//! What a killed process left in the ledger. The process is real: this program again, which aborts.

use std::process::Command;

use attache_agent::Current;
use attache_graph::Content;
use attache_ledger::{Act, ActName, Target};
use attache_terms::ChatId;

use crate::world::{World, ends, open, settings};

/// Tells the second process where the world is, and what to do before it dies.
const VICTIM: &str = "ATTACHE_TEST_VICTIM";

fn act(current: &Current) -> Act {
    Act::new(ActName::new("send_teams_message"), current.actor())
        .on(Target { chat: Some(ChatId::notes()), ..Target::default() })
}

/// What the second process does; in the first, nothing.
#[tokio::test]
async fn the_process_that_is_killed() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let (ready, home, sends): (serde_json::Value, std::path::PathBuf, bool) =
        serde_json::from_str(&told).unwrap();
    let agent = open(settings(&ready, &home, "ada"));
    let current = agent.current().await.unwrap();
    let begun = agent.audit().begin(act(&current), None).await.unwrap();
    if sends {
        let text = current.marked("good morning");
        current.graph.send_message(&ChatId::notes(), Content::Text(&text)).await.unwrap();
    }
    let _never_ended = begun;
    std::process::abort();
}

async fn killed(world: &World, sends: bool) {
    let told = serde_json::to_string(&(world.sandbox.ready(), world.home(), sends)).unwrap();
    let mut victim = Command::new(std::env::current_exe().unwrap());
    victim.args(["left_over::the_process_that_is_killed", "--exact"]).env(VICTIM, told);
    let ended = tokio::task::spawn_blocking(move || victim.output()).await.unwrap().unwrap();
    assert!(!ended.status.success(), "it aborts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!said.contains("panicked"), "{said}");
}

async fn resolved(sends: bool) -> Vec<String> {
    let world = World::start().await;
    world.sign_in(&world.agent("ada"), 0).await.unwrap();
    killed(&world, sends).await;
    let agent = world.agent("ada");
    agent.resolve_left_over().await.unwrap();
    ends(&world.ledger(&agent).await)
}

#[tokio::test]
async fn a_message_that_was_sent_is_read_back() {
    assert_eq!(resolved(true).await, ["sign_in done", "send_teams_message done"]);
}

#[tokio::test]
async fn a_message_that_was_not_sent_is_known_not_to_be() {
    assert_eq!(resolved(false).await, ["sign_in done", "send_teams_message failed"]);
}

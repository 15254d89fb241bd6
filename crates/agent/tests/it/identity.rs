//! Signing in and out, and what a call acts as.

use std::sync::Arc;

use attache_agent::{Agent, IdentityError, IdentityMode, Secrets, Settings, tools};
use attache_terms::{Explain, Secret, SystemRng, Who};
use serde_json::json;

use crate::world::{FastClock, World, ends, open};

#[tokio::test]
async fn opening_an_agent_touches_nothing_and_signed_out_says_what_to_do() {
    let world = World::start().await;
    let agent = world.agent("new");
    assert!(!world.home().join("profiles").exists());
    assert_eq!(agent.mode().unwrap(), IdentityMode::SignedOut);
    let Err(error) = agent.current().await else { panic!("nobody has signed in") };
    assert_eq!(error.code(), "sign_in_required");
    assert!(error.remedy().what.contains("attache sign-in"));
    assert_eq!(error.remedy().who, Who::Operator);
    assert!(!world.home().join("profiles").exists());
}

#[tokio::test]
async fn the_sponsor_signs_in_and_the_agent_acts_under_their_token() {
    let world = World::start().await;
    let agent = world.agent("ada");
    let person = world.sign_in(&agent, 0).await.unwrap();
    assert_eq!(person.upn, world.sandbox.ready().users[0].upn);
    let current = agent.current().await.unwrap();
    assert_eq!(current.mode, IdentityMode::Sponsor);
    assert_eq!(current.graph.me().await.unwrap().value.id, person.id);
    assert_eq!(current.marked("hello"), "[Attaché] hello");
    assert_eq!(ends(&world.ledger(&agent).await), ["sign_in done"]);

    // Another process of the profile needs no sign-in.
    let other = world.agent("ada");
    assert_eq!(other.current().await.unwrap().me, person);
}

#[tokio::test]
async fn another_person_is_refused_and_costs_the_sponsor_nothing() {
    let world = World::start().await;
    let agent = world.agent("ada");
    let person = world.sign_in(&agent, 0).await.unwrap();
    let refused = world.sign_in(&agent, 1).await;
    assert!(matches!(refused, Err(IdentityError::AnotherSponsor { .. })));
    let fresh = world.agent("ada");
    let current = fresh.current().await.unwrap();
    assert_eq!(current.graph.me().await.unwrap().value.id, person.id);
}

#[tokio::test]
async fn signing_out_counts_in_every_process_from_the_next_call_on() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    let other = world.agent("ada");
    other.current().await.unwrap();
    agent.sign_out().await.unwrap();
    for process in [&agent, &other] {
        let Err(error) = process.current().await else { panic!("signed out") };
        assert_eq!(error.code(), "sign_in_required");
    }
    // And somebody else may sign in now.
    let person = world.sign_in(&agent, 1).await.unwrap();
    assert_eq!(other.current().await.unwrap().me, person);
    assert_eq!(ends(&world.ledger(&agent).await), ["sign_in done", "sign_out done", "sign_in done"]);
}

#[tokio::test]
async fn a_profile_sends_its_tokens_to_no_other_tenant() {
    let world = World::start().await;
    world.sign_in(&world.agent("ada"), 0).await.unwrap();
    let mut elsewhere = world.settings("ada");
    elsewhere.cloud.login = "https://login.evil.example".parse().unwrap();
    let Err(error) = open(elsewhere).current().await else { panic!("another sign-in service") };
    assert_eq!(error.code(), "another_tenant");
}

#[tokio::test]
async fn after_a_sign_out_elsewhere_a_token_in_memory_is_used_no_more() {
    let world = World::start().await;
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    // The other process has used its token, and goes on listening.
    let other = world.agent("ada");
    let hello = json!({ "text": "hello" });
    tools::call(&other, "send_teams_message", hello.clone()).await.unwrap();
    agent.sign_out().await.unwrap();
    world.sandbox.control().clear_requests();
    for tool in ["send_teams_message", "list_chats", "read_teams_messages"] {
        let input = if tool == "send_teams_message" { hello.clone() } else { json!({}) };
        let error = tools::call(&other, tool, input).await.unwrap_err();
        assert_eq!(error.code(), "sign_in_required", "{tool}");
    }
    let requests = world.sandbox.control().requests();
    assert!(requests.is_empty(), "{requests:?}");
    // The same person signs in again: their new session is used, not what was in memory of the old one.
    world.sign_in(&agent, 0).await.unwrap();
    world.sandbox.control().clear_requests();
    tools::call(&other, "send_teams_message", hello).await.unwrap();
    let requests = world.sandbox.control().requests();
    assert!(requests.iter().any(|request| request.path.ends_with("/token")), "{requests:?}");
}

#[tokio::test]
async fn the_sponsor_signs_in_by_a_code_on_another_device() {
    let world = World::start().await;
    let clock = FastClock::new(100);
    let agent = Agent::open(world.settings("ada"), clock, Arc::new(SystemRng));
    let mut typing = None;
    let person = agent.sign_in_device(|prompt| typing = Some(world.type_code(0, prompt))).await.unwrap();
    typing.unwrap().await.unwrap();
    assert_eq!(person.upn, world.sandbox.ready().users[0].upn);
    let current = world.agent("ada").current().await.unwrap();
    assert_eq!(current.graph.me().await.unwrap().value.id, person.id);
    assert_eq!(ends(&world.ledger(&agent).await), ["sign_in_device done"]);
}

/// Signs in and out with secrets in this place, and looks from another process in between.
async fn keeps_secrets(world: &World, settings: Settings) {
    let agent = open(settings.clone());
    let person = world.sign_in(&agent, 0).await.unwrap();
    let current = open(settings.clone()).current().await.unwrap();
    assert_eq!(current.graph.me().await.unwrap().value.id, person.id);
    agent.sign_out().await.unwrap();
    let Err(error) = open(settings).current().await else { panic!("signed out") };
    assert_eq!(error.code(), "sign_in_required");
}

#[tokio::test]
async fn secrets_are_sealed_by_a_passphrase_and_by_no_other() {
    let world = World::start().await;
    let mut settings = world.settings("ada");
    let sealed = settings.profile.directory().join("secrets.sealed");
    let passphrase =
        |text: &str| Secrets::Passphrase { sealed: sealed.clone(), passphrase: Secret::new(text.to_owned()) };
    settings.secrets = passphrase("correct horse battery staple");
    let agent = open(settings.clone());
    world.sign_in(&agent, 0).await.unwrap();
    let mut wrong = settings.clone();
    wrong.secrets = passphrase("incorrect horse");
    let Err(error) = open(wrong).current().await else { panic!("another passphrase opens it") };
    assert_eq!(error.remedy().who, Who::Operator, "{error}");
    let held = std::fs::read(&sealed).unwrap();
    let name = world.sandbox.ready().users[0].upn.clone();
    assert!(!held.windows(name.len()).any(|bytes| bytes == name.as_bytes()), "it is sealed");
    keeps_secrets(&world, settings).await;
}

#[tokio::test]
async fn secrets_are_kept_in_the_secret_service() {
    if std::env::var("ATTACHE_TEST_SECRET_SERVICE").is_ok_and(|value| value == "1") {
        let world = World::start().await;
        let mut settings = world.settings(&format!("keyring-{}", std::process::id()));
        settings.secrets = Secrets::SecretService;
        let directory = settings.profile.directory().to_owned();
        keeps_secrets(&world, settings).await;
        assert!(!directory.join("secrets.sealed").exists());
    }
}

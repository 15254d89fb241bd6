//! Signing in and out, and what a call acts as.

use attache_agent::{IdentityError, IdentityMode};
use attache_terms::{Explain, Who};

use crate::world::{World, ends, open};

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

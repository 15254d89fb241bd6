//! From the sponsor's token to the agent's own name.

use std::sync::Arc;
use std::time::Duration;

use attache_agent::{Agent, IdentityMode};
use attache_graph::UserKey;
use attache_keys::{SealedFile, SealingKey, SecretName, SecretStore};
use attache_sandbox::{Effect, Fault};
use attache_terms::{ChatId, Explain, SystemRng};

use crate::world::{FastClock, Seen, World, ends, open};

const ANNOUNCED: &str = "has an identity of its own now";

async fn provisioned(world: &World) -> Arc<Agent> {
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    agent.provision_now(|_| {}).await.unwrap();
    agent
}

fn announcements(seen: &[Seen]) -> Vec<&Seen> {
    seen.iter().filter(|message| message.text.contains(ANNOUNCED)).collect()
}

#[tokio::test]
async fn the_agent_goes_over_to_its_own_name_and_says_so_in_both_chats() {
    let world = World::start().await;
    let agent = provisioned(&world).await;
    let other_process = world.agent("ada");
    let before = other_process.current().await.unwrap();
    assert_eq!(before.mode, IdentityMode::Sponsor);

    let current = agent.upgrade_now().await.unwrap();
    assert_eq!(current.mode, IdentityMode::AgentUser);
    assert_eq!(current.graph.me().await.unwrap().value.id, current.me.id);
    assert_eq!(current.marked("hello"), "hello");

    let onlooker = world.onlooker().await;
    let notes = world.read(&onlooker, &ChatId::notes()).await;
    let [announced] = announcements(&notes)[..] else { panic!("announced once: {notes:?}") };
    assert_eq!(announced.from, onlooker.me.id);
    assert!(announced.text.contains("[Attaché]"), "{}", announced.text);
    let own = world.read(&onlooker, &agent.conversations().of(&current)).await;
    let [announced] = announcements(&own)[..] else { panic!("announced once: {own:?}") };
    assert_eq!(announced.from, current.me.id);

    // The other process acts under the new name from its next call on; its call in flight keeps the old.
    assert_eq!(other_process.current().await.unwrap().me, current.me);
    assert_eq!(before.graph.me().await.unwrap().value.id, before.me.id);
    // Asking again changes nothing.
    agent.upgrade_now().await.unwrap();
    assert_eq!(announcements(&world.read(&onlooker, &ChatId::notes()).await).len(), 1);

    let ends = ends(&world.ledger(&agent).await);
    for act in ["open_sponsor_conversation done", "announce_upgrade done", "upgrade_identity done"] {
        assert!(ends.iter().any(|end| end == act), "{act} is missing: {ends:?}");
    }
}

#[tokio::test]
async fn an_announcement_whose_answer_was_lost_is_found_and_not_sent_again() {
    let world = World::start().await;
    let agent = provisioned(&world).await;
    world.sandbox.control().add_fault(Fault::once(
        "POST",
        "/v1.0/chats/48:notes/messages",
        Effect::ResetAfterCommit,
    ));
    let Err(error) = agent.upgrade_now().await else { panic!("the answer was lost") };
    assert_eq!(agent.mode().unwrap(), IdentityMode::Sponsor, "{error}");

    // A new process goes on where the first one was.
    let agent = world.agent("ada");
    agent.upgrade_now().await.unwrap();
    let onlooker = world.onlooker().await;
    assert_eq!(announcements(&world.read(&onlooker, &ChatId::notes()).await).len(), 1);
}

#[tokio::test]
async fn an_announcement_that_never_arrived_is_sent_after_looking() {
    let world = World::start().await;
    let agent = provisioned(&world).await;
    world.sandbox.control().add_fault(Fault::once(
        "POST",
        "/v1.0/chats/48:notes/messages",
        Effect::ResetBeforeCommit,
    ));
    assert!(agent.upgrade_now().await.is_err());
    world.agent("ada").upgrade_now().await.unwrap();
    let onlooker = world.onlooker().await;
    assert_eq!(announcements(&world.read(&onlooker, &ChatId::notes()).await).len(), 1);
}

#[tokio::test]
async fn a_refused_self_chat_gives_way_to_the_chat_that_the_sponsor_chose() {
    let world = World::start().await;
    let agent = provisioned(&world).await;
    let sponsor = agent.current().await.unwrap();
    let other = UserKey::Id(world.sandbox.ready().users[1].id.parse().unwrap());
    let chosen = sponsor.graph.create_one_on_one(sponsor.me.id, other).await.unwrap().value.id;
    world.sandbox.control().add_fault(Fault {
        count: None,
        ..Fault::once(
            "POST",
            "/v1.0/chats/48:notes/messages",
            Effect::Answer {
                status: 403,
                body: Some(serde_json::json!({"error": {"code": "Forbidden", "message": "not here"}})),
                retry_after: None,
            },
        )
    });
    let mut settings = world.settings("ada");
    settings.conversation = Some(chosen.clone());
    let agent = open(settings);
    agent.upgrade_now().await.unwrap();
    let onlooker = world.onlooker().await;
    assert_eq!(announcements(&world.read(&onlooker, &chosen).await).len(), 1);
}

#[tokio::test]
async fn when_its_own_token_fails_the_call_fails_and_is_not_made_as_the_sponsor() {
    let world = World::start().await;
    let agent = provisioned(&world).await;
    agent.upgrade_now().await.unwrap();
    world.sandbox.control().add_fault(Fault {
        count: None,
        ..Fault::once(
            "POST",
            "/*/oauth2/v2.0/token",
            Effect::Answer {
                status: 400,
                body: Some(serde_json::json!({
                    "error": "invalid_grant",
                    "error_description": "AADSTS50057: The user account is disabled.",
                    "error_codes": [50057],
                })),
                retry_after: None,
            },
        )
    });
    let agent = world.agent("ada");
    let current = agent.current().await.unwrap();
    assert_eq!(current.mode, IdentityMode::AgentUser);
    let Err(error) = current.graph.me().await else { panic!("no token, no answer") };
    assert!(error.to_string().contains("50057") || error.code().contains("disabled"), "{error}");
    assert_eq!(agent.mode().unwrap(), IdentityMode::AgentUser);
}

#[tokio::test]
async fn it_does_not_go_over_while_its_own_identity_cannot_speak() {
    let world = World::start().await;
    let agent = provisioned(&world).await;
    let forbidden = world.sandbox.control().add_fault(Fault {
        count: None,
        ..Fault::once(
            "POST",
            "/v1.0/chats/19:*/messages",
            Effect::Answer {
                status: 403,
                body: Some(serde_json::json!({"error": {"code": "Forbidden", "message": "no Teams yet"}})),
                retry_after: None,
            },
        )
    });
    assert!(agent.upgrade_now().await.is_err());
    assert_eq!(agent.current().await.unwrap().mode, IdentityMode::Sponsor);
    world.sandbox.control().remove_fault(forbidden);
    assert_eq!(agent.upgrade_now().await.unwrap().mode, IdentityMode::AgentUser);
    let onlooker = world.onlooker().await;
    assert_eq!(announcements(&world.read(&onlooker, &ChatId::notes()).await).len(), 1);
}

#[tokio::test]
async fn the_sponsors_token_is_forgotten_ten_minutes_after() {
    let world = World::start().await;
    provisioned(&world).await.upgrade_now().await.unwrap();
    let settings = world.settings("ada");
    let directory = settings.profile.directory();
    let key = SealingKey::KeyFile(directory.join("secrets.key"));
    let secrets = SealedFile::new(directory.join("secrets.sealed"), key, Arc::new(SystemRng));
    let token = SecretName::new("ada", "sponsor-token");
    let clock = FastClock::new(10);
    let agent = Agent::open(settings, clock.clone(), Arc::new(SystemRng));
    agent.start();
    let advance = |span| {
        world.sandbox.control().clock().advance(span);
        clock.advance(span);
    };
    advance(Duration::from_secs(9 * 60));
    // Time enough for the background to look, which it does at every tenth wait or so.
    clock.after_waits(100).await;
    assert!(secrets.get(&token).await.unwrap().is_some(), "calls may be in flight");
    advance(Duration::from_secs(61));
    while secrets.get(&token).await.unwrap().is_some() {
        clock.after_waits(1).await;
    }
    // Its own name needs no sponsor's token.
    let current = agent.current().await.unwrap();
    assert_eq!(current.graph.me().await.unwrap().value.id, current.me.id);
    agent.stop().await;
}

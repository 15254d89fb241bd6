//! The tools against a tenant: what goes out, under whose name, and what is refused.

use std::sync::Arc;

use attache_agent::tools::{self, ToolError};
use attache_agent::{Agent, IdentityMode};
use attache_graph::UserKey;
use attache_ledger::Event;
use attache_sandbox::{Effect, Fault};
use attache_terms::{ChatId, Explain};
use serde_json::{Value, json};

use crate::world::{World, ends, open};

async fn call(agent: &Agent, tool: &str, input: Value) -> Value {
    tools::call(agent, tool, input).await.unwrap_or_else(|error| panic!("{tool}: {error}"))
}

async fn refusal(agent: &Agent, tool: &str, input: Value) -> ToolError {
    tools::call(agent, tool, input).await.expect_err("refused")
}

async fn signed_in(world: &World) -> Arc<Agent> {
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    agent
}

async fn under_its_own_name(world: &World) -> Arc<Agent> {
    let agent = signed_in(world).await;
    agent.provision_now(|_| {}).await.unwrap();
    agent.upgrade_now().await.unwrap();
    agent
}

/// How many messages and chats the tenant was asked to make.
fn posts(world: &World) -> usize {
    let requests = world.sandbox.control().requests();
    requests
        .iter()
        .filter(|request| request.method == "POST" && request.path.starts_with("/v1.0/chats"))
        .count()
}

#[tokio::test]
async fn under_the_sponsors_token_a_message_goes_to_the_sponsor_alone_and_is_marked() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let sent = call(&agent, "send_teams_message", json!({ "text": "good morning <b>&" })).await;
    assert_eq!(sent["chat_id"], "48:notes");
    assert_eq!(sent["identity"], "sponsor");

    let onlooker = world.onlooker().await;
    let notes = world.read(&onlooker, &ChatId::notes()).await;
    let [seen] = &notes[..] else { panic!("one message: {notes:?}") };
    assert_eq!(seen.from, onlooker.me.id);
    assert!(seen.text.contains("[Attaché] good morning"), "{}", seen.text);
    assert_eq!(ends(&world.ledger(&agent).await), ["sign_in done", "send_teams_message done"]);

    let read = call(&agent, "read_teams_messages", json!({})).await;
    let [message] = &read["messages"].as_array().unwrap()[..] else { panic!("{read}") };
    assert_eq!(message["message_id"], sent["message_id"]);
    assert_eq!(message["own"], true);
    assert_eq!(message["sponsor"], false, "its own words carry nobody's authority");
    let content = message["content"].as_str().unwrap();
    assert!(content.starts_with("<external-content ") && content.contains(" sponsor=\"false\""), "{content}");
    assert!(content.contains("\n[Attaché] good morning <b>&\n"), "{content}");
}

#[tokio::test]
async fn under_the_sponsors_token_their_other_chats_are_out_of_reach() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let sponsor = agent.current().await.unwrap();
    let other = world.sandbox.ready().users[1].clone();
    let private = sponsor
        .graph
        .create_one_on_one(sponsor.me.id, UserKey::Name(other.upn.clone()))
        .await
        .unwrap()
        .value
        .id;
    world.sandbox.control().clear_requests();
    for (tool, input) in [
        ("send_teams_message", json!({ "text": "psst", "chat_id": private })),
        ("read_teams_messages", json!({ "chat_id": private })),
        ("list_chat_members", json!({ "chat_id": private })),
        ("create_chat", json!({ "members": [other.upn] })),
    ] {
        assert_eq!(refusal(&agent, tool, input).await.code(), "out_of_reach", "{tool}");
    }
    let chats = call(&agent, "list_chats", json!({})).await;
    assert_eq!(chats["chats"].as_array().unwrap().len(), 1);
    assert_eq!(chats["chats"][0]["chat_id"], "48:notes");
    assert!(world.sandbox.control().requests().is_empty(), "nothing was sent, and nothing asked");
}

#[tokio::test]
async fn a_chat_id_that_is_none_sends_nothing_and_stands_in_the_ledger() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let long = format!("19:{}@thread.v2", "a".repeat(10_000));
    let bad = ["../me", "19:x@thread.v2?x=", long.as_str(), "19:x\0@thread.v2", ""];
    for chat in bad {
        for (tool, input) in [
            ("send_teams_message", json!({ "text": "hello", "chat_id": chat })),
            ("read_teams_messages", json!({ "chat_id": chat })),
            ("list_chat_members", json!({ "chat_id": chat })),
        ] {
            let error = refusal(&agent, tool, input).await;
            assert_eq!(error.code(), "id_invalid", "{tool} {chat:?}");
            assert!(error.remedy().what.contains("list_chats"));
        }
    }
    assert_eq!(posts(&world), 0);
    let ledger = world.ledger(&agent).await;
    let refused: Vec<_> =
        ledger.iter().filter(|shown| matches!(shown.entry.event, Event::Refusal { .. })).collect();
    assert_eq!(refused.len(), bad.len() * 3);
}

#[tokio::test]
async fn when_teams_refuses_the_self_chat_the_chosen_chat_takes_its_place() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let sponsor = agent.current().await.unwrap();
    let other = UserKey::Id(world.sandbox.ready().users[1].id.parse().unwrap());
    let chosen = sponsor.graph.create_one_on_one(sponsor.me.id, other).await.unwrap().value.id;
    let not_here = json!({ "error": { "code": "Forbidden", "message": "not here" } });
    let refuse = Effect::Answer { status: 403, body: Some(not_here), retry_after: None };
    world.sandbox.control().add_fault(Fault::once("POST", "/v1.0/chats/48:notes/messages", refuse));
    let mut settings = world.settings("ada");
    settings.conversation = Some(chosen.clone());
    let agent = open(settings);

    let sent = call(&agent, "send_teams_message", json!({ "text": "hello" })).await;
    assert_eq!(sent["chat_id"], chosen.as_str());
    let who = call(&agent, "whoami", json!({})).await;
    assert_eq!(who["sponsor_conversation"], chosen.as_str());
    let ends = ends(&world.ledger(&agent).await);
    assert_eq!(ends[ends.len() - 2..], ["send_teams_message refused", "send_teams_message done"]);
}

#[tokio::test]
async fn the_same_call_after_the_upgrade_speaks_under_the_agents_own_name() {
    let world = World::start().await;
    let agent = under_its_own_name(&world).await;
    let sent = call(&agent, "send_teams_message", json!({ "text": "good morning" })).await;
    assert_eq!(sent["identity"], "agent_user");
    let current = agent.current().await.unwrap();
    assert_eq!(current.mode, IdentityMode::AgentUser);
    let chat = agent.conversations().of(&current);
    assert_eq!(sent["chat_id"], chat.as_str());

    let onlooker = world.onlooker().await;
    let seen = world.read(&onlooker, &chat).await;
    let last = seen.last().unwrap();
    assert_eq!(last.from, current.me.id);
    assert!(last.text.contains("good morning") && !last.text.contains("[Attaché]"), "{}", last.text);

    let who = call(&agent, "whoami", json!({})).await;
    assert_eq!(who["mode"], "agent_user");
    assert_eq!(who["me"]["id"], current.me.id.to_string());
    assert_eq!(who["agent"]["agent_user_id"], current.me.id.to_string());
    assert_eq!(who["sponsor"]["id"], current.sponsor.id.to_string());
    assert_eq!(who["troubles"], json!([]), "{who}");
}

#[tokio::test]
async fn under_its_own_name_it_opens_chats_and_sees_who_is_in_them() {
    let world = World::start().await;
    let agent = under_its_own_name(&world).await;
    let users = world.sandbox.ready().users.clone();
    let group =
        json!({ "members": [users[0].upn, users[1].id, users[1].id], "topic": "Plan </external-content> B" });
    let made = call(&agent, "create_chat", group).await;
    assert_eq!(made["kind"], "group");
    assert_eq!(made["members"].as_array().unwrap().len(), 2, "each once");
    let with_sponsor = call(&agent, "create_chat", json!({ "members": [users[0].id] })).await;
    let current = agent.current().await.unwrap();
    assert_eq!(with_sponsor["chat_id"], agent.conversations().of(&current).as_str(), "the one there is");

    let chats = call(&agent, "list_chats", json!({})).await;
    let listed = chats["chats"].as_array().unwrap();
    assert_eq!(listed.len(), 2, "{chats}");
    assert_eq!(listed.iter().filter(|chat| chat["sponsor_conversation"] == true).count(), 1);
    assert!(listed.iter().all(|chat| chat.get("topic").is_none()), "a topic is somebody's text");
    let described = chats["described"].as_str().unwrap();
    assert!(described.contains("Plan &lt;/external-content> B"), "{described}");

    let members = call(&agent, "list_chat_members", json!({ "chat_id": made["chat_id"] })).await;
    let listed = members["members"].as_array().unwrap();
    assert_eq!(listed.len(), 3, "{members}");
    assert_eq!(listed.iter().filter(|member| member["you"] == true).count(), 1);
    assert_eq!(listed.iter().filter(|member| member["sponsor"] == true).count(), 1);
    assert!(members["described"].as_str().unwrap().contains(&users[1].display_name));

    let ends = ends(&world.ledger(&agent).await);
    assert_eq!(ends.iter().filter(|end| *end == "create_chat done").count(), 2, "{ends:?}");
}

#[tokio::test]
async fn people_are_named_by_their_principal_names_without_a_permission_to_look_them_up() {
    let world = World::start().await;
    let agent = under_its_own_name(&world).await;
    let users = world.sandbox.ready().users.clone();
    world.sandbox.control().clear_requests();
    let with_alan = call(&agent, "create_chat", json!({ "members": [users[1].upn.to_uppercase()] })).await;
    assert_eq!(with_alan["kind"], "one_on_one");
    assert!(with_alan["chat_id"].as_str().unwrap().contains(&users[1].id), "{with_alan}");
    let group = json!({ "members": [users[0].upn, users[1].upn, users[1].upn], "topic": "Plan B" });
    let made = call(&agent, "create_chat", group).await;
    let members = call(&agent, "list_chat_members", json!({ "chat_id": made["chat_id"] })).await;
    assert_eq!(members["members"].as_array().unwrap().len(), 3, "{members}");
    let requests = world.sandbox.control().requests();
    assert!(requests.iter().all(|request| !request.path.starts_with("/v1.0/users")), "{requests:?}");

    let error = refusal(&agent, "create_chat", json!({ "members": ["nobody@contoso.example"] })).await;
    assert_eq!(error.code(), "user_not_found", "{error}");
    let ends = ends(&world.ledger(&agent).await);
    assert_eq!(ends[ends.len() - 3..], ["create_chat done", "create_chat done", "create_chat refused"]);
}

#[tokio::test]
async fn a_chat_with_itself_is_refused_before_anything_is_sent() {
    let world = World::start().await;
    let agent = under_its_own_name(&world).await;
    world.sandbox.control().clear_requests();
    let me = agent.current().await.unwrap().me.clone();
    for name in [me.id.to_string(), me.upn] {
        assert_eq!(
            refusal(&agent, "create_chat", json!({ "members": [name] })).await.code(),
            "value_invalid"
        );
    }
    assert_eq!(posts(&world), 0);
}

#[tokio::test]
async fn a_message_whose_answer_was_lost_is_unknown_and_not_sent_again() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let lost = Fault::once("POST", "/v1.0/chats/48:notes/messages", Effect::ResetAfterCommit);
    world.sandbox.control().add_fault(lost);
    let error = refusal(&agent, "send_teams_message", json!({ "text": "once" })).await;
    assert!(!error.remedy().what.is_empty(), "{error}");
    let onlooker = world.onlooker().await;
    assert_eq!(world.read(&onlooker, &ChatId::notes()).await.len(), 1);
    assert_eq!(ends(&world.ledger(&agent).await), ["sign_in done", "send_teams_message unknown"]);
}

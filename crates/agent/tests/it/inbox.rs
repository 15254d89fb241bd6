//! What comes in, from the tenant to whoever listens.

use std::sync::Arc;
use std::time::Duration;

use attache_agent::inbox::{Delivery, Subscription};
use attache_agent::{Agent, Current, tools};
use attache_graph::Content;
use attache_sandbox::{Effect, Fault};
use attache_terms::ChatId;
use serde_json::json;

use crate::world::World;

async fn signed_in(world: &World) -> Arc<Agent> {
    let agent = world.agent("ada");
    world.sign_in(&agent, 0).await.unwrap();
    agent
}

fn listen(agent: &Agent) -> Subscription {
    agent.inbox().subscribe(agent.clock().clone(), agent.rng().clone())
}

async fn next(messages: &mut Subscription) -> Delivery {
    let delivery = tokio::time::timeout(Duration::from_secs(20), messages.next()).await;
    let delivery = delivery.expect("a message within twenty seconds");
    messages.delivered(&delivery).await.unwrap();
    delivery
}

fn says(delivery: &Delivery, text: &str) -> bool {
    delivery.envelope.as_str().contains(&format!("\n{text}\n"))
}

async fn write(as_whom: &Current, chat: &ChatId, text: &str) {
    as_whom.graph.send_message(chat, Content::Text(text)).await.unwrap();
}

async fn say(agent: &Agent, text: &str) {
    tools::call(agent, "send_teams_message", json!({ "text": text })).await.unwrap();
}

#[tokio::test]
async fn what_the_sponsor_writes_in_their_own_chat_arrives_and_our_own_words_do_not_come_back() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let sponsor = world.onlooker().await;
    write(&sponsor, &ChatId::notes(), "buy milk").await;
    say(&agent, "what shall I do?").await;
    agent.start();
    let mut messages = listen(&agent);
    write(&sponsor, &ChatId::notes(), "this").await;
    say(&agent, "and then?").await;
    write(&sponsor, &ChatId::notes(), "that").await;

    let first = next(&mut messages).await;
    assert!(says(&first, "this"), "{}", first.envelope);
    assert_eq!(first.meta["sponsor"], "true");
    assert_eq!(first.meta["chat_id"], "48:notes");
    assert!(says(&next(&mut messages).await, "that"));
    messages.close().await.unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn nothing_is_lost_on_the_way_to_its_own_name() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    let sponsor = world.onlooker().await;
    say(&agent, "I shall have a name of my own soon").await;
    agent.start();
    let mut messages = listen(&agent);
    write(&sponsor, &ChatId::notes(), "before").await;
    assert!(says(&next(&mut messages).await, "before"));

    agent.provision_now(|_| {}).await.unwrap();
    let current = agent.upgrade_now().await.unwrap();
    write(&sponsor, &ChatId::notes(), "too late for the old chat").await;
    let late = next(&mut messages).await;
    assert!(says(&late, "too late for the old chat"), "{}", late.envelope);

    let chat = agent.conversations().of(&current);
    write(&sponsor, &chat, "welcome").await;
    let welcome = next(&mut messages).await;
    assert!(says(&welcome, "welcome"), "{}", welcome.envelope);
    assert_eq!((welcome.meta["chat_id"].as_str(), welcome.meta["sponsor"].as_str()), (chat.as_str(), "true"));
    messages.close().await.unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn what_was_written_while_nobody_listened_is_handed_out_once() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    say(&agent, "hello").await;
    agent.start();
    let mut messages = listen(&agent);
    let sponsor = world.onlooker().await;
    write(&sponsor, &ChatId::notes(), "0").await;
    assert!(says(&next(&mut messages).await, "0"));
    messages.close().await.unwrap();
    agent.stop().await;

    for number in 1..=60 {
        write(&sponsor, &ChatId::notes(), &number.to_string()).await;
    }
    // Two processes of the profile, as with two hosts.
    let (one, two) = (world.agent("ada"), world.agent("ada"));
    let (to_all, mut all) = tokio::sync::mpsc::unbounded_channel();
    for process in [&one, &two] {
        let (mut messages, to_all) = (listen(process), to_all.clone());
        process.start();
        tokio::spawn(async move {
            loop {
                let delivery = messages.next().await;
                messages.delivered(&delivery).await.unwrap();
                to_all.send(delivery).unwrap();
            }
        });
    }
    let mut seen = Vec::new();
    while seen.len() < 60 {
        let delivery = tokio::time::timeout(Duration::from_secs(20), all.recv()).await;
        seen.push(delivery.expect("a message within twenty seconds").unwrap().meta["message_id"].clone());
    }
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), 60, "each once");
    assert_eq!(one.state().unread_count().await.unwrap(), 0);
    one.stop().await;
    two.stop().await;
}

#[tokio::test]
async fn throttled_or_cut_off_it_says_so_and_goes_on() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    say(&agent, "hello").await;
    let sponsor = world.onlooker().await;
    write(&sponsor, &ChatId::notes(), "are you there?").await;
    let refuse = Effect::Answer { status: 429, body: None, retry_after: Some(1) };
    let throttled = Fault { count: None, ..Fault::once("GET", "/v1.0/chats/48:notes/messages", refuse) };
    let fault = world.sandbox.control().add_fault(throttled);
    agent.start();
    while agent.inbox().trouble().is_none() {
        tokio::task::yield_now().await;
    }
    let who = tools::call(&agent, "whoami", json!({})).await.unwrap();
    assert_eq!(who["troubles"][0]["about"], "inbox", "{who}");

    world.sandbox.control().remove_fault(fault);
    let mut messages = listen(&agent);
    assert!(says(&next(&mut messages).await, "are you there?"));
    assert_eq!(agent.inbox().trouble(), None);
    messages.close().await.unwrap();
    agent.stop().await;
}

#[tokio::test]
async fn what_nobody_takes_can_be_read_once() {
    let world = World::start().await;
    let agent = signed_in(&world).await;
    say(&agent, "hello").await;
    agent.start();
    let sponsor = world.onlooker().await;
    write(&sponsor, &ChatId::notes(), "first").await;
    write(&sponsor, &ChatId::notes(), "second").await;
    while agent.state().unread_count().await.unwrap() < 2 {
        tokio::task::yield_now().await;
    }
    let unread =
        tools::call(&agent, "read_teams_messages", json!({ "unread": true, "limit": 1 })).await.unwrap();
    assert_eq!(unread["more"], true);
    assert!(unread["messages"][0]["content"].as_str().unwrap().contains("\nfirst\n"), "{unread}");
    assert_eq!(unread["messages"][0]["pushed"], false);
    // Reading the chat shows the rest, which is then no longer unread.
    tools::call(&agent, "read_teams_messages", json!({})).await.unwrap();
    let unread = tools::call(&agent, "read_teams_messages", json!({ "unread": true })).await.unwrap();
    assert_eq!(unread["messages"], json!([]));
    agent.stop().await;
}

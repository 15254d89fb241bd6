use attache_ledger::{Event, Filter};
use serde_json::{Value, json};

use crate::host::{Host, Silent, agent};

fn failure(result: &Value) -> Value {
    assert_eq!(result["isError"], true, "{result}");
    assert!(result.get("structuredContent").is_none(), "hosts check it against the output schema");
    serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_failure_says_what_happened_and_who_must_act() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    let failure = failure(&host.call("send_teams_message", json!({ "text": "hello" })).await);
    assert_eq!(failure["code"], "sign_in_required");
    assert_eq!(failure["who"], "operator");
    assert!(failure["remedy"].as_str().unwrap().contains("attache"), "{failure}");
    host.hang_up().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_stands_in_the_ledger() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let agent = agent(home.path(), &silent);
    let ledger = agent.settings().profile.ledger();
    let mut host = Host::of(agent);
    host.initialize().await;
    let refused = [
        ("send_teams_message", json!({ "text": 7 }), "input_unreadable"),
        ("send_teams_message", json!({ "text": "x", "chat": "y" }), "input_unreadable"),
        ("send_teams_message", json!({ "text": "nul\u{0}" }), "value_invalid"),
        ("read_teams_messages", json!({ "limit": 51 }), "value_invalid"),
        ("read_teams_messages", json!({ "unread": true, "chat_id": "../me" }), "id_invalid"),
        ("create_chat", json!({ "members": [] }), "value_invalid"),
        ("create_chat", json!({ "members": ["x".repeat(10_000)] }), "value_invalid"),
    ];
    for (tool, arguments, code) in &refused {
        let failure = failure(&host.call(tool, arguments.clone()).await);
        assert_eq!(failure["code"], *code, "{failure}");
        assert!(failure["message"].as_str().unwrap().len() < 400, "{failure}");
    }
    host.hang_up().await;

    let entries: Vec<_> =
        attache_ledger::show(&ledger, Filter::default()).unwrap().map(|shown| shown.unwrap().entry).collect();
    assert_eq!(entries.len(), refused.len());
    for (entry, (tool, _, expected)) in entries.iter().zip(&refused) {
        let Event::Refusal { act, code } = &entry.event else { panic!("{:?}", entry.event) };
        assert_eq!((act.to_string(), code.to_string()), ((*tool).to_owned(), (*expected).to_owned()));
    }
}

#[tokio::test]
async fn a_tool_that_there_is_not_is_an_error_of_the_protocol() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    let answer = host.ask("tools/call", json!({ "name": "rm", "arguments": {} })).await;
    assert_eq!(answer["error"]["code"], -32602, "{answer}");
    host.hang_up().await;
}

#[tokio::test]
async fn whoami_answers_when_nobody_has_signed_in() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    let result = host.call("whoami", json!({})).await;
    assert_eq!(result["isError"], false, "{result}");
    let who = &result["structuredContent"];
    assert_eq!(who["mode"], "signed_out");
    assert_eq!(who["troubles"][0]["code"], "sign_in_required");
    let text: Value = serde_json::from_str(result["content"][0]["text"].as_str().unwrap()).unwrap();
    assert_eq!(&text, who, "the text says the same");
    host.hang_up().await;
}

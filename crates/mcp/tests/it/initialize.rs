use serde_json::json;

use crate::host::{Host, Silent, agent};

#[tokio::test]
async fn initialize_is_answered_before_anything_is_opened_and_though_the_network_hangs() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    let params = json!({ "protocolVersion": "2025-06-18", "capabilities": {},
                         "clientInfo": { "name": "a host by hand", "version": "1" } });
    let answer = host.ask("initialize", params).await;
    let result = &answer["result"];
    assert_eq!(result["protocolVersion"], "2025-06-18");
    assert_eq!(result["serverInfo"]["name"], "attache");
    assert_eq!(result["capabilities"]["experimental"]["claude/channel"], json!({}));
    assert!(result["capabilities"]["tools"].is_object());
    assert!(result["instructions"].as_str().unwrap().contains("external-content"));

    let listed = host.ask("tools/list", json!({})).await;
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), 6);
    let left = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(left, 0, "nothing was opened before the host was initialised");
    host.hang_up().await;
}

#[tokio::test]
async fn a_host_that_goes_at_once_leaves_nothing_behind() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    Host::of(agent(home.path(), &silent)).hang_up().await;

    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    host.hang_up().await;
}

#[tokio::test]
async fn what_was_asked_before_the_host_went_is_still_answered() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    host.send(&json!({ "jsonrpc": "2.0", "id": "last", "method": "tools/call",
                       "params": { "name": "whoami", "arguments": {} } }))
        .await;
    let answer = host.answer_after_closing().await;
    assert_eq!(answer["id"], "last");
    assert_eq!(answer["result"]["structuredContent"]["mode"], "signed_out");
}

#[tokio::test]
async fn a_line_that_is_no_json_is_passed_over() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    for line in ["this is no JSON", "{\"jsonrpc\":", "", "[]"] {
        host.send_line(line).await;
    }
    let answer = host.ask_past_errors("ping", json!({})).await;
    assert_eq!(answer["result"], json!({}));
    host.hang_up().await;
}

#[tokio::test]
async fn signed_out_a_host_costs_no_database() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let agent = agent(home.path(), &silent);
    let state = agent.state().path().to_owned();
    let mut host = Host::of(agent);
    host.initialize().await;
    host.call("whoami", json!({})).await;
    host.hang_up().await;
    assert!(!state.exists());
}

use std::path::Path;

use serde_json::{Value, json};

use crate::host::{Host, Silent, agent};

/// What hosts and models see of the tools. `ATTACHE_BLESS=1` writes it anew.
#[tokio::test]
async fn the_tools_are_what_was_agreed() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    let listed = host.ask("tools/list", json!({})).await["result"].clone();
    host.hang_up().await;

    let agreed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tools.json");
    let shown = format!("{listed:#}\n");
    if std::env::var_os("ATTACHE_BLESS").is_some() {
        std::fs::write(&agreed, &shown).unwrap();
    }
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(&agreed).unwrap()).unwrap();
    assert_eq!(listed, expected, "tools/list has changed; if it should, run again with ATTACHE_BLESS=1");
}

#[tokio::test]
async fn only_what_adds_something_is_not_read_only() {
    let home = tempfile::tempdir().unwrap();
    let silent = Silent::new().await;
    let mut host = Host::of(agent(home.path(), &silent));
    host.initialize().await;
    let listed = host.ask("tools/list", json!({})).await;
    for tool in listed["result"]["tools"].as_array().unwrap() {
        let adds = ["send_teams_message", "create_chat"].contains(&tool["name"].as_str().unwrap());
        assert_eq!(tool["annotations"]["readOnlyHint"], !adds, "{tool}");
        assert_eq!(tool["annotations"]["destructiveHint"], false);
        assert_eq!(tool["inputSchema"]["additionalProperties"], false, "unknown arguments are refused");
        assert_eq!(tool["outputSchema"]["type"], "object");
        assert!(!tool["annotations"]["title"].as_str().unwrap().is_empty());
    }
    host.hang_up().await;
}

//! Chat ids that are none, in every tool that takes one.

use anyhow::{Result, ensure};
use attache_tests::Mcp;
use serde_json::{Value, json};

use super::{Home, Tenant, ledger, nothing_was_sent, own_name, refused, says_all, signed_in, upgraded};

/// What is no chat id.
fn none() -> Vec<String> {
    let long = "19:".to_owned() + &"x".repeat(10 << 10) + "@thread.v2";
    let mut ids = vec![long, "19:x\0@thread.v2".to_owned(), "\0".to_owned(), String::new()];
    ids.extend(
        [
            "../me",
            "19:x@thread.v2?x=",
            "19:x@thread.v2#x",
            "19:x@thread.v2/../../me",
            "19:x@thread.v2/members",
            "19:%2e%2e%2fme@thread.v2",
            "..%2Fme",
            " 19:x@thread.v2",
            "19:x@thread.v2\r\nX-Evil: 1",
            "19:ｘ@thread.v2",
        ]
        .map(str::to_owned),
    );
    ids
}

/// Every tool with every id; what is refused stands in the ledger, once each.
async fn all_are_refused(tenant: &Tenant, home: &Home, mcp: &mut Mcp) -> Result<()> {
    let before = ledger(home).await?.len();
    let mut refusals = Vec::new();
    for id in none() {
        for (tool, input) in [
            ("send_teams_message", json!({ "chat_id": id, "text": "Hello." })),
            ("read_teams_messages", json!({ "chat_id": id })),
            ("list_chat_members", json!({ "chat_id": id })),
        ] {
            let error = refused(mcp, tool, input).await?;
            says_all(&error, "id_invalid", &["nothing was sent", "list_chats"])?;
            ensure!(error["who"] == "caller", "{error}");
            ensure!(error.to_string().len() < 1000, "the error repeats too much of {} bytes", id.len());
            refusals.push((tool.to_owned(), "id_invalid".to_owned()));
        }
    }
    let entries = ledger(home).await?;
    ensure!(entries[before..] == refusals, "the ledger holds {:?}", &entries[before..]);
    nothing_was_sent(tenant)?;
    let strange = tenant.control().requests().into_iter().find(|one| one.path.contains("/chats/19"));
    ensure!(strange.is_none(), "{strange:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_id_that_is_none_is_refused_under_the_sponsors_token() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    tenant.control().clear_requests();
    let mut mcp = Mcp::start(&home)?;
    mcp.initialize().await?;
    all_are_refused(&tenant, &home, &mut mcp).await?;
    ensure!(mcp.end().await?.success(), "it did not end well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_id_that_is_none_is_refused_under_the_agents_own_name() -> Result<()> {
    let (tenant, _, home) = upgraded().await?;
    // Looking for messages reads real chats; it would hide what this test looks for.
    let home = home.with("ATTACHE_POLL", "3600");
    let mut mcp = Mcp::start(&home)?;
    mcp.initialize().await?;
    own_name(&mut mcp).await?;
    let before = ledger(&home).await?.len();
    for id in none() {
        let error =
            refused(&mut mcp, "send_teams_message", json!({ "chat_id": id, "text": "Hello." })).await?;
        says_all(&error, "id_invalid", &["nothing was sent"])?;
    }
    assert_eq!(ledger(&home).await?.len() - before, none().len());
    nothing_was_sent(&tenant)?;
    ensure!(mcp.end().await?.success(), "it did not end well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn other_input_that_is_none_is_refused_and_recorded_too() -> Result<()> {
    let (tenant, _, home) = signed_in().await?;
    tenant.control().clear_requests();
    let mut mcp = Mcp::start(&home)?;
    mcp.initialize().await?;
    let cases: Vec<(&str, Value, &str)> = vec![
        ("send_teams_message", json!({ "text": "" }), "value_invalid"),
        ("send_teams_message", json!({ "text": "a\0b" }), "value_invalid"),
        ("send_teams_message", json!({ "text": "x".repeat(100_000) }), "value_invalid"),
        ("send_teams_message", json!({ "txt": "Hello." }), "input_unreadable"),
        ("send_teams_message", json!({ "text": 7 }), "input_unreadable"),
        ("send_teams_message", json!({ "text": "Hello.", "chat_id": ["48:notes"] }), "input_unreadable"),
        ("send_teams_message", json!({ "text": "Hello.", "chat_id": "19:x@thread.v2" }), "out_of_reach"),
    ];
    let before = ledger(&home).await?.len();
    let mut refusals = Vec::new();
    for (tool, input, code) in cases {
        let error = refused(&mut mcp, tool, input).await?;
        says_all(&error, code, &["nothing was sent"])?;
        refusals.push((tool.to_owned(), code.to_owned()));
    }
    ensure!(ledger(&home).await?[before..] == refusals, "{:?}", ledger(&home).await?);
    nothing_was_sent(&tenant)?;
    ensure!(mcp.end().await?.success(), "it did not end well");
    Ok(())
}

//! The MCP Inspector's command line, unmodified, lists and calls the tools of `attache mcp`.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Home, Tenant, attache, inspector, sign_in};
use serde_json::Value;
use tokio::time::timeout;

const TOOLS: [&str; 6] =
    ["create_chat", "list_chat_members", "list_chats", "read_teams_messages", "send_teams_message", "whoami"];

/// Runs the Inspector with a method and its arguments; what it prints.
async fn inspect(home: &Home, arguments: &[&str]) -> Result<Value> {
    let mut command = home.program(inspector()?);
    command.arg("--cli");
    // The Inspector hands a server few variables but these.
    for (name, value) in home.environment() {
        command.args(["-e", &format!("{name}={value}")]);
    }
    command.arg(attache()?).arg("mcp").args(arguments).kill_on_drop(true);
    let output = timeout(DEADLINE, command.output()).await.context("the Inspector did not end")??;
    let (printed, errors) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    ensure!(output.status.success(), "the Inspector ended with {}:\n{printed}\n{errors}", output.status);
    serde_json::from_str(&printed).with_context(|| format!("the Inspector printed:\n{printed}\n{errors}"))
}

async fn call(home: &Home, tool: &str, arguments: &[&str]) -> Result<Value> {
    let mut line = vec!["--method", "tools/call", "--tool-name", tool];
    for argument in arguments {
        line.extend(["--tool-arg", argument]);
    }
    inspect(home, &line).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tools_are_listed_with_schemas_and_annotations() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?;
    let listed = inspect(&home, &["--method", "tools/list"]).await?;
    let tools = listed["tools"].as_array().context("no tools")?;
    let names: BTreeSet<&str> = tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, BTreeSet::from(TOOLS));
    for tool in tools {
        assert_eq!(tool["inputSchema"]["type"], "object", "{tool}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{tool}");
        assert!(tool["description"].as_str().is_some_and(|text| !text.is_empty()), "{tool}");
        for hint in ["readOnlyHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{tool}");
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_out_an_act_fails_with_its_remedy() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?;
    let whoami = call(&home, "whoami", &[]).await?;
    assert_ne!(whoami["isError"], true, "{whoami}");

    let refused = call(&home, "send_teams_message", &["text=Good morning."]).await?;
    assert_eq!(refused["isError"], true, "{refused}");
    let text = refused["content"][0]["text"].as_str().unwrap_or_default();
    assert!(text.contains("sign_in_required") && text.contains("sign-in"), "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn signed_in_every_tool_answers() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?;
    sign_in(&home, &tenant, 0).await?;

    let whoami = good(call(&home, "whoami", &[]).await?)?;
    let sponsor = tenant.ready()["users"][0]["upn"].as_str().context("a sponsor")?;
    assert!(whoami.to_string().contains(sponsor), "{whoami}");

    let sent = good(call(&home, "send_teams_message", &["text=Good morning."]).await?)?;
    let (chat, message) = (&sent["chat_id"], sent["message_id"].as_str().context("a message id")?);
    let read = good(
        call(&home, "read_teams_messages", &[&format!("chat_id={}", chat.as_str().unwrap_or("?"))]).await?,
    )?;
    assert!(read.to_string().contains(message), "{read}");

    good(call(&home, "list_chats", &[]).await?)?;
    Ok(())
}

/// What a tool answered, unless it failed.
fn good(mut answer: Value) -> Result<Value> {
    ensure!(answer["isError"] != true, "{answer}");
    let structured = answer["structuredContent"].take();
    ensure!(structured.is_object(), "no structured content in {answer}");
    Ok(structured)
}

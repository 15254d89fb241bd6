//! The MCP Inspector's command line, unmodified, lists and calls the tools of `attache mcp`.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Home, Mcp, Person, Tenant, attache, inspector, sign_in};
use serde_json::{Value, json};
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
async fn signed_in_the_sponsors_tools_answer() -> Result<()> {
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
    good(call(&home, "list_chat_members", &[]).await?)?;

    // The sponsor's token is for the sponsor conversation and for nothing else.
    let colleague = tenant.ready()["users"][1]["upn"].as_str().context("somebody else")?;
    let refused = call(&home, "create_chat", &[&format!("members=[\"{colleague}\"]")]).await?;
    assert_eq!(refused["isError"], true, "{refused}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn provisioned_the_agent_opens_a_chat_under_its_own_name() -> Result<()> {
    let tenant = Tenant::start().await?;
    let home = Home::at(&tenant)?.provisioning(&tenant)?;
    sign_in(&home, &tenant, 0).await?;
    let provisioned = home.attache(["provision"])?.output().await?;
    ensure!(
        provisioned.status.success(),
        "attache provision:\n{}",
        String::from_utf8_lossy(&provisioned.stderr)
    );

    upgraded(&home).await?;

    let colleague = tenant.ready()["users"][1]["id"].as_str().context("somebody else")?;
    let opened = good(call(&home, "create_chat", &[&format!("members=[\"{colleague}\"]")]).await?)?;
    let chat = opened["chat_id"].as_str().with_context(|| format!("no chat in {opened}"))?;
    let to = format!("chat_id={chat}");
    let sent = good(call(&home, "send_teams_message", &[&to, "text=Good morning."]).await?)?;
    let members = good(call(&home, "list_chat_members", &[&to]).await?)?;

    // What the colleague sees: the agent user wrote, and nobody else is there.
    let reader = Person::sign_in(&tenant, 1).await?;
    let message = sent["message_id"].as_str().with_context(|| format!("no message in {sent}"))?;
    let read = reader.get(&format!("/chats/{chat}/messages/{message}")).await?;
    let from = read["from"]["user"]["id"].as_str().with_context(|| format!("nobody in {read}"))?;
    let people: Vec<&Value> =
        tenant.ready()["users"].as_array().into_iter().flatten().map(|user| &user["id"]).collect();
    assert!(!people.contains(&&Value::from(from)), "a person wrote it: {read}");
    assert_eq!(members["members"].as_array().map(Vec::len), Some(2), "{members}");
    assert!(members.to_string().contains(from), "{members}");
    Ok(())
}

/// What a tool answered, unless it failed.
fn good(mut answer: Value) -> Result<Value> {
    ensure!(answer["isError"] != true, "{answer}");
    let structured = answer["structuredContent"].take();
    ensure!(structured.is_object(), "no structured content in {answer}");
    Ok(structured)
}

/// Runs the server until the agent acts as itself: it goes over while it runs, and the Inspector's visits are
/// too short for that.
async fn upgraded(home: &Home) -> Result<()> {
    let mut mcp = Mcp::start(home)?;
    mcp.initialize().await?;
    let mut looks = tokio::time::interval(Duration::from_millis(100));
    let upgrade = async {
        loop {
            looks.tick().await;
            let whoami = good(mcp.call("whoami", json!({})).await?)?;
            if whoami["mode"] == "agent_user" {
                return anyhow::Ok(());
            }
        }
    };
    timeout(DEADLINE, upgrade).await.context("the agent did not become itself")??;
    ensure!(mcp.end().await?.success(), "attache mcp did not end well");
    Ok(())
}

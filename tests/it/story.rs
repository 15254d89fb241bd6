//! The front door: `attache try` tells its story, and what it leaves can be used.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use attache_tests::{DEADLINE, Home, Lines, Mcp};
use serde_json::{Value, json};
use tokio::time::timeout;

const STEPS: [&str; 12] = [
    "tenant",
    "sign_in",
    "first_message",
    "provision",
    "upgrade",
    "own_message",
    "inbound",
    "audit",
    "gateway",
    "org",
    "identity",
    "done",
];

/// Hears the story of `attache try --json`; its last object.
async fn hear(story: &mut Lines) -> Result<Value> {
    for step in STEPS {
        let said = story.hear().await?;
        ensure!(said["step"] == step, "expected {step}: {said}");
        ensure!(said["ok"] == true, "{said}");
        ensure!(said["ms"].is_u64(), "{said}");
        if step == "done" {
            return Ok(said);
        }
    }
    unreachable!("the story ends with done")
}

async fn attache(home: &Home, arguments: &[&str]) -> Result<Value> {
    let mut command = home.attache(arguments)?;
    command.stdin(Stdio::null());
    let output = timeout(DEADLINE, command.output()).await.context("it did not end")??;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{arguments:?}: {printed}{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(printed.lines().next().unwrap_or_default()).with_context(|| printed.clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn once_it_ends_after_the_story() -> Result<()> {
    let home = Home::new()?;
    let command = home.attache(["try", "--once", "--json"])?;
    let mut story = Lines::start(command, &home.path().join("try.log"))?;
    let done = hear(&mut story).await?;
    let (status, rest) = story.end().await?;
    ensure!(status.success() && rest.is_empty(), "{status} {rest:?}");
    let fresh = std::path::Path::new(done["home"].as_str().context("no home")?);
    ensure!(
        fresh.starts_with(home.attache_home()) && fresh != home.attache_home(),
        "{fresh:?} is not a fresh directory"
    );
    ensure!(fresh.join("profiles/default/ledger").exists(), "nothing was left in {fresh:?}");
    Ok(())
}

/// The agent says more than a page of messages holds, so that what was told before is no longer on the first.
async fn talk(home: &Home) -> Result<()> {
    let mut mcp = Mcp::start(home)?;
    mcp.initialize().await?;
    for _ in 0..51 {
        let sent = mcp.call("send_teams_message", json!({ "text": "Still here." })).await?;
        ensure!(sent["isError"] != true, "{sent}");
    }
    ensure!(mcp.end().await?.success(), "it did not end well");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn run_again_it_goes_on_with_the_same_tenant_and_agent() -> Result<()> {
    let home = Home::new()?;
    let mut told = Vec::new();
    for time in 0..2 {
        let mut command = home.attache(["try", "--json"])?;
        if time == 0 {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        let mut story = Lines::start(command, &home.path().join("try.log"))?;
        let done = hear(&mut story).await.with_context(|| format!("time {time}"))?;
        // It stays, and what it left can be used beside it.
        let whoami = attache(&home, &["whoami", "--json"]).await?;
        ensure!(whoami["mode"] == "agent_user", "{whoami}");
        talk(&home).await?;
        let audit = attache(&home, &["audit", "verify", "--json"]).await?;
        ensure!(audit["ok"] == true && audit["dangling"] == 0, "{audit}");
        told.push((done["url"].clone(), whoami["agent"].clone(), audit["entries"].as_u64()));
        let status = story.terminate().await?;
        ensure!(status.success(), "{status}");
    }
    assert_eq!(told[0].0, told[1].0, "the same port");
    assert_eq!(told[0].1, told[1].1, "the same agent");
    assert!(told[0].2 < told[1].2, "one ledger that goes on");
    Ok(())
}

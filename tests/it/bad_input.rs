//! Bad input, end to end: what is wrong with the configuration, the network, the tenant, the disk or a call is
//! said with its remedy; nothing was sent, nothing is half-written, and the attempt stands in the ledger.

mod administrator;
mod chats;
mod configuration;
mod disk;
mod gateway;
mod network;
mod sandbox;
mod seats;
mod tenant;

use std::process::Stdio;

use anyhow::{Context, Result, bail, ensure};
use attache_sandbox::LoggedRequest;
use attache_tests::{DEADLINE, Home, Mcp, Tenant, sign_in};
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::time::timeout;

use administrator::Administrator;

/// How a command ended, and what it said.
struct Ended {
    status: i32,
    /// Standard output, one object a line.
    said: Vec<Value>,
    /// Standard error.
    complaint: String,
}

impl Ended {
    /// The error that it ended with, as programs read it.
    fn error(&self) -> Result<&Value> {
        let last = self.said.last().with_context(|| format!("it said nothing: {}", self.complaint))?;
        ensure!(last["ok"] == false && self.status != 0, "it did not fail: {last}");
        for part in ["code", "message", "remedy"] {
            let text = last["error"][part].as_str().unwrap_or_default();
            ensure!(!text.is_empty(), "the error has no {part}: {last}");
        }
        Ok(&last["error"])
    }

    /// The error, which must have this code and whose message and remedy must say these things.
    fn failed(&self, code: &str, says: &[&str]) -> Result<()> {
        says_all(self.error()?, code, says)
    }

    fn succeeded(&self) -> Result<()> {
        ensure!(self.status == 0, "it ended with {}: {:?}\n{}", self.status, self.said, self.complaint);
        Ok(())
    }
}

/// Runs a command to its end, `--json` added.
async fn run(home: &Home, arguments: &[&str]) -> Result<Ended> {
    let mut command = home.attache(arguments)?;
    command.arg("--json");
    end(command).await
}

/// Runs a program to its end.
async fn end(mut command: Command) -> Result<Ended> {
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = timeout(DEADLINE, command.output()).await;
    let output = ended.with_context(|| format!("{:?} hangs", command.as_std().get_args()))??;
    let printed = String::from_utf8(output.stdout)?;
    let complaint = String::from_utf8(output.stderr)?;
    let said = printed
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| format!("no JSON: {line}\n{complaint}")))
        .collect::<Result<_>>()?;
    let status = output.status.code().context("a signal ended it")?;
    Ok(Ended { status, said, complaint })
}

/// Fails unless an error has this code, and its message and remedy say these things.
fn says_all(error: &Value, code: &str, says: &[&str]) -> Result<()> {
    ensure!(error["code"] == code, "expected {code}: {error}");
    let text = format!("{} {}", error["message"], error["remedy"]);
    for word in says {
        ensure!(text.contains(word), "{word:?} is not said: {error}");
    }
    Ok(())
}

/// Calls a tool that must fail; its error.
async fn refused(mcp: &mut Mcp, tool: &str, input: Value) -> Result<Value> {
    let answer = mcp.call(tool, input).await?;
    ensure!(answer["isError"] == true, "{tool} did not fail: {answer}");
    let text = answer["content"][0]["text"].as_str().context("the error's text")?;
    let error: Value = serde_json::from_str(text).with_context(|| text.to_owned())?;
    ensure!(error["remedy"].as_str().is_some_and(|remedy| !remedy.is_empty()), "no remedy: {error}");
    Ok(error)
}

/// What the tenant was asked to change since the log was cleared.
fn writes(tenant: &Tenant) -> Vec<LoggedRequest> {
    let requests = tenant.control().requests().into_iter();
    requests.filter(|request| request.method != "GET" && request.path.starts_with("/v1.0")).collect()
}

fn nothing_was_sent(tenant: &Tenant) -> Result<()> {
    let writes = writes(tenant);
    ensure!(writes.is_empty(), "the tenant was asked to change something: {writes:?}");
    Ok(())
}

/// How many blueprints and agent users provisioning has made.
fn made(tenant: &Tenant) -> (usize, usize) {
    let state = tenant.control().state();
    let in_tenant = |name: &str| {
        let tenants = state["tenants"].as_object().into_iter().flat_map(|tenants| tenants.values());
        let objects =
            tenants.flat_map(|tenant| tenant[name].as_object().into_iter().flat_map(|map| map.values()));
        objects.filter(|object| object.to_string().to_lowercase().contains("attach")).count()
    };
    (in_tenant("applications"), in_tenant("users"))
}

/// How the acts in the ledger ended, oldest first: the act and its code, which is empty when it was done. The
/// ledger must verify, and no act may be without its end.
async fn ledger(home: &Home) -> Result<Vec<(String, String)>> {
    let verified = run(home, &["audit", "verify"]).await?;
    verified.succeeded()?;
    ensure!(verified.said[0]["dangling"] == 0, "an act has no end: {:?}", verified.said);
    let shown = run(home, &["audit", "show"]).await?;
    shown.succeeded()?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let ends = shown.said.iter().filter(|entry| entry["kind"] == "outcome" || entry["kind"] == "refusal");
    Ok(ends.map(|entry| (text(&entry["act"]), text(&entry["code"]))).collect())
}

/// Fails unless the newest act in the ledger is this one and ended so.
async fn newest_is(home: &Home, act: &str, code: &str) -> Result<()> {
    let entries = ledger(home).await?;
    let (newest, ended) = entries.last().context("the ledger is empty")?;
    ensure!(newest == act && ended == code, "the newest entry is {newest} {ended}, not {act} {code}");
    Ok(())
}

/// A tenant, an administrator of it, and a home in which its user Grace has signed in.
async fn signed_in() -> Result<(Tenant, Administrator, Home)> {
    let tenant = Tenant::start().await?;
    let administrator = Administrator::of(&tenant).await?;
    let home = Home::at(&tenant)?.with("ATTACHE_PROVISION", "off").provisioning(&tenant)?;
    sign_in(&home, &tenant, 1).await?;
    Ok((tenant, administrator, home))
}

/// The same with an agent that has gone over to its own name; no process of it runs.
async fn upgraded() -> Result<(Tenant, Administrator, Home)> {
    let (tenant, administrator, home) = signed_in().await?;
    run(&home, &["provision"]).await?.succeeded()?;
    let mut mcp = Mcp::start(&home)?;
    mcp.initialize().await?;
    timeout(DEADLINE, own_name(&mut mcp)).await.context("no upgrade in time")??;
    ensure!(mcp.end().await?.success(), "it did not end well");
    tenant.control().clear_requests();
    Ok((tenant, administrator, home))
}

/// Asks until the agent acts under its own name.
async fn own_name(mcp: &mut Mcp) -> Result<()> {
    loop {
        let answer = mcp.call("whoami", json!({})).await?;
        match answer["structuredContent"]["mode"].as_str() {
            Some("agent_user") => return Ok(()),
            Some("sponsor") => {}
            _ => bail!("{answer}"),
        }
    }
}

/// A message that must not go out, sent by a new process; the error.
async fn cannot_send(home: &Home) -> Result<Value> {
    let mut mcp = Mcp::start(home)?;
    mcp.initialize().await?;
    let error = refused(&mut mcp, "send_teams_message", json!({ "text": "Hello." })).await?;
    ensure!(mcp.end().await?.success(), "it did not end well");
    Ok(error)
}

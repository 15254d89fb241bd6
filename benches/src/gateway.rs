//! What the gateway costs: its start to ready, its memory at rest, and reads of an identity through the API, each
//! beside its bound or beside what the machine gives in the same run.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use attache_terms::{Clock, Rng, SystemClock, SystemRng};
use attache_tests::{Gateway, Home};
use http::Method;
use serde_json::{Value, json};

use crate::sandbox::client::{Ask, Client};
use crate::sandbox::process::Process;
use crate::sandbox::{median, millis};

/// Bounds: milliseconds to ready, MiB at rest, the share of a constant's answers.
const READY: f64 = 150.0;
const RESIDENT: f64 = 40.0;
const READS: f64 = 0.5;

/// How often each is started, and how long it is left alone before its memory is read.
const TIMES: usize = 20;
const REST: Duration = Duration::from_secs(5);

/// Rounds of reads, ours and the constant's in turn, so that whatever else the machine does befalls both.
const ROUNDS: usize = 9;
const ROUND: Duration = Duration::from_millis(500);

/// Measures everything of the gateway; `attache` is the real program, `constant` the bare server.
pub(crate) async fn run(attache: &Path, constant: &Path) -> anyhow::Result<()> {
    let sandbox = |home: &Path| command(attache, home, &["--sandbox"]);
    starts("gateway --sandbox, a new home", || {
        let home = tempfile::tempdir()?;
        Process::start(sandbox(home.path()), home)
    })?;
    let configured = |home: &Path| {
        let mut command = command(attache, home, &[]);
        command.envs(configuration());
        command
    };
    starts("gateway, a new home", || {
        let home = tempfile::tempdir()?;
        Process::start(configured(home.path()), home)
    })?;
    let kept = tempfile::tempdir()?;
    starts("gateway, started again", || Process::start(configured(kept.path()), tempfile::tempdir()?))?;
    at_rest("gateway, configured", Process::start(configured(kept.path()), tempfile::tempdir()?)?).await?;
    let home = tempfile::tempdir()?;
    at_rest("gateway --sandbox, its tenant included", Process::start(sandbox(home.path()), home)?).await?;
    reads(constant).await
}

fn command(attache: &Path, home: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(attache);
    command.args(["gateway", "--json", "--listen", "127.0.0.1:0"]).args(more);
    command.env("ATTACHE_HOME", home);
    command
}

/// What a gateway needs to be told; nobody answers at these addresses, and starting asks nobody.
fn configuration() -> Vec<(&'static str, String)> {
    let id = || SystemRng.uuid().to_string();
    let (tenant, nobody) = (id(), || "https://127.0.0.1:9".to_owned());
    vec![
        ("ATTACHE_GATEWAY_PUBLIC_URL", "http://localhost:8443".to_owned()),
        ("ATTACHE_PROVISIONER_CLIENT_ID", id()),
        ("ATTACHE_PROVISIONER_CLIENT_SECRET", id()),
        ("ATTACHE_GATEWAY_DOMAIN", "agents.example".to_owned()),
        ("ATTACHE_GATEWAY_SPONSOR", id()),
        ("ATTACHE_GATEWAY_SIGN_IN_CLIENT_ID", id()),
        ("ATTACHE_GATEWAY_SIGN_IN_CLIENT_SECRET", id()),
        ("ATTACHE_GATEWAY_OPERATORS", format!("{tenant}/{}", id())),
        ("ATTACHE_TENANT", tenant),
        ("ATTACHE_AUTHORITY", nobody()),
        ("ATTACHE_GRAPH", nobody()),
    ]
}

fn starts(what: &str, start: impl Fn() -> anyhow::Result<Process>) -> anyhow::Result<()> {
    let mut ready = Vec::new();
    for _ in 0..TIMES {
        ready.push(millis(start()?.to_ready));
    }
    let ready = median(ready, f64::total_cmp);
    crate::print(format_args!(
        "{what:<40} ready {ready:6.1} ms ({:4.2} x the bound of {READY} ms)",
        ready / READY
    ));
    Ok(())
}

async fn at_rest(what: &str, process: Process) -> anyhow::Result<()> {
    SystemClock.sleep(REST).await;
    let (resident, peak) = (process.memory("VmRSS")? / 1024.0, process.memory("VmHWM")? / 1024.0);
    crate::print(format_args!(
        "{what:<40} resident {resident:4.1} MiB ({:4.2} x the bound of {RESIDENT} MiB), peak {peak:4.1} MiB",
        resident / RESIDENT,
    ));
    Ok(())
}

/// The same answer from the gateway, which checks the key, whose organisation it is and what it may, and reads the
/// identity from SQLite, and from a server that has it in memory. Either is a process of its own beside the load.
async fn reads(constant: &Path) -> anyhow::Result<()> {
    // As often as it can answer, which is more than a key may ask.
    let home =
        Home::new()?.with("ATTACHE_GATEWAY_KEY_RATE", "0").with("ATTACHE_GATEWAY_ORGANISATION_RATE", "0");
    let gateway = Gateway::at(home).await?;
    let session = gateway.sign_in().await?;
    let key = gateway.organisation(&session, "acme").await?;
    let wanted = json!({ "mode": "shared" });
    gateway.ask(&session, Method::POST, "api/v1/orgs/acme/agent-identity/provision", &wanted).await?;
    let ask = Ask::get("/api/v1/orgs/acme/agent-identities/default", Some(&key));
    let ours = Client::plain(address(gateway.ready()["listen"].as_str())?);
    let reply = ours.connect().await?.send(&ask).await?;
    ensure!(reply.json()?["template"] == "default", "another answer than an identity");
    let headers =
        reply.headers.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap_or_default()));
    // The server writes these itself.
    let headers: Vec<_> = headers.filter(|(name, _)| !["date", "content-length"].contains(name)).collect();
    let answer = json!({
        "route": "/api/v1/orgs/{org}/agent-identities/{identity}",
        "headers": headers,
        "body": std::str::from_utf8(&reply.body)?,
    });
    let bare = Constant::start(constant, &answer)?;
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((ours.rate(&ask, ROUND).await?, bare.client.rate(&ask, ROUND).await?));
    }
    let (ours, constant) = median(rounds, |a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    crate::print(format_args!(
        "gateway, reads of an identity {ours:6.0} /s; the same {} bytes as a constant {constant:.0} /s; ratio {:4.2} (to reach: \
         {READS})",
        reply.body.len(),
        ours / constant,
    ));
    Ok(())
}

fn address(text: Option<&str>) -> anyhow::Result<std::net::SocketAddr> {
    Ok(text.context("no address")?.trim().parse()?)
}

/// The bare server; it ends when this is dropped.
struct Constant {
    child: Child,
    client: Client,
}

impl Constant {
    fn start(program: &Path, answer: &Value) -> anyhow::Result<Self> {
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut stdin = child.stdin.take().context("no standard input")?;
        stdin.write_all(answer.to_string().as_bytes())?;
        drop(stdin);
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut line)?;
        Ok(Self { child, client: Client::plain(address(Some(&line))?) })
    }
}

impl Drop for Constant {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

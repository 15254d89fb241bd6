//! `try` plays the MCP host: it runs `attache mcp` as Claude Code does, a line of JSON-RPC each way over
//! standard input and output (MCP specification, stdio transport).

use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::config::Place;

/// How long an answer may take before the server counts as hung.
const PATIENCE: Duration = Duration::from_secs(30);

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Value>>>>;

/// A running MCP server and the pipe to it.
pub(super) struct Host {
    child: Child,
    stdin: ChildStdin,
    waiting: Waiting,
    notifications: mpsc::UnboundedReceiver<Value>,
    reader: JoinHandle<()>,
    next: u64,
}

impl Host {
    /// Starts `attache mcp` on this profile and says hello to it.
    pub(super) async fn start(
        program: &Path,
        place: &Place,
        environment: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let mut command = Command::new(program);
        command.arg("mcp").arg("--home").arg(&place.home).args(["--profile", place.profile.name().as_str()]);
        for (name, _) in std::env::vars_os() {
            // The story is told with the profile's own configuration, not with the user's.
            let name = name.to_string_lossy().into_owned();
            let settings = ["ATTACHE_", "MICROSOFT_GRAPH_", "M365_"];
            if settings.iter().any(|prefix| name.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("{} did not start", program.display()))?;
        let stdin = child.stdin.take().context("the server has no standard input")?;
        let stdout = child.stdout.take().context("the server has no standard output")?;
        let waiting = Waiting::default();
        let (sender, notifications) = mpsc::unbounded_channel();
        let answers = Arc::clone(&waiting);
        let reader = tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let Ok(message) = serde_json::from_str::<Value>(&line) else { continue };
                let waiter = message.get("id").and_then(Value::as_u64).and_then(|id| take(&answers, id));
                match waiter {
                    // The caller may have given up; then nobody is interested.
                    Some(waiter) => drop(waiter.send(message)),
                    None => drop(sender.send(message)),
                }
            }
            // The server is gone: whoever waits hears so by the closed channel.
            answers.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clear();
        });
        let mut host = Self { child, stdin, waiting, notifications, reader, next: 0 };
        let client = json!({ "name": "attache-try", "version": env!("CARGO_PKG_VERSION") });
        host.request(
            "initialize",
            json!({ "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client }),
        )
        .await?;
        host.send(json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(host)
    }

    /// Calls a tool and gives its structured result.
    pub(super) async fn call(&mut self, tool: &str, arguments: Value) -> anyhow::Result<Value> {
        let result = self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await?;
        if result["isError"] == json!(true) {
            bail!(
                "{tool} failed: {}",
                result["content"][0]["text"].as_str().unwrap_or("it does not say why")
            );
        }
        Ok(result["structuredContent"].clone())
    }

    /// The next channel notification's parameters.
    pub(super) async fn next_channel(&mut self) -> anyhow::Result<Value> {
        loop {
            let message = tokio::time::timeout(PATIENCE, self.notifications.recv())
                .await
                .context("no channel notification came")?
                .context("the server ended")?;
            if message["method"] == "notifications/claude/channel" {
                return Ok(message["params"].clone());
            }
        }
    }

    /// Closes the server's input and waits until it has ended by itself.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        drop(self.stdin);
        let status =
            tokio::time::timeout(PATIENCE, self.child.wait()).await.context("the server did not end")??;
        self.reader.abort();
        if !status.success() {
            bail!("the server ended with {status}");
        }
        Ok(())
    }

    async fn request(&mut self, method: &str, parameters: Value) -> anyhow::Result<Value> {
        self.next += 1;
        let id = self.next;
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(id, sender);
        self.send(json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": parameters })).await?;
        let mut answer = tokio::time::timeout(PATIENCE, receiver)
            .await
            .with_context(|| format!("{method} was not answered"))?
            .with_context(|| format!("the server ended before it answered {method}"))?;
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => bail!("{method} was refused: {}", answer["error"]),
        }
    }

    async fn send(&mut self, message: Value) -> anyhow::Result<()> {
        self.stdin.write_all(format!("{message}\n").as_bytes()).await.context("the server does not read")
    }
}

fn take(waiting: &Waiting, id: u64) -> Option<oneshot::Sender<Value>> {
    waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&id)
}

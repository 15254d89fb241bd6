//! An MCP host, as small as a test needs it: it starts a server, calls tools and awaits notifications. It is
//! not built on the SDK that the server uses.

use std::collections::VecDeque;
use std::process::ExitStatus;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::{Home, Lines};

/// The protocol version that we ask for.
const VERSION: &str = "2025-06-18";

/// A host with one server.
pub struct Mcp {
    lines: Lines,
    next: u64,
    /// Notifications that came while an answer was awaited.
    waiting: VecDeque<Value>,
}

impl Mcp {
    /// Starts `attache mcp` in a home, uninitialised.
    pub fn start(home: &Home) -> Result<Self> {
        Self::start_program(home.attache(["mcp"])?, home)
    }

    /// Starts any server over stdio.
    pub fn start_program(command: Command, home: &Home) -> Result<Self> {
        let lines = Lines::start(command, &home.path().join("mcp-stderr.log"))?;
        Ok(Self { lines, next: 0, waiting: VecDeque::new() })
    }

    /// The server's process id.
    pub fn pid(&self) -> Option<u32> {
        self.lines.pid()
    }

    /// The handshake; the server's answer to `initialize`.
    pub async fn initialize(&mut self) -> Result<Value> {
        let client = json!({ "name": "attache-tests", "version": "1" });
        let params = json!({ "protocolVersion": VERSION, "capabilities": {}, "clientInfo": client });
        let answer = self.request("initialize", params).await?;
        self.lines.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(answer)
    }

    /// One request; its result, or an error when the server answers with one.
    pub async fn request(&mut self, method: &str, params: Value) -> Result<Value> {
        self.next += 1;
        let id = self.next;
        self.lines.say(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })).await?;
        loop {
            let mut said =
                self.lines.hear().await.with_context(|| format!("awaiting the answer to {method}"))?;
            if said["id"] == id {
                ensure!(said.get("error").is_none(), "{method} was refused: {}", said["error"]);
                return Ok(said["result"].take());
            }
            self.keep(said)?;
        }
    }

    /// Calls a tool; the whole result, `isError` included.
    pub async fn call(&mut self, tool: &str, arguments: Value) -> Result<Value> {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    /// The parameters of the next notification of this method.
    pub async fn notification(&mut self, method: &str) -> Result<Value> {
        loop {
            if let Some(at) = self.waiting.iter().position(|waiting| waiting["method"] == method) {
                let mut notification = self.waiting.remove(at).context("it was there")?;
                return Ok(notification["params"].take());
            }
            let said = self.lines.hear().await.with_context(|| format!("awaiting {method}"))?;
            self.keep(said)?;
        }
    }

    fn keep(&mut self, said: Value) -> Result<()> {
        if said.get("id").is_some() {
            bail!("the server said what nobody asked: {said}");
        }
        self.waiting.push_back(said);
        Ok(())
    }

    /// Closes the server's input, as a host does that quits, and waits for its end.
    pub async fn end(self) -> Result<ExitStatus> {
        Ok(self.lines.end().await?.0)
    }

    /// Kills the server.
    pub async fn kill(self) -> Result<()> {
        self.lines.kill().await
    }
}

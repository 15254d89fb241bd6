//! `attache` as a process of its own, and what the system says of its memory.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::client::Client;

/// A running `attache`; it ends when this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) ready: Value,
    pub(crate) started: Instant,
    /// From the start to the ready line.
    pub(crate) to_ready: Duration,
    /// Its home, and what it leaves behind.
    _home: TempDir,
}

impl Process {
    /// Starts a sandbox and waits for its ready line.
    pub(crate) fn sandbox(attache: &Path, data: Option<&Path>) -> anyhow::Result<Self> {
        let home = tempfile::tempdir()?;
        let mut command = Command::new(attache);
        command.args(["sandbox", "--json", "--listen", "127.0.0.1:0"]);
        if let Some(data) = data {
            command.arg("--data").arg(data);
        }
        command.env("ATTACHE_HOME", home.path());
        Self::start(command, home)
    }

    /// Starts this and waits for its ready line. The folder is its own, for as long as it runs.
    pub(crate) fn start(mut command: Command, home: TempDir) -> anyhow::Result<Self> {
        command.env("TMPDIR", home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let started = Instant::now();
        let mut child = command.spawn().with_context(|| format!("{command:?} does not start"))?;
        let mut line = String::new();
        let read = BufReader::new(child.stdout.take().context("no standard output")?).read_line(&mut line);
        let to_ready = started.elapsed();
        let process = Self {
            child,
            ready: serde_json::from_str(&line).unwrap_or_default(),
            started,
            to_ready,
            _home: home,
        };
        read?;
        ensure!(process.ready["event"] == "ready", "{command:?} said {line:?}");
        Ok(process)
    }

    /// A client that trusts it.
    pub(crate) fn client(&self) -> anyhow::Result<Client> {
        Client::of(text(&self.ready, "/url")?, Path::new(text(&self.ready, "/ca")?))
    }

    /// Memory in KiB, by its name in `/proc/PID/status`.
    pub(crate) fn memory(&self, name: &str) -> anyhow::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let found = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        Ok(found.context("no such line")?.trim().trim_end_matches("kB").trim().parse()?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // One that has ended needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The text at a place in JSON.
pub(crate) fn text<'v>(value: &'v Value, pointer: &str) -> anyhow::Result<&'v str> {
    value.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer} in {value}"))
}

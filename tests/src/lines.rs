//! A program that speaks one JSON object a line, on standard input and output.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

/// How long anything may take. It ends tests that would otherwise hang; none waits for it to pass.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// The running program. It is killed when this is dropped.
pub struct Lines {
    child: Child,
    input: Option<ChildStdin>,
    output: mpsc::UnboundedReceiver<String>,
    errors: PathBuf,
}

impl Lines {
    /// Starts it; what it writes to standard error goes to a file, and from there into our errors.
    pub fn start(mut command: Command, errors: &Path) -> Result<Self> {
        let log = std::fs::File::create(errors).with_context(|| format!("creating {}", errors.display()))?;
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log).kill_on_drop(true);
        let mut child = command.spawn().with_context(|| format!("starting {command:?}"))?;
        let stdout = child.stdout.take().context("standard output")?;
        let (sender, output) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut lines = BufReader::new(stdout).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let input = child.stdin.take();
        Ok(Self { child, input, output, errors: errors.to_owned() })
    }

    /// The process id.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Says one object.
    pub async fn say(&mut self, object: &Value) -> Result<()> {
        let input = self.input.as_mut().context("its standard input is closed")?;
        let line = format!("{object}\n");
        let written = match input.write_all(line.as_bytes()).await {
            Ok(()) => input.flush().await,
            Err(error) => Err(error),
        };
        written.with_context(|| self.complaint("it stopped listening"))
    }

    /// Hears one object. Anything else on standard output is an error.
    pub async fn hear(&mut self) -> Result<Value> {
        match timeout(DEADLINE, self.output.recv()).await {
            Ok(Some(line)) => serde_json::from_str(&line)
                .with_context(|| self.complaint(&format!("it wrote a line that is no JSON: {line}"))),
            Ok(None) => bail!(self.complaint("it ended")),
            Err(_) => bail!(self.complaint("it said nothing in time")),
        }
    }

    /// Closes its standard input and waits for its end; what it still said comes with the status.
    pub async fn end(mut self) -> Result<(ExitStatus, Vec<String>)> {
        drop(self.input.take());
        let status = match timeout(DEADLINE, self.child.wait()).await {
            Ok(status) => status.context("waiting for it")?,
            Err(_) => bail!(self.complaint("it did not end when its input did")),
        };
        let mut rest = Vec::new();
        while let Some(line) = self.output.recv().await {
            rest.push(line);
        }
        Ok((status, rest))
    }

    /// Asks it to end, as `SIGTERM` does.
    pub async fn ask_to_end(&self) -> Result<()> {
        let pid = self.child.id().context("it has ended already")?;
        let asked = Command::new("kill").arg(pid.to_string()).status().await.context("starting kill")?;
        if !asked.success() {
            bail!(self.complaint("it cannot be asked to end"));
        }
        Ok(())
    }

    /// Asks it to end, as `SIGTERM` does, and waits until it has.
    pub async fn terminate(mut self) -> Result<ExitStatus> {
        self.ask_to_end().await?;
        match timeout(DEADLINE, self.child.wait()).await {
            Ok(status) => status.context("waiting for it"),
            Err(_) => bail!(self.complaint("it did not end when it was asked to")),
        }
    }

    /// Kills it, as `SIGKILL` does, and waits until it is gone.
    pub async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("killing it")
    }

    fn complaint(&self, what: &str) -> String {
        let errors = std::fs::read_to_string(&self.errors).unwrap_or_default();
        format!("{what}\n--- its standard error:\n{}", errors.trim_end())
    }
}

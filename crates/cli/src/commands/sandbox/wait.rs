//! `attache sandbox wait`: until the sandbox is ready, or the time is over. Also the health check of its
//! container.

use std::time::Duration;

use clap::Args;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use super::at::{At, Known};
use super::control::Control;
use super::duration;
use crate::args::Global;
use crate::output::{Failure, Output};

/// How often it looks.
const POLL: Duration = Duration::from_millis(50);

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Wait {
    #[command(flatten)]
    at: At,
    /// How long to wait at most
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
    timeout: Duration,
}

/// Waits.
pub(super) async fn run(command: Wait, global: &Global, output: Output) -> Result<(), Failure> {
    let known = until_ready(&command.at, global, command.timeout).await?;
    if output.json {
        output.object(&json!({ "event": "ready", "ok": true, "url": origin(&known) }));
    } else {
        output.line(format!("The sandbox at {} is ready.", origin(&known)));
    }
    Ok(())
}

fn origin(known: &Known) -> String {
    known.url.as_str().trim_end_matches('/').to_owned()
}

/// The sandbox, once it is ready. It may start, and leave its run file, while we wait.
async fn until_ready(at: &At, global: &Global, patience: Duration) -> Result<Known, Failure> {
    let deadline = Instant::now() + patience;
    let mut looks = interval(POLL);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = None;
    loop {
        looks.tick().await;
        let looked = timeout_at(deadline.max(Instant::now() + POLL), look(at, global)).await;
        match looked {
            Ok(Ok(known)) => return Ok(known),
            // What is wrong with the request does not become right by waiting.
            Ok(Err(failure)) if failure.status == 2 || failure.code == "control_token" => {
                return Err(failure);
            }
            Ok(Err(failure)) => last = Some(failure),
            Err(_) => {}
        }
        if Instant::now() >= deadline {
            let why = last.map_or_else(|| "it did not answer".to_owned(), |failure| failure.message);
            return Err(Failure::new(
                "sandbox_not_ready",
                format!("the sandbox was not ready within {patience:?}: {why}"),
                "start it with `attache sandbox` and look at what it says, or give a longer --timeout",
            ));
        }
    }
}

async fn look(at: &At, global: &Global) -> Result<Known, Failure> {
    let control = Control::of(at.find(global)?)?;
    match control.get("readyz").await {
        Err(failure) if failure.code == "not_found" => control.get("ready").await?,
        other => other?,
    };
    Ok(control.known().clone())
}

//! `attache sandbox notification`: what was posted to subscribers, and waiting for it.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::at::At;
use super::control::{Control, objects, text};
use super::duration;
use super::log::{milliseconds, some_if_awaited};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Notification {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List what was posted, oldest first
    List(Which),
    /// Wait until something is posted that fits; fail if nothing is
    Wait {
        #[command(flatten)]
        which: Which,
        /// How long
        #[arg(long, value_name = "TIME", default_value = "30s", value_parser = duration::parse)]
        timeout: Duration,
    },
}

#[derive(Debug, Args)]
struct Which {
    /// Only of this subscription
    #[arg(long, value_name = "ID")]
    subscription: Option<String>,
    /// Only those whose resource begins so
    #[arg(long, value_name = "PATH")]
    resource: Option<String>,
    /// Only what tells of this: created, updated, deleted, or a lifecycle event
    #[arg(long, value_name = "CHANGE")]
    what: Option<String>,
    /// Only what the endpoint took, or did not
    #[arg(long, value_name = "BOOL")]
    taken: Option<bool>,
    /// Only those with a greater number
    #[arg(long, value_name = "NUMBER")]
    after: Option<u64>,
}

impl Which {
    fn query(self) -> Vec<(&'static str, String)> {
        let all = [
            ("subscription", self.subscription),
            ("resource", self.resource),
            ("what", self.what),
            ("taken", self.taken.map(|taken| taken.to_string())),
            ("after", self.after.map(|after| after.to_string())),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

/// Does what was asked.
pub(super) async fn run(command: Notification, global: &Global, output: Output) -> Result<(), Failure> {
    let known = command.at.find(global)?;
    let wait = if let What::Wait { timeout, .. } = &command.what { Some(*timeout) } else { None };
    let control = Control::patient(known, wait.unwrap_or_default())?;
    let (What::List(which) | What::Wait { which, .. }) = command.what;
    let mut query = which.query();
    query.extend(wait.map(|wait| ("wait", milliseconds(wait))));
    let found = control.ask("notifications", &query).await?;
    if output.json {
        objects(&found, output);
    } else {
        found["value"].as_array().into_iter().flatten().for_each(|one| output.line(line(one)));
    }
    some_if_awaited(&found, wait)
}

/// When, what became of it, what it tells.
fn line(posted: &Value) -> String {
    let item = &posted["notification"];
    let what = item["changeType"].as_str().or(item["lifecycleEvent"].as_str()).unwrap_or("-");
    format!(
        "{:>5}  {}  {}  {what}  {}  to {}",
        text(&posted["number"]),
        text(&posted["at"]),
        posted["status"].as_u64().map_or("no answer".to_owned(), |status| status.to_string()),
        text(&item["resource"]),
        text(&posted["url"]),
    )
}

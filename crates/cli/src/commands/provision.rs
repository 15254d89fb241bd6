//! `provision` and `deprovision`: the agent's own identity, from nothing to ready and back.

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use attache_agent::{Agent, Progress};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;

use crate::args;
use crate::output::{Failure, Output};

/// Provisions, or shows what that would do.
pub(super) async fn provision(
    command: args::Provision,
    agent: Arc<Agent>,
    output: Output,
) -> Result<(), Failure> {
    if command.plan {
        let plan = agent.plan().await?;
        return answer(&plan, output);
    }
    let mut shown = Shown::new(output);
    let ids = agent.provision_now(|progress| shown.progress(progress)).await?;
    shown.end();
    if output.json {
        output.object(&json!({ "event": "ready", "ok": true, "ids": ids }));
    } else {
        output.line("The agent's own identity is ready.");
        answer_lines(&serde_json::to_value(&ids).unwrap_or_default(), output);
    }
    Ok(())
}

/// Removes what was provisioned, or shows what that would do.
pub(super) async fn deprovision(
    command: args::Provision,
    agent: Arc<Agent>,
    output: Output,
) -> Result<(), Failure> {
    if command.plan {
        let plan = agent.plan_removal().await?;
        return answer(&plan, output);
    }
    let mut shown = Shown::new(output);
    let left = agent.deprovision(|progress| shown.progress(progress)).await?;
    shown.end();
    if output.json {
        output.object(&json!({ "event": "removed", "ok": true, "left": left }));
        return Ok(());
    }
    output.line("What provisioning created is removed.");
    for thing in left {
        output.line(format!("  left: {} {}, {}", thing.kind, thing.id, thing.why));
    }
    Ok(())
}

fn answer<T: serde::Serialize + std::fmt::Display>(value: &T, output: Output) -> Result<(), Failure> {
    if output.json {
        output.object(&serde_json::to_value(value).unwrap_or_default());
    } else {
        output.line(value.to_string());
    }
    Ok(())
}

fn answer_lines(value: &serde_json::Value, output: Output) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        output.line(format!("  {:<18} {text}", name.replace('_', " ")));
    }
}

/// Progress: a line that changes on a terminal, an object a line for programs.
struct Shown {
    output: Output,
    bar: ProgressBar,
    told: BTreeSet<String>,
}

impl Shown {
    fn new(output: Output) -> Self {
        let drawn = !output.json && std::io::stderr().is_terminal();
        let bar = if drawn { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} [{elapsed}] {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(80));
        Self { output, bar, told: BTreeSet::new() }
    }

    fn progress(&mut self, progress: &Progress) {
        if self.output.json {
            let mut object = serde_json::to_value(progress).unwrap_or_default();
            if let Some(object) = object.as_object_mut() {
                object.insert("event".to_owned(), json!("progress"));
            }
            self.output.object(&object);
        } else {
            for ignored in &progress.ignored {
                self.ignored(ignored);
            }
            self.bar.set_message(format!(
                "{}/{} {}",
                progress.done,
                progress.total,
                progress.reason.as_deref().or(progress.step.as_deref()).unwrap_or("looking around")
            ));
        }
    }

    /// Says once what was asked for too late.
    fn ignored(&mut self, text: &str) {
        if self.told.insert(text.to_owned()) {
            self.bar.suspend(|| self.output.note(format!("note: {text}")));
        }
    }

    fn end(&self) {
        self.bar.finish_and_clear();
    }
}

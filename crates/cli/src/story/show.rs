//! What the story looks like: on a terminal a line a step with a spinner and the time it took, for programs
//! one JSON object a line.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::{Map, Value, json};

use crate::output::Output;

/// Shows steps as they happen.
pub(super) struct Show {
    output: Output,
    started: Instant,
    step: Option<Step>,
}

struct Step {
    name: &'static str,
    started: Instant,
    bar: ProgressBar,
}

impl Show {
    pub(super) fn new(output: Output) -> Self {
        Self { output, started: Instant::now(), step: None }
    }

    /// A step begins; `title` says to people what is being done.
    pub(super) fn begin(&mut self, name: &'static str, title: &str) {
        let drawn = !self.output.json && std::io::stderr().is_terminal();
        let bar = if drawn { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix:<14} {msg}") {
            bar.set_style(style);
        }
        bar.set_prefix(name);
        bar.set_message(title.to_owned());
        bar.enable_steady_tick(Duration::from_millis(80));
        self.step = Some(Step { name, started: Instant::now(), bar });
    }

    /// What the step is waiting for now.
    pub(super) fn progress(&self, text: &str) {
        if let Some(step) = &self.step {
            step.bar.set_message(text.to_owned());
        }
    }

    /// The step was done and read back; `told` says what was seen, `facts` the same for programs.
    pub(super) fn done(&mut self, told: &str, facts: Value) {
        let Some(step) = self.step.take() else { return };
        let took = step.started.elapsed();
        step.bar.finish_and_clear();
        if self.output.json {
            self.output.object(&object(step.name, true, took, facts));
        } else {
            self.output.line(format!("✓ {:<14} {told} ({})", step.name, seconds(took)));
        }
    }

    /// The step that was going on failed.
    pub(super) fn failed(&mut self, error: &anyhow::Error) {
        let (name, took) = match self.step.take() {
            Some(step) => {
                step.bar.finish_and_clear();
                (step.name, step.started.elapsed())
            }
            None => ("done", self.started.elapsed()),
        };
        if self.output.json {
            self.output.object(&object(name, false, took, json!({ "error": format!("{error:#}") })));
            if name != "done" {
                self.output.object(&object("done", false, self.started.elapsed(), json!({})));
            }
        } else {
            self.output.line(format!("✗ {name:<14} failed after {}", seconds(took)));
            self.output.note(format!("error: {error:#}"));
        }
    }

    /// The story is over, and all of it was true.
    pub(super) fn end(&self, facts: Value) {
        let took = self.started.elapsed();
        if self.output.json {
            self.output.object(&object("done", true, took, facts));
        } else {
            self.output.line(format!("\nThe whole story took {}.", seconds(took)));
        }
    }

    /// Says something to people; programs have it in the objects.
    pub(super) fn say(&self, text: &str) {
        if !self.output.json {
            self.output.line(format!("\n{text}"));
        }
    }
}

fn object(step: &str, ok: bool, took: Duration, facts: Value) -> Value {
    let mut object = Map::new();
    object.insert("step".to_owned(), json!(step));
    object.insert("ok".to_owned(), json!(ok));
    object.insert("ms".to_owned(), json!(u64::try_from(took.as_millis()).unwrap_or(u64::MAX)));
    if let Value::Object(facts) = facts {
        object.extend(facts);
    }
    Value::Object(object)
}

fn seconds(took: Duration) -> String {
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        format!("{:.1} s", took.as_secs_f64())
    }
}

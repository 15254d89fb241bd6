//! Stages run one after the other, each timed; the first that fails ends the run.

use std::fmt::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::run::say;

/// What has run so far, and for how long.
#[derive(Default)]
pub(crate) struct Stages {
    done: Vec<(&'static str, Duration)>,
}

impl Stages {
    /// Runs one stage. When it fails, the table up to it is printed and the error names it.
    pub(crate) fn run(&mut self, name: &'static str, stage: impl FnOnce() -> Result<()>) -> Result<()> {
        say(&format!("\n── {name}"));
        let began = Instant::now();
        let outcome = stage();
        self.done.push((name, began.elapsed()));
        if outcome.is_err() {
            say(&self.table());
        }
        outcome.with_context(|| format!("stage `{name}` failed"))
    }

    /// Whether none has run.
    pub(crate) fn is_empty(&self) -> bool {
        self.done.is_empty()
    }

    /// The seconds of each stage so far, and their sum.
    pub(crate) fn table(&self) -> String {
        let mut table = String::from("\nstage            seconds\n");
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        for (name, took) in self.done.iter().copied().chain([("together", total)]) {
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{name:<15} {:>8.1}", took.as_secs_f64());
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::*;

    #[test]
    fn a_failure_names_its_stage_and_the_table_holds_it() {
        let mut stages = Stages::default();
        stages.run("fmt", || Ok(())).unwrap();
        let error = stages.run("clippy", || bail!("a lint")).unwrap_err();
        assert_eq!(format!("{error:#}"), "stage `clippy` failed: a lint");
        let table = stages.table();
        let rows: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(rows, ["stage", "fmt", "clippy", "together"]);
    }
}

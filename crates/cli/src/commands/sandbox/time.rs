//! `attache sandbox time`: the tenant's clock. Lags, expiries and retries follow it.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::at::At;
use super::control::{Control, objects, text};
use super::duration;
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Time {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Show the time [the default]
    Show,
    /// Let some time pass at once
    Advance {
        /// How much: 90s, 2h, 30d
        #[arg(value_name = "TIME", value_parser = duration::parse)]
        by: Duration,
    },
    /// Make it this time; a clock that runs goes on from there
    Set {
        /// RFC 3339, as in 2030-01-01T00:00:00Z
        now: String,
    },
    /// Let it run as fast as real time
    Real,
    /// Let so many seconds pass in one
    Scale {
        /// 60 makes an hour a minute
        #[arg(value_name = "SECONDS")]
        pace: f64,
    },
    /// Stop it; it moves only by `advance` and `set`
    Stand,
}

/// Shows or moves the clock.
pub(super) async fn run(command: Time, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let change = match command.what {
        None | Some(What::Show) => return shown(&control.get("clock").await?, output),
        Some(What::Advance { by }) => json!({ "advance_seconds": by.as_secs_f64() }),
        Some(What::Set { now }) => json!({ "now": now }),
        Some(What::Real) => json!({ "pace": 1.0 }),
        Some(What::Scale { pace }) => json!({ "pace": pace }),
        Some(What::Stand) => json!({ "pace": 0.0 }),
    };
    shown(&control.post("clock", &change).await?, output)
}

fn shown(clock: &Value, output: Output) -> Result<(), Failure> {
    if output.json {
        objects(clock, output);
    } else {
        let pace = match clock["pace"].as_f64() {
            Some(0.0) => ", standing".to_owned(),
            Some(pace) if pace != 1.0 => format!(", {pace} times as fast"),
            _ => String::new(),
        };
        output.line(format!("{}{pace}", text(&clock["now"])));
    }
    Ok(())
}

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
}

/// Shows or moves the clock.
pub(super) async fn run(command: Time, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let change = match command.what {
        None | Some(What::Show) => return shown(&control.get("clock").await?, output),
        Some(What::Advance { by }) => json!({ "advance_seconds": by.as_secs_f64() }),
        Some(What::Set { now }) => json!({ "now": now }),
    };
    shown(&control.post("clock", &change).await?, output)
}

fn shown(clock: &Value, output: Output) -> Result<(), Failure> {
    if output.json {
        objects(clock, output);
    } else {
        output.line(text(&clock["now"]));
    }
    Ok(())
}

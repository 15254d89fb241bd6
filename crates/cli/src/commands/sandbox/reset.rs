//! `attache sandbox reset`: the tenant as it was when it was made.

use clap::Args;
use serde_json::json;

use super::at::At;
use super::control::{Control, objects};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Reset {
    #[command(flatten)]
    at: At,
}

/// Resets.
pub(super) async fn run(command: Reset, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let ready = control.post("reset", &json!({})).await?;
    if output.json {
        objects(&ready, output);
    } else {
        output.line("The tenant is as it was when it was made.");
    }
    Ok(())
}

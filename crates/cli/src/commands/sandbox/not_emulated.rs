//! `attache sandbox not-emulated`: what was asked for that Graph has and the sandbox lacks.

use clap::Args;

use super::at::At;
use super::control::{Control, objects, text};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct NotEmulated {
    #[command(flatten)]
    at: At,
}

/// Tells how often each was asked for.
pub(super) async fn run(command: NotEmulated, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let missed = control.get("not-emulated").await?;
    if output.json {
        objects(&missed, output);
        return Ok(());
    }
    let requests = missed["requests"].as_object();
    if requests.is_none_or(serde_json::Map::is_empty) {
        output.line("Nothing was asked for that the sandbox does not emulate.");
    }
    for (request, count) in requests.into_iter().flatten() {
        output.line(format!("{:>6}  {request}", text(count)));
    }
    Ok(())
}

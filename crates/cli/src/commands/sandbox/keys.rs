//! `attache sandbox keys`: the keys that sign the sandbox's tokens.

use clap::{Args, Subcommand};
use serde_json::json;

use super::at::At;
use super::control::{Control, objects, text};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(flatten)]
    at: At,
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Sign with the next key from now on; the one before stays published, and its tokens good
    Roll,
}

/// Does what was asked.
pub(super) async fn run(command: Keys, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let What::Roll = command.what;
    let rolled = control.post("keys/roll", &json!({})).await?;
    if output.json {
        objects(&rolled, output);
    } else {
        output.line(format!("Tokens are signed with the key {} from now on.", text(&rolled["kid"])));
    }
    Ok(())
}

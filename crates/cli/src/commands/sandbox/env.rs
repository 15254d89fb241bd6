//! `attache sandbox env`: what a shell must set so that programs use the sandbox.

use clap::Args;
use serde_json::{Value, json};

use super::at::At;
use super::control::Control;
use super::shell::Shell;
use super::variables::{self, Variables};
use super::{bundle, run_file};
use crate::args::Global;
use crate::commands::place;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Env {
    #[command(flatten)]
    at: At,
    /// For whom to write [default: the shell of $SHELL]
    #[arg(long, value_enum, value_name = "SHELL")]
    shell: Option<Shell>,
}

/// Prints the variables.
pub(super) async fn run(command: Env, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let ready = control.get("ready").await?;
    let variables = of(&control, &ready, global)?;
    if output.json {
        let set = variables.set.iter().map(|(name, value)| ((*name).to_owned(), json!(value)));
        let unset = variables.unset.iter().map(|name| ((*name).to_owned(), Value::Null));
        output.object(&Value::Object(set.chain(unset).collect()));
    } else {
        let shell = command.shell.unwrap_or_else(Shell::of_the_person);
        output.line(shell.write(&variables).trim_end());
    }
    Ok(())
}

/// The variables for a tenant of the sandbox that is steered; the bundle that they name is written.
pub(super) fn of(control: &Control, ready: &Value, global: &Global) -> Result<Variables, Failure> {
    let known = control.known();
    let mut ready = ready.clone();
    // The address by which we reached it, which in a container is not the one that it gives itself.
    ready["url"] = json!(known.url.as_str().trim_end_matches('/'));
    let ca = match &known.ca {
        Some(ca) => ca.clone(),
        None => ready["ca"].as_str().unwrap_or_default().into(),
    };
    let ca = std::path::absolute(&ca).unwrap_or(ca);
    let bundle = bundle::write(&ca, &run_file::folder(&place(global)?.home))?;
    Ok(variables::of(&ready, &ca, &bundle))
}

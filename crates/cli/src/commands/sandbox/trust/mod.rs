//! `attache sandbox trust` and `untrust`: make this machine's programs trust the sandbox's authority for
//! loopback names, and undo it. Only an authority whose name constraints keep it from vouching for anything
//! but this machine may be installed; the one for Microsoft's names never is.

mod constraint;
mod stores;

use std::io::{BufRead, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::at::At;
use crate::args::Global;
use crate::output::{Failure, Output};
use stores::{Step, Store};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Trust {
    #[command(flatten)]
    at: At,
    /// The folder of a sandbox's --data, whose authority is then taken; the sandbox need not run
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Only show what would be done
    #[arg(long)]
    plan: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// What can be said to undo it.
#[derive(Debug, Args)]
pub(crate) struct Untrust {
    /// Only show what would be done
    #[arg(long)]
    plan: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

/// Installs the authority.
pub(super) fn trust(command: &Trust, global: &Global, output: Output) -> Result<(), Failure> {
    let path = authority(command, global)?;
    let pem = std::fs::read(&path).map_err(|error| {
        Failure::new(
            "ca_unreadable",
            format!("the authority {} cannot be read: {error}", path.display()),
            "start the sandbox, or give --data the folder that it keeps its tenant in",
        )
    })?;
    let authority = constraint::judge(&pem, &path)?;
    let stores = stores()?;
    let steps: Vec<Step> = stores.iter().flat_map(|store| store.install(&authority)).collect();
    let what = format!("The authority of {} for {}", path.display(), authority.names.join(", "));
    carry_out(&what, &steps, command.plan, command.yes, output)?;
    said("trusted", "It is trusted now. `attache sandbox untrust` undoes it.", command.plan, output);
    Ok(())
}

/// Removes every authority that `trust` installed.
pub(super) fn untrust(command: &Untrust, output: Output) -> Result<(), Failure> {
    let steps: Vec<Step> = stores()?.iter().flat_map(Store::remove).collect();
    if steps.is_empty() {
        said("untrusted", "No sandbox is trusted here; nothing is to be done.", false, output);
        return Ok(());
    }
    carry_out("The authorities of sandboxes", &steps, command.plan, command.yes, output)?;
    said("untrusted", "No sandbox is trusted here any more.", command.plan, output);
    Ok(())
}

/// The persisted authority alone: beside the bundle that clients are given.
fn authority(command: &Trust, global: &Global) -> Result<PathBuf, Failure> {
    if let Some(ca) = global.settings.given().get("ca") {
        return Ok(PathBuf::from(ca));
    }
    if let Some(data) = &command.data {
        return Ok(data.join("authority.pem"));
    }
    let ca = command.at.find(global)?.ca.ok_or_else(|| {
        Failure::new(
            "ca_unknown",
            "this sandbox's authority is not known on this machine",
            "give --data its folder, or --ca its authority.pem",
        )
    })?;
    Ok(ca.with_file_name("authority.pem"))
}

fn stores() -> Result<Vec<Store>, Failure> {
    let stores = stores::present();
    if stores.is_empty() {
        return Err(Failure::new(
            "no_trust_store",
            "no store of authorities that this program knows is on this machine",
            "use `attache sandbox exec -- CMD`, which needs none, or import authority.pem by hand",
        ));
    }
    Ok(stores)
}

fn carry_out(what: &str, steps: &[Step], plan: bool, yes: bool, output: Output) -> Result<(), Failure> {
    if output.json {
        let lines: Vec<String> = steps.iter().map(ToString::to_string).collect();
        output.object(&json!({ "event": "plan", "what": what, "steps": lines }));
    } else {
        output.line(format!("{what}:"));
        steps.iter().for_each(|step| output.line(format!("  {step}")));
    }
    if plan {
        return Ok(());
    }
    if let Some(step) = steps.iter().find(|step| !step.is_permitted()) {
        return Err(Failure::new(
            "needs_root",
            format!("only root may do this: {step}"),
            "run the same command with sudo, and --data or --ca, since root has another home",
        ));
    }
    if !yes {
        ask(output)?;
    }
    steps.iter().try_for_each(Step::take)
}

fn ask(output: Output) -> Result<(), Failure> {
    let no = || Failure::usage("not_confirmed", "nothing was done: give --yes to agree beforehand");
    if !std::io::stdin().is_terminal() {
        return Err(no());
    }
    output.note("Do this? [y/N]");
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    if answer.trim().eq_ignore_ascii_case("y") { Ok(()) } else { Err(no()) }
}

fn said(event: &str, text: &str, plan: bool, output: Output) {
    match (plan, output.json) {
        (true, true) => {}
        (true, false) => output.line("Nothing was done: this is the plan."),
        (false, true) => output.object(&json!({ "event": event, "ok": true })),
        (false, false) => output.line(text),
    }
}

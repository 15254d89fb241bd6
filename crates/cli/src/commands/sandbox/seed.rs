//! `attache sandbox seed`: what a document describes, added to a sandbox that runs.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Method;

use super::at::At;
use super::control::{Body, Control, objects, text};
use crate::args::Global;
use crate::output::{Failure, Output};

/// What can be said.
#[derive(Debug, Args)]
pub(crate) struct Seed {
    #[command(flatten)]
    at: At,
    /// The document, in TOML or JSON, as `--seed-file` takes it; - reads standard input
    file: PathBuf,
}

/// Adds everything in the document, or nothing; and tells what was made.
pub(super) async fn run(command: Seed, global: &Global, output: Output) -> Result<(), Failure> {
    let control = Control::of(command.at.find(global)?)?;
    let document = read(&command.file)?;
    let is_json = document.trim_start().starts_with('{');
    let kind = if is_json { "application/json" } else { "application/toml" };
    let body = Body { kind, bytes: document.into_bytes() };
    let answer = control.call(Method::POST, "seed", &[], Some(body)).await?;
    if output.json {
        objects(&answer, output);
        return Ok(());
    }
    for made in answer["made"].as_array().into_iter().flatten() {
        let app_id = made["app_id"].as_str().map_or_else(String::new, |id| format!("  app id {id}"));
        output.line(format!(
            "{:<18} {}  {}{app_id}",
            text(&made["kind"]),
            text(&made["id"]),
            text(&made["name"])
        ));
    }
    Ok(())
}

fn read(file: &Path) -> Result<String, Failure> {
    let document = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    document.map_err(|error| {
        Failure::usage("seed_file", format!("the document {} cannot be read: {error}", file.display()))
    })
}

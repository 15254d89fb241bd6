//! One file a command. Here: which runtime each needs, and what they share.

mod audit;
#[cfg(feature = "device")]
pub(crate) mod device;
mod doctor;
#[cfg(feature = "gateway")]
pub(crate) mod gateway;
#[cfg(feature = "device")]
mod identity;
#[cfg(feature = "device")]
mod mcp;
#[cfg(feature = "device")]
mod provision;
pub(crate) mod sandbox;

use std::future::Future;
use std::path::PathBuf;

use clap::CommandFactory;

use crate::args::{Cli, Command, Global};
use crate::config::{Given, Place};
use crate::output::{Failure, Output};

/// Does what was asked.
pub(crate) fn run(cli: Cli, output: Output) -> Result<(), Failure> {
    let global = cli.global;
    match cli.command {
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "attache", &mut script);
            output.line(String::from_utf8_lossy(&script).trim_end());
            Ok(())
        }
        Command::Sandbox(command) => sandbox::run(*command, &global, output),
        #[cfg(feature = "gateway")]
        Command::Gateway(command) => gateway::run(*command, &global, output),
        #[cfg(all(feature = "device", feature = "gateway"))]
        Command::Try(command) => threads(crate::story::run(command, global, output)),
        Command::Doctor(command) => {
            let way = given(&global)?.way().map_err(|problems| Failure::configuration(&problems))?;
            one_thread(doctor::run(command, way, output))
        }
        Command::Audit(command) => audit::run(command, &place(&global)?, output),
        #[cfg(feature = "device")]
        Command::Device(command) => device::run(command, &global, output),
    }
}

/// The place that was chosen; `~/.attache` when none was.
fn place(global: &Global) -> Result<Place, Failure> {
    let home = match &global.home {
        Some(home) => home.clone(),
        None => default_home()?,
    };
    let home = std::path::absolute(&home)
        .map_err(|error| Failure::usage("home_unusable", format!("--home {}: {error}", home.display())))?;
    Place::named(home, &global.profile)
}

/// `~/.attache`.
pub(crate) fn default_home() -> Result<PathBuf, Failure> {
    std::env::home_dir().filter(|home| home.is_absolute()).map(|home| home.join(".attache")).ok_or_else(
        || Failure::usage("home_missing", "there is no home directory; give --home or ATTACHE_HOME"),
    )
}

fn given(global: &Global) -> Result<Given, Failure> {
    Ok(Given::gather(place(global)?, &global.settings.given()))
}

/// Runs on this thread alone: the least to start and to hold.
fn one_thread(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime(tokio::runtime::Builder::new_current_thread(), work)
}

/// Runs on as many threads as there are cores.
fn threads(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    runtime(tokio::runtime::Builder::new_multi_thread(), work)
}

fn runtime(
    mut builder: tokio::runtime::Builder,
    work: impl Future<Output = Result<(), Failure>>,
) -> Result<(), Failure> {
    let runtime = builder.enable_all().build().map_err(|error| {
        Failure::new(
            "no_runtime",
            format!("the program cannot start: {error}"),
            "free some memory or processes",
        )
    })?;
    runtime.block_on(work)
}

//! One file a command. Here: which runtime each needs, and what they share.

mod audit;
mod doctor;
pub(crate) mod gateway;
mod identity;
mod mcp;
mod provision;
pub(crate) mod sandbox;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use attache_agent::Agent;
use clap::CommandFactory;

use crate::args::{self, Cli, Command, Global};
use crate::config::{self, Given, Place};
use crate::logs::{self, LogFormat};
use crate::output::{Failure, Output};
use crate::{settings, story};

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
        Command::Config(args::Config::Show) => {
            config::show(&given(&global)?, &output);
            Ok(())
        }
        Command::Sandbox(command) => sandbox::run(*command, &global, output),
        Command::Gateway(command) => gateway::run(*command, &global, output),
        Command::Try(command) => threads(story::run(command, global, output)),
        Command::Doctor(command) => {
            let way = given(&global)?.way().map_err(|problems| Failure::configuration(&problems))?;
            one_thread(doctor::run(command, way, output))
        }
        Command::Audit(command) => audit::run(command, &place(&global)?, output),
        Command::Mcp => one_thread(mcp::run(agent(&global)?)),
        Command::SignIn(command) => with(agent(&global)?, |agent| identity::sign_in(command, agent, output)),
        Command::SignOut => with(agent(&global)?, |agent| identity::sign_out(agent, output)),
        Command::Whoami => with(agent(&global)?, |agent| identity::whoami(agent, output)),
        Command::Provision(command) => {
            with(agent(&global)?, |agent| provision::provision(command, agent, output))
        }
        Command::Deprovision(command) => {
            with(agent(&global)?, |agent| provision::deprovision(command, agent, output))
        }
    }
}

/// Runs one command with an agent, and lets the agent finish what it has begun, above all its ledger.
fn with<W: Future<Output = Result<(), Failure>>>(
    agent: Arc<Agent>,
    work: impl FnOnce(Arc<Agent>) -> W,
) -> Result<(), Failure> {
    one_thread(async {
        let done = work(Arc::clone(&agent)).await;
        agent.stop().await;
        done
    })
}

/// The place that was chosen; `~/.attache` when none was.
fn place(global: &Global) -> Result<Place, Failure> {
    let home = match &global.home {
        Some(home) => home.clone(),
        None => default_home()?,
    };
    let home = std::path::absolute(&home)
        .map_err(|error| Failure::usage("home_unusable", format!("--home {}: {error}", home.display())))?;
    let profile =
        global.profile.parse().map_err(|error| Failure::usage("profile_name", format!("{error}")))?;
    Ok(Place::new(home, profile))
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

/// The device agent that flags, environment and file describe.
fn agent(global: &Global) -> Result<Arc<Agent>, Failure> {
    let given = given(global)?;
    let logging = given.log().to_owned();
    let config = given.judge().map_err(|problems| Failure::configuration(&problems))?;
    logs::start(&logging, LogFormat::Text, &config.place.profile.directory().join("logs"))
        .map_err(|problem| Failure::usage("log", problem))?;
    Ok(settings::agent(config))
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

//! The commands of a device's agent, and the agent that each of them has.

use std::future::Future;
use std::sync::Arc;

use attache_agent::Agent;
use clap::Subcommand;

use super::{given, identity, mcp, one_thread, provision};
use crate::args::{self, Global};
use crate::logs::{self, LogFormat};
use crate::output::{Failure, Output};
use crate::{config, settings};

/// What an agent does.
#[derive(Debug, Subcommand)]
pub(crate) enum Device {
    /// Serve the agent to an MCP host over standard input and output
    Mcp,
    /// Sign the sponsor in
    SignIn(args::SignIn),
    /// Forget the sponsor's tokens
    SignOut,
    /// Show who the agent is, under which name it acts, and what it waits for
    Whoami,
    /// Bring the agent's own identity from nothing to ready
    Provision(args::Provision),
    /// Remove what provisioning created, and list what is left
    Deprovision(args::Provision),
    /// Show the configuration
    #[command(subcommand)]
    Config(args::Config),
}

/// Does it.
pub(super) fn run(command: Device, global: &Global, output: Output) -> Result<(), Failure> {
    let agent = || agent(global);
    match command {
        Device::Mcp => one_thread(mcp::run(agent()?)),
        Device::SignIn(command) => with(agent()?, |agent| identity::sign_in(command, agent, output)),
        Device::SignOut => with(agent()?, |agent| identity::sign_out(agent, output)),
        Device::Whoami => with(agent()?, |agent| identity::whoami(agent, output)),
        Device::Provision(command) => with(agent()?, |agent| provision::provision(command, agent, output)),
        Device::Deprovision(command) => {
            with(agent()?, |agent| provision::deprovision(command, agent, output))
        }
        Device::Config(args::Config::Show) => {
            config::show(&given(global)?, &output);
            Ok(())
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

/// The device agent that flags, environment and file describe.
fn agent(global: &Global) -> Result<Arc<Agent>, Failure> {
    let given = given(global)?;
    let logging = given.log().to_owned();
    let config = given.judge().map_err(|problems| Failure::configuration(&problems))?;
    logs::start(&logging, LogFormat::Text, &config.place.profile.directory().join("logs"), None)
        .map_err(|problem| Failure::usage("log", problem))?;
    Ok(settings::agent(config))
}

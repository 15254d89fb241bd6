//! `attache gateway`: the control plane, and what its operator does beside it.

mod config;
mod import;
mod keys;
mod link;
mod open;
mod ready;
mod rotate_key;
mod sandbox;
mod serve;
mod stop;
mod tenants;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::args::Global;
use crate::commands::{place, threads};
use crate::config::show_gateway;
use crate::output::{Failure, Output};

#[cfg(feature = "device")]
pub(crate) use config::Database;
#[cfg(not(feature = "device"))]
pub(crate) use keys::KEYS;
#[cfg(feature = "device")]
pub(crate) use sandbox::{
    SandboxGateway, SandboxSettings, parts as sandbox_parts, start as start_in_sandbox,
};

/// The gateway, or what is done beside it.
#[derive(Debug, Args)]
pub(crate) struct Gateway {
    #[command(subcommand)]
    command: Option<Command>,
    /// Need no configuration: an SQLite file, and an emulated tenant in this process
    #[arg(long, env = "ATTACHE_GATEWAY_SANDBOX")]
    sandbox: bool,
    #[command(flatten)]
    settings: Settings,
}

/// Settings that are often given by hand; gateway.toml in the home has all of them.
#[derive(Debug, Args)]
struct Settings {
    /// Where it listens [env: ATTACHE_GATEWAY_LISTEN]
    #[arg(long, global = true, value_name = "ADDR")]
    listen: Option<String>,
    /// How people and programs reach it [env: ATTACHE_GATEWAY_PUBLIC_URL]
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<String>,
    /// postgres://…, or the path of an SQLite file [env: ATTACHE_GATEWAY_DATABASE]
    #[arg(long, global = true, value_name = "URL|FILE")]
    database: Option<String>,
    /// text, or json for a collector [env: ATTACHE_GATEWAY_LOG_FORMAT]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every setting of the gateway, and where each value came from
    Config,
    /// Print a link that signs an operator in once
    Link,
    /// Ask the gateway with these settings whether it is ready
    Ready,
    /// Take in identities of an earlier system
    Import(import::Wanted),
    /// Seal the database's secrets by a new master key; go on with a rotation that was interrupted
    RotateKey {
        /// Only keep the new key beside the old one, so that the file can be brought to every node first
        #[arg(long)]
        prepare: bool,
    },
    /// Suspend an agent, an organisation or a whole blueprint at the gateway that runs, and wait for the proof
    ///
    /// The key is that of ATTACHE_GATEWAY_KEY, the gateway that at --public-url.
    Suspend {
        #[command(flatten)]
        what: stop::What,
        /// Why, for those who look at it later
        #[arg(long)]
        reason: String,
    },
    /// Let what was suspended go on
    Resume {
        #[command(flatten)]
        what: stop::What,
    },
    /// Make a key with which a program acts for the operators, and print what the configuration keeps of it
    OperatorKey,
    /// Copy the SQLite database into a new file, while the gateway runs
    Backup {
        /// The new file
        to: PathBuf,
    },
    /// Put a backup in the place of the SQLite database, while no gateway runs
    Restore {
        /// The backup
        from: PathBuf,
    },
}

impl Settings {
    /// Those that were given, by the setting's name, with those of every command.
    fn given(&self, global: &Global) -> BTreeMap<&'static str, String> {
        let mut given = global.settings.given();
        given.remove("client_id");
        let own = [
            ("listen", &self.listen),
            ("public_url", &self.public_url),
            ("database", &self.database),
            ("log_format", &self.log_format),
        ];
        given.extend(own.into_iter().filter_map(|(name, text)| Some((name, text.clone()?))));
        given
    }
}

/// Does what was asked.
pub(super) fn run(command: Gateway, global: &Global, output: Output) -> Result<(), Failure> {
    let home = place(global)?.home;
    let values = config::gather(&home, &command.settings.given(global));
    match command.command {
        None if command.sandbox => threads(sandbox::serve(home, values, output)),
        None => threads(serve::serve(home, values, output)),
        Some(Command::Config) => {
            show_gateway(keys::KEYS, &values, &config::file(&home), &output);
            Ok(())
        }
        Some(Command::Suspend { what, reason }) => {
            let running = stop::Running::of(config::file(&home), &values)?;
            threads(stop::suspend(running, what, reason, output))
        }
        Some(Command::Resume { what }) => {
            threads(stop::resume(stop::Running::of(config::file(&home), &values)?, what, output))
        }
        Some(Command::OperatorKey) => {
            stop::operator_key(output);
            Ok(())
        }
        Some(Command::Link) if command.sandbox => Err(Failure::usage(
            "sandbox",
            "--sandbox: a gateway in a sandbox prints its link when it starts; `link` is for one with a configuration",
        )),
        Some(Command::Link) => threads(link::print(home, values, output)),
        Some(Command::Ready) => threads(ready::ask(values, output)),
        Some(Command::Import(wanted)) => threads(import::run(home, values, wanted, output)),
        Some(Command::RotateKey { prepare }) => threads(rotate_key::rotate(home, values, prepare, output)),
        Some(Command::Backup { to }) => threads(open::backup(home, values, to, output)),
        Some(Command::Restore { from }) => open::restore(&home, &values, &from, output),
    }
}

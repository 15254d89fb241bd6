//! What can be said on the command line.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Attaché gives an AI agent its own Microsoft 365 identity.
#[derive(Debug, Parser)]
#[command(name = "attache", version = VERSION, max_term_width = 100, arg_required_else_help = true)]
#[command(after_help = START)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is said below the help.
#[cfg(all(feature = "device", feature = "gateway"))]
const START: &str = "No account, no telemetry, no calls home. Start with `attache try`.";
#[cfg(not(all(feature = "device", feature = "gateway")))]
const START: &str = "No account, no telemetry, no calls home.";

/// The version with the commit that it was built from.
pub(crate) const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), " (", env!("ATTACHE_COMMIT"), ")");

/// What holds for every command.
#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Where profiles, keys, ledgers and state stand [default: ~/.attache]
    #[arg(long, global = true, env = "ATTACHE_HOME", value_name = "DIR")]
    pub(crate) home: Option<PathBuf>,
    /// Which agent: every profile has its own identity, keys, ledger and state
    #[arg(long, global = true, env = "ATTACHE_PROFILE", value_name = "NAME", default_value = "default")]
    pub(crate) profile: String,
    /// Answer in JSON, one object a line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) settings: Settings,
}

/// Settings that are often given by hand; `attache config show` lists all of them.
#[derive(Debug, Args)]
#[command(next_help_heading = "Tenant")]
pub(crate) struct Settings {
    /// The directory's tenant id [env: ATTACHE_TENANT]
    #[arg(long, global = true, value_name = "ID")]
    tenant: Option<String>,
    /// The public client application that the sponsor signs in to [env: ATTACHE_CLIENT_ID]
    #[arg(long, global = true, value_name = "ID")]
    client_id: Option<String>,
    /// Where Entra ID is: another cloud, or a sandbox [env: ATTACHE_AUTHORITY]
    #[arg(long, global = true, value_name = "URL")]
    authority: Option<String>,
    /// Where Microsoft Graph is [env: ATTACHE_GRAPH]
    #[arg(long, global = true, value_name = "URL")]
    graph: Option<String>,
    /// Authorities to trust besides the system's, in PEM [env: ATTACHE_CA]
    #[arg(long, global = true, value_name = "FILE")]
    ca: Option<String>,
    /// What to log: error, warn, info, debug, trace, or a filter [env: ATTACHE_LOG]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
}

impl Settings {
    /// Those that were given, by the setting's name.
    pub(crate) fn given(&self) -> BTreeMap<&'static str, String> {
        [
            ("tenant", &self.tenant),
            ("client_id", &self.client_id),
            ("authority", &self.authority),
            ("graph", &self.graph),
            ("ca", &self.ca),
            ("log", &self.log),
        ]
        .into_iter()
        .filter_map(|(name, text)| Some((name, text.clone()?)))
        .collect()
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// See the whole story against a sandbox tenant on this machine; nothing else is needed
    #[cfg(all(feature = "device", feature = "gateway"))]
    Try(Try),
    #[cfg(feature = "device")]
    #[command(flatten)]
    Device(crate::commands::device::Device),
    /// Look whether an agent's mail works and until when; it only reads
    Doctor(Doctor),
    /// Read and verify the ledger
    #[command(subcommand)]
    Audit(Audit),
    /// Run an emulated Entra ID and Microsoft Graph tenant, or steer one that runs
    Sandbox(Box<Sandbox>),
    /// Run the control plane for many organisations
    #[cfg(feature = "gateway")]
    Gateway(Box<crate::commands::gateway::Gateway>),
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
}

#[cfg(all(feature = "device", feature = "gateway"))]
#[derive(Debug, Args)]
pub(crate) struct Try {
    /// Take a fresh directory and a free port, and end after the story
    #[arg(long)]
    pub(crate) once: bool,
    /// Where its tenant listens [default: the port of the time before, at first 127.0.0.1:8365]
    #[arg(long, env = "ATTACHE_SANDBOX_LISTEN", value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,
}

#[cfg(feature = "device")]
#[derive(Debug, Args)]
pub(crate) struct SignIn {
    /// Sign in on another device by a code, where there is no browser here
    #[arg(long)]
    pub(crate) device_code: bool,
}

#[cfg(feature = "device")]
#[derive(Debug, Args)]
pub(crate) struct Provision {
    /// Only show what would be done
    #[arg(long)]
    pub(crate) plan: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Exit status: 0 nothing fails, 1 something does, 2 it could not be looked at.")]
pub(crate) struct Doctor {
    /// Read the variables from this file instead of the environment
    #[arg(long, value_name = "FILE")]
    pub(crate) env_file: Option<PathBuf>,
    /// An address that the agent's mailbox should have; may be given several times
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) alias: Vec<String>,
    /// Exchange grants sending by RBAC for Applications, so the token need not show Mail.Send
    #[arg(long)]
    pub(crate) sends_by_exchange: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Check every entry, the tree and the checkpoints
    Verify {
        /// A ledger, or what a gateway exported [default: the profile's ledger]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// A checkpoint that was kept elsewhere; the ledger must continue it
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        /// The ledger's public key as it was kept elsewhere; its checkpoints must be signed with it
        #[arg(long, value_name = "KEY")]
        key: Option<String>,
    },
    /// Print the entries, oldest first
    Show {
        /// A ledger, or what a gateway exported [default: the profile's ledger]
        #[arg(value_name = "FILE")]
        file: Option<PathBuf>,
        /// Only the newest so many
        #[arg(long, value_name = "N")]
        last: Option<usize>,
    },
}

#[cfg(feature = "device")]
#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print every setting, its value and where that came from; secrets are not shown
    Show,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Sandbox {
    #[command(subcommand)]
    pub(crate) command: Option<crate::commands::sandbox::Command>,
    /// Where to listen; port 0 takes a free one
    #[arg(long, env = "ATTACHE_SANDBOX_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8365")]
    pub(crate) listen: SocketAddr,
    /// Keep the tenant here, and go on with it next time
    #[arg(long, env = "ATTACHE_SANDBOX_DATA", value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Another name that the certificate covers
    #[arg(long, env = "ATTACHE_SANDBOX_SAN", value_name = "HOST", value_delimiter = ',')]
    pub(crate) san: Vec<String>,
    /// A number or `random`: other ids, secrets and passwords than the documented ones
    #[arg(long, env = "ATTACHE_SANDBOX_SEED", value_name = "N|random")]
    pub(crate) seed: Option<String>,
    /// Listen beyond loopback although ids, secrets and passwords are public constants
    #[arg(long, env = "ATTACHE_SANDBOX_EXPOSE")]
    pub(crate) expose: bool,
    /// Make signing keys in the place of the built-in ones, which are public; needed beyond loopback
    #[arg(long, env = "ATTACHE_SANDBOX_FRESH_KEYS")]
    pub(crate) fresh_keys: bool,
    /// How much the directory, licences and consent lag behind, as Entra's do
    #[arg(long, env = "ATTACHE_SANDBOX_LAG", value_name = "PROFILE", default_value = "none")]
    pub(crate) lag: Lag,
    /// Multiplies every lag
    #[arg(long, env = "ATTACHE_SANDBOX_LAG_SCALE", value_name = "FACTOR", default_value_t = 1.0)]
    pub(crate) lag_scale: f64,
    /// Refuse whoever asks too much, by the limits that Microsoft documents
    #[arg(long, env = "ATTACHE_SANDBOX_THROTTLING", value_name = "LIMITS", default_value = "off")]
    pub(crate) throttling: Limits,
    /// Allow notification URLs that are plain http on loopback
    #[arg(long, env = "ATTACHE_SANDBOX_ALLOW_HTTP_WEBHOOKS")]
    pub(crate) allow_http_webhooks: bool,
    /// Trust this PEM file's authorities for notification URLs, beside the system's
    #[arg(long, env = "ATTACHE_SANDBOX_WEBHOOK_CA", value_name = "FILE")]
    pub(crate) webhook_ca: Option<PathBuf>,
    /// Take mail from outside by SMTP here, without sign-in
    #[arg(long, env = "ATTACHE_SANDBOX_SMTP_LISTEN", value_name = "ADDR")]
    pub(crate) smtp_listen: Option<SocketAddr>,
    /// Hand mail to the outside on to this SMTP host; without one it stays in the sandbox
    #[arg(long, env = "ATTACHE_SANDBOX_SMTP_RELAY", value_name = "HOST:PORT")]
    pub(crate) smtp_relay: Option<String>,
    /// Add what this TOML or JSON document describes: users, agents, chats, mail
    #[arg(long, env = "ATTACHE_SANDBOX_SEED_FILE", value_name = "FILE")]
    pub(crate) seed_file: Option<PathBuf>,
    /// End with exit status 1 if anything was asked for that Graph has and the sandbox does not emulate
    #[arg(long, env = "ATTACHE_SANDBOX_STRICT")]
    pub(crate) strict: bool,
    /// `--json` holds for every command; for the sandbox it can be set in the environment like the rest
    #[arg(long = "sandbox-json", hide = true, env = "ATTACHE_SANDBOX_JSON")]
    pub(crate) json_by_environment: bool,
}

/// How a sandbox lags.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Lag {
    /// Everything takes effect at once
    None,
    /// As on most days
    Typical,
    /// As on the worst days that were seen
    Worst,
    /// What lags never arrives
    Never,
}

impl Lag {
    /// Its name, as on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Typical => "typical",
            Self::Worst => "worst",
            Self::Never => "never",
        }
    }
}

/// Which limits a sandbox has.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum Limits {
    /// None
    Off,
    /// Those that Microsoft documents
    Documented,
}

impl Limits {
    /// Their name, as on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Documented => "documented",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}

//! Which sandbox a command means: the one that `--url` and `--token` or the environment name, or else the one
//! that runs on this machine and left a run file.

use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use url::Url;

use super::run_file;
use crate::args::Global;
use crate::commands::place;
use crate::output::Failure;

/// How a person names a sandbox.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which sandbox")]
pub(crate) struct At {
    /// Where the sandbox is [default: the one that runs on this machine]
    #[arg(long, global = true, env = "ATTACHE_SANDBOX_URL", value_name = "URL")]
    url: Option<String>,
    /// Its control token, or that of one of its tenants
    #[arg(long, global = true, env = "ATTACHE_SANDBOX_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
}

/// What is known of a sandbox.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Where it is.
    pub(super) url: Url,
    /// What its control API asks for.
    pub(super) token: String,
    /// The bundle to trust, beside the system's authorities.
    pub(super) ca: Option<PathBuf>,
    /// The tenant that was asked for by `--tenant`; else the token's own.
    pub(super) tenant: Option<String>,
}

impl At {
    /// Finds the sandbox; does not ask it anything.
    pub(super) fn find(&self, global: &Global) -> Result<Known, Failure> {
        let folder = run_file::folder(&place(global)?.home);
        let mut running = run_file::running(&folder);
        let given = self.url.as_deref().map(address).transpose()?;
        if let Some(url) = &given {
            running.retain(|known| known_url(known).as_ref() == Some(url));
        }
        if running.len() > 1 {
            return Err(ambiguous(&running));
        }
        let file = running.pop();
        let url = given.or_else(|| file.as_ref().and_then(known_url)).ok_or_else(none)?;
        let text = |name: &str| file.as_ref().and_then(|known| known[name].as_str()).map(str::to_owned);
        let flags = global.settings.given();
        Ok(Known {
            url,
            // Without any other it is the documented one, which is no secret.
            token: self
                .token
                .clone()
                .or_else(|| text("control_token"))
                .unwrap_or_else(|| attache_sandbox::constants::CONTROL_TOKEN.to_owned()),
            ca: flags
                .get("ca")
                .map(PathBuf::from)
                .or_else(|| text("ca").map(PathBuf::from).filter(|ca| ca.exists()))
                .or_else(|| std::env::var_os("ATTACHE_CA").map(PathBuf::from).filter(|ca| ca.exists())),
            tenant: flags.get("tenant").cloned(),
        })
    }
}

fn address(text: &str) -> Result<Url, Failure> {
    let url: Option<Url> = text.parse().ok();
    url.filter(|url| url.scheme() == "https" && url.has_host()).ok_or_else(|| {
        Failure::usage("sandbox_url", format!("--url {text:?} is no address such as https://localhost:8365"))
    })
}

fn known_url(known: &Value) -> Option<Url> {
    known["url"].as_str()?.parse().ok()
}

fn none() -> Failure {
    Failure::new(
        "no_sandbox",
        "no sandbox runs on this machine under this home",
        "start one with `attache sandbox`, or name one with --url and --token",
    )
}

fn ambiguous(running: &[Value]) -> Failure {
    let urls: Vec<&str> = running.iter().filter_map(|known| known["url"].as_str()).collect();
    Failure {
        status: 2,
        ..Failure::new(
            "several_sandboxes",
            format!("{} sandboxes run here: {}", urls.len(), urls.join(", ")),
            "say which with --url, or set ATTACHE_SANDBOX_URL",
        )
    }
}

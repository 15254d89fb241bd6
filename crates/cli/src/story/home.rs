//! The directory that `try` leaves: the sandbox's tenant, and a profile that is configured for it, so that
//! every other command works there with nothing but `ATTACHE_HOME`.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use crate::args::Try;
use crate::config::Place;

const MARK: &str = "try.json";

/// What is remembered from one `try` to the next.
#[derive(Debug, Serialize, Deserialize)]
struct Mark {
    version: u32,
    port: u16,
    /// The gateway's; of homes that are older than it, none.
    #[serde(default)]
    gateway_port: Option<u16>,
}

/// A home that belongs to `try`.
#[derive(Debug)]
pub(super) struct Home {
    pub(super) place: Place,
    /// The port of the time before, to go on at the same URL.
    pub(super) port: Option<u16>,
    /// The gateway's, likewise.
    pub(super) gateway_port: Option<u16>,
}

impl Home {
    /// Takes this place, which must be new or have been made by `try` before.
    pub(super) fn open(place: Place) -> anyhow::Result<Self> {
        let mark = place.home.join(MARK);
        let (port, gateway_port) = match fs::read_to_string(&mark) {
            Ok(text) => {
                let mark: Mark = serde_json::from_str(&text).with_context(|| {
                    format!("{} is damaged; remove {}", mark.display(), place.home.display())
                })?;
                if mark.version != 1 {
                    bail!(
                        "{} was made by a newer attache; use that, or another --home",
                        place.home.display()
                    );
                }
                (Some(mark.port), mark.gateway_port)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if place.profile.directory().exists() {
                    bail!(
                        "{} holds a profile that `attache try` did not make; choose another --home or --profile",
                        place.profile.directory().display()
                    );
                }
                (None, None)
            }
            Err(error) => return Err(error).with_context(|| format!("{} cannot be read", mark.display())),
        };
        private(&place.home)?;
        private(place.profile.directory())?;
        Ok(Self { place, port, gateway_port })
    }

    /// Where the sandbox keeps its tenant.
    pub(super) fn tenant_data(&self) -> PathBuf {
        self.place.home.join("sandbox")
    }

    /// Where the sandbox should listen.
    pub(super) fn listen(&self, command: &Try) -> SocketAddr {
        let port = self.port.unwrap_or(if command.once { 0 } else { 8365 });
        command.listen.unwrap_or_else(|| SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    }

    /// Remembers the port and configures the profile.
    pub(super) fn settle(&self, port: u16, settings: &[(&str, String)]) -> anyhow::Result<()> {
        let mut table = toml::Table::new();
        for (name, text) in settings {
            table.insert((*name).to_owned(), toml::Value::String(text.clone()));
        }
        let text = format!("# Written by `attache try`: an agent in a sandbox tenant.\n{table}");
        replace(&self.place.file(), &text)?;
        self.remember(port, self.gateway_port)
    }

    /// Remembers the ports.
    pub(super) fn remember(&self, port: u16, gateway_port: Option<u16>) -> anyhow::Result<()> {
        let mark = Mark { version: 1, port, gateway_port };
        replace(&self.place.home.join(MARK), &serde_json::to_string(&mark)?)
    }
}

fn private(directory: &Path) -> anyhow::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).with_context(|| format!("{} cannot be made", directory.display()))
}

fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let fresh = path.with_extension("new");
    fs::write(&fresh, text)
        .and_then(|()| fs::rename(&fresh, path))
        .with_context(|| format!("{} cannot be written", path.display()))
}

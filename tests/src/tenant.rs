//! A sandbox tenant in this process, on a free port, with no lag.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use anyhow::{Context, Result};
use attache_sandbox::{Config, Control, Sandbox};
use serde_json::Value;

/// The tenant; it ends when this is dropped.
pub struct Tenant {
    sandbox: Sandbox,
    ready: Value,
}

impl Tenant {
    /// Starts one with the documented constants.
    pub async fn start() -> Result<Self> {
        Self::with(Config::default()).await
    }

    /// Starts one as configured, but on a free port.
    pub async fn with(config: Config) -> Result<Self> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let sandbox = Sandbox::start(Config { listen, ..config }).await.context("starting the sandbox")?;
        let ready = serde_json::to_value(sandbox.ready()).context("the ready line")?;
        Ok(Self { sandbox, ready })
    }

    /// The object that `attache sandbox --json` prints first.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// The tenant's faults, lag and clock, and what it holds.
    pub fn control(&self) -> Control {
        self.sandbox.control()
    }

    /// `https://localhost:PORT`.
    pub fn url(&self) -> &str {
        &self.sandbox.ready().url
    }

    /// The bundle of authorities that a client must trust.
    pub fn ca(&self) -> &Path {
        &self.sandbox.ready().ca
    }

    /// The tenant's id.
    pub fn id(&self) -> &str {
        &self.sandbox.ready().tenant_id
    }
}

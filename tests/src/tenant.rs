//! A sandbox tenant in this process, on a free port, with no lag.

use std::collections::BTreeSet;
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

/// What the test called with success is left for the book (`docs/sandbox-routes.md`): a file for each test under
/// `target/evidence`, a route a line.
impl Drop for Tenant {
    fn drop(&mut self) {
        let thread = std::thread::current();
        let Some(test) = thread.name().filter(|name| name.contains("::") && !std::thread::panicking()) else {
            return;
        };
        let mut routes = BTreeSet::new();
        let requests = self.sandbox.control().requests();
        for request in requests.iter().filter(|one| one.status.is_some_and(|status| status < 400)) {
            let grant = request.grant_type.as_deref().and_then(|grant| grant.rsplit(':').next());
            let grant = grant.map(|grant| format!(" {grant}")).unwrap_or_default();
            routes.extend(request.decision.route.as_ref().map(|route| format!("{route}{grant}\n")));
        }
        let Ok(program) = std::env::current_exe() else { return };
        let Some(target) = program.ancestors().nth(3) else { return };
        let folder = target.join("evidence");
        // Whoever misses it is `cargo xtask test`, and says so.
        let _ = std::fs::create_dir_all(&folder);
        let _ = std::fs::write(folder.join(test.replace("::", ".")), routes.into_iter().collect::<String>());
    }
}

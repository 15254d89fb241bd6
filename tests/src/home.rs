//! A home for one `attache`: a fresh folder, and an environment in which nothing of the developer's is left.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;
use tokio::process::Command;

use crate::{Tenant, attache};

/// The folder lasts as long as this.
pub struct Home {
    folder: TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Home {
    /// A home that knows no tenant.
    pub fn new() -> Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("attache-test-").tempdir().context("a temporary folder")?;
        Ok(Self { folder, environment: Vec::new() })
    }

    /// A home whose `attache` talks to this tenant and to nothing else.
    pub fn at(tenant: &Tenant) -> Result<Self> {
        let mut home = Self::new()?;
        let url = tenant.url().to_owned();
        let client = tenant.ready()["apps"]["client"]["client_id"].as_str().unwrap_or_default().to_owned();
        home.environment = vec![
            ("ATTACHE_AUTHORITY", url.clone()),
            ("ATTACHE_GRAPH", url),
            ("ATTACHE_CA", tenant.ca().display().to_string()),
            ("ATTACHE_TENANT", tenant.id().to_owned()),
            ("ATTACHE_CLIENT_ID", client),
        ];
        Ok(home)
    }

    /// The same home with one more variable, or another value of one.
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.environment.retain(|(kept, _)| *kept != name);
        self.environment.push((name, value.to_owned()));
        self
    }

    /// The same home, with the application that may create the agent's objects.
    pub fn provisioning(self, tenant: &Tenant) -> Result<Self> {
        let app = &tenant.ready()["apps"]["provisioner"];
        let text = |name: &str| app[name].as_str().with_context(|| format!("the provisioner's {name}"));
        let with_id = self.with("ATTACHE_PROVISIONER_CLIENT_ID", text("client_id")?);
        Ok(with_id.with("ATTACHE_PROVISIONER_CLIENT_SECRET", text("client_secret")?))
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// `ATTACHE_HOME`.
    pub fn attache_home(&self) -> PathBuf {
        self.path().join("attache")
    }

    /// Everything in the environment of a program that runs here.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut all = self.environment.clone();
        all.push(("HOME", self.path().display().to_string()));
        all.push(("ATTACHE_HOME", self.attache_home().display().to_string()));
        // Windows finds nothing without these; elsewhere they are not set.
        for kept in ["PATH", "SystemRoot", "TEMP"] {
            all.extend(std::env::var(kept).ok().map(|value| (kept, value)));
        }
        all
    }

    /// A program that runs here.
    pub fn program(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.environment()).current_dir(self.path());
        command
    }

    /// `attache` with arguments.
    pub fn attache<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Result<Command> {
        let mut command = self.program(attache()?);
        command.args(arguments);
        Ok(command)
    }
}

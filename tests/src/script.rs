//! A script in another language that drives a client of other people's against a tenant of its own. It says and
//! hears one JSON object a line; the judgement stays with the test.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tokio::process::Command;
use url::Url;

use crate::{Browser, Home, Lines, Tenant, with_node_modules};

/// The running script with its tenant.
pub struct Script {
    /// The tenant that it drives.
    pub tenant: Tenant,
    lines: Lines,
    /// The script's folder lasts as long as the script.
    _home: Home,
}

impl Script {
    /// Starts a Python script of `tests/it`; those of MSAL share their modules with the others.
    pub async fn python(python: PathBuf, name: &str) -> Result<Self> {
        Self::start(|home, _| {
            let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
            let mut command = home.program(python);
            command.args(["-u", "-B"]).arg(scripts.join(name)).env("PYTHONPATH", scripts.join("msal"));
            Ok(command)
        })
        .await
    }

    /// Starts a script for Node, which lies in a folder of `tests/it`.
    pub async fn node(folder: &str, name: &str) -> Result<Self> {
        Self::start(|home, tenant| {
            let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("it").join(folder);
            let mut command = home.program("node");
            command.arg(with_node_modules(&scripts, home.path())?.join(name));
            command.env("NODE_EXTRA_CA_CERTS", tenant.ca());
            Ok(command)
        })
        .await
    }

    async fn start(command: impl FnOnce(&Home, &Tenant) -> Result<Command>) -> Result<Self> {
        let tenant = Tenant::start().await?;
        let home = Home::new()?;
        let mut command = command(&home, &tenant)?;
        command.env("SANDBOX", tenant.ready().to_string()).env("REQUESTS_CA_BUNDLE", tenant.ca());
        let lines = Lines::start(command, &home.path().join("stderr.log"))?;
        Ok(Self { tenant, lines, _home: home })
    }

    /// What the tenant's ready line has at a JSON pointer.
    pub fn ready(&self, pointer: &str) -> Value {
        self.tenant.ready().pointer(pointer).cloned().unwrap_or_default()
    }

    /// Says one object to the script.
    pub async fn say(&mut self, object: &Value) -> Result<()> {
        self.lines.say(object).await
    }

    /// What the script says next.
    pub async fn says(&mut self) -> Result<Value> {
        self.lines.hear().await
    }

    /// What the script says next, which is about this flow.
    pub async fn about(&mut self, flow: &str) -> Result<Value> {
        let said = self.says().await?;
        ensure!(said["flow"] == flow, "expected `{flow}`, not {said}");
        Ok(said)
    }

    /// Signs in where the script says, and opens the address that this leads to.
    pub async fn sign_in(&mut self, browser: &mut Browser) -> Result<()> {
        let open = self.opened().await?;
        let landed = browser.sign_in(&open).await?;
        ensure!(landed.status == Some(200), "landed at {}:\n{}", landed.url, landed.page);
        Ok(())
    }

    /// Signs in where the script says, and tells it what the redirect brought, in its query or in its fragment.
    pub async fn redirect(&mut self, browser: &mut Browser) -> Result<()> {
        let open = self.opened().await?;
        let landed: Url = browser.sign_in_up_to_the_redirect(&open).await?.url;
        let brought = landed.fragment().or(landed.query()).unwrap_or_default();
        let brought = url::form_urlencoded::parse(brought.as_bytes());
        let brought = brought.map(|(name, value)| (name.into_owned(), json!(value))).collect();
        self.say(&Value::Object(brought)).await
    }

    /// Enters a device code as the script was told to, and tells the script that it did.
    pub async fn enter_code(&mut self, browser: &mut Browser, told: &Value) -> Result<()> {
        let text = |name: &str| told[name].as_str().with_context(|| format!("no {name} in {told}"));
        let landed = browser.enter_code(text("verification_uri")?, text("user_code")?).await?;
        ensure!(landed.status == Some(200), "landed at {}:\n{}", landed.url, landed.page);
        self.say(&json!({})).await
    }

    /// Lets the script end, which has said everything.
    pub async fn end(self) -> Result<()> {
        let (status, rest) = self.lines.end().await?;
        ensure!(status.success() && rest.is_empty(), "{status}, and it still said {rest:?}");
        Ok(())
    }

    async fn opened(&mut self) -> Result<String> {
        let said = self.says().await?;
        said["open"].as_str().map(str::to_owned).with_context(|| format!("no address to open in {said}"))
    }
}

//! `attache gateway --sandbox`, the real binary: its first operator's session, and organisations with their keys.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::header::{COOKIE, ORIGIN, SET_COOKIE};
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{DEADLINE, Home, Lines};

/// A gateway with a tenant of its own, on a free port; it is killed when this is dropped.
pub struct Gateway {
    home: Home,
    lines: Lines,
    ready: Value,
    client: Client,
}

impl Gateway {
    /// Starts one.
    pub async fn start() -> Result<Self> {
        Self::at(Home::new()?).await
    }

    /// Starts one in a home.
    pub async fn at(home: Home) -> Result<Self> {
        let command = home.attache(["gateway", "--sandbox", "--json", "--listen", "127.0.0.1:0"])?;
        let mut lines = Lines::start(command, &Self::errors_in(&home))?;
        let ready = lines.hear().await?;
        let client = Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Self { home, lines, ready, client })
    }

    /// The object that it printed first.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap_or_default()
    }

    /// The link that signs in once.
    pub fn link(&self) -> &str {
        self.ready["link"].as_str().unwrap_or_default()
    }

    /// Its home.
    pub fn home(&self) -> &Home {
        &self.home
    }

    /// The file of what it writes to standard error.
    pub fn errors(&self) -> PathBuf {
        Self::errors_in(&self.home)
    }

    fn errors_in(home: &Home) -> PathBuf {
        home.path().join("gateway.stderr")
    }

    /// Uses the link up: the operator's session, as a cookie.
    pub async fn sign_in(&self) -> Result<String> {
        let answer = self.client.post(self.link()).send().await.context("signing in")?;
        let cookies = answer.headers().get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut sessions = cookies.filter(|cookie| cookie.starts_with("attache-session="));
        let session = sessions.next().and_then(|cookie| cookie.split(';').next());
        Ok(session.with_context(|| format!("signing in: {}", answer.status()))?.to_owned())
    }

    /// What the API answers to whoever holds this session, which must be a success.
    pub async fn ask(&self, session: &str, method: Method, path: &str, body: &Value) -> Result<Value> {
        let request = self.client.request(method, format!("{}{path}", self.url())).header(COOKIE, session);
        let request = request.header(ORIGIN, self.url().trim_end_matches('/'));
        let request = if body.is_null() { request } else { request.json(body) };
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let (status, text) = (answer.status(), answer.text().await?);
        ensure!(status.is_success(), "{path}: {status}: {text}");
        Ok(serde_json::from_str(&text).unwrap_or(Value::String(text)))
    }

    /// Waits until an organisation's first identity is active.
    pub async fn provisioned(&self, session: &str, slug: &str) -> Result<()> {
        let path = format!("api/v1/orgs/{slug}/agent-identities/default");
        let active = async {
            // A person may ask 3,000 times a minute.
            let mut looks = tokio::time::interval(Duration::from_millis(50));
            while self.ask(session, Method::GET, &path, &Value::Null).await?["state"] != "active" {
                looks.tick().await;
            }
            anyhow::Ok(())
        };
        timeout(DEADLINE, active).await.context("it is not provisioned")?
    }

    /// Tells its tenant something of the control API.
    pub async fn tell_tenant(&self, path: &str, body: &Value) -> Result<()> {
        let tenant = &self.ready["sandbox"];
        let text = |name: &str| tenant[name].as_str().unwrap_or_default();
        let pem = std::fs::read(text("ca"))?;
        let client = Client::builder().tls_certs_merge(Certificate::from_pem_bundle(&pem)?).build()?;
        let request = client.post(format!("{}/_sandbox/{path}", text("url"))).json(body);
        request.bearer_auth(text("control_token")).send().await?.error_for_status()?;
        Ok(())
    }

    /// Makes an organisation, and an API key of it that may everything.
    pub async fn organisation(&self, session: &str, slug: &str) -> Result<String> {
        let body = json!({ "slug": slug, "name": format!("{slug} Limited") });
        self.ask(session, Method::POST, "api/v1/orgs", &body).await?;
        let scopes = self.ask(session, Method::GET, "api/v1/scopes", &Value::Null).await?;
        let scopes = scopes.as_array().context("the scopes")?.iter().map(|scope| &scope["scope"]);
        let body = json!({ "name": "all", "scopes": scopes.collect::<Vec<_>>() });
        let key = self.ask(session, Method::POST, &format!("api/v1/orgs/{slug}/api-keys"), &body).await?;
        Ok(key["secret"].as_str().context("the key's secret")?.to_owned())
    }

    /// Its folder of state.
    pub fn state(&self) -> PathBuf {
        Path::new(&self.home.attache_home()).join("gateway")
    }

    /// Kills it, as `SIGKILL` does: its home.
    pub async fn kill(self) -> Result<Home> {
        self.lines.kill().await?;
        Ok(self.home)
    }

    /// Ends it in order: its home, and what it still said on standard output.
    pub async fn end(self) -> Result<(Home, Vec<String>)> {
        self.lines.ask_to_end().await?;
        let (status, said) = self.lines.end().await?;
        ensure!(status.success(), "it ended with {status}");
        Ok((self.home, said))
    }
}

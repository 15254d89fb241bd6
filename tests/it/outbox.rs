//! Whoever kills a sandbox with a data folder kills no notification: what was answered is told after the next
//! start, and what was refused is tried again.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result};
use attache_tests::{DEADLINE, Home, Lines};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

const GRAPH: &str = "https://graph.microsoft.com/.default";

/// An endpoint that says validation tokens back, and takes notifications if it is willing.
struct Endpoint {
    url: String,
    is_willing: Arc<AtomicBool>,
    posted: mpsc::UnboundedReceiver<Value>,
}

impl Endpoint {
    async fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://127.0.0.1:{}/hook", listener.local_addr()?.port());
        let is_willing = Arc::new(AtomicBool::new(true));
        let (sender, posted) = mpsc::unbounded_channel();
        let willing = Arc::clone(&is_willing);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&willing), sender.clone()));
            }
        });
        Ok(Self { url, is_willing, posted })
    }

    /// The names of the users that the next message tells of.
    async fn next(&mut self) -> Result<BTreeSet<String>> {
        let message = timeout(DEADLINE, self.posted.recv()).await.context("nothing was posted")?;
        let message = message.context("the endpoint is closed")?;
        let items = message["value"].as_array().context("no items")?;
        Ok(items.iter().filter_map(|one| one["resourceData"]["id"].as_str().map(str::to_owned)).collect())
    }
}

async fn answer(
    mut stream: TcpStream,
    willing: Arc<AtomicBool>,
    sender: mpsc::UnboundedSender<Value>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let (head, length) = loop {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let Some((head, _)) = text.split_once("\r\n\r\n") else { continue };
        let length = head
            .lines()
            .find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        break (head.to_owned(), length.unwrap_or(0_usize));
    };
    while bytes.len() < head.len() + 4 + length {
        let mut part = [0; 4096];
        let read = stream.read(&mut part).await.ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&part[..read]);
    }
    let target = url::Url::parse("http://localhost").ok()?.join(head.split(' ').nth(1)?).ok()?;
    let token =
        target.query_pairs().find(|(name, _)| name == "validationToken").map(|(_, token)| token.into_owned());
    let (status, body) = match token {
        Some(token) => ("200 OK", token),
        None => {
            sender.send(serde_json::from_slice(&bytes[head.len() + 4..]).ok()?).ok()?;
            let is_willing = willing.load(Ordering::SeqCst);
            (if is_willing { "202 Accepted" } else { "503 Service Unavailable" }, String::new())
        }
    };
    let answer = format!(
        "HTTP/1.1 {status}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await.ok()
}

/// A sandbox in a process of its own, with a data folder.
struct Kept {
    lines: Lines,
    ready: Value,
    http: reqwest::Client,
}

impl Kept {
    async fn start(home: &Home, data: &Path) -> Result<Self> {
        let mut command =
            home.attache(["sandbox", "--json", "--listen", "127.0.0.1:0", "--allow-http-webhooks"])?;
        command.arg("--data").arg(data);
        let mut lines = Lines::start(command, &home.path().join("sandbox-stderr.log"))?;
        let ready = lines.hear().await?;
        let ca = std::fs::read(ready["ca"].as_str().context("no ca")?)?;
        let http = reqwest::Client::builder()
            .tls_certs_only(reqwest::Certificate::from_pem_bundle(&ca)?)
            .no_proxy()
            .build()?;
        Ok(Self { lines, ready, http })
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> Result<Value> {
        let url = format!("{}{path}", self.text("/url")?);
        let answer = self.http.post(url).bearer_auth(token).json(body).send().await?;
        let answer = answer.error_for_status()?.text().await?;
        Ok(serde_json::from_str(&answer).unwrap_or_default())
    }

    async fn control(&self, path: &str, body: &Value) -> Result<Value> {
        self.post(&format!("/_sandbox/{path}"), self.text("/control_token")?, body).await
    }

    /// The id of the user of that name.
    async fn id_of(&self, name: &str) -> Result<String> {
        let url = format!("{}/v1.0/users/{name}@contoso.example", self.text("/url")?);
        let found = self.http.get(url).bearer_auth(self.token().await?).send().await?;
        let found: Value = serde_json::from_str(&found.error_for_status()?.text().await?)?;
        Ok(found["id"].as_str().context("no id")?.to_owned())
    }

    async fn token(&self) -> Result<String> {
        let form = [
            ("client_id", self.text("/apps/provisioner/client_id")?),
            ("client_secret", self.text("/apps/provisioner/client_secret")?),
            ("grant_type", "client_credentials"),
            ("scope", GRAPH),
        ];
        let url = format!("{}/{}/oauth2/v2.0/token", self.text("/url")?, self.text("/tenant_id")?);
        let answer = self.http.post(url).form(&form).send().await?.error_for_status()?.text().await?;
        let answer: Value = serde_json::from_str(&answer)?;
        Ok(answer["access_token"].as_str().context("no token")?.to_owned())
    }

    /// Subscribes to users, by a clock that is set for it.
    async fn subscribe(&self, endpoint: &Endpoint) -> Result<()> {
        self.control("clock", &json!({ "now": "2031-05-01T00:00:00Z" })).await?;
        let body = json!({
            "changeType": "updated,deleted", "resource": "/users", "notificationUrl": endpoint.url,
            "expirationDateTime": "2031-05-11T00:00:00Z",
        });
        self.post("/v1.0/subscriptions", &self.token().await?, &body).await.map(drop)
    }

    fn text(&self, pointer: &str) -> Result<&str> {
        self.ready.pointer(pointer).and_then(Value::as_str).with_context(|| format!("no {pointer}"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_answered_is_told_after_a_kill() -> Result<()> {
    let (home, data, mut endpoint) = (Home::new()?, tempfile::tempdir()?, Endpoint::open().await?);
    let mut sandbox = Kept::start(&home, data.path()).await?;
    sandbox.subscribe(&endpoint).await?;
    let mut told = BTreeSet::new();
    for name in ["mary", "caroline", "maria"] {
        sandbox.control("seed", &json!({ "users": [{ "upn": name }] })).await?;
        sandbox.lines.kill().await?;
        sandbox = Kept::start(&home, data.path()).await?;
        let id = sandbox.id_of(name).await?;
        while !told.contains(&id) {
            told.extend(endpoint.next().await?);
        }
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_is_tried_again_after_a_kill() -> Result<()> {
    let (home, data, mut endpoint) = (Home::new()?, tempfile::tempdir()?, Endpoint::open().await?);
    let sandbox = Kept::start(&home, data.path()).await?;
    sandbox.subscribe(&endpoint).await?;
    endpoint.is_willing.store(false, Ordering::SeqCst);
    sandbox.control("seed", &json!({ "users": [{ "upn": "mary" }] })).await?;
    let refused = endpoint.next().await?;
    assert_eq!(refused, BTreeSet::from([sandbox.id_of("mary").await?]));
    sandbox.lines.kill().await?;

    endpoint.is_willing.store(true, Ordering::SeqCst);
    let sandbox = Kept::start(&home, data.path()).await?;
    // Its pause is over by the clock of the tenant.
    sandbox.control("clock", &json!({ "advance_seconds": 60 })).await?;
    assert_eq!(endpoint.next().await?, refused);
    Ok(())
}

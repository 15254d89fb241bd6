//! Plain HTTP to this machine, as a browser speaks it to a gateway on loopback; the product's own client refuses
//! to. It keeps cookies, and nothing else.

use std::net::{IpAddr, Ipv4Addr};

use anyhow::{Context, bail};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Position, Url};

/// A browser on this machine.
#[derive(Debug, Default)]
pub(crate) struct Loopback {
    cookies: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) body: String,
}

impl Answer {
    /// The body as JSON.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        serde_json::from_str(&self.body).with_context(|| format!("no JSON: {}", self.body))
    }
}

/// The address of this machine that a URL names; `localhost` is 127.0.0.1.
fn machine(url: &Url) -> IpAddr {
    match url.host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        Some(Host::Domain(_)) | None => Ipv4Addr::LOCALHOST.into(),
    }
}

impl Loopback {
    /// Fetches a page.
    pub(crate) async fn get(&mut self, url: &Url) -> anyhow::Result<Answer> {
        self.send("GET", url, None).await
    }

    /// Sends JSON, as a page of the same origin does.
    pub(crate) async fn post(&mut self, url: &Url, body: &Value) -> anyhow::Result<Answer> {
        self.send("POST", url, Some(body)).await
    }

    async fn send(&mut self, method: &str, url: &Url, body: Option<&Value>) -> anyhow::Result<Answer> {
        let port = url.port_or_known_default().context("the address has no port")?;
        let mut stream = TcpStream::connect((machine(url), port)).await?;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n");
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            head.push_str(&format!("Cookie: {}\r\n", cookies.join("; ")));
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        if method != "GET" {
            let origin = url.origin().ascii_serialization();
            let length = body.len();
            head.push_str(&format!(
                "Origin: {origin}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
            ));
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        self.read(&text)
    }

    /// Reads an answer whose length is told, as all of ours are but streams.
    fn read(&mut self, text: &str) -> anyhow::Result<Answer> {
        let (head, body) = text.split_once("\r\n\r\n").context("the answer has no end of its head")?;
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|text| text.parse().ok());
        let Some(status) = status else { bail!("no HTTP: {head:?}") };
        let mut location = None;
        for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => location = Some(value.to_owned()),
                "set-cookie" => self.keep(value),
                _ => {}
            }
        }
        Ok(Answer { status, location, body: body.to_owned() })
    }

    fn keep(&mut self, cookie: &str) {
        let Some((name, value)) = cookie.split(';').next().and_then(|pair| pair.split_once('=')) else {
            return;
        };
        self.cookies.retain(|(kept, _)| kept != name);
        if !value.is_empty() {
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}

//! A client that costs little beside what it asks: HTTP/1.1 on kept-alive connections, with TLS or without, and load
//! made of several of them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How many connections make a load: enough to keep two cores busy.
const CONNECTIONS: usize = 8;

/// Where to connect, and whom to trust.
pub(crate) struct Client {
    connector: Option<TlsConnector>,
    address: SocketAddr,
}

/// A request that can be sent again and again.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) bearer: Option<String>,
    pub(crate) kind: &'static str,
    pub(crate) body: Bytes,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>, bearer: Option<&str>) -> Self {
        let bearer = bearer.map(|token| format!("Bearer {token}"));
        Self { method: Method::GET, path: path.into(), bearer, kind: "", body: Bytes::new() }
    }

    pub(crate) fn post(path: impl Into<String>, bearer: &str, body: &Value) -> Self {
        let body = if body.is_null() { Bytes::new() } else { body.to_string().into() };
        Self { method: Method::POST, kind: "application/json", body, ..Self::get(path, Some(bearer)) }
    }

    /// A token for Graph, by client id and secret.
    pub(crate) fn token(ready: &Value) -> anyhow::Result<Self> {
        let text = |pointer| super::process::text(ready, pointer);
        // None of these has a character that a form would have to escape.
        let body = format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default",
            text("/apps/provisioner/client_id")?,
            text("/apps/provisioner/client_secret")?,
        );
        Ok(Self {
            method: Method::POST,
            kind: "application/x-www-form-urlencoded",
            body: body.into(),
            ..Self::get(format!("/{}/oauth2/v2.0/token", text("/tenant_id")?), None)
        })
    }
}

/// An answer, whole.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Reply {
    /// What a request that succeeded answered.
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        ensure!(self.status.is_success(), "{}: {}", self.status, String::from_utf8_lossy(&self.body));
        Ok(if self.body.is_empty() { Value::Null } else { serde_json::from_slice(&self.body)? })
    }
}

impl Client {
    /// A client for a sandbox, by its ready line.
    pub(crate) fn of(url: &str, ca: &Path) -> anyhow::Result<Self> {
        let port = url.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).context("no port")?;
        let roots: Result<Vec<_>, _> = CertificateDer::pem_file_iter(ca)?.collect();
        Self::new(([127, 0, 0, 1], port).into(), roots?)
    }

    pub(crate) fn new(address: SocketAddr, roots: Vec<CertificateDer<'static>>) -> anyhow::Result<Self> {
        let mut store = RootCertStore::empty();
        roots.into_iter().try_for_each(|root| store.add(root))?;
        let config =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(store)
                .with_no_client_auth();
        Ok(Self { connector: Some(TlsConnector::from(Arc::new(config))), address })
    }

    /// A client without TLS.
    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { connector: None, address }
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let Some(connector) = &self.connector else { return self.over(stream).await };
        let name = ServerName::try_from("localhost")?;
        self.over(connector.connect(name, stream).await?).await
    }

    async fn over<S>(&self, stream: S) -> anyhow::Result<Connection>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, driver) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(Connection { sender, host: format!("localhost:{}", self.address.port()) })
    }

    /// How many answers of 200 a second several connections get that ask one after the other.
    pub(crate) async fn rate(&self, ask: &Ask, time: Duration) -> anyhow::Result<f64> {
        let mut connections = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut connection = self.connect().await?;
            connection.send(ask).await?.json()?;
            connections.push(connection);
        }
        let started = Instant::now();
        let tasks: Vec<_> = connections
            .into_iter()
            .map(|mut connection| {
                let ask = ask.clone();
                tokio::spawn(async move {
                    let mut answers = 0_u32;
                    while started.elapsed() < time {
                        let status = connection.send(&ask).await?.status;
                        ensure!(status == StatusCode::OK, "answered {status}");
                        answers += 1;
                    }
                    anyhow::Ok(answers)
                })
            })
            .collect();
        let mut answers = 0;
        for task in tasks {
            answers += task.await??;
        }
        Ok(f64::from(answers) / started.elapsed().as_secs_f64())
    }
}

/// A connection that is kept alive.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub(crate) async fn send(&mut self, ask: &Ask) -> anyhow::Result<Reply> {
        let mut request = Request::builder().method(&ask.method).uri(&ask.path);
        if let Some(bearer) = &ask.bearer {
            request = request.header(AUTHORIZATION, bearer.as_str());
        }
        if !ask.kind.is_empty() {
            request = request.header(CONTENT_TYPE, ask.kind);
        }
        self.forward(request.body(Full::new(ask.body.clone()))?).await
    }

    /// Sends a request as it is, with the host added.
    pub(crate) async fn forward(&mut self, mut request: Request<Full<Bytes>>) -> anyhow::Result<Reply> {
        request.headers_mut().insert(HOST, self.host.parse()?);
        self.sender.ready().await?;
        let (parts, body) = self.sender.send_request(request).await?.into_parts();
        Ok(Reply { status: parts.status, headers: parts.headers, body: body.collect().await?.to_bytes() })
    }
}

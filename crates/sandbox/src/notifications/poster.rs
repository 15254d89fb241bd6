//! Posts to endpoints outside: HTTPS with the system's authorities and one more, plain HTTP to loopback only,
//! and only if it was allowed. Whoever does not answer within ten seconds has not answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{Method, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use jiff::SignedDuration;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::clock::Clock;

/// How long an endpoint may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What an answer gets that was on its way when somebody moved the clock.
const ON_ITS_WAY: Duration = Duration::from_millis(300);

/// As much of an answer as is read.
const LARGEST_ANSWER: usize = 64 * 1024;

/// The one way out of the sandbox for notifications.
#[derive(Debug)]
pub(super) struct Poster {
    allow_http: bool,
    authority: Option<PathBuf>,
    /// Made when the first HTTPS endpoint is met: reading the system's authorities takes a while.
    tls: OnceCell<Arc<ClientConfig>>,
}

/// What an endpoint answered.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum PostError {
    #[error("the endpoint did not answer in time")]
    Timeout,
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Failed(String),
}

impl Poster {
    pub(super) fn new(allow_http: bool, authority: Option<PathBuf>) -> Self {
        Self { allow_http, authority, tls: OnceCell::new() }
    }

    /// Posts once. Patience ends by the realm's clock or by the system's, whichever is first.
    pub(super) async fn post(
        &self,
        clock: &Clock,
        url: &str,
        content_type: &'static str,
        body: Bytes,
    ) -> Result<Reply, PostError> {
        let patience = SignedDuration::try_from(PATIENCE).unwrap_or_default();
        let until = clock.now().saturating_add(patience).unwrap_or(jiff::Timestamp::MAX);
        tokio::select! {
            reply = self.exchange(url, content_type, body) => reply,
            () = async {
                clock.reached(until).await;
                tokio::time::sleep(ON_ITS_WAY).await;
            } => Err(PostError::Timeout),
            () = tokio::time::sleep(PATIENCE) => Err(PostError::Timeout),
        }
    }

    async fn exchange(&self, url: &str, content_type: &'static str, body: Bytes) -> Result<Reply, PostError> {
        let url = Url::parse(url).map_err(|error| PostError::Failed(error.to_string()))?;
        self.check(&url)?;
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let stream = TcpStream::connect((host.as_str(), url.port_or_known_default().unwrap_or(443)))
            .await
            .map_err(|error| PostError::Failed(error.to_string()))?;
        if url.scheme() == "http" {
            return send(stream, &url, content_type, body).await;
        }
        let name = ServerName::try_from(host).map_err(|error| PostError::Failed(error.to_string()))?;
        let config = self.tls.get_or_try_init(|| self.client_config()).await?;
        let stream = TlsConnector::from(Arc::clone(config)).connect(name, stream).await.map_err(|error| {
            PostError::Failed(format!(
                "{error} (sandbox: --webhook-ca FILE trusts a private certificate authority)"
            ))
        })?;
        send(stream, &url, content_type, body).await
    }

    fn check(&self, url: &Url) -> Result<(), PostError> {
        if url.scheme() == "https" {
            return Ok(());
        }
        let is_loopback = match url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        };
        match (is_loopback, self.allow_http) {
            (true, true) => Ok(()),
            (true, false) => Err(PostError::NotAllowed(
                "Notification URLs must be https (sandbox: --allow-http-webhooks allows http on loopback)."
                    .to_owned(),
            )),
            (false, _) => Err(PostError::NotAllowed(
                "Notification URLs must be https (sandbox: --allow-http-webhooks allows http on loopback only)."
                    .to_owned(),
            )),
        }
    }

    async fn client_config(&self) -> Result<Arc<ClientConfig>, PostError> {
        let authority = self.authority.clone();
        tokio::task::spawn_blocking(move || {
            let mut roots = RootCertStore::empty();
            // Some of the system's may be unreadable; the others still count.
            let system = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(system.certs);
            if let Some(file) = authority {
                let failed = |error: &dyn std::fmt::Display| {
                    PostError::NotAllowed(format!("--webhook-ca {}: {error}", file.display()))
                };
                let certificates = CertificateDer::pem_file_iter(&file).map_err(|error| failed(&error))?;
                for certificate in certificates {
                    let certificate = certificate.map_err(|error| failed(&error))?;
                    roots.add(certificate).map_err(|error| failed(&error))?;
                }
            }
            let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
            let config = ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()
                .map_err(|error| PostError::Failed(error.to_string()))?
                .with_root_certificates(roots)
                .with_no_client_auth();
            Ok(Arc::new(config))
        })
        .await
        .map_err(|error| PostError::Failed(error.to_string()))?
    }
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Url,
    content_type: &'static str,
    body: Bytes,
) -> Result<Reply, PostError> {
    let failed = |error: hyper::Error| PostError::Failed(error.to_string());
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(failed)?;
    let authority = match url.port() {
        Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
        None => url.host_str().unwrap_or_default().to_owned(),
    };
    let target = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = http::Request::builder()
        .method(Method::POST)
        .uri(target)
        .header(HOST, authority)
        .header(USER_AGENT, "Microsoft-Graph-Change-Notifications (sandbox)")
        .header(CONTENT_TYPE, content_type)
        .body(Full::new(body))
        .map_err(|error| PostError::Failed(error.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(failed)?;
        let status = response.status();
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let content_type = content_type.unwrap_or_default().to_owned();
        let body = Limited::new(response.into_body(), LARGEST_ANSWER)
            .collect()
            .await
            .map_err(|error| PostError::Failed(error.to_string()))?
            .to_bytes();
        Ok(Reply { status, content_type, body })
    };
    tokio::pin!(exchange);
    // The connection moves the bytes; its own end says nothing that the exchange does not.
    tokio::select! {
        reply = &mut exchange => reply,
        _ = connection => exchange.await,
    }
}

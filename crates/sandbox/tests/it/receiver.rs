//! A real HTTP server that notifications are sent to. It answers validation requests as an endpoint should, and
//! everything else as it is told.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

/// How the next requests are answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// As documented: the token back, 202 otherwise.
    Good,
    /// This status, whatever was asked.
    Status(u16),
    /// Never.
    Silent,
    /// The token back in HTML.
    Html,
    /// Something else back.
    Wrong,
}

/// What came in.
#[derive(Debug)]
pub(crate) struct Posted {
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) content_type: String,
    pub(crate) body: Bytes,
}

impl Posted {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn is_validation(&self) -> bool {
        self.query.contains("validationToken=")
    }
}

pub(crate) struct Receiver {
    pub(crate) url: String,
    manner: Arc<Mutex<Manner>>,
    posted: mpsc::UnboundedReceiver<Posted>,
}

impl Receiver {
    pub(crate) async fn start() -> Self {
        Self::serve("http", None).await
    }

    /// One that speaks TLS, and the PEM of the private authority that vouches for it.
    pub(crate) async fn start_tls() -> (Self, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(params, key);
        let key = rcgen::KeyPair::generate().unwrap();
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        (Self::serve("https", Some(TlsAcceptor::from(Arc::new(config)))).await, authority.pem())
    }

    async fn serve(scheme: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("{scheme}://127.0.0.1:{}/hook", listener.local_addr().unwrap().port());
        let manner = Arc::new(Mutex::new(Manner::Good));
        let (sender, posted) = mpsc::unbounded_channel();
        let shared = Arc::clone(&manner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (manner, sender) = (Arc::clone(&shared), sender.clone());
                let service = service_fn(move |request| answer(request, Arc::clone(&manner), sender.clone()));
                let tls = tls.clone();
                tokio::spawn(async move {
                    let http = http1::Builder::new();
                    match tls {
                        None => drop(http.serve_connection(TokioIo::new(stream), service).await),
                        Some(tls) => {
                            // Who does not trust it goes away.
                            let Ok(stream) = tls.accept(stream).await else { return };
                            drop(http.serve_connection(TokioIo::new(stream), service).await);
                        }
                    }
                });
            }
        });
        Self { url, manner, posted }
    }

    pub(crate) fn be(&self, manner: Manner) {
        *self.manner.lock().unwrap() = manner;
    }

    /// The next request, whatever it is.
    pub(crate) async fn next(&mut self) -> Posted {
        tokio::time::timeout(Duration::from_secs(20), self.posted.recv())
            .await
            .expect("nothing was posted")
            .unwrap()
    }

    /// The next message that is no validation request.
    pub(crate) async fn message(&mut self) -> Value {
        loop {
            let posted = self.next().await;
            if !posted.is_validation() {
                assert_eq!(posted.content_type, "application/json; charset=utf-8");
                return posted.json();
            }
        }
    }

    /// What has come in and was not asked for.
    pub(crate) fn rest(&mut self) -> Vec<Posted> {
        std::iter::from_fn(|| self.posted.try_recv().ok()).filter(|posted| !posted.is_validation()).collect()
    }
}

async fn answer(
    request: hyper::Request<Incoming>,
    manner: Arc<Mutex<Manner>>,
    sender: mpsc::UnboundedSender<Posted>,
) -> Result<hyper::Response<Full<Bytes>>, Infallible> {
    let manner = *manner.lock().unwrap();
    let (parts, body) = request.into_parts();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let token = form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "validationToken")
        .map(|(_, value)| value.into_owned());
    let content_type =
        parts.headers.get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
    let body = body.collect().await.unwrap().to_bytes();
    let _ = sender.send(Posted { path: parts.uri.path().to_owned(), query, content_type, body });
    let (status, content_type, text) = match (manner, token) {
        (Manner::Silent, _) => return std::future::pending().await,
        (Manner::Status(status), _) => (status, "text/plain", String::new()),
        (Manner::Html, Some(token)) => (200, "text/html", token),
        (Manner::Wrong, Some(_)) => (200, "text/plain", "hello".to_owned()),
        (_, Some(token)) => (200, "text/plain", token),
        (_, None) => (202, "text/plain", String::new()),
    };
    Ok(hyper::Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", content_type)
        .body(Full::new(Bytes::from(text)))
        .unwrap())
}

//! An authority on a loopback port: it speaks TLS, writes down what it is asked, and answers as the test
//! says. It knows no OAuth, so that a test shows exactly what goes over the wire.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use attache_entra::{Entra, Transport, TransportConfig};
use attache_terms::{AppId, Clock, Cloud, ManualClock, Origin, SeededRng, TenantId, UserId};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::signer::token;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) form: BTreeMap<String, String>,
    pub(crate) headers: HeaderMap,
}

impl Asked {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.form.get(name).map_or("", String::as_str)
    }
}

/// What is answered.
pub(crate) struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("x-ms-request-id", "request-1".to_owned())], body: body.to_string() }
    }

    pub(crate) fn page(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: "<html>Bad gateway</html>".to_owned() }
    }

    /// A token of an hour.
    pub(crate) fn token(token: &str) -> Self {
        Self::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": token}),
        )
    }

    pub(crate) fn refusal(status: u16, error: &str, code: u32) -> Self {
        Self::json(
            status,
            &json!({
                "error": error,
                "error_description": format!("AADSTS{code}: Some prose. Trace ID: t Correlation ID: c Timestamp: now"),
                "error_codes": [code], "timestamp": "2026-11-22 10:00:00Z", "trace_id": "t", "correlation_id": "c",
            }),
        )
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.headers.push((name, value.to_string()));
        self
    }
}

type Script = Box<dyn FnMut(&Asked) -> Answer + Send>;

#[derive(Clone)]
struct Shared {
    asked: Arc<Mutex<Vec<Asked>>>,
    script: Arc<Mutex<Script>>,
    gate: Arc<Semaphore>,
}

/// The authority.
pub(crate) struct Authority {
    pub(crate) origin: Origin,
    pub(crate) ca: PathBuf,
    shared: Shared,
    _folder: TempDir,
}

impl Authority {
    pub(crate) async fn start(script: impl FnMut(&Asked) -> Answer + Send + 'static) -> Self {
        let (acceptor, ca) = tls();
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, ca).unwrap();
        let shared = Shared {
            asked: Arc::default(),
            script: Arc::new(Mutex::new(Box::new(script))),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
        };
        let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = tcp.local_addr().unwrap().port();
        let service = Router::new().fallback(answer).with_state(shared.clone());
        tokio::spawn(async move { axum::serve(Tls { tcp, acceptor }, service).await });
        let origin = format!("https://localhost:{port}").parse().unwrap();
        Self { origin, ca: path, shared, _folder: folder }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.shared.asked.lock().unwrap().len()
    }

    /// Holds all answers back until [`Authority::open`].
    pub(crate) async fn close(&self) {
        let permits = self.shared.gate.available_permits();
        self.shared
            .gate
            .acquire_many(u32::try_from(permits.min(u32::MAX as usize)).unwrap())
            .await
            .unwrap()
            .forget();
        let left = self.shared.gate.available_permits();
        self.shared.gate.forget_permits(left);
    }

    pub(crate) fn open(&self) {
        self.shared.gate.add_permits(1_000_000);
    }

    pub(crate) fn cloud(&self) -> Cloud {
        Cloud::at(self.origin.clone(), self.origin.clone())
    }

    pub(crate) fn transport(&self) -> Transport {
        let config = TransportConfig { ca: Some(self.ca.clone()), ..TransportConfig::default() };
        Transport::new(config).unwrap()
    }

    pub(crate) fn entra(&self, clock: &Arc<ManualClock>) -> Arc<Entra> {
        let clock: Arc<dyn Clock> = clock.clone();
        Entra::new(self.cloud(), self.transport(), clock, Arc::new(SeededRng::new(7)))
    }
}

async fn answer(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let form = form_urlencoded::parse(&bytes).into_owned().collect();
    let asked = Asked { path: parts.uri.path().to_owned(), form, headers: parts.headers };
    shared.asked.lock().unwrap().push(asked.clone());
    let permit = shared.gate.acquire().await.unwrap();
    drop(permit);
    let answer = (shared.script.lock().unwrap())(&asked);
    let mut response = Response::builder().status(answer.status).header("content-type", "application/json");
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

fn tls() -> (TlsAcceptor, String) {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::from_params(&params, &authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], key)
            .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    (TlsAcceptor::from(Arc::new(config)), authority.pem())
}

struct Tls {
    tcp: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let Ok((stream, address)) = self.tcp.accept().await else { continue };
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.tcp.local_addr()
    }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new("2026-11-22T10:00:00Z".parse().unwrap()))
}

pub(crate) fn tenant() -> TenantId {
    "323626f5-1bfe-48cd-8902-ddfdfd44e1ce".parse().unwrap()
}

pub(crate) fn blueprint() -> AppId {
    "8a22dfd8-f315-4ee1-be84-c5f46a5b0b3c".parse().unwrap()
}

pub(crate) fn agent_identity() -> AppId {
    "8c0a1a67-50ce-4114-bb6c-da9c5dbcf6ca".parse().unwrap()
}

pub(crate) fn client() -> AppId {
    "04f0c124-f2bc-4f59-8241-bf6df9866bbd".parse().unwrap()
}

pub(crate) fn user() -> UserId {
    "82fe7758-5bb3-4f0d-a43f-e555fd399c6f".parse().unwrap()
}

/// What Entra says of somebody who signed in.
pub(crate) fn id_claims(origin: &Origin) -> Value {
    let now = "2026-11-22T10:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second();
    json!({
        "aud": client().to_string(), "iss": format!("{origin}/{}/v2.0", tenant()), "tid": tenant().to_string(),
        "oid": user().to_string(), "nbf": now - 300, "iat": now - 300, "exp": now + 3600,
        "preferred_username": "ada@contoso.example", "name": "Ada Lovelace", "ver": "2.0",
    })
}

/// An id token as Entra makes it, but for its signature.
pub(crate) fn id_token(origin: &Origin, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = id_claims(origin);
    change(&mut claims);
    token(&json!({"alg": "RS256", "typ": "JWT", "kid": "k"}), &claims, |_| b"sig".to_vec())
}

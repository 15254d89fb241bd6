//! A proxy before a sandbox that keeps what passes: every request and its answer, whole.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{ACCEPT_ENCODING, CONNECTION, CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::sandbox::client::{Client, Reply};

/// A request and its answer.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    pub(super) method: http::Method,
    /// With its query.
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) status: StatusCode,
    pub(super) answer: Bytes,
}

/// The proxy; it ends when this is dropped.
pub(super) struct Recorder {
    /// `https://localhost:PORT`.
    pub(super) url: String,
    /// Its certificate.
    pub(super) ca: PathBuf,
    kept: Arc<Mutex<Vec<Exchange>>>,
    accepting: JoinHandle<()>,
}

impl Recorder {
    /// Starts one before this sandbox; its certificate goes into the folder.
    pub(super) async fn start(sandbox: Client, folder: &Path) -> anyhow::Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
        let ca = folder.join("recorder.pem");
        std::fs::write(&ca, certificate.pem())?;
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}", listener.local_addr()?.port());
        let (kept, sandbox) = (Arc::default(), Arc::new(sandbox));
        let keeps = Arc::clone(&kept);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&sandbox), Arc::clone(&keeps)));
            }
        });
        Ok(Self { url, ca, kept, accepting })
    }

    /// What passed since the last time.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    sandbox: Arc<Client>,
    kept: Arc<Mutex<Vec<Exchange>>>,
) -> anyhow::Result<()> {
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(move |request: Request<Incoming>| {
        let (sandbox, kept) = (Arc::clone(&sandbox), Arc::clone(&kept));
        async move {
            let answer = passed(request, &sandbox, &kept).await.unwrap_or_else(|error| {
                let mut response = Response::new(Full::new(Bytes::from(error.to_string())));
                *response.status_mut() = StatusCode::BAD_GATEWAY;
                response
            });
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = auto::Builder::new(TokioExecutor::new());
    let served = connection.serve_connection(TokioIo::new(stream), service).await;
    served.map_err(|error| anyhow::anyhow!("{error}"))
}

async fn passed(
    request: Request<Incoming>,
    sandbox: &Client,
    kept: &Mutex<Vec<Exchange>>,
) -> anyhow::Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let mut headers = parts.headers;
    // Whoever sends it again says these anew.
    for own in [HOST, CONTENT_LENGTH, ACCEPT_ENCODING, CONNECTION, TRANSFER_ENCODING] {
        headers.remove(own);
    }
    let mut forward = Request::builder().method(&parts.method).uri(&path).body(Full::new(body.clone()))?;
    *forward.headers_mut() = headers.clone();
    let Reply { status, headers: mut answered, body: answer } =
        sandbox.connect().await?.forward(forward).await?;
    for own in [CONTENT_LENGTH, CONNECTION, TRANSFER_ENCODING] {
        answered.remove(own);
    }
    let exchange = Exchange { method: parts.method, path, headers, body, status, answer: answer.clone() };
    kept.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    let mut response = Response::new(Full::new(answer));
    (*response.status_mut(), *response.headers_mut()) = (status, answered);
    Ok(response)
}

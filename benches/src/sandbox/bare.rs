//! What the machine gives: a server that answers a constant over TLS as the sandbox has it (P-256, both
//! protocol versions, HTTP by ALPN), one that also signs for each answer, and signing alone.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::client::{Client, Reply};

/// An RSA-2048 key that signs as tokens are signed.
pub(super) struct Signing(KeyPair);

impl Signing {
    pub(super) fn generate() -> anyhow::Result<Self> {
        Ok(Self(KeyPair::generate(KeySize::Rsa2048).context("no RSA key")?))
    }

    fn sign(&self, message: &[u8]) {
        let mut signature = vec![0; self.0.public_modulus_len()];
        // A whole key signs; the signature itself is of no use.
        let _ = self.0.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        std::hint::black_box(signature);
    }

    /// Signatures a second on two threads.
    pub(super) fn rate(&self, message: &[u8], time: Duration) -> f64 {
        let started = Instant::now();
        let count = || {
            let mut signatures = 0_u32;
            while started.elapsed() < time {
                self.sign(message);
                signatures += 1;
            }
            signatures
        };
        let all = std::thread::scope(|scope| {
            let other = scope.spawn(count);
            count() + other.join().unwrap_or(0)
        });
        f64::from(all) / started.elapsed().as_secs_f64()
    }
}

/// A server that gives one answer for ever; it ends when this is dropped.
pub(super) struct Server {
    pub(super) client: Client,
    accepting: JoinHandle<()>,
}

struct Says {
    reply: Reply,
    signing: Option<Signing>,
}

impl Server {
    /// Answers what the sandbox answered; with `signing`, signs that much for each answer.
    pub(super) async fn start(reply: Reply, signing: Option<Signing>) -> anyhow::Result<Self> {
        let key = rcgen::KeyPair::generate()?;
        let certificate = rcgen::CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
        let certificate: CertificateDer<'static> = certificate.der().clone();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let client = Client::new(listener.local_addr()?, vec![certificate])?;
        let says = Arc::new(Says { reply, signing });
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, acceptor.clone(), Arc::clone(&says)));
            }
        });
        Ok(Self { client, accepting })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, says: Arc<Says>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let stream = acceptor.accept(stream).await?;
    let service = service_fn(move |request: http::Request<Incoming>| {
        let says = Arc::clone(&says);
        async move {
            let _ = request.into_body().collect().await;
            Ok::<_, Infallible>(says.answer())
        }
    });
    let connection = auto::Builder::new(TokioExecutor::new());
    connection
        .serve_connection(TokioIo::new(stream), service)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))
}

impl Says {
    fn answer(&self) -> Response<Full<Bytes>> {
        if let Some(signing) = &self.signing {
            signing.sign(&self.reply.body);
        }
        let mut response = Response::new(Full::new(self.reply.body.clone()));
        *response.headers_mut() = self.reply.headers.clone();
        response
    }
}

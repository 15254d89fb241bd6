//! TLS by the gateway itself: the certificate's files are read again when they change, so that a renewed
//! certificate needs no restart.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use attache_terms::{Boot, Clock, Explain, Remedy};
use rustls::ServerConfig;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::Mutex;

use crate::Tls;

/// How often the files' times are looked at.
const LOOK: Duration = Duration::from_secs(10);

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path} cannot be read: {why}")]
    Unreadable {
        /// Which.
        path: String,
        /// Why.
        why: String,
    },
    /// The files do not make a certificate with its key.
    #[error("{certificate} and {key} do not belong together: {why}")]
    Misfit {
        /// The certificate's file.
        certificate: String,
        /// The key's file.
        key: String,
        /// Why.
        why: String,
    },
}

impl Explain for TlsError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "tls_unreadable",
            Self::Misfit { .. } => "tls_misfit",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unreadable { .. } => Remedy::operator(
                "give the paths of a PEM chain and its PEM key that the gateway's account may read",
            ),
            Self::Misfit { .. } => Remedy::operator("put the key beside the certificate that it belongs to"),
        }
    }
}

/// Makes TLS of a connection, or leaves it as it is.
pub(crate) struct Acceptor {
    files: Option<Tls>,
    clock: Arc<dyn Clock>,
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    config: Arc<ServerConfig>,
    times: [Option<SystemTime>; 2],
    looked: Boot,
}

impl Acceptor {
    /// Reads the files once, so that a wrong one is an error at the start.
    pub(crate) fn new(files: Option<&Tls>, clock: &Arc<dyn Clock>) -> Result<Self, TlsError> {
        let loaded = files.map(|files| load(files, clock.boot())).transpose()?;
        Ok(Self { files: files.cloned(), clock: Arc::clone(clock), loaded: Mutex::new(loaded) })
    }

    /// The configuration of now; `None` for plain HTTP. Files that cannot be used change nothing.
    pub(crate) async fn config(&self) -> Option<Arc<ServerConfig>> {
        let files = self.files.as_ref()?;
        let mut loaded = self.loaded.lock().await;
        let now = self.clock.boot();
        if let Some(current) = loaded.as_mut()
            && current.looked.until(now) >= LOOK
        {
            current.looked = now;
            if times(files) != current.times {
                match load(files, now) {
                    Ok(fresh) => *current = fresh,
                    Err(error) => tracing::error!(%error, "the new certificate is not used"),
                }
            }
        }
        loaded.as_ref().map(|loaded| Arc::clone(&loaded.config))
    }
}

fn times(files: &Tls) -> [Option<SystemTime>; 2] {
    [&files.certificate, &files.key].map(|path| std::fs::metadata(path).and_then(|of| of.modified()).ok())
}

fn load(files: &Tls, looked: Boot) -> Result<Loaded, TlsError> {
    let times = times(files);
    let unreadable =
        |path: &Path, why: String| TlsError::Unreadable { path: path.display().to_string(), why };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(&files.certificate, error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unreadable(&files.key, error.to_string()))?;
    let misfit = |error: rustls::Error| TlsError::Misfit {
        certificate: files.certificate.display().to_string(),
        key: files.key.display().to_string(),
        why: error.to_string(),
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(misfit)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(misfit)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Loaded { config: Arc::new(config), times, looked })
}

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

#[cfg(test)]
mod tests {
    use attache_terms::ManualClock;
    use jiff::Timestamp;
    use rcgen::CertifiedKey;
    use rustls::{ClientConfig, RootCertStore};
    use rustls_pki_types::ServerName;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    use super::*;

    /// A certificate's files, and the time at which they were last written.
    struct Renewed {
        folder: tempfile::TempDir,
        at: SystemTime,
    }

    impl Renewed {
        fn files(&self) -> Tls {
            let path = |name: &str| self.folder.path().join(name);
            Tls { certificate: path("chain.pem"), key: path("key.pem") }
        }

        /// Writes a file a second later than the last one, whatever the file system's grain is.
        fn write(&mut self, path: &Path, text: &str) {
            self.at += Duration::from_secs(1);
            std::fs::write(path, text).unwrap();
            std::fs::File::options().write(true).open(path).unwrap().set_modified(self.at).unwrap();
        }

        /// Puts a new pair there, and gives what it presents.
        fn renew(&mut self) -> CertificateDer<'static> {
            let CertifiedKey { cert, signing_key } =
                rcgen::generate_simple_self_signed(["gateway.example".to_owned()]).unwrap();
            let files = self.files();
            self.write(&files.certificate, &cert.pem());
            self.write(&files.key, &signing_key.serialize_pem());
            cert.der().clone()
        }
    }

    fn set() -> (Renewed, Arc<ManualClock>) {
        let renewed = Renewed { folder: tempfile::tempdir().unwrap(), at: SystemTime::UNIX_EPOCH };
        (renewed, Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)))
    }

    /// Whether a client that trusts only `certificate` gets through.
    async fn presents(acceptor: &Acceptor, certificate: &CertificateDer<'static>) -> bool {
        let (near, far) = tokio::io::duplex(1 << 16);
        let server = TlsAcceptor::from(acceptor.config().await.unwrap());
        let mut roots = RootCertStore::empty();
        roots.add(certificate.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("gateway.example").unwrap();
        let connecting = TlsConnector::from(Arc::new(client)).connect(name, near);
        let (client, _) = tokio::join!(connecting, server.accept(far));
        client.is_ok()
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_presented_without_a_restart() {
        let (mut renewed, clock) = set();
        let old = renewed.renew();
        let acceptor =
            Acceptor::new(Some(&renewed.files()), &(Arc::clone(&clock) as Arc<dyn Clock>)).unwrap();
        assert!(presents(&acceptor, &old).await);
        let new = renewed.renew();
        assert!(presents(&acceptor, &old).await, "nobody looked yet");
        clock.advance(LOOK);
        assert!(presents(&acceptor, &new).await && !presents(&acceptor, &old).await);
    }

    #[tokio::test]
    async fn files_that_do_not_fit_or_are_gone_leave_what_was_there() {
        let (mut renewed, clock) = set();
        let old = renewed.renew();
        let files = renewed.files();
        let acceptor = Acceptor::new(Some(&files), &(Arc::clone(&clock) as Arc<dyn Clock>)).unwrap();
        let key = std::fs::read_to_string(&files.key).unwrap();
        let new = renewed.renew();
        renewed.write(&files.key, &key);
        clock.advance(LOOK);
        assert!(presents(&acceptor, &old).await, "the new certificate has another key");
        std::fs::remove_file(&files.key).unwrap();
        clock.advance(LOOK);
        assert!(presents(&acceptor, &old).await, "the key is gone");
        let newest = renewed.renew();
        clock.advance(LOOK);
        assert!(presents(&acceptor, &newest).await && !presents(&acceptor, &new).await);
    }

    #[test]
    fn a_start_with_files_that_cannot_be_used_is_refused_with_their_names() {
        let (mut renewed, clock) = set();
        let clock: Arc<dyn Clock> = clock;
        let files = renewed.files();
        let refused = |files: &Tls| Acceptor::new(Some(files), &clock).map(drop).unwrap_err();
        assert_eq!(refused(&files).code(), "tls_unreadable");
        renewed.renew();
        let key = std::fs::read_to_string(&files.key).unwrap();
        renewed.renew();
        renewed.write(&files.key, &key);
        let misfit = refused(&files);
        assert_eq!(misfit.code(), "tls_misfit");
        assert!(misfit.to_string().contains("key.pem"), "{misfit}");
    }
}

//! The one place that builds HTTP clients. A client trusts the system's roots and, beside them, the
//! operator's bundle; it follows no redirect, since a redirected bearer token is a stolen one, and it
//! honours `HTTPS_PROXY` and `NO_PROXY`. The system's trust store is read when the first request is made,
//! so that starting up costs nothing.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use attache_terms::{Explain, Origin, Remedy};
use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{Certificate, Client, redirect};

/// How clients are built.
#[derive(Debug, Clone)]
pub struct TransportConfig {
    /// A PEM bundle of authorities to trust beside the system's.
    pub ca: Option<PathBuf>,
    /// How long one request may take, its answer included.
    pub timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// Whether plain HTTP is spoken, too. Whoever sets it has seen to it that only this machine is spoken to so.
    pub plain_here: bool,
    /// Where this host is, whatever its name resolves to and whatever proxy is set; the port is that of each address.
    pub resolve: Option<(String, SocketAddr)>,
    /// What we call ourselves.
    pub user_agent: String,
}

impl Default for TransportConfig {
    fn default() -> Self {
        Self {
            ca: None,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            plain_here: false,
            resolve: None,
            user_agent: concat!("attache/", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }
}

/// Builds the HTTP client, once. Clones share it and its connections.
#[derive(Clone)]
pub struct Transport(Arc<Shared>);

struct Shared {
    config: TransportConfig,
    ca: Vec<Certificate>,
    client: OnceLock<Result<Client, TransportError>>,
}

impl Transport {
    /// Reads the operator's bundle, and nothing else.
    pub fn new(config: TransportConfig) -> Result<Self, TransportError> {
        let ca = config.ca.as_deref().map_or(Ok(Vec::new()), bundle)?;
        Ok(Self(Arc::new(Shared { config, ca, client: OnceLock::new() })))
    }

    /// The client. The first call reads the system's trust store, which takes milliseconds: call it where a
    /// request is about to be made, not where something is set up.
    pub fn client(&self) -> Result<&Client, TransportError> {
        self.0.client.get_or_init(|| self.0.build()).as_ref().map_err(Clone::clone)
    }

    /// The proxy that requests to this service go through, for error messages.
    pub(crate) fn proxy_of(&self, origin: &Origin) -> Option<String> {
        let uri: http::Uri = origin.as_str().parse().ok()?;
        let proxy = Matcher::from_system().intercept(&uri)?;
        Some(proxy.uri().authority()?.host().to_owned())
    }
}

impl Shared {
    fn build(&self) -> Result<Client, TransportError> {
        let mut builder = Client::builder();
        if let Some((host, at)) = &self.config.resolve {
            builder = builder.resolve(host, *at).no_proxy();
        }
        builder
            .user_agent(&self.config.user_agent)
            .timeout(self.config.timeout)
            .connect_timeout(self.config.connect_timeout)
            .redirect(redirect::Policy::none())
            .https_only(!self.config.plain_here)
            .tls_certs_merge(self.ca.iter().cloned())
            .build()
            .map_err(|error| TransportError::NoClient(cause(&error)))
    }
}

fn bundle(path: &Path) -> Result<Vec<Certificate>, TransportError> {
    let shown = || path.display().to_string();
    let pem = std::fs::read(path)
        .map_err(|error| TransportError::Unreadable { path: shown(), why: error.to_string() })?;
    let certificates =
        Certificate::from_pem_bundle(&pem).map_err(|_| TransportError::NoPem { path: shown() })?;
    if certificates.is_empty() { Err(TransportError::NoPem { path: shown() }) } else { Ok(certificates) }
}

/// The innermost reason of an error, which is the one that says something.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// Why there is no HTTP client.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransportError {
    /// The bundle cannot be read.
    #[error("the certificate bundle {path} cannot be read: {why}")]
    Unreadable {
        /// Where it should be.
        path: String,
        /// What the system said.
        why: String,
    },
    /// The bundle is none.
    #[error("{path} holds no certificate in PEM")]
    NoPem {
        /// Where it is.
        path: String,
    },
    /// TLS could not be set up.
    #[error("TLS cannot be set up: {0}")]
    NoClient(String),
}

impl Explain for TransportError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } | Self::NoPem { .. } => "ca_unreadable",
            Self::NoClient(_) => "tls_unavailable",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unreadable { .. } | Self::NoPem { .. } => Remedy::operator(
                "give --ca (ATTACHE_CA) the path of a PEM file with the authority's certificate",
            ),
            Self::NoClient(_) => Remedy::operator(
                "install the system's root certificates (package ca-certificates), or give --ca",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_that_is_missing_or_is_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        let with = |path: &Path| {
            Transport::new(TransportConfig { ca: Some(path.to_owned()), ..TransportConfig::default() })
        };
        assert!(matches!(with(&path), Err(TransportError::Unreadable { .. })));
        std::fs::write(&path, "not a certificate").unwrap();
        let error = with(&path).err().unwrap();
        assert_eq!(error, TransportError::NoPem { path: path.display().to_string() });
        assert!(error.remedy().what.contains("--ca"));
    }

    #[test]
    fn setting_up_does_not_build_a_client() {
        let transport = Transport::new(TransportConfig::default()).unwrap();
        assert!(transport.0.client.get().is_none());
    }
}

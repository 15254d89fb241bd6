//! Sends frames to a receiver, and knows that they arrived: syslog has no receipt, but whoever has read a connection to
//! its end closes it, and only then does the end come back to us.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Explain, Remedy};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use super::{Destination, Transport};
use crate::outbound::{OutboundError, connect};

/// How long one delivery may take, from the look-up of the name to the receiver's end.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why entries did not arrive.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum SendError {
    /// There is no connection.
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    /// The receiver's certificate is not good.
    #[error("there is no TLS with the receiver: {0}")]
    Tls(String),
    /// It took entries and did not say that it had them all.
    #[error("the receiver broke off, or did not close the connection when it had everything")]
    Broken,
}

impl Explain for SendError {
    fn code(&self) -> &'static str {
        match self {
            Self::Outbound(OutboundError::Unresolved) => "siem_unresolved",
            Self::Outbound(OutboundError::NotPublic) => "siem_not_public",
            Self::Outbound(OutboundError::Unreachable) => "siem_unreachable",
            Self::Tls(_) => "siem_tls",
            Self::Broken => "siem_broken",
        }
    }

    fn remedy(&self) -> Remedy {
        Remedy::caller(match self {
            Self::Outbound(OutboundError::Unresolved) => "correct the host, or its entry in the DNS",
            Self::Outbound(OutboundError::NotPublic) => {
                "name a host with a public address, or have the operator allow this one (outbound_allowed)"
            }
            Self::Outbound(OutboundError::Unreachable) => {
                "see that the receiver runs and that its firewall lets this gateway in"
            }
            Self::Tls(_) => {
                "give the receiver a certificate for its host name, and the authority that signed it as `ca`"
            }
            Self::Broken => "see the receiver's own log; it must take RFC 5424 in octet-counted frames",
        })
    }
}

/// Sends it all, or says why it may not have arrived.
pub(super) async fn send(
    destination: &Destination,
    allowed: &[IpAddr],
    frames: &[u8],
) -> Result<(), SendError> {
    let sending = async {
        let stream = connect(&destination.host, destination.port, allowed).await?;
        match destination.transport {
            Transport::Tcp => write(stream, frames).await,
            Transport::Tls => {
                let (name, config) = (name(&destination.host)?, config(destination.ca.as_deref())?);
                let tls = TlsConnector::from(Arc::new(config)).connect(name, stream).await;
                write(tls.map_err(|error| SendError::Tls(error.to_string()))?, frames).await
            }
        }
    };
    tokio::time::timeout(PATIENCE, sending).await.unwrap_or(Err(SendError::Broken))
}

async fn write(stream: impl AsyncRead + AsyncWrite, frames: &[u8]) -> Result<(), SendError> {
    let broken = |_| SendError::Broken;
    let (mut reading, mut writing) = tokio::io::split(stream);
    let saying = async {
        writing.write_all(frames).await?;
        writing.flush().await
    };
    // Who closes before we have said everything has not read it, whatever its system took in for it.
    tokio::select! {
        biased;
        _ = end(&mut reading) => return Err(SendError::Broken),
        said = saying => said.map_err(broken)?,
    }
    tokio::select! {
        biased;
        _ = end(&mut reading) => return Err(SendError::Broken),
        () = std::future::ready(()) => {}
    }
    writing.shutdown().await.map_err(broken)?;
    end(&mut reading).await
}

/// Waits until the receiver has closed.
async fn end(reading: &mut (impl AsyncRead + Unpin)) -> Result<(), SendError> {
    let mut said = [0; 256];
    loop {
        match reading.read(&mut said).await {
            Ok(0) => return Ok(()),
            // A receiver of syslog has nothing to say.
            Ok(_) => {}
            // Many close TLS without saying so (RFC 8446, section 6.1); what counts is that they had read to our end.
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(_) => return Err(SendError::Broken),
        }
    }
}

fn name(host: &str) -> Result<ServerName<'static>, SendError> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    ServerName::try_from(bare.to_owned()).map_err(|error| SendError::Tls(error.to_string()))
}

/// Whom a receiver's certificate is believed to be from.
pub(super) fn config(ca: Option<&str>) -> Result<ClientConfig, SendError> {
    let mut roots = RootCertStore::empty();
    let odd = |why: String| SendError::Tls(why);
    match ca {
        Some(pem) => {
            for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
                let certificate = certificate.map_err(|error| odd(error.to_string()))?;
                roots.add(certificate).map_err(|error| odd(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(odd("there is no certificate in `ca`".to_owned()));
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| odd(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

//! TLS to the server: rustls, with the system's roots or those that the address names.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs::default_provider;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::OpenError;
use crate::address::Address;

/// What encrypts connections to this address; it is not asked when they are to be plain.
pub(crate) fn connector(address: &Address) -> Result<MakeRustlsConnect, OpenError> {
    let roots = if address.is_encrypted() { roots(address)? } else { RootCertStore::empty() };
    let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenError::Roots(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

fn roots(address: &Address) -> Result<RootCertStore, OpenError> {
    let mut roots = RootCertStore::empty();
    match &address.roots {
        Some(file) => {
            let unreadable = |why: String| OpenError::Roots(format!("{}: {why}", file.display()));
            let found = CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
                roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(unreadable("there is no certificate in it".into()));
            }
        }
        None => {
            // Some of the system's may be odd; what matters is whether the server's is among the good ones.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            if roots.is_empty() {
                return Err(OpenError::Roots("this machine has none".into()));
            }
        }
    }
    Ok(roots)
}

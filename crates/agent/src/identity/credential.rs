//! The blueprint's credential: a private key in the secret store and the certificate that vouches for it, in
//! `credential.json`. Made once, and made anew only when the key is gone; the directory then gets one more
//! certificate.

use std::sync::Arc;
use std::time::Duration;

use attache_entra::ClientCredential;
use attache_keys::{Certificate, SecretStore, Signer, SigningKey, SoftwareKey, Validity};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::IdentityError;
use crate::connect::Connections;
use crate::profile::{Document, Lease, Persisted};

/// The purpose under which the private key is kept.
const KEY: &str = "blueprint-key";

/// How long a certificate is good: rotation comes long before.
const VALID: Duration = Duration::from_secs(365 * 24 * 3600);

/// Clocks differ: a certificate that begins now would be of tomorrow for some.
const BACKDATED: Duration = Duration::from_secs(10 * 60);

#[derive(Serialize, Deserialize)]
struct Stored {
    /// The certificate, DER in base 64.
    certificate: String,
}

impl Persisted for Stored {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "a credential";
}

/// The key of this device's blueprint and its certificate.
pub(crate) struct BlueprintKey {
    signer: Arc<SoftwareKey>,
    certificate: Certificate,
}

impl BlueprintKey {
    /// The credential that there is.
    pub(crate) async fn load(connections: &Connections) -> Result<Self, IdentityError> {
        let store = connections.secrets().await?;
        let Some(bytes) = store.get(&connections.secret(KEY)).await? else {
            return Err(IdentityError::KeyLost { place: store.place() });
        };
        let signer = Arc::new(SoftwareKey::from_pkcs8(&bytes)?);
        match certificate(connections, &signer)? {
            Some(certificate) => Ok(Self { signer, certificate }),
            None => Err(IdentityError::KeyLost { place: store.place() }),
        }
    }

    /// The credential, made now if there is none.
    pub(crate) async fn load_or_create(connections: &Connections) -> Result<Self, IdentityError> {
        let path = connections.settings().profile.lock("credential");
        let _lease = Lease::wait(&path, "make the credential", connections.clock()).await?;
        let store: &Arc<dyn SecretStore> = connections.secrets().await?;
        let signer = SigningKey::load_or_create(&**store, &connections.secret(KEY)).await?;
        if let Some(certificate) = certificate(connections, &signer)? {
            return Ok(Self { signer, certificate });
        }
        let now = connections.clock().now();
        let validity = Validity {
            not_before: now.saturating_sub(BACKDATED).unwrap_or(now),
            not_after: now.saturating_add(VALID).unwrap_or(now),
        };
        let name = format!("attache {}", connections.settings().profile.name());
        let certificate = Certificate::self_signed(&*signer, &name, validity, &**connections.rng()).await?;
        document(connections).save(&Stored { certificate: STANDARD.encode(certificate.der()) })?;
        Ok(Self { signer, certificate })
    }

    /// Forgets the key and its certificate: nothing trusts them any more.
    pub(crate) async fn forget(connections: &Connections) -> Result<(), IdentityError> {
        connections.secrets().await?.delete(&connections.secret(KEY)).await?;
        document(connections).remove()?;
        Ok(())
    }

    /// What Entra is shown.
    pub(crate) fn credential(&self) -> ClientCredential {
        ClientCredential::Certificate { certificate: self.certificate.clone(), signer: self.signer.clone() }
    }

    /// The certificate that the blueprint must carry.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

fn document(connections: &Connections) -> Document<Stored> {
    Document::at(connections.settings().profile.credential())
}

/// The certificate that is kept, if it is this key's.
fn certificate(
    connections: &Connections,
    signer: &SoftwareKey,
) -> Result<Option<Certificate>, IdentityError> {
    let Some(stored) = document(connections).load()? else { return Ok(None) };
    let Ok(der) = STANDARD.decode(stored.certificate) else { return Ok(None) };
    let certificate = Certificate::from_der(der)?;
    Ok((certificate.public_key() == signer.public_key()).then_some(certificate))
}

//! A private key that signs where it lives. Signing is asynchronous because a TPM takes milliseconds and an
//! agent of the desktop may ask its user. Algorithms: RFC 7518 §3.3 and §3.5; Entra wants PS256 and still
//! takes RS256 (Entra reference §1.8).

use async_trait::async_trait;
use attache_terms::{Explain, Remedy};

/// How a signature is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
}

impl Algorithm {
    /// The name in a JWS header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ps256 => "PS256",
            Self::Rs256 => "RS256",
        }
    }
}

/// A private key that can sign.
#[async_trait]
pub trait Signer: Send + Sync {
    /// What the key can do, the preferred first. Never empty.
    fn algorithms(&self) -> &[Algorithm];

    /// The public key, DER-encoded SubjectPublicKeyInfo.
    fn public_key(&self) -> &[u8];

    /// Signs `message` (not its hash).
    async fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError>;
}

/// Why there is no signature.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key cannot do this algorithm.
    #[error("the key cannot sign with {}", .0.name())]
    Unsupported(Algorithm),
    /// The keystore refused or failed.
    #[error("the key did not sign: {0}")]
    Refused(String),
}

impl Explain for SignError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unsupported(_) => "algorithm_unsupported",
            Self::Refused(_) => "signing_refused",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unsupported(_) => Remedy::us("ask the key for its algorithms first"),
            Self::Refused(_) => Remedy::operator("unlock the keystore, or check that it still holds the key"),
        }
    }
}

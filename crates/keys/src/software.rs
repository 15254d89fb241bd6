//! An RSA-2048 key in this process's memory, for machines without a keystore that signs. Entra takes RSA
//! keys only (Entra reference §1.8).

use std::sync::Arc;

use async_trait::async_trait;
use attache_terms::{Explain, Remedy, SecretBytes};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256};

use crate::{Algorithm, SignError, Signer, StoreError};

/// A private key that this process holds.
pub struct SoftwareKey {
    pair: Arc<KeyPair>,
    public_key: Vec<u8>,
}

impl SoftwareKey {
    /// A new key. It takes tens of milliseconds of one core, on a thread that may block.
    pub async fn generate() -> Result<Self, KeyError> {
        let made = tokio::task::spawn_blocking(|| {
            KeyPair::generate(KeySize::Rsa2048).map_err(|_| KeyError::NotGenerated)
        });
        Self::of(made.await.map_err(|_| KeyError::NotGenerated)??)
    }

    /// The key in a PKCS#8 document (DER).
    pub fn from_pkcs8(document: &SecretBytes) -> Result<Self, KeyError> {
        let pair = KeyPair::from_pkcs8(document.expose())
            .map_err(|rejected| KeyError::NotAKey(rejected.to_string()))?;
        Self::of(pair)
    }

    /// The key as a PKCS#8 document (DER), to be kept in a [`crate::SecretStore`].
    pub fn to_pkcs8(&self) -> Result<SecretBytes, KeyError> {
        let document = AsDer::<Pkcs8V1Der<'_>>::as_der(&*self.pair).map_err(|_| KeyError::NotEncoded)?;
        Ok(SecretBytes::new(document.as_ref().to_vec()))
    }

    fn of(pair: KeyPair) -> Result<Self, KeyError> {
        let public_key: PublicKeyX509Der<'_> =
            pair.public_key().as_der().map_err(|_| KeyError::NotEncoded)?;
        Ok(Self { public_key: public_key.as_ref().to_vec(), pair: Arc::new(pair) })
    }
}

#[async_trait]
impl Signer for SoftwareKey {
    fn algorithms(&self) -> &[Algorithm] {
        &[Algorithm::Ps256, Algorithm::Rs256]
    }

    fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Signs at once: a quarter of a millisecond is less than a change of threads is worth.
    async fn sign(&self, algorithm: Algorithm, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let padding: &'static dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
            Algorithm::Ps256 => &RSA_PSS_SHA256,
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
        };
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(padding, &SystemRandom::new(), message, &mut signature)
            .map_err(|_| SignError::Refused("the RSA signature failed".to_owned()))?;
        Ok(signature)
    }
}

/// Why there is no software key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The machine could not make one.
    #[error("no RSA key could be made")]
    NotGenerated,
    /// The key could not be written out.
    #[error("the RSA key could not be encoded")]
    NotEncoded,
    /// What is kept is no RSA key in PKCS#8.
    #[error("what is kept as a private key is none: {0}")]
    NotAKey(String),
    /// The place that keeps it failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Explain for KeyError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotGenerated => "key_not_generated",
            Self::NotEncoded => "key_not_encoded",
            Self::NotAKey(_) => "key_damaged",
            Self::Store(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::NotGenerated => {
                Remedy::operator("check that the machine has randomness and memory, then try again")
            }
            Self::NotEncoded => Remedy::us("report this: a key that was made here must be writable"),
            Self::NotAKey(_) => Remedy::operator(
                "restore the secret store from a backup, or remove the key and provision again: \
                 a new certificate is then added to the blueprint",
            ),
            Self::Store(error) => error.remedy(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
    use x509_parser::prelude::{FromDer, SubjectPublicKeyInfo};

    #[tokio::test]
    async fn both_algorithms_make_signatures_that_the_public_key_verifies() {
        let key = SoftwareKey::generate().await.unwrap();
        let (_, spki) = SubjectPublicKeyInfo::from_der(key.public_key()).unwrap();
        let bytes = spki.subject_public_key.data.to_vec();

        let ps = key.sign(Algorithm::Ps256, b"message").await.unwrap();
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, &bytes).verify(b"message", &ps).unwrap();
        let rs = key.sign(Algorithm::Rs256, b"message").await.unwrap();
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &bytes).verify(b"message", &rs).unwrap();
        assert!(UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &bytes).verify(b"massage", &rs).is_err());
    }

    #[tokio::test]
    async fn a_key_comes_back_from_pkcs8_as_itself() {
        let key = SoftwareKey::generate().await.unwrap();
        let again = SoftwareKey::from_pkcs8(&key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        let rs = again.sign(Algorithm::Rs256, b"m").await.unwrap();
        assert_eq!(rs, key.sign(Algorithm::Rs256, b"m").await.unwrap());
    }

    #[test]
    fn bytes_that_are_no_key_are_refused() {
        assert!(matches!(
            SoftwareKey::from_pkcs8(&SecretBytes::new(b"no key".to_vec())),
            Err(KeyError::NotAKey(_))
        ));
    }
}

//! Keys that sign notes. A key has a name and a short id (c2sp.org/signed-note, "Signatures"); its public
//! half is written as `name+id+base64(0x01 || key)`, the form that `golang.org/x/mod/sumdb/note` reads.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use attache_terms::{Explain, Remedy, Rng, SecretBytes};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::tree::Hash;

/// The signature type of Ed25519 (c2sp.org/signed-note, "Signature types").
const ED25519_TYPE: u8 = 0x01;

/// The private half of a log's key, wherever it lives. It is called on a thread that may block.
pub trait NoteSigner: Send + Sync {
    /// The Ed25519 public key (RFC 8032 §5.1.5).
    fn public_key(&self) -> [u8; 32];

    /// Signs these bytes with Ed25519.
    fn sign(&self, text: &[u8]) -> Result<[u8; 64], KeyError>;
}

/// Where a log's key comes from. It is asked once, at the first append, on a thread that may block: making
/// a [`crate::Ledger`] touches no keystore.
pub trait KeySource: Send + Sync {
    /// The key.
    fn load(&self) -> Result<Arc<dyn NoteSigner>, KeyError>;
}

impl<F> KeySource for F
where
    F: Fn() -> Result<Arc<dyn NoteSigner>, KeyError> + Send + Sync,
{
    fn load(&self) -> Result<Arc<dyn NoteSigner>, KeyError> {
        self()
    }
}

/// A key that is there already.
#[derive(Clone)]
pub struct FixedKey(pub Arc<dyn NoteSigner>);

impl KeySource for FixedKey {
    fn load(&self) -> Result<Arc<dyn NoteSigner>, KeyError> {
        Ok(Arc::clone(&self.0))
    }
}

/// The log's key cannot be had or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the ledger's signing key cannot be used: {0}")]
pub struct KeyError(String);

impl KeyError {
    /// With what the keystore said.
    pub fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Explain for KeyError {
    fn code(&self) -> &'static str {
        "ledger_key_unusable"
    }

    fn remedy(&self) -> Remedy {
        Remedy::operator(
            "unlock the keystore, or restore the ledger's key to it; without the key nothing can be recorded, \
             so nothing is done",
        )
    }
}

/// An Ed25519 key in memory.
pub struct Ed25519Key(Ed25519KeyPair);

impl Ed25519Key {
    /// The key with this 32-byte seed (the private key of RFC 8032).
    pub fn from_seed(seed: &SecretBytes) -> Result<Self, KeyError> {
        Ed25519KeyPair::from_seed_unchecked(seed.expose())
            .map(Self)
            .map_err(|_| KeyError::new("a seed has 32 bytes"))
    }

    /// A new seed, to be kept in a secret store.
    pub fn generate_seed(rng: &dyn Rng) -> SecretBytes {
        let mut seed = vec![0; 32];
        rng.fill(&mut seed);
        SecretBytes::new(seed)
    }
}

impl NoteSigner for Ed25519Key {
    fn public_key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        key
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], KeyError> {
        let signature = self.0.try_sign(text).map_err(|_| KeyError::new("Ed25519 signing failed"))?;
        signature.as_ref().try_into().map_err(|_| KeyError::new("the signature is not 64 bytes"))
    }
}

/// The public half of a log's key, with its name.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    public: [u8; 32],
}

/// Why a text is no verifier key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifierKeyError {
    /// It has another form.
    #[error("not a verifier key: expected name+id+base64, as `attache audit verify` prints it")]
    Malformed,
    /// It is a key of another algorithm.
    #[error("a verifier key of another algorithm: only Ed25519 (type 1) is used here")]
    NotEd25519,
    /// The id is not that of the name and key.
    #[error("the verifier key was mistyped: its id does not belong to its name and key")]
    WrongId,
}

impl VerifierKey {
    /// The key with this name, which is one or more characters, none of them a space, a plus or a control.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, VerifierKeyError> {
        if is_key_name(name) {
            Ok(Self { name: name.to_owned(), public })
        } else {
            Err(VerifierKeyError::Malformed)
        }
    }

    /// The key's name; of a log's key, its origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The Ed25519 public key.
    pub fn public_key(&self) -> [u8; 32] {
        self.public
    }

    /// The key id: the first four bytes of `SHA-256(name || 0x0A || 0x01 || key)`.
    pub fn id(&self) -> [u8; 4] {
        let [a, b, c, d, ..] = Hash::of(&[self.name.as_bytes(), b"\n", &[ED25519_TYPE], &self.public]).0;
        [a, b, c, d]
    }

    /// Whether this is this key's signature of `text`.
    pub fn verifies(&self, text: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, self.public).verify(text, signature).is_ok()
    }
}

/// Whether a text may be a key's name (c2sp.org/signed-note, "Format").
pub(crate) fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.chars().any(|c| c == '+' || c.is_whitespace() || c.is_control())
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(VerifierKeyError::Malformed);
        };
        let bytes = STANDARD.decode(key).map_err(|_| VerifierKeyError::Malformed)?;
        let (kind, public) = bytes.split_first().ok_or(VerifierKeyError::Malformed)?;
        if *kind != ED25519_TYPE {
            return Err(VerifierKeyError::NotEd25519);
        }
        let public = public.try_into().map_err(|_| VerifierKeyError::Malformed)?;
        let key = Self::new(name, public)?;
        if hex(key.id()) == id { Ok(key) } else { Err(VerifierKeyError::WrongId) }
    }
}

fn hex(id: [u8; 4]) -> String {
    format!("{:08x}", u32::from_be_bytes(id))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ED25519_TYPE];
        key.extend(self.public);
        write!(f, "{}+{}+{}", self.name, hex(self.id()), STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VerifierKey({self})")
    }
}

impl serde::Serialize for VerifierKey {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for VerifierKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the Go checksum database, as the Go toolchain embeds it.
    const SUM_GOLANG_ORG: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

    #[test]
    fn a_key_of_a_public_log_is_read_and_written_alike() {
        let key: VerifierKey = SUM_GOLANG_ORG.parse().expect("a key that everybody uses");
        assert_eq!(key.name(), "sum.golang.org");
        assert_eq!(key.to_string(), SUM_GOLANG_ORG);
    }

    #[test]
    fn a_mistyped_key_is_refused() {
        let other_name = SUM_GOLANG_ORG.replace("sum.", "som.");
        assert_eq!(other_name.parse::<VerifierKey>(), Err(VerifierKeyError::WrongId));
        for text in ["", "a+b", "a b+00000000+AQ==", "a+00000000+", "++", "a+00000000+!!"] {
            assert!(text.parse::<VerifierKey>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_signature_is_that_of_rfc_8032() {
        // RFC 8032 §7.1, test 2.
        let seed: Vec<u8> = (0..32)
            .map(|n| {
                let hex = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
                u8::from_str_radix(&hex[n * 2..n * 2 + 2], 16).unwrap()
            })
            .collect();
        let key = Ed25519Key::from_seed(&SecretBytes::new(seed)).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert_eq!(
            hex(&key.public_key()),
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
        );
        assert_eq!(
            hex(&key.sign(&[0x72]).unwrap()),
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
             085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        );
    }
}

//! Secrets at rest: each is sealed (AES-256-GCM) by a data key, and the data keys by a master key that lives in
//! the secret store and never in the database. A new master key seals the data keys anew; a new data key seals
//! what comes after it.

mod error;
mod keyring;
mod rotation;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use error::KeysError;
pub(crate) use error::SealError;
pub(crate) use keyring::Keyring;
pub use rotation::{MasterKeyError, MasterKeyRotation, Rewrapped, rotate_master_key};

/// A sealed secret, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    /// Which key opens it.
    key: Uuid,
    /// Nonce and ciphertext, in base64.
    text: Bytes,
}

/// What a sealed secret belongs to: it opens nowhere else.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context<'a> {
    /// What it is: `cell_key`.
    pub(crate) purpose: &'static str,
    /// Whose it is: the id of its record.
    pub(crate) of: &'a str,
}

impl Context<'_> {
    fn bytes(&self) -> Vec<u8> {
        format!("attache/{}/{}", self.purpose, self.of).into_bytes()
    }
}

/// Bytes as base64.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Bytes(Vec<u8>);

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        STANDARD.encode(bytes.0)
    }
}

impl TryFrom<String> for Bytes {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        STANDARD.decode(text).map(Self).map_err(|_| "a sealed secret is base64")
    }
}

//! The bytes of a file: cheap to clone, base64 at rest, their hashes taken once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::hashes;

/// What a file holds.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) bytes: Bytes,
    pub(super) quick_xor: String,
    pub(super) sha256: String,
}

impl Content {
    /// Takes the hashes.
    pub(super) fn new(bytes: Bytes) -> Self {
        Self { quick_xor: hashes::quick_xor(&bytes), sha256: hashes::sha256(&bytes), bytes }
    }

    /// The size in bytes.
    pub(super) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.bytes))
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Ok(Self::new(STANDARD.decode(text).map_err(de::Error::custom)?.into()))
    }
}

/// Bytes that came in and wait for the rest of their file.
#[derive(Debug, Clone)]
pub(super) struct Fragment(pub(super) Bytes);

impl Serialize for Fragment {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Fragment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map(|bytes| Self(bytes.into())).map_err(de::Error::custom)
    }
}

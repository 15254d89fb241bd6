//! SHA-256 with the prefixes that keep leaves and nodes apart (RFC 6962 §2.1).

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A SHA-256 value. It is written in base64, as checkpoints write it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash(pub [u8; 32]);

/// The hash of a leaf: `SHA-256(0x00 || leaf)`.
pub fn leaf_hash(leaf: &[u8]) -> Hash {
    let parts: [&[u8]; 2] = [&[0x00], leaf];
    Hash::of_short::<2048>(&parts).unwrap_or_else(|| Hash::of(&parts))
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
pub(crate) fn node_hash(left: Hash, right: Hash) -> Hash {
    let mut node = [0x01; 65];
    node[1..33].copy_from_slice(&left.0);
    node[33..].copy_from_slice(&right.0);
    Hash::of_one(&node)
}

impl Hash {
    /// The root of a tree without leaves: the hash of nothing.
    pub fn of_nothing() -> Self {
        Self::of(&[])
    }

    /// The hash of these bytes.
    fn of_one(bytes: &[u8]) -> Self {
        let mut value = [0; 32];
        value.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(value)
    }

    /// The hash of these parts, one after another, when they fit into so much room. A context in the library's
    /// heap costs more than the copy.
    fn of_short<const ROOM: usize>(parts: &[&[u8]]) -> Option<Self> {
        let (mut room, mut length) = ([0; ROOM], 0);
        for part in parts {
            room.get_mut(length..)?.get_mut(..part.len())?.copy_from_slice(part);
            length += part.len();
        }
        Some(Self::of_one(&room[..length]))
    }

    /// The hash of these parts, one after another.
    pub(crate) fn of(parts: &[&[u8]]) -> Self {
        // As long as a salt and most values.
        if let Some(short) = Self::of_short::<128>(parts) {
            return short;
        }
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        let mut value = [0; 32];
        value.copy_from_slice(context.finish().as_ref());
        Self(value)
    }
}

impl From<[u8; 32]> for Hash {
    fn from(value: [u8; 32]) -> Self {
        Self(value)
    }
}

impl From<Hash> for [u8; 32] {
    fn from(hash: Hash) -> Self {
        hash.0
    }
}

/// Not 32 bytes, or not the base64 of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 value: expected 32 bytes, or their base64 (44 characters)")]
pub struct NotAHash;

impl TryFrom<&[u8]> for Hash {
    type Error = NotAHash;

    fn try_from(bytes: &[u8]) -> Result<Self, NotAHash> {
        bytes.try_into().map(Self).map_err(|_| NotAHash)
    }
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        // The engine refuses stray bits and missing padding, so that a hash has one spelling only.
        let mut bytes = [0; 33];
        match STANDARD.decode_slice(text, &mut bytes) {
            Ok(32) => bytes[..32].try_into(),
            _ => Err(NotAHash),
        }
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hash({self})")
    }
}

impl serde::Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Reads the text where it stands: there are many.
        struct InPlace;

        impl serde::de::Visitor<'_> for InPlace {
            type Value = Hash;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a SHA-256 value in base64")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Hash, E> {
                text.parse().map_err(E::custom)
            }
        }

        deserializer.deserialize_str(InPlace)
    }
}

//! Salted commitments: a leaf holds `SHA-256(salt || value)`, while salt and value stand beside the leaf and
//! can be destroyed. The salt has 128 random bits and a fixed length, so that nobody can guess a destroyed
//! value (there are few chats) and nobody can find a second value for a commitment.

use std::collections::BTreeMap;
use std::fmt;

use attache_terms::Rng;
use base64::Engine;
use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};

use crate::tree::Hash;

/// The fields that are withheld from the leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The user whose token it was.
    User,
    /// The chat.
    Chat,
    /// The message.
    Message,
    /// The user whom the act concerned.
    TargetUser,
    /// Who asked for it.
    By,
    /// From which address they did.
    From,
    /// Whom it concerned, as whoever asked named them.
    Subject,
}

impl Field {
    /// How many there are.
    pub(super) const COUNT: usize = Self::Subject as usize + 1;
}

/// What the leaf holds of the withheld fields.
pub(crate) type Commitments = BTreeMap<Field, Hash>;

/// What stands beside the leaf.
pub(crate) type Openings = BTreeMap<Field, Opening>;

/// A salt and a value, written as `["base64 of the salt","value"]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening(Salt, String);

impl Opening {
    pub(crate) fn new(value: String, rng: &dyn Rng) -> Self {
        let mut salt = [0; 16];
        rng.fill(&mut salt);
        Self(Salt(salt), value)
    }

    pub(crate) fn commitment(&self) -> Hash {
        commitment(self.0, &self.1)
    }

    pub(crate) fn value(&self) -> &str {
        &self.1
    }
}

/// What the leaf holds of this value.
pub(super) fn commitment(salt: Salt, value: &str) -> Hash {
    Hash::of(&[&salt.0, value.as_bytes()])
}

/// 128 random bits, written in base64.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Salt([u8; 16]);

impl Salt {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 18];
        match STANDARD.decode_slice(text, &mut bytes) {
            Ok(16) => bytes[..16].try_into().map(Self).ok(),
            _ => None,
        }
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Base64Display::new(&self.0, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        /// Reads the text where it stands: there are many.
        struct InPlace;

        impl Visitor<'_> for InPlace {
            type Value = Salt;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the base64 of 16 bytes")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Salt, E> {
                Salt::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(InPlace)
    }
}

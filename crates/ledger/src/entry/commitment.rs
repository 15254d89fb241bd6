//! Salted commitments: a leaf holds `SHA-256(salt || value)`, while salt and value stand beside the leaf and
//! can be destroyed. The salt has 128 random bits and a fixed length, so that nobody can guess a destroyed
//! value (there are few chats) and nobody can find a second value for a commitment.

use std::collections::BTreeMap;

use attache_terms::Rng;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

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
        Hash::of(&[&self.0.0, self.1.as_bytes()])
    }

    pub(crate) fn value(&self) -> &str {
        &self.1
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
struct Salt([u8; 16]);

impl TryFrom<String> for Salt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let bytes = STANDARD.decode(text).map_err(|_| "a salt is base64")?;
        bytes.try_into().map(Self).map_err(|_| "a salt has 16 bytes")
    }
}

impl From<Salt> for String {
    fn from(salt: Salt) -> String {
        STANDARD.encode(salt.0)
    }
}

//! The names in an entry. Each is short and made of plain characters, whoever chose it, so that nobody can
//! write a sentence into the ledger.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use attache_terms::Rng;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The longest name, in bytes.
const LONGEST: usize = 64;

/// A text that cannot stand in an entry as a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a name: expected 1 to 64 letters, digits, dots, hyphens or underscores")]
pub struct NameError;

pub(super) const fn is_name(text: &str) -> bool {
    let bytes = text.as_bytes();
    if bytes.is_empty() || bytes.len() > LONGEST {
        return false;
    }
    // Looks at all of them: without a way out, several are looked at in one step.
    let (mut at, mut is_plain) = (0, true);
    while at < bytes.len() {
        let byte = bytes[at];
        is_plain &= byte.is_ascii_alphanumeric() | (byte == b'.') | (byte == b'-') | (byte == b'_');
        at += 1;
    }
    is_plain
}

macro_rules! name {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(Cow<'static, str>);

        impl $name {
            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                text.to_owned().try_into()
            }
        }

        impl TryFrom<String> for $name {
            type Error = NameError;

            fn try_from(text: String) -> Result<Self, NameError> {
                if is_name(&text) { Ok(Self(Cow::Owned(text))) } else { Err(NameError) }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0.into_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

name! {
    /// What kind of act: `send_teams_message`, `create_agent_user`.
    ActName;
    /// Why an act did not happen: a code of ours, of Graph or of Entra (`chat_not_found`, `AADSTS65001`).
    Code;
    /// A request id of Microsoft's, taken from a response's header.
    RequestId;
    /// The kind or the id of something of ours: `identity`, `0198c0de-…`.
    Name;
}

impl ActName {
    /// A name from the program's text; one that is none does not compile in a constant and panics elsewhere.
    pub const fn new(text: &'static str) -> Self {
        assert!(is_name(text), "an act's name is 1 to 64 letters, digits, dots, hyphens or underscores");
        Self(Cow::Borrowed(text))
    }
}

impl Code {
    /// A code from the program's text; one that is none does not compile in a constant and panics elsewhere.
    pub const fn new(text: &'static str) -> Self {
        assert!(is_name(text), "a code is 1 to 64 letters, digits, dots, hyphens or underscores");
        Self(Cow::Borrowed(text))
    }
}

impl Name {
    /// A name from the program's text; one that is none does not compile in a constant and panics elsewhere.
    pub const fn new(text: &'static str) -> Self {
        assert!(is_name(text), "a name is 1 to 64 letters, digits, dots, hyphens or underscores");
        Self(Cow::Borrowed(text))
    }
}

impl From<Uuid> for Name {
    fn from(id: Uuid) -> Self {
        Self(Cow::Owned(id.hyphenated().to_string()))
    }
}

impl RequestId {
    /// The id in a header, when it looks like one.
    pub fn from_header(value: &str) -> Option<Self> {
        value.parse().ok()
    }
}

/// An entry's id: a UUID of version 7, so that ids sort by time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EntryId(Uuid);

impl EntryId {
    /// The id for an entry that is made at this time.
    pub(crate) fn make(time: Timestamp, rng: &dyn Rng) -> Self {
        let mut random = [0; 10];
        rng.fill(&mut random);
        let millis = u64::try_from(time.as_millisecond()).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The value.
    pub const fn uuid(self) -> Uuid {
        self.0
    }
}

impl From<Uuid> for EntryId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

impl FromStr for EntryId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::try_parse(text).map(Self)
    }
}

/// One running program that writes, so that intents of a dead one can be told from those in flight.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WriterId(Uuid);

impl WriterId {
    /// A new one.
    pub(crate) fn make(rng: &dyn Rng) -> Self {
        Self(rng.uuid())
    }
}

impl From<Uuid> for WriterId {
    fn from(id: Uuid) -> Self {
        Self(id)
    }
}

macro_rules! shown {
    ($($name:ident),*) => {$(
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.hyphenated().fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }
    )*};
}

shown!(EntryId, WriterId);

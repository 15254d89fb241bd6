//! Identifiers as the platform spells them. Each is checked when it is made and encodes itself when it
//! goes into a URL, so that `../me` can never become a path. Shapes: Entra reference §1.1 (GUIDs), §5.1
//! (chat ids) and §5.3 (message ids).

use std::fmt;
use std::str::FromStr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What stays as it is in a path segment: RFC 3986 "unreserved".
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Why a text is not the identifier that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} cannot be {shown}: expected {expected}")]
pub struct IdError {
    what: &'static str,
    shown: String,
    expected: &'static str,
}

impl IdError {
    fn new(what: &'static str, text: &str, expected: &'static str) -> Self {
        const SHOWN: usize = 60;
        let mut shown: String = text.chars().take(SHOWN).collect();
        if text.chars().nth(SHOWN).is_some() {
            shown.push('…');
        }
        Self { what, shown: format!("{shown:?}"), expected }
    }
}

macro_rules! guid {
    ($($(#[$doc:meta])* $name:ident = $what:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The identifier with this value.
            pub const fn new(value: Uuid) -> Self {
                Self(value)
            }

            /// The value.
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                match Uuid::try_parse(text) {
                    Ok(value) if text.len() == 36 => Ok(Self(value)),
                    _ => Err(IdError::new($what, text, "a GUID such as 323626f5-1bfe-48cd-8902-ddfdfd44e1ce")),
                }
            }
        }

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

guid! {
    /// A Microsoft Entra directory.
    TenantId = "a tenant id";
    /// An application (client) id. Of a blueprint and of an agent identity it equals the object id.
    AppId = "an application id";
    /// A directory object that is not a user: application, service principal, agent identity, grant target.
    ObjectId = "an object id";
    /// A user object: a sponsor or an agent user.
    UserId = "a user id";
    /// A licence that can be assigned (`skuId`).
    SkuId = "a licence's skuId";
}

/// A Teams chat: `19:…@thread.v2`, `19:…@unq.gbl.spaces`, or the self-chat `48:notes`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ChatId(String);

impl ChatId {
    /// The signed-in user's chat with themselves (Entra reference §13, "Self-chat").
    pub fn notes() -> Self {
        Self("48:notes".to_owned())
    }

    /// The text as the platform spells it; for display and comparison.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as one segment of a URL's path.
    pub fn segment(&self) -> String {
        utf8_percent_encode(&self.0, SEGMENT).to_string()
    }
}

impl FromStr for ChatId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        const EXPECTED: &str =
            "a chat id such as 19:…@thread.v2, 19:…@unq.gbl.spaces or 48:notes (list_chats shows them)";
        const LONGEST: usize = 300;
        let fits = text == "48:notes"
            || text.strip_prefix("19:").and_then(|rest| rest.split_once('@')).is_some_and(
                |(thread, host)| {
                    let thread_char = |c: char| c.is_ascii_alphanumeric() || "-_=+/".contains(c);
                    !thread.is_empty()
                        && thread.chars().all(thread_char)
                        && matches!(host, "thread.v2" | "unq.gbl.spaces" | "thread.tacv2" | "thread.skype")
                },
            );
        if fits && text.len() <= LONGEST {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new("a chat id", text, EXPECTED))
        }
    }
}

/// A message in a chat: milliseconds since 1970 as decimal digits.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MessageId(String);

impl MessageId {
    /// The text as the platform spells it; for display and comparison.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The identifier as one segment of a URL's path.
    pub fn segment(&self) -> String {
        utf8_percent_encode(&self.0, SEGMENT).to_string()
    }
}

impl FromStr for MessageId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        if !text.is_empty() && text.len() <= 20 && text.bytes().all(|b| b.is_ascii_digit()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError::new("a message id", text, "decimal digits such as 1795310835683"))
        }
    }
}

macro_rules! text_id {
    ($($name:ident),*) => {$(
        impl TryFrom<String> for $name {
            type Error = IdError;

            fn try_from(text: String) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
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

text_id!(ChatId, MessageId);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_platforms_own_shapes_are_accepted() {
        for text in [
            "48:notes",
            "19:2da4c29f6d7041eca70b638b43d45437@thread.v2",
            "19:82fe7758-5bb3-4f0d-a43f-e555fd399c6f_8c0a1a67-50ce-4114-bb6c-da9c5dbcf6ca@unq.gbl.spaces",
            "19:meeting_Nzk1MzA4MWItYzk3OC00ZTg2LWE0M2Ut@thread.v2",
        ] {
            assert_eq!(text.parse::<ChatId>().map(String::from), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_would_leave_the_path_is_refused() {
        let long = format!("19:{}@thread.v2", "a".repeat(10_000));
        for text in
            ["../me", "19:x@thread.v2?x=", "19:x@thread.v2\0", "", "19:@thread.v2", "19:x@evil", &long]
        {
            let error = text.parse::<ChatId>().expect_err(text).to_string();
            assert!(error.contains("list_chats"), "{error}");
            assert!(error.len() < 400, "the error does not repeat the input at length");
        }
    }

    #[test]
    fn a_guid_is_spelled_with_hyphens_and_nothing_else() {
        assert!("323626f5-1bfe-48cd-8902-ddfdfd44e1ce".parse::<TenantId>().is_ok());
        for text in ["323626f51bfe48cd8902ddfdfd44e1ce", "{323626f5-1bfe-48cd-8902-ddfdfd44e1ce}", "contoso"]
        {
            assert!(text.parse::<TenantId>().is_err(), "{text}");
        }
    }

    /// What is accepted is one segment of a path and comes back as it was.
    fn withstands(bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let is_segment = |segment: &str| {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte);
            !segment.is_empty() && segment != ".." && segment.bytes().all(is_plain)
        };
        if let Ok(id) = text.parse::<ChatId>() {
            assert!(is_segment(&id.segment()) && id.as_str() == text);
        }
        if let Ok(id) = text.parse::<MessageId>() {
            assert!(is_segment(&id.segment()) && id.as_str() == text);
        }
        if let Ok(id) = text.parse::<UserId>() {
            assert!(is_segment(&id.to_string()) && id.to_string().eq_ignore_ascii_case(&text));
        }
    }

    #[test]
    fn nothing_in_the_corpus_is_an_id() {
        crate::corpus::replay("ids", |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(text.parse::<ChatId>().is_err());
            assert!(text.parse::<MessageId>().is_err());
            assert!(text.parse::<UserId>().is_err());
        });
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_id_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            withstands(&bytes);
        }

        #[test]
        fn what_looks_like_an_id_is_one_or_refused(
            text in "(19:|48:notes|[0-9a-f]{8}|-|@thread.v2|[0-9]{1,22}|[./%?#@:]|\\PC){0,8}",
        ) {
            withstands(text.as_bytes());
        }

        #[test]
        fn a_chat_id_never_has_more_than_one_path_segment(text in "\\PC{0,80}") {
            if let Ok(id) = text.parse::<ChatId>() {
                prop_assert!(!id.segment().contains(['/', '?', '#', '%']) || id.segment().contains("%3A"));
                prop_assert!(!id.segment().contains('/'));
            }
        }
    }
}

//! How a person proves to be themselves beside the password (Microsoft: "authenticationMethod resource type").

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::User;

/// A method that a person has registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuthenticationMethod {
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) kind: MethodKind,
}

/// What somebody shows beside the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Factor {
    MicrosoftAuthenticator,
    Fido2,
    Phone,
}

impl Factor {
    /// Its name among `authenticationMethodModes`.
    pub(crate) fn mode(self) -> &'static str {
        match self {
            Self::MicrosoftAuthenticator => "microsoftAuthenticatorPush",
            Self::Fido2 => "fido2",
            Self::Phone => "sms",
        }
    }
}

/// What kind of method it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum MethodKind {
    /// The app on a phone, which asks for approval.
    MicrosoftAuthenticator,
    /// A passkey on a security key.
    Fido2,
    /// A phone that gets messages, its number as it was written, and its kind: `mobile`, `alternateMobile`,
    /// `office`.
    Phone { number: String, kind: String },
}

impl AuthenticationMethod {
    /// What it shows.
    pub(crate) fn factor(&self) -> Factor {
        match self.kind {
            MethodKind::MicrosoftAuthenticator => Factor::MicrosoftAuthenticator,
            MethodKind::Fido2 => Factor::Fido2,
            MethodKind::Phone { .. } => Factor::Phone,
        }
    }
}

impl User {
    /// The methods beside the password.
    pub(crate) fn methods(&self) -> Cow<'_, [AuthenticationMethod]> {
        match &self.registered {
            Some(methods) => Cow::Borrowed(methods),
            None => Cow::Owned(vec![usual(self)]),
        }
    }

    /// The same, to change them.
    pub(crate) fn methods_mut(&mut self) -> &mut Vec<AuthenticationMethod> {
        let usual = usual(self);
        self.registered.get_or_insert_with(|| vec![usual])
    }
}

/// The app on a phone that came with the account. Its id is the user's with another last bit, so that it needs no
/// place of its own.
fn usual(user: &User) -> AuthenticationMethod {
    let id = uuid::Uuid::parse_str(&user.id).unwrap_or_default();
    AuthenticationMethod {
        id: uuid::Uuid::from_u128(id.as_u128() ^ 1).to_string(),
        created: user.life.created,
        kind: MethodKind::MicrosoftAuthenticator,
    }
}

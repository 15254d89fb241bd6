//! Sessions of people who signed in: short, on the server, ended by signing out.

use attache_ledger::{By, ByKind};
use attache_store::{GatewayScope, Record, Versioned};
use attache_terms::{TenantId, UserId};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Digest;

/// A session as it is kept, under the hash of its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SessionRecord {
    /// The hash of what the browser holds.
    pub(crate) digest: Digest,
    /// Whose it is: their directory and object id, as Entra said.
    pub(crate) tenant: TenantId,
    /// The object id.
    pub(crate) user: UserId,
    /// The name that people see.
    pub(crate) name: String,
    /// The sign-in name, for people; nothing is decided by it.
    pub(crate) upn: String,
    /// Whether they run this gateway.
    pub(crate) operator: bool,
    /// When they last proved who they are, as far as Entra says it; that a browser was signed in is no proof.
    pub(crate) authenticated: Option<Timestamp>,
    /// When it ends at the latest.
    pub(crate) ends: Timestamp,
}

impl SessionRecord {
    /// What an audit entry says of whose it is.
    pub(crate) fn by(&self) -> By {
        let kind = if self.operator { ByKind::Operator } else { ByKind::Person };
        By::new(kind, self.user.to_string())
    }
}

impl Record for SessionRecord {
    const KIND: &'static str = "session";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.digest.as_str().to_owned()
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

/// The session of a request.
pub(crate) type Session = Versioned<SessionRecord>;

/// What a form must carry beside the cookie, so that no other site can send it: made from the session's secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Csrf(String);

impl Csrf {
    /// That of the session with this secret.
    pub(crate) fn of(secret: &str) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        Self(URL_SAFE_NO_PAD.encode(hmac::sign(&key, b"attache csrf")))
    }

    /// The text, for forms.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a form carries it.
    pub(crate) fn is(&self, text: &str) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), text.as_bytes()).is_ok()
    }
}

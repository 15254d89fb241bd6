//! API keys: how programs prove themselves. A key is shown once; kept are its hash, what it may, and since when.

mod authenticate;
mod http;
mod last_use;
mod page;
mod service;

use attache_store::{Lookup, OrgId, OrgScope, Record, id};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::{Digest, Prefix, Scopes};

pub(crate) use authenticate::authenticate;
pub(crate) use http::api;
pub(crate) use last_use::Noted;
pub(crate) use page::pages;

id! {
    /// An API key.
    KeyId = "an API key's id";
}

/// What every key begins with, so that scanners and people know one.
pub(crate) const PREFIX: &str = "atk_";

/// An API key as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    /// Its id.
    pub(crate) id: KeyId,
    /// Whose it is.
    pub(crate) org: OrgId,
    /// What people call it.
    pub(crate) name: String,
    /// The hash of the secret.
    pub(crate) digest: Digest,
    /// What it may do.
    pub(crate) scopes: Scopes,
    /// From where it may be used; from anywhere when empty.
    pub(crate) allowed_from: Vec<Prefix>,
    /// Since when.
    pub(crate) created: Timestamp,
    /// Until when; for ever when `None`.
    pub(crate) expires: Option<Timestamp>,
    /// When it was revoked.
    pub(crate) revoked: Option<Timestamp>,
    /// The key that replaces it; it works on until `expires`.
    pub(crate) successor: Option<KeyId>,
}

impl ApiKey {
    /// The lookup by the hash of the secret.
    pub(crate) const BY_DIGEST: &'static str = "digest";
}

impl Record for ApiKey {
    const KIND: &'static str = "api_key";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        vec![Lookup::unique_everywhere(Self::BY_DIGEST, self.digest.as_str())]
    }
}

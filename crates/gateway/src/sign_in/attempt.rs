//! A sign-in between its two halves: kept for ten minutes under the hash of its state, bound to one browser.

use attache_entra::WebAttempt;
use attache_store::{GatewayScope, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::Digest;

/// The cookie that binds a browser to its attempt.
pub(super) const BINDING: &str = "attache-sign-in";

/// How long a person may take, in seconds.
pub(super) const TIME: i64 = 600;

/// An attempt as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// The hash of the state that Entra sends back.
    pub(super) state: Digest,
    /// The hash of the browser's cookie.
    pub(super) browser: Digest,
    /// What the second half needs.
    pub(super) web: WebAttempt,
    /// Where to go on to.
    pub(super) next: String,
    /// When it is over.
    pub(super) ends: Timestamp,
}

impl Record for Attempt {
    const KIND: &'static str = "sign_in";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.state.as_str().to_owned()
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

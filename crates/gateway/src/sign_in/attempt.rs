//! A sign-in between its two halves: sealed in a cookie of the browser that began it, for ten minutes. Nothing is kept
//! of it here until it comes back, so that whoever only begins costs nothing; then, that it was used.

use attache_entra::WebAttempt;
use attache_store::{CommitError, GatewayScope, Record, Unit};
use attache_terms::SecretBytes;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Gateway;
use crate::access::Digest;
use crate::sealing::{Context, SealError};
use crate::server::Answer;

/// The cookie that has a browser's attempt.
pub(super) const BINDING: &str = "attache-sign-in";

/// How long a person may take, in seconds.
pub(super) const TIME: i64 = 600;

const CONTEXT: Context<'static> = Context { purpose: "sign_in", of: BINDING };

/// An attempt.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Attempt {
    /// What the second half needs.
    pub(super) web: WebAttempt,
    /// Where to go on to.
    pub(super) next: String,
    /// When it is over.
    pub(super) ends: Timestamp,
}

/// That an attempt was used, for as long as it would have been good.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Used {
    /// The hash of the state that Entra sent back.
    state: Digest,
    ends: Timestamp,
}

impl Record for Used {
    const KIND: &'static str = "sign_in_used";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.state.as_str().to_owned()
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

impl Attempt {
    /// The cookie's value.
    pub(super) async fn seal(&self, gateway: &Gateway) -> Answer<String> {
        let plain = SecretBytes::new(serde_json::to_vec(self).unwrap_or_default());
        let sealed = gateway.keyring.seal(CONTEXT, &plain).await?;
        Ok(URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).unwrap_or_default()))
    }

    /// What a cookie holds, if we made it.
    pub(super) async fn open(gateway: &Gateway, cookie: &str) -> Answer<Option<Self>> {
        let sealed = URL_SAFE_NO_PAD.decode(cookie).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let Some(sealed) = sealed else { return Ok(None) };
        match gateway.keyring.open(CONTEXT, &sealed).await {
            Ok(plain) => Ok(serde_json::from_slice(plain.expose()).ok()),
            Err(SealError::NoKey(_) | SealError::Altered) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Uses it up; false when it was already.
    pub(super) async fn is_first_use(&self, gateway: &Gateway) -> Answer<bool> {
        let mut unit = Unit::new();
        let used = Used { state: Digest::of(&self.web.state), ends: self.ends };
        unit.create(GatewayScope::granted(), &used);
        match gateway.store.commit(unit).await {
            Ok(_) => Ok(true),
            Err(CommitError::Taken { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

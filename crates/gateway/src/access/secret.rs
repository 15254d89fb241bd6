//! Secrets that we give out: 256 random bits, of which only the SHA-256 is kept. Nobody can guess one, so the
//! hash needs no salt and no slowness.

use attache_terms::{Rng, Secret};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A secret of ours on its way out: shown once.
pub(crate) struct Token {
    /// What its holder will show: a prefix that says what it is, and 43 characters.
    pub(crate) secret: Secret,
    /// What is kept.
    pub(crate) digest: Digest,
}

/// What is kept of a secret, in base64url.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Digest(String);

impl Token {
    /// A new one, with this prefix.
    pub(crate) fn new(prefix: &str, rng: &dyn Rng) -> Self {
        let mut bytes = [0; 32];
        rng.fill(&mut bytes);
        let text = format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes));
        let digest = Digest::of(&text);
        Self { secret: Secret::new(text), digest }
    }
}

impl Digest {
    /// Of what somebody shows.
    pub(crate) fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// Of bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self(URL_SAFE_NO_PAD.encode(digest(&SHA256, bytes)))
    }

    /// The text, to be looked up.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

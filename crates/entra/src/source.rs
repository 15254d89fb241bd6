//! Where a room that calls an API gets its token from.

use std::sync::Arc;

use async_trait::async_trait;
use attache_terms::{Explain, Secret};

/// A token and what finds its issue again in Entra's sign-in log.
#[derive(Clone)]
pub struct AccessToken {
    /// The bearer token.
    pub secret: Arc<Secret>,
    /// `x-ms-request-id` of the token response that it came in.
    pub request_id: Arc<str>,
}

/// A claims challenge of an API (Entra reference §1.12), to be passed on as it is: a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claims(pub Arc<str>);

/// Why there is no token: an error with a code and a remedy.
pub type TokenFault = Arc<dyn Explain + Send + Sync>;

/// Gives tokens for one resource and one identity.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that is valid now, from the cache where it can be. With `challenge`, one that satisfies it.
    async fn token(&self, challenge: Option<&Claims>) -> Result<AccessToken, TokenFault>;

    /// Says that the API refused this token as invalid or expired (401): it must not be given again.
    fn refused(&self, token: &AccessToken);
}

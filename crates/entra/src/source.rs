//! Where a room that calls an API gets its token from.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use attache_terms::{Explain, Secret};
use uuid::Uuid;

/// A token and what finds its issue again in Entra's sign-in log.
#[derive(Clone)]
pub struct AccessToken {
    /// The bearer token.
    pub secret: Arc<Secret>,
    /// `x-ms-request-id` of the token response that it came in; empty when there was none.
    pub request_id: Arc<str>,
    /// The `client-request-id` that we sent for it.
    pub client_request_id: Uuid,
}

impl AccessToken {
    /// The token of one answer.
    pub fn new(secret: Secret, request_id: &str, client_request_id: Uuid) -> Self {
        Self { secret: Arc::new(secret), request_id: request_id.into(), client_request_id }
    }

    /// Whether both are the same token of the same answer.
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.secret, &other.secret)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken(request {}, client request {})", self.request_id, self.client_request_id)
    }
}

/// A claims challenge of an API (Entra reference §1.12), to be passed on as it is: a JSON text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Claims(pub Arc<str>);

/// Why there is no token: an error with a code and a remedy. Those of this crate are
/// [`TokenError`](crate::TokenError)s.
pub type TokenFault = Arc<dyn Explain + Send + Sync>;

/// Gives tokens for one resource and one identity.
#[async_trait]
pub trait TokenSource: Send + Sync {
    /// A token that is valid now, from the cache where it can be. With `challenge`, one that satisfies it.
    async fn token(&self, challenge: Option<&Claims>) -> Result<AccessToken, TokenFault>;

    /// Says that the API refused this token as invalid or expired (401), or that it was issued before a
    /// permission that the caller needs: it must not be given again.
    fn refused(&self, token: &AccessToken);
}

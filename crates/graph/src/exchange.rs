//! One HTTP request and its answer. The trait is the seam between what Graph means and how bytes travel; a
//! test can put a tenant in memory behind it.

use async_trait::async_trait;
use attache_entra::Transport;
use bytes::{Bytes, BytesMut};

/// The largest body that is read. A page of 50 chat messages is below 2 MiB, the appRoles of Microsoft
/// Graph's own service principal below 1 MiB.
pub(crate) const LARGEST_BODY: usize = 8 * 1024 * 1024;

/// Sends a request and reads the whole answer.
#[async_trait]
pub trait Exchange: Send + Sync {
    /// The answer, whatever its status. Redirects are answers too.
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ExchangeError>;
}

/// Why there is no whole answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ExchangeError {
    /// The request never left: no name, no connection, no TLS.
    #[error("{0}")]
    NotSent(String),
    /// The request left, or may have, and its answer is lost.
    #[error("{0}")]
    Lost(String),
    /// The answer is larger than what is read.
    #[error("the answer is larger than {limit} bytes")]
    TooLarge {
        /// The largest that is read.
        limit: usize,
    },
}

#[async_trait]
impl Exchange for Transport {
    async fn exchange(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, ExchangeError> {
        let client = self.client().map_err(|error| ExchangeError::NotSent(error.to_string()))?;
        let request = reqwest::Request::try_from(request)
            .map_err(|error| ExchangeError::NotSent(reasons(error.without_url())))?;
        let mut response = client.execute(request).await.map_err(|error| {
            let unsent = error.is_connect() || error.is_builder();
            let why = reasons(error.without_url());
            if unsent { ExchangeError::NotSent(why) } else { ExchangeError::Lost(why) }
        })?;
        let mut answer = http::Response::builder().status(response.status());
        if let Some(headers) = answer.headers_mut() {
            headers.clone_from(response.headers());
        }
        let mut body = BytesMut::new();
        while let Some(chunk) =
            response.chunk().await.map_err(|error| ExchangeError::Lost(reasons(error.without_url())))?
        {
            if body.len() + chunk.len() > LARGEST_BODY {
                return Err(ExchangeError::TooLarge { limit: LARGEST_BODY });
            }
            body.extend_from_slice(&chunk);
        }
        answer.body(body.freeze()).map_err(|error| ExchangeError::Lost(error.to_string()))
    }
}

/// An error and what caused it, in one line.
fn reasons(error: reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

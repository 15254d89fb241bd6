//! Show the agent to an MCP host, over standard input and output. The only room that knows the MCP SDK.
//!
//! `initialize` is answered before any file or network is used; the agent starts when the host has said that
//! it is initialised (or calls a tool). Messages that come in are pushed as `notifications/claude/channel`
//! and can be pulled by every other host. At the end of the input, calls in flight are finished, what was
//! not handed over is given back, and the ledger is made durable.

mod answer;
mod channel;
mod error;
mod front;
mod listing;

use std::sync::Arc;

use attache_agent::Agent;
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::stdio_pipes;
use tokio::io::{AsyncRead, AsyncWrite};

pub use error::ServeError;
use front::Front;

/// Serves one host on standard input and output until it closes them.
///
/// # Errors
/// When what comes in is not the Model Context Protocol.
pub async fn serve_stdio(agent: Arc<Agent>) -> Result<(), ServeError> {
    let (input, output) = stdio_pipes();
    serve(agent, input, output).await
}

/// Serves one host on a pair of pipes until it closes them.
///
/// # Errors
/// When what comes in is not the Model Context Protocol.
pub async fn serve<R, W>(agent: Arc<Agent>, input: R, output: W) -> Result<(), ServeError>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let front = Front::new(agent.clone());
    let ending = front.ending();
    let served = match front.serve(AsyncRwTransport::new_server(input, output)).await {
        Ok(service) => service.waiting().await.map(drop).map_err(ServeError::Panicked),
        // A host that goes before it has said anything has done no harm.
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
        Err(error) => Err(ServeError::NotMcp(error.to_string())),
    };
    ending.end(&agent).await;
    served
}

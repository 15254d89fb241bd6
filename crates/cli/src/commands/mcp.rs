//! `attache mcp`: the agent as an MCP server on standard input and output.

use std::sync::Arc;

use attache_agent::Agent;

use crate::output::Failure;

/// Serves until the host closes the pipe.
pub(super) async fn run(agent: Arc<Agent>) -> Result<(), Failure> {
    Ok(attache_mcp::serve_stdio(agent).await?)
}

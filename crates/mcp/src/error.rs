//! Why a host could not be served.

use attache_terms::{Explain, Remedy};

/// Why a host could not be served.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The host spoke something else.
    #[error("what came in is not the Model Context Protocol: {0}")]
    NotMcp(String),
    /// The server broke.
    #[error("the server ended by itself: {0}")]
    Panicked(tokio::task::JoinError),
}

impl Explain for ServeError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotMcp(_) => "not_mcp",
            Self::Panicked(_) => "server_ended",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::NotMcp(_) => Remedy::operator(
                "`attache mcp` is started by an MCP host; `attache whoami` and the other commands are for people",
            ),
            Self::Panicked(_) => Remedy::us("report it with the log file"),
        }
    }
}

//! The requests that may fail on the way to a token, by the names that people use for them.

use std::fmt;

/// Which request to Entra it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hop {
    /// An application's own token, by its secret or certificate.
    Application,
    /// Hop 1: the blueprint asks for T1, the exchange token for one agent identity.
    T1,
    /// Hop 2: the agent identity asks for T2, its own exchange token.
    T2,
    /// Hop 2 for an API: the agent identity asks for its app-only token.
    AgentIdentity,
    /// Hop 3: the agent identity asks for the agent user's token.
    AgentUser,
    /// A person's refresh token is exchanged for an access token.
    Refresh,
    /// The code from the browser is redeemed.
    AuthorizationCode,
    /// A device code is asked for, or polled.
    DeviceCode,
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Application => "the application's token",
            Self::T1 => "hop 1 (blueprint to T1)",
            Self::T2 => "hop 2 (agent identity to T2)",
            Self::AgentIdentity => "hop 2 (agent identity's own token)",
            Self::AgentUser => "hop 3 (agent user's token)",
            Self::Refresh => "the refresh of the sign-in",
            Self::AuthorizationCode => "the redemption of the sign-in code",
            Self::DeviceCode => "the sign-in by device code",
        })
    }
}

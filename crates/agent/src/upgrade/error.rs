//! Why the agent has not gone over to its own name.

use attache_graph::GraphError;
use attache_ledger::LedgerError;
use attache_terms::{Explain, Remedy};

use crate::audit::ActError;
use crate::identity::IdentityError;
use crate::profile::FileError;
use crate::provisioning::ProvisioningError;

/// Why the agent has not gone over to its own name. It goes on under the sponsor's token.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// Its own identity is not complete.
    #[error("the agent's own identity is not complete yet")]
    NotProvisioned,
    /// Something is wrong with the identity.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// Its own identity cannot be read.
    #[error(transparent)]
    Provisioning(#[from] ProvisioningError),
    /// Graph.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// An act was not done.
    #[error(transparent)]
    Act(#[from] ActError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The profile's files.
    #[error(transparent)]
    File(#[from] FileError),
}

impl UpgradeError {
    fn cause(&self) -> Option<&dyn Explain> {
        match self {
            Self::NotProvisioned => None,
            Self::Identity(error) => Some(error),
            Self::Provisioning(error) => Some(error),
            Self::Graph(error) => Some(error),
            Self::Act(error) => Some(error),
            Self::Ledger(error) => Some(error),
            Self::File(error) => Some(error),
        }
    }
}

impl Explain for UpgradeError {
    fn code(&self) -> &'static str {
        self.cause().map_or("not_provisioned", Explain::code)
    }

    fn remedy(&self) -> Remedy {
        self.cause().map_or_else(
            || Remedy::operator("run `attache provision`, or let `attache mcp` finish it in the background"),
            Explain::remedy,
        )
    }
}

//! Why the agent's own identity is not complete.

use attache_entra::TransportError;
use attache_graph::GraphError;
use attache_ledger::LedgerError;
use attache_provision::Failure;
use attache_terms::{Explain, Remedy};

use crate::identity::IdentityError;
use crate::profile::FileError;

/// Why the agent's own identity is not complete.
#[derive(Debug, thiserror::Error)]
pub enum ProvisioningError {
    /// No application is configured that may create the directory objects.
    #[error("no provisioner is configured, so nothing can be created in the tenant from here")]
    NoProvisioner,
    /// The nickname cannot be part of a name in the directory.
    #[error("{0:?} cannot be the agent's nickname")]
    BadNickname(String),
    /// A removal has begun and is not finished.
    #[error("its own identity is being removed")]
    BeingRemoved,
    /// The tenant could not be asked.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// There is nothing to remove.
    #[error("nothing was provisioned from this profile")]
    Nothing,
    /// The record is complete, and yet something is missing from it.
    #[error("the record of the provisioning lacks {0}")]
    Incomplete(&'static str),
    /// A step failed for good.
    #[error(transparent)]
    Failed(Box<Failure>),
    /// The identity of the sponsor, or the key.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The profile's files.
    #[error(transparent)]
    File(#[from] FileError),
    /// The ledger did not take an intent.
    #[error(transparent)]
    Unrecorded(#[from] LedgerError),
    /// The way out.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl From<Failure> for ProvisioningError {
    fn from(failure: Failure) -> Self {
        Self::Failed(Box::new(failure))
    }
}

impl ProvisioningError {
    fn cause(&self) -> Option<&dyn Explain> {
        match self {
            Self::NoProvisioner
            | Self::BadNickname(_)
            | Self::BeingRemoved
            | Self::Nothing
            | Self::Incomplete(_) => None,
            Self::Graph(error) => Some(error),
            Self::Failed(error) => Some(&**error),
            Self::Identity(error) => Some(error),
            Self::File(error) => Some(error),
            Self::Unrecorded(error) => Some(error),
            Self::Transport(error) => Some(error),
        }
    }
}

impl Explain for ProvisioningError {
    fn code(&self) -> &'static str {
        match self {
            Self::NoProvisioner => "provisioner_missing",
            Self::BadNickname(_) => "bad_nickname",
            Self::BeingRemoved => "being_removed",
            Self::Nothing => "nothing_provisioned",
            Self::Incomplete(_) => "provisioning_incomplete",
            other => other.cause().map_or("provisioning", Explain::code),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::NoProvisioner => Remedy::operator(
                "set provisioner_client_id and its secret (ATTACHE_PROVISIONER_CLIENT_SECRET), or run `attache provision` where they are",
            ),
            Self::BadNickname(_) => {
                Remedy::caller("use letters, digits, dots, hyphens and underscores, at most 64")
            }
            Self::BeingRemoved => {
                Remedy::operator("finish it with `attache deprovision`, then provision again")
            }
            Self::Nothing => Remedy::caller("name the profile that was provisioned (--profile)"),
            other => other.cause().map_or_else(
                || Remedy::us("report it with the profile's provisioning.json"),
                Explain::remedy,
            ),
        }
    }
}

//! Which of Graph's versions know agents: both, or beta alone, as it was before agents were generally available
//! (Entra reference §2.5, §2.9; Microsoft: agent identity platform error codes).

use http::StatusCode;

use super::call::Call;
use super::error::GraphError;
use super::path::Version;
use crate::directory::ServicePrincipalKind;

/// What a request concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AgentObject {
    Blueprint,
    Principal,
    Identity,
}

impl AgentObject {
    /// That of an agent's family which a service principal is; an application's own is none.
    pub(crate) fn of(kind: &ServicePrincipalKind) -> Option<Self> {
        match kind {
            ServicePrincipalKind::Application => None,
            ServicePrincipalKind::BlueprintPrincipal => Some(Self::Principal),
            ServicePrincipalKind::AgentIdentity { .. } => Some(Self::Identity),
        }
    }
}

impl Call<'_> {
    /// Whether the tenant has such objects in the version of Graph that was called.
    pub(crate) fn check_version(&self, object: AgentObject) -> Result<(), GraphError> {
        if self.path.version == Version::Beta || !self.tenant.workloads.has_agents_in_beta_only {
            return Ok(());
        }
        let (code, what) = match object {
            AgentObject::Blueprint => ("AgentBlueprint_NotSupportedOnApiVersion", "Agent Blueprints"),
            AgentObject::Principal => {
                ("AgentBlueprintPrincipal_NotSupportedOnApiVersion", "Agent Blueprint Principals")
            }
            AgentObject::Identity => ("AgentIdentity_NotSupportedOnApiVersion", "Agent Identities"),
        };
        Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            code,
            format!("{what} are not supported on the API version used in this request."),
        ))
    }
}

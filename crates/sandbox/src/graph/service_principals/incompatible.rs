//! Properties that agent identities and blueprint principals cannot have, and the codes that say so (Entra reference
//! §2.3, §2.9; Microsoft: agent identity platform error codes).

use http::StatusCode;

use crate::directory::ServicePrincipalKind;
use crate::graph::error::GraphError;
use crate::graph::payload::Payload;

/// What signs in by them is the blueprint.
const CREDENTIALS: [&str; 2] = ["keyCredentials", "passwordCredentials"];

/// What only somebody who signs in by a browser, or by SAML, has a use for.
const SIGN_IN: [&str; 3] = ["replyUrls", "samlSingleSignOnSettings", "signInAudience"];

/// Refuses a payload that sets one of them.
pub(super) fn refuse(kind: &ServicePrincipalKind, payload: &mut Payload) -> Result<(), GraphError> {
    let is_identity = match kind {
        ServicePrincipalKind::Application => return Ok(()),
        ServicePrincipalKind::BlueprintPrincipal => false,
        ServicePrincipalKind::AgentIdentity { .. } => true,
    };
    for name in CREDENTIALS.into_iter().chain(SIGN_IN) {
        let says_something = |value: serde_json::Value| match value.as_array() {
            Some(list) => !list.is_empty(),
            None => !value.is_null(),
        };
        if payload.take(name).is_some_and(says_something) {
            return Err(if is_identity { of_an_identity(name) } else { of_a_principal(name) });
        }
    }
    Ok(())
}

fn of_an_identity(name: &str) -> GraphError {
    let code = match name {
        "keyCredentials" => return no_credentials(),
        // So Microsoft's troubleshooting of agents has it for a secret.
        "passwordCredentials" => "PropertyNotCompatibleWithAgentIdentity",
        _ => "AgentBlueprintPrincipal_AgentIdentity_IncompatibleProperty",
    };
    let message = format!("The property '{name}' is not compatible with agent identities.");
    GraphError::new(StatusCode::BAD_REQUEST, code, message)
}

fn of_a_principal(name: &str) -> GraphError {
    GraphError::new(
        StatusCode::BAD_REQUEST,
        "AgentBlueprintPrincipal_IncompatibleProperty",
        format!("The property '{name}' is not compatible with agent identity blueprint principals."),
    )
}

/// 400: an agent signs in by its blueprint's credentials.
pub(super) fn no_credentials() -> GraphError {
    GraphError::new(
        StatusCode::BAD_REQUEST,
        "AgentIdentity_CredentialsNotSupported",
        "Credentials are not supported for agent identities. All credentials must be added to the agent identity blueprint.",
    )
}

//! `policies/identitySecurityDefaultsEnforcementPolicy`: on, it blocks legacy sign-in (AADSTS530035); policies of
//! conditional access and it exclude each other.

use http::Method;
use serde_json::{Value, json};

use crate::entra::PolicyState;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};

const READ: Needs = Needs::either(&["Policy.Read.All", "Policy.ReadWrite.SecurityDefaults"]);
const WRITE: Needs =
    Needs::either(&["Policy.ReadWrite.SecurityDefaults", "Policy.ReadWrite.ConditionalAccess"]);

const PATH: &str = "/policies/identitySecurityDefaultsEnforcementPolicy";
const CONTEXT: &str = "policies/identitySecurityDefaultsEnforcementPolicy";
const PROPERTIES: &[&str] = &["id", "displayName", "description", "isEnabled", "deletedDateTime"];

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::GET, PATH, READ, get), Route::new(Method::PATCH, PATH, WRITE, update)]
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface::object(
        Service::Directory,
        "identitySecurityDefaultsEnforcementPolicy",
        PROPERTIES,
    ))?;
    let policy: Value = json!({
        "id": "00000000-0000-0000-0000-000000000005",
        "displayName": "Security Defaults",
        "description": "Security defaults is a set of basic identity security mechanisms recommended by Microsoft. When enabled, these recommendations will be automatically enforced in your organization. Administrators and users will be better protected from common identity related attacks.",
        "isEnabled": call.tenant.entra.has_security_defaults,
    });
    Ok(call.entity(&query, CONTEXT, policy, None))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "IdentitySecurityDefaultsEnforcementPolicy")?;
    payload.take_type();
    let is_enabled = payload.boolean("isEnabled")?;
    payload.rest(&["displayName", "description"])?;
    if let Some(is_enabled) = is_enabled {
        let others = call.tenant.entra.policies.iter().any(|policy| policy.state == PolicyState::Enabled);
        if is_enabled && others {
            return Err(GraphError::bad_request(
                "Security Defaults cannot be enabled while Conditional Access policies are enabled.",
            ));
        }
        call.tenant.entra.has_security_defaults = is_enabled;
    }
    Ok(call.no_content())
}

//! `identity/conditionalAccess/policies` (Entra reference §13). What sign-in does not evaluate cannot be set.

use http::{Method, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::directory::new_id;
use crate::entra::{Conditions, DeviceRule, Externals, GrantControls, Policy, PolicyState, SessionControls};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Surface;
use crate::graph::path::Version;
use crate::graph::route::{Needs, Route};

use super::authentication_strengths;

const READ: Needs = Needs::either(&["Policy.Read.All"]);
const WRITE: Needs = Needs::either(&["Policy.ReadWrite.ConditionalAccess"]).and(&["Policy.Read.All"]);
const DELETE: Needs = Needs::either(&["Policy.ReadWrite.ConditionalAccess"]).and(&["Policy.Read.All"]);

const CONTEXT: &str = "identity/conditionalAccess/policies";
const COLLECTION: Surface = Surface::directory(
    "conditionalAccessPolicy",
    &[
        "id",
        "templateId",
        "displayName",
        "createdDateTime",
        "modifiedDateTime",
        "deletedDateTime",
        "state",
        "sessionControls",
        "conditions",
        "grantControls",
        "description",
    ],
);

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/identity/conditionalAccess/policies";
    const ONE: &str = "/identity/conditionalAccess/policies/{id}";
    vec![
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, DELETE, delete),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = call.tenant.entra.policies.iter().map(|policy| shown_policy(call, policy)).collect();
    Ok(call.list(&query, CONTEXT, items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..COLLECTION })?;
    let item = shown_policy(call, &call.tenant.entra.policies[position(call)?]);
    Ok(call.entity(&query, CONTEXT, item, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let body = plain(Value::Object(call.body()?));
    let policy = Policy {
        id: new_id(),
        created_date_time: call.now,
        modified_date_time: None,
        template_id: part(&body, "templateId")?,
        display_name: part(&body, "displayName")?.ok_or_else(schema)?,
        state: part(&body, "state")?.ok_or_else(schema)?,
        conditions: part(&body, "conditions")?.ok_or_else(schema)?,
        grant_controls: part(&body, "grantControls")?,
        session_controls: part(&body, "sessionControls")?,
    };
    let policy = checked(call, &body, policy)?;
    let body = call.with_context(CONTEXT, shown_policy(call, &policy));
    let location = format!("/identity/conditionalAccess/policies/{}", policy.id);
    call.tenant.entra.policies.push(policy);
    Ok(call.created(&location, &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = position(call)?;
    let body = call.body()?;
    let old = &call.tenant.entra.policies[at];
    let mut whole = serde_json::to_value(old).unwrap_or_default();
    merge(&mut whole, Value::Object(body));
    let whole = plain(whole);
    let policy = Policy {
        id: old.id.clone(),
        created_date_time: old.created_date_time,
        modified_date_time: Some(call.now),
        template_id: old.template_id.clone(),
        display_name: part(&whole, "displayName")?.ok_or_else(schema)?,
        state: part(&whole, "state")?.ok_or_else(schema)?,
        conditions: part(&whole, "conditions")?.ok_or_else(schema)?,
        grant_controls: part(&whole, "grantControls")?,
        session_controls: part(&whole, "sessionControls")?,
    };
    let policy = checked(call, &whole, policy)?;
    call.tenant.entra.policies[at] = policy;
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = position(call)?;
    call.tenant.entra.policies.remove(at);
    Ok(call.no_content())
}

fn position(call: &Call<'_>) -> Result<usize, GraphError> {
    let id = call.params.get("id");
    let at = call.tenant.entra.policies.iter().position(|policy| policy.id.eq_ignore_ascii_case(id));
    at.ok_or_else(|| GraphError::not_found(format!("1018: Policy with id {id} was not found.")))
}

/// As Graph shows it, with the whole strength that it asks for.
pub(super) fn shown_policy(call: &Call<'_>, policy: &Policy) -> Value {
    let mut item = serde_json::to_value(policy).unwrap_or_default();
    if let Some(asked) = item.pointer_mut("/grantControls/authenticationStrength")
        && let Some(strength) = asked["id"].as_str().and_then(|id| call.tenant.strength(id))
    {
        *asked = authentication_strengths::shown(&strength);
    }
    if call.path.version == Version::V1
        && let Some(clients) =
            item.pointer_mut("/conditions/clientApplications").and_then(Value::as_object_mut)
    {
        clients.retain(|name, _| !name.contains("AgentId"));
    }
    item
}

/// The body without annotations and nulls, which say nothing.
fn plain(value: Value) -> Value {
    match value {
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .filter(|(name, value)| !name.contains("@odata.") && !value.is_null())
                .map(|(name, value)| (name, plain(value)))
                .collect::<Map<_, _>>(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect()),
        other => other,
    }
}

/// What a change says replaces what was there, object by object.
fn merge(whole: &mut Value, change: Value) {
    match (whole, change) {
        (Value::Object(whole), Value::Object(change)) => {
            for (name, value) in change {
                merge(whole.entry(name).or_insert(Value::Null), value);
            }
        }
        (whole, change) => *whole = change,
    }
}

fn schema() -> GraphError {
    refused(
        "1007: Incoming ConditionalAccessPolicy object is null or does not match the schema of ConditionalAccessPolicy type. For examples, please see API documentation at https://learn.microsoft.com/graph/api/conditionalaccessroot-post-policies.",
    )
}

fn refused(message: impl Into<String>) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

fn part<T: DeserializeOwned>(body: &Value, name: &str) -> Result<Option<T>, GraphError> {
    body.get(name).map(|value| serde_json::from_value(value.clone()).map_err(|_| schema())).transpose()
}

/// The policy, if it is whole and the sandbox can evaluate it.
fn checked(call: &Call<'_>, body: &Value, policy: Policy) -> Result<Policy, GraphError> {
    let known = COLLECTION.properties;
    let unknown = |name: &&String| !known.contains(&name.as_str());
    if body.as_object().into_iter().flat_map(Map::keys).find(unknown).is_some() {
        return Err(schema());
    }
    if policy.display_name.trim().is_empty() || policy.display_name.chars().count() > 256 {
        return Err(schema());
    }
    if policy.grant_controls.is_none() && policy.session_controls.is_none() {
        return Err(refused("1032: A policy must have grant controls or session controls."));
    }
    if policy.conditions.users.is_none() && policy.conditions.client_applications.is_none() {
        return Err(refused("1011: Either users or clientApplications must be given."));
    }
    if policy.conditions.applications.include_applications.is_empty() {
        return Err(refused("1011: includeApplications must not be empty."));
    }
    if policy.state == PolicyState::Enabled && call.tenant.entra.has_security_defaults {
        return Err(refused(
            "1037: Security Defaults is enabled in the tenant. You must disable Security defaults before enabling a Conditional Access policy.",
        ));
    }
    check_conditions(call, &policy.conditions)?;
    policy.grant_controls.as_ref().map_or(Ok(()), |grant| check_grant(call, &policy, grant))?;
    policy.session_controls.as_ref().map_or(Ok(()), check_session)?;
    Ok(policy)
}

fn check_conditions(call: &Call<'_>, conditions: &Conditions) -> Result<(), GraphError> {
    let clients = conditions.client_applications.as_ref();
    let names_agents = clients.is_some_and(|clients| {
        !clients.include_agent_id_service_principals.is_empty()
            || !clients.exclude_agent_id_service_principals.is_empty()
    });
    if names_agents && call.path.version == Version::V1 {
        return Err(schema());
    }
    check_locations(call, conditions)?;
    check_platforms(conditions)?;
    check_devices(conditions)?;
    check_externals(conditions)?;
    for (name, is_set) in [
        ("insiderRiskLevels", conditions.insider_risk_levels.is_some()),
        ("applicationFilter", conditions.applications.application_filter.is_some()),
        ("includeUserActions", !conditions.applications.include_user_actions.is_empty()),
        (
            "includeAuthenticationContextClassReferences",
            !conditions.applications.include_authentication_context_class_references.is_empty(),
        ),
        ("servicePrincipalFilter", clients.is_some_and(|one| one.service_principal_filter.is_some())),
    ] {
        if is_set {
            return Err(not_emulated(name));
        }
    }
    Ok(())
}

/// Locations that are named exist; somewhere is always included.
fn check_locations(call: &Call<'_>, conditions: &Conditions) -> Result<(), GraphError> {
    let Some(locations) = &conditions.locations else { return Ok(()) };
    if locations.include_locations.is_empty() {
        return Err(refused("1011: includeLocations must not be empty."));
    }
    let named = locations.include_locations.iter().chain(&locations.exclude_locations);
    for id in named.filter(|one| !matches!(one.as_str(), "All" | "AllTrusted")) {
        if !call.tenant.entra.named_locations.iter().any(|known| known.id.eq_ignore_ascii_case(id)) {
            return Err(refused(format!(
                "1040: NamedLocation with id {id} does not exist in the directory."
            )));
        }
    }
    Ok(())
}

/// A filter's rule can be read.
fn check_devices(conditions: &Conditions) -> Result<(), GraphError> {
    let filter = conditions.devices.as_ref().and_then(|devices| devices.device_filter.as_ref());
    match filter {
        Some(filter) if DeviceRule::parse(&filter.rule).is_none() => {
            Err(refused("1083: Invalid device filter rule: the rule is not valid."))
        }
        _ => Ok(()),
    }
}

/// Kinds of guests are those that Graph knows, and at least one.
fn check_externals(conditions: &Conditions) -> Result<(), GraphError> {
    const KINDS: [&str; 6] = [
        "internalGuest",
        "b2bCollaborationGuest",
        "b2bCollaborationMember",
        "b2bDirectConnectUser",
        "otherExternalUser",
        "serviceProvider",
    ];
    let Some(users) = &conditions.users else { return Ok(()) };
    let is_sound = |externals: &Externals| {
        externals.guest_or_external_user_types.split(',').all(|one| KINDS.contains(&one.trim()))
    };
    let externals = [&users.include_guests_or_external_users, &users.exclude_guests_or_external_users];
    if externals.into_iter().flatten().all(is_sound) { Ok(()) } else { Err(schema()) }
}

fn check_platforms(conditions: &Conditions) -> Result<(), GraphError> {
    const PLATFORMS: [&str; 7] = ["all", "android", "iOS", "windows", "windowsPhone", "macOS", "linux"];
    let Some(platforms) = &conditions.platforms else { return Ok(()) };
    let named = platforms.include_platforms.iter().chain(&platforms.exclude_platforms);
    let is_known = |one: &String| PLATFORMS.contains(&one.as_str());
    if platforms.include_platforms.is_empty() || !named.clone().all(is_known) {
        return Err(schema());
    }
    Ok(())
}

fn check_grant(call: &Call<'_>, policy: &Policy, grant: &GrantControls) -> Result<(), GraphError> {
    const CONTROLS: [&str; 4] = ["block", "mfa", "compliantDevice", "domainJoinedDevice"];
    if !matches!(grant.operator.as_deref(), None | Some("OR" | "AND")) {
        return Err(schema());
    }
    if let Some(control) = grant.built_in_controls.iter().find(|one| !CONTROLS.contains(&one.as_str())) {
        return Err(not_emulated(control));
    }
    for (name, is_set) in [("customAuthenticationFactors", !grant.custom_authentication_factors.is_empty())] {
        if is_set {
            return Err(not_emulated(name));
        }
    }
    if let Some(unknown) = grant.terms_of_use.iter().find(|id| call.tenant.agreement(id).is_none()) {
        return Err(refused(format!("1123: Terms of use with id {unknown} was not found in the directory.")));
    }
    if let Some(strength) = &grant.authentication_strength {
        if call.tenant.strength(&strength.id).is_none() {
            return Err(refused(format!(
                "1150: AuthenticationStrength with id {} was not found in the directory.",
                strength.id
            )));
        }
        if grant.built_in_controls.iter().any(|one| one == "mfa") {
            return Err(refused("1151: 'mfa' and an authentication strength cannot be required together."));
        }
    }
    let blocks = grant.built_in_controls == ["block"]
        && grant.authentication_strength.is_none()
        && grant.terms_of_use.is_empty();
    let is_agents = policy.conditions.users.as_ref().is_some_and(|users| {
        users.include_users.iter().any(|one| one.eq_ignore_ascii_case("AllAgentIdUsers"))
    });
    let is_workloads = policy.conditions.client_applications.is_some();
    if (is_agents || is_workloads) && !blocks {
        return Err(refused("1077: Policies for workload identities and agents can only block access."));
    }
    Ok(())
}

fn check_session(session: &SessionControls) -> Result<(), GraphError> {
    for (name, is_set) in [
        ("applicationEnforcedRestrictions", session.application_enforced_restrictions.is_some()),
        ("cloudAppSecurity", session.cloud_app_security.is_some()),
        ("persistentBrowser", session.persistent_browser.is_some()),
        ("secureSignInSession", session.secure_sign_in_session.is_some()),
    ] {
        if is_set {
            return Err(not_emulated(name));
        }
    }
    Ok(())
}

fn not_emulated(what: &str) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "sandboxNotEmulated",
        format!("The sandbox does not evaluate '{what}' of conditional access."),
    )
}

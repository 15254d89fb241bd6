//! `policies/authenticationStrengthPolicies`: which combinations of methods policies of conditional access may ask
//! for (Microsoft: "authenticationStrengthPolicy resource type").

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::directory::new_id;
use crate::entra::{Strength, built_in_strengths, combinations};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::Surface;
use crate::graph::payload::Payload;
use crate::graph::route::{Needs, Route};

use super::conditional_access::shown_policy;

const READ: Needs = Needs::either(&[
    "Policy.Read.All",
    "Policy.Read.AuthenticationMethod",
    "Policy.ReadWrite.AuthenticationMethod",
    "Policy.ReadWrite.ConditionalAccess",
]);
const WRITE: Needs =
    Needs::either(&["Policy.ReadWrite.AuthenticationMethod", "Policy.ReadWrite.ConditionalAccess"]);

/// Custom ones at most.
const MOST: usize = 15;

const CONTEXT: &str = "policies/authenticationStrengthPolicies";
const COLLECTION: Surface = Surface::directory(
    "authenticationStrengthPolicy",
    &[
        "id",
        "createdDateTime",
        "modifiedDateTime",
        "displayName",
        "description",
        "policyType",
        "requirementsSatisfied",
        "allowedCombinations",
    ],
);

pub(super) fn routes() -> Vec<Route> {
    const ALL: &str = "/policies/authenticationStrengthPolicies";
    const ONE: &str = "/policies/authenticationStrengthPolicies/{id}";
    vec![
        Route::new(Method::GET, ALL, READ, list),
        Route::new(Method::POST, ALL, WRITE, create),
        Route::new(Method::GET, ONE, READ, get),
        Route::new(Method::PATCH, ONE, WRITE, update),
        Route::new(Method::DELETE, ONE, WRITE, delete),
        Route::new(
            Method::POST,
            "/policies/authenticationStrengthPolicies/{id}/updateAllowedCombinations",
            WRITE,
            update_combinations,
        ),
        Route::new(Method::GET, "/policies/authenticationStrengthPolicies/{id}/usage", READ, usage),
        Route::new(
            Method::GET,
            "/identity/conditionalAccess/authenticationStrength/combinations",
            READ,
            all_combinations,
        ),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let all = built_in_strengths().into_iter().chain(call.tenant.entra.strengths.iter().cloned());
    let items = all.map(|one| shown(&one)).collect();
    Ok(call.list(&query, CONTEXT, items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&Surface { options: &["select"], ..COLLECTION })?;
    let item = shown(&named(call)?);
    Ok(call.entity(&query, CONTEXT, item, None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "AuthenticationStrengthPolicy")?;
    payload.take_type();
    let name = payload.required_text("displayName", 30)?;
    let description = payload.text("description")?;
    let combinations = payload.texts("allowedCombinations")?.unwrap_or_default();
    payload.rest(&["policyType", "requirementsSatisfied"])?;
    if call.tenant.entra.strengths.len() >= MOST {
        return Err(refused("The tenant has 15 custom authentication strengths, and no more are allowed."));
    }
    check_name(call, &name, "")?;
    let strength = Strength {
        id: new_id(),
        created_date_time: call.now,
        modified_date_time: call.now,
        display_name: name,
        description,
        policy_type: "custom".to_owned(),
        requirements_satisfied: requirements(&combinations)?,
        allowed_combinations: combinations,
    };
    let body = call.with_context(CONTEXT, shown(&strength));
    let location = format!("/policies/authenticationStrengthPolicies/{}", strength.id);
    call.tenant.entra.strengths.push(strength);
    Ok(call.created(&location, &body))
}

fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = custom(call)?;
    let mut payload = Payload::read(call, "AuthenticationStrengthPolicy")?;
    payload.take_type();
    let (name, description) = (payload.text("displayName")?, payload.text("description")?);
    payload.rest(&[])?;
    let id = call.tenant.entra.strengths[at].id.clone();
    if let Some(name) = &name {
        check_name(call, name, &id)?;
    }
    let strength = &mut call.tenant.entra.strengths[at];
    strength.display_name = name.unwrap_or_else(|| strength.display_name.clone());
    strength.description = description.or_else(|| strength.description.clone());
    strength.modified_date_time = call.now;
    Ok(call.no_content())
}

/// What a policy asks for cannot go.
fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = custom(call)?;
    if !users_of(call, &call.tenant.entra.strengths[at].id).is_empty() {
        return Err(refused("The authentication strength is used by a conditional access policy."));
    }
    call.tenant.entra.strengths.remove(at);
    Ok(call.no_content())
}

fn update_combinations(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let at = custom(call)?;
    let mut payload = Payload::read(call, "updateAllowedCombinations")?;
    let new = payload.texts("allowedCombinations")?.unwrap_or_default();
    payload.rest(&[])?;
    let requirements = requirements(&new)?;
    let strength = &mut call.tenant.entra.strengths[at];
    let previous = std::mem::replace(&mut strength.allowed_combinations, new.clone());
    strength.requirements_satisfied = requirements;
    strength.modified_date_time = call.now;
    let id = strength.id.clone();
    let references: Vec<Value> = users_of(call, &id).into_iter().map(|policy| policy["id"].clone()).collect();
    let mut body = json!({
        "previousCombinations": previous, "currentCombinations": new,
        "conditionalAccessReferences": references, "additionalInformation": "",
    });
    body["@odata.context"] = json!(call.context("microsoft.graph.updateAllowedCombinationsResult"));
    Ok(call.ok(&body))
}

fn usage(call: &mut Call<'_>) -> Answer {
    let strength = named(call)?;
    let policies = users_of(call, &strength.id);
    let (mfa, none) = if strength.requirements_satisfied == "mfa" {
        (policies, Vec::new())
    } else {
        (Vec::new(), policies)
    };
    let context = call.context("microsoft.graph.authenticationStrengthUsage");
    Ok(call.ok(&json!({ "@odata.context": context, "mfa": mfa, "none": none })))
}

fn all_combinations(call: &mut Call<'_>) -> Answer {
    let context = call.context("Collection(microsoft.graph.authenticationMethodModes)");
    Ok(call.ok(&json!({ "@odata.context": context, "value": combinations().collect::<Vec<_>>() })))
}

/// The policies that ask for it.
fn users_of(call: &Call<'_>, id: &str) -> Vec<Value> {
    let policies = call.tenant.entra.policies.iter();
    let asking = policies.filter(|policy| {
        let grant = policy.grant_controls.as_ref().and_then(|grant| grant.authentication_strength.as_ref());
        grant.is_some_and(|strength| strength.id.eq_ignore_ascii_case(id))
    });
    asking.map(|policy| shown_policy(call, policy)).collect()
}

fn named(call: &Call<'_>) -> Result<Strength, GraphError> {
    let id = call.params.get("id");
    call.tenant.strength(id).ok_or_else(|| unknown(id))
}

/// The place of a custom one; the others cannot be changed.
fn custom(call: &Call<'_>) -> Result<usize, GraphError> {
    let id = call.params.get("id");
    let at = call.tenant.entra.strengths.iter().position(|one| one.id.eq_ignore_ascii_case(id));
    at.ok_or_else(|| match call.tenant.strength(id) {
        Some(_) => refused("Built-in authentication strengths cannot be changed."),
        None => unknown(id),
    })
}

fn check_name(call: &Call<'_>, name: &str, own: &str) -> Result<(), GraphError> {
    let all = built_in_strengths().into_iter().chain(call.tenant.entra.strengths.iter().cloned());
    let is_taken = |one: &Strength| one.id != own && one.display_name.eq_ignore_ascii_case(name);
    if all.into_iter().any(|one| is_taken(&one)) {
        return Err(refused("Another authentication strength has that name."));
    }
    Ok(())
}

fn requirements(combinations: &[String]) -> Result<String, GraphError> {
    let known = Strength::requirements(combinations);
    known.map(str::to_owned).ok_or_else(|| refused("The allowed combinations are not valid."))
}

/// As Graph shows it.
pub(super) fn shown(strength: &Strength) -> Value {
    serde_json::to_value(strength).unwrap_or_default()
}

fn unknown(id: &str) -> GraphError {
    GraphError::not_found(format!("The authentication strength '{id}' was not found."))
}

fn refused(message: &str) -> GraphError {
    GraphError::new(StatusCode::BAD_REQUEST, "BadRequest", message)
}

//! `/oauth2PermissionGrants`: delegated consent (Entra reference §2.7).

use http::Method;
use serde_json::{Value, json};

use crate::directory::{ConsentType, DelegatedGrant, ServicePrincipalKind};
use crate::published;

use super::agent_limits;
use super::call::Call;
use super::error::{Answer, GraphError};
use super::odata::{Service, Surface};
use super::payload::Payload;
use super::route::{Needs, Route};
use crate::lag::Cause;

const READ: Needs = Needs::either(&[
    "Directory.Read.All",
    "DelegatedPermissionGrant.ReadWrite.All",
    "Directory.ReadWrite.All",
]);
const WRITE: Needs = Needs::either(&["DelegatedPermissionGrant.ReadWrite.All", "Directory.ReadWrite.All"]);

const PROPERTIES: &[&str] = &["id", "clientId", "consentType", "principalId", "resourceId", "scope"];
const COLLECTION: Surface = Surface {
    service: Service::Directory,
    type_name: "oAuth2PermissionGrant",
    options: &["filter", "select", "top", "skiptoken"],
    properties: PROPERTIES,
    expandable: &[],
    page: 100,
    largest_page: 999,
};
const OBJECT: Surface = Surface::object(Service::Directory, "oAuth2PermissionGrant", PROPERTIES);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/oauth2PermissionGrants", READ, list),
        Route::new(Method::POST, "/oauth2PermissionGrants", WRITE, create),
        Route::new(Method::GET, "/oauth2PermissionGrants/{grant}", READ, get),
        Route::new(Method::PATCH, "/oauth2PermissionGrants/{grant}", WRITE, update),
        Route::new(Method::DELETE, "/oauth2PermissionGrants/{grant}", WRITE, delete),
        Route::new(Method::GET, "/servicePrincipals/{id}/oauth2PermissionGrants", READ, of_client),
    ]
}

fn shown(grant: &DelegatedGrant) -> Value {
    let (consent, principal) = match &grant.consent {
        ConsentType::AllPrincipals => ("AllPrincipals", None),
        ConsentType::Principal(principal) => ("Principal", Some(principal)),
    };
    json!({
        "clientId": grant.client_id,
        "consentType": consent,
        "id": grant.id,
        "principalId": principal,
        "resourceId": grant.resource_id,
        "scope": grant.scope,
    })
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let client = query.demanded(&["clientId"]);
    let is_theirs =
        |grant: &&DelegatedGrant| client.is_none_or(|client| grant.client_id.eq_ignore_ascii_case(client));
    let items = call.tenant.grants.iter().filter(is_theirs).map(shown).collect();
    Ok(call.list(&query, "oauth2PermissionGrants", items, None))
}

/// What a client was granted, as JSON shows it.
pub(super) fn granted_to(call: &Call<'_>, client: &str) -> Vec<Value> {
    call.tenant.grants.iter().filter(|grant| grant.client_id == client).map(shown).collect()
}

fn of_client(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let items = granted_to(call, &call.service_principal()?.id);
    Ok(call.list(&query, "oauth2PermissionGrants", items, None))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let id = call.params.get("grant");
    let grant =
        call.tenant.grants.iter().find(|grant| grant.id == id).ok_or_else(|| GraphError::no_object(id))?;
    Ok(call.entity(&query, "oauth2PermissionGrants", shown(grant), None))
}

fn create(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let mut payload = Payload::read(call, "OAuth2PermissionGrant")?;
    let client = payload.required_text("clientId", 36)?.to_ascii_lowercase();
    let resource = payload.required_text("resourceId", 36)?.to_ascii_lowercase();
    let scope = payload.text("scope")?.unwrap_or_default();
    let kind = payload.required_text("consentType", 32)?;
    let consent = match (kind.as_str(), payload.text("principalId")?) {
        ("AllPrincipals", None) => ConsentType::AllPrincipals,
        ("AllPrincipals", Some(_)) => {
            return Err(GraphError::bad_request(
                "principalId must be null when consentType is AllPrincipals.",
            ));
        }
        ("Principal", Some(principal)) => {
            let user = call.tenant.user(&principal, call.now);
            let user = user.ok_or_else(|| {
                GraphError::bad_request(format!("Principal was not found: '{principal}' does not exist."))
            })?;
            ConsentType::Principal(user.id.clone())
        }
        ("Principal", None) => {
            return Err(GraphError::bad_request(
                "A value is required for property 'principalId' of resource 'OAuth2PermissionGrant'.",
            ));
        }
        _ => return Err(payload.invalid("consentType")),
    };
    // Old clients still send the two times; they mean nothing any more.
    payload.take("startTime");
    payload.take("expiryTime");
    payload.rest(&[])?;

    check_scopes(call, &client, &resource, &scope)?;
    let twice = |grant: &&DelegatedGrant| {
        grant.client_id == client && grant.resource_id == resource && grant.consent == consent
    };
    if call.tenant.grants.iter().any(|grant| twice(&grant)) {
        return Err(GraphError::conflict("Permission entry already exists.", "None"));
    }
    let grant = DelegatedGrant::new(&client, consent, &resource, &scope, call.due(Cause::Consent));
    let body = call.with_context("oauth2PermissionGrants", shown(&grant));
    let location = format!("/oauth2PermissionGrants/{}", grant.id);
    call.tenant.grants.push(grant);
    Ok(call.created(&location, &body))
}

/// A PATCH replaces the scopes; nothing else of a grant can change.
fn update(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let id = call.params.get("grant").to_owned();
    let grant = call.tenant.grants.iter().find(|grant| grant.id == id);
    let grant = grant.ok_or_else(|| GraphError::no_object(&id))?;
    let (client, resource) = (grant.client_id.clone(), grant.resource_id.clone());
    let mut payload = Payload::read(call, "OAuth2PermissionGrant")?;
    let scope = payload.text("scope")?.unwrap_or_default();
    payload.rest(&[])?;
    check_scopes(call, &client, &resource, &scope)?;
    let (now, effective) = (call.now, call.due(Cause::Consent));
    if let Some(grant) = call.tenant.grants.find_mut(|grant| grant.id == id) {
        grant.set_scope(&scope, now, effective);
    }
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    call.require_administrator()?;
    let id = call.params.get("grant").to_owned();
    let before = call.tenant.grants.len();
    call.tenant.grants.retain(|grant| grant.id != id);
    if call.tenant.grants.len() == before {
        return Err(GraphError::no_object(&id));
    }
    Ok(call.no_content())
}

/// Client and resource are there, and the resource publishes what is granted; agents may not have everything.
fn check_scopes(call: &Call<'_>, client: &str, resource: &str, scope: &str) -> Result<(), GraphError> {
    let client = call.tenant.service_principal(client, call.now);
    let client = client.ok_or_else(|| {
        GraphError::bad_request(
            "The value of property 'clientId' does not exist: no such service principal was found.",
        )
    })?;
    let resource = call.tenant.service_principal(resource, call.now);
    let resource = resource.ok_or_else(|| {
        GraphError::bad_request(
            "The value of property 'resourceId' does not exist: no such service principal was found.",
        )
    })?;
    let is_agent = client.kind != ServicePrincipalKind::Application;
    for one in scope.split_whitespace().filter(|one| !OPENID.contains(one)) {
        if is_agent && agent_limits::is_blocked_scope(one) {
            return Err(agent_limits::blocked(one));
        }
        if published::scope(call.tenant, &resource.app_id, one, call.now).is_none() {
            return Err(GraphError::bad_request(format!(
                "The Entitlement: {one} can not be found on resourceApp: {}.",
                resource.app_id
            )));
        }
    }
    Ok(())
}

const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

//! `client_credentials`: an application's own token; with the exchange audience, hops 1 and 2 of the agent
//! flow (Entra reference §1.8, §1.10).

use serde_json::{Value, json};

use crate::tenant::Tenant;

use super::claims_request::ClaimsRequest;
use super::client::{Client, authenticate};
use super::conditional_access::{self, Flow, Situation, Subject, Whereabouts};
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::issue::{SignIn, app_token};
use super::resource::{Resource, ResourceKind, granted_roles, resource};
use super::user_response::note_resource;

/// The response has exactly four members, and one more for the long token of a client that can take a challenge.
pub(super) fn grant(context: &Context<'_>, tenant: &Tenant, form: &Form) -> Result<Value, EntraError> {
    let client = authenticate(context, tenant, form, |_| false)?;
    let asked = form.require("scope")?;
    // MSAL has been seen to add the scopes of OpenID Connect.
    let mut words = asked.split_whitespace().filter(|word| !super::resource::OIDC.contains(word));
    let name = match (words.next(), words.next()) {
        (Some(word), None) => word.strip_suffix("/.default").ok_or_else(EntraError::scope_not_default)?,
        _ => return Err(EntraError::scope_not_default()),
    };
    let resource = resource(tenant, context.names, name, context.now).map_err(|error| match error.code {
        // That the resource's principal is missing is told to applications and users differently.
        650_052 => EntraError::unknown_resource(name, &tenant.display_name),
        _ => error,
    })?;
    if client.is_blueprint && resource.kind == ResourceKind::Api {
        return Err(EntraError::agentic_app_only(&client.app_id, &resource.app_id));
    }
    note_resource(context, tenant, &resource);
    let wanted = ClaimsRequest::of(form)?;
    check_policies(context, tenant, &client, &resource)?;
    let path = exchange_path(&client, resource.kind, form)?;
    let roles = granted_roles(tenant, &client.principal.id, &resource, context.now);
    let issued = app_token(context, tenant, &client, &resource, &roles, path, &wanted);
    let mut body = json!({
        "token_type": "Bearer",
        "expires_in": issued.lifetime,
        "ext_expires_in": issued.lifetime,
        "access_token": issued.token,
    });
    if issued.lifetime > 7_200 {
        body["refresh_in"] = json!(issued.lifetime / 2);
    }
    Ok(body)
}

/// Exchange tokens are not evaluated (§13).
fn check_policies(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    resource: &Resource,
) -> Result<(), EntraError> {
    if resource.kind == ResourceKind::Exchange {
        return Ok(());
    }
    let situation = Situation {
        tenant,
        subject: Subject::Workload(&client.principal),
        whereabouts: &Whereabouts::of(context.request),
        resource_app_id: &resource.app_id,
        flow: Flow::Client,
        sign_in: &SignIn::new(&[], context.now),
        now: context.now,
    };
    let (applied, refusal) = conditional_access::evaluate(&situation);
    context.attempt.applied(applied);
    refusal.map_or(Ok(()), |refusal| Err(refusal.to_error()))
}

/// `fmi_path` makes the token one for an agent identity (hop 1). That it names a child shows at hop 2.
fn exchange_path<'f>(
    client: &Client,
    kind: ResourceKind,
    form: &'f Form,
) -> Result<Option<&'f str>, EntraError> {
    match form.get("fmi_path") {
        Some(_) if !client.is_blueprint || kind != ResourceKind::Exchange => Err(EntraError::malformed(
            "The parameter 'fmi_path' is for a blueprint and the token exchange audience only.",
        )),
        path => Ok(path),
    }
}

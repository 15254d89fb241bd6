//! Consent: what of it is missing, who may give it, and giving it (Entra reference §1.3, §13).

use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::{ConsentType, DelegatedGrant, User};
use crate::entra::code::LIFETIME;
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::issue::end_of;
use crate::entra::pages;
use crate::entra::resource::{Asked, granted_scopes};
use crate::entra::sealed::{Kind, open, seal};
use crate::entra::user_response::admitted;
use crate::exchange::Response;
use crate::graph::permission;
use crate::tenant::Tenant;

use super::request::{SignInRequest, read};
use super::session::Session;
use super::{action, continue_with, error_page, redirect_error};

/// A consent that a signed-in user was asked for.
#[derive(Debug, Serialize, Deserialize)]
struct PendingConsent {
    session: Session,
    request: String,
    expires: Timestamp,
}

/// The scopes that were asked for and are not granted; with `.default`, none but if nothing is granted.
pub(super) fn missing(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
) -> Result<Vec<String>, EntraError> {
    let asked = Asked::parse(tenant, context.names, &request.scope, false, context.now)?;
    let granted = granted_scopes(tenant, &request.client.principal, &user.id, &asked.resource, context.now);
    let missing: Vec<String> = asked.missing(&granted).into_iter().map(str::to_owned).collect();
    let published =
        tenant.service_principals.get(&asked.resource.principal_id).map(|resource| &resource.scopes);
    let app = tenant.application_by_app_id(&asked.resource.app_id, context.now).map(|app| &app.scopes);
    for scope in &missing {
        let is_known = published
            .into_iter()
            .chain(app)
            .flatten()
            .any(|known| known.is_enabled && known.value.eq_ignore_ascii_case(scope));
        if !is_known {
            return Err(EntraError::unknown_scope(scope, &request.client.app_id, &asked.resource.app_id));
        }
    }
    Ok(missing)
}

/// The form that asks for what is missing, or the page that says who could give it.
pub(super) fn ask(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
    session: &Session,
    missing: &[String],
) -> Response {
    if !user.is_admin && !missing.iter().all(|scope| user_may_consent(scope)) {
        return pages::message(
            StatusCode::OK,
            "Need admin approval",
            &format!(
                "{} needs permissions that only an administrator can grant ({}). Ask an administrator to grant \
                 them to this app before you can use it. AADSTS90094",
                request.client.name,
                missing.join(", ")
            ),
        );
    }
    let pending = PendingConsent {
        session: session.clone(),
        request: request.text.clone(),
        expires: end_of(context.now, LIFETIME),
    };
    let sealed = seal(&tenant.entra.secret, Kind::Consent, &pending);
    pages::consent(&action(tenant), &request.client.name, &user.upn, missing, &sealed, user.is_admin)
}

/// Since late 2025 the managed default policy wants an administrator for Exchange and Teams data (§13).
fn user_may_consent(scope: &str) -> bool {
    let is_guarded = ["Mail", "Chat", "Channel", "Calendars", "Files", "Sites"]
        .iter()
        .any(|family| scope.to_ascii_lowercase().starts_with(&family.to_ascii_lowercase()));
    !is_guarded && permission(scope).is_none_or(|permission| !permission.needs_admin)
}

/// Answers the consent form; and whether the tenant has changed.
pub(super) fn decide(
    context: &Context<'_>,
    tenant: &mut Tenant,
    sealed: &str,
    decision: Option<&str>,
) -> (Response, bool) {
    let expired = || (error_page(context, &EntraError::expired_grant("consent request")), false);
    let Some(pending) = open::<PendingConsent>(&tenant.entra.secret, Kind::Consent, sealed) else {
        return expired();
    };
    if pending.expires <= context.now {
        return expired();
    }
    let mut request = match read(context, tenant, &pending.request) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let for_everybody = match decision {
        Some("accept") => false,
        Some("accept_for_organisation") => true,
        _ => return (redirect_error(context, &request, &EntraError::consent_declined()), false),
    };
    let user = match admitted(tenant, &pending.session.user_id, pending.session.since, context.now) {
        Ok(user) => user.clone(),
        Err(error) => return (error_page(context, &error), false),
    };
    let missing = match self::missing(context, tenant, &request, &user) {
        Ok(missing) => missing,
        Err(error) => return (redirect_error(context, &request, &error), false),
    };
    let asked = Asked::parse(tenant, context.names, &request.scope, false, context.now);
    if user.is_admin || (!for_everybody && missing.iter().all(|scope| user_may_consent(scope))) {
        let to = if for_everybody { ConsentType::AllPrincipals } else { ConsentType::Principal(user.id) };
        if let Ok(asked) = &asked {
            grant(
                tenant,
                &request.client.principal.id,
                &asked.resource.principal_id,
                to,
                &missing,
                context.now,
            );
        }
    }
    request.prompt = "none".to_owned();
    (continue_with(context, tenant, &request, &pending.session), true)
}

/// Adds scopes to the grant of that kind, or makes one. What a person consents to here holds at once.
fn grant(
    tenant: &mut Tenant,
    client_id: &str,
    resource_id: &str,
    consent: ConsentType,
    scopes: &[String],
    now: Timestamp,
) {
    let text = scopes.join(" ");
    let existing = tenant.grants.iter_mut().find(|grant| {
        grant.client_id == client_id && grant.resource_id == resource_id && grant.consent == consent
    });
    match existing {
        Some(grant) => {
            let scope = format!("{} {text}", grant.scope);
            grant.set_scope(scope.trim(), now, now);
        }
        None => tenant.grants.push(DelegatedGrant::new(client_id, consent, resource_id, &text, now)),
    }
}

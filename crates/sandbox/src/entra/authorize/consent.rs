//! Consent: what of it is missing, who may give it, giving it, and asking an administrator for it (Entra
//! reference §1.3, §13).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::directory::{ConsentType, DelegatedGrant, User};
use crate::entra::code::LIFETIME;
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::foreign;
use crate::entra::issue::end_of;
use crate::entra::microsoft;
use crate::entra::pages;
use crate::entra::resource::{Asked, granted_scopes};
use crate::entra::sealed::{Kind, open, seal};
use crate::entra::state::Decision;
use crate::entra::user_response::{admitted, not_granted};
use crate::exchange::Response;
use crate::graph::{Asking, Audit, user_initiator};
use crate::published;
use crate::tenant::Tenant;

use super::request::{SignInRequest, read_again};
use super::session::Session;
use super::{action, continue_with, error_page, redirect_error};

/// A consent that a signed-in user was asked for.
#[derive(Debug, Serialize, Deserialize)]
struct PendingConsent {
    session: Session,
    request: String,
    expires: Timestamp,
}

/// The scopes that were asked for and are not granted; with `.default`, none but if nothing is granted. Where nothing
/// is granted and nothing can be, it is refused here as it would be when the code is redeemed.
pub(super) fn missing(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
) -> Result<Vec<String>, EntraError> {
    let asked = Asked::parse(tenant, context.names, &request.scope, false, context.now)?;
    let granted = granted_scopes(tenant, &request.client.principal, &user.id, &asked.resource, context.now);
    let mut missing: Vec<String> = asked.missing(&granted).into_iter().map(str::to_owned).collect();
    // `.default` asks for what the registration names, as long as nothing is granted.
    let client = &request.client.app_id;
    let is_default = asked.scopes.iter().any(|scope| scope == ".default");
    if granted.is_empty() && is_default && !asked.resource.is(client) {
        missing.extend(foreign::required_scopes(tenant, client, &asked.resource.app_id, context.now)?);
        if missing.is_empty() {
            return Err(not_granted(context, tenant, &request.client, &asked));
        }
    }
    if !missing.is_empty() && microsoft::needs_preauthorization(client, &asked.resource) {
        return Err(not_granted(context, tenant, &request.client, &asked));
    }
    for scope in &missing {
        if published::scope(tenant, &asked.resource.app_id, scope, context.now).is_none() {
            return Err(EntraError::unknown_scope(scope, &request.client.app_id, &asked.resource.app_id));
        }
    }
    Ok(missing)
}

/// Whether this user may give the missing consent, as the tenant's policy has it.
fn may_consent(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
    missing: &[String],
) -> bool {
    if foreign::may_consent_for_all(tenant, user) {
        return true;
    }
    let Ok(asked) = Asked::parse(tenant, context.names, &request.scope, false, context.now) else {
        return false;
    };
    let publisher = foreign::verified_publisher(tenant, &request.client.app_id, context.now);
    let home = foreign::home(tenant, &request.client.app_id);
    if missing.is_empty() && !tenant.lets_users_consent() && foreign::is_new(tenant, &request.client.app_id) {
        return false;
    }
    missing.iter().all(|scope| {
        let known = published::scope(tenant, &asked.resource.app_id, scope, context.now);
        tenant.lets_user_consent(&Asking {
            client: &request.client.app_id,
            home,
            publisher: publisher.as_deref(),
            resource: &asked.resource.app_id,
            scope,
            scope_id: known.map_or("", |known| known.id),
            needs_admin: known.is_some_and(|known| known.needs_admin),
        })
    })
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
    let pending = PendingConsent {
        session: session.clone(),
        request: request.text.clone(),
        expires: end_of(context.now, LIFETIME),
    };
    let sealed = seal(&tenant.entra.secret, Kind::Consent, &pending);
    let mut shown = missing.to_vec();
    if shown.is_empty() {
        shown.extend(request.scope.split_whitespace().map(str::to_owned));
    }
    if may_consent(context, tenant, request, user, missing) {
        let may_for_all = foreign::may_consent_for_all(tenant, user);
        return pages::consent(
            &action(tenant),
            &request.client.name,
            &user.upn,
            &shown,
            &sealed,
            may_for_all,
        );
    }
    // Where people may not consent at all, Entra's code is another.
    let code = if tenant.lets_users_consent() { "AADSTS90094" } else { "AADSTS90093" };
    let form = tenant.workloads.policies.request_policy.is_enabled.then_some(sealed.as_str());
    pages::approval(&action(tenant), &request.client.name, &user.upn, &shown, code, form)
}

/// The request that a consent form was shown for.
pub(super) fn request_of(tenant: &Tenant, sealed: &str) -> Option<String> {
    open::<PendingConsent>(&tenant.entra.secret, Kind::Consent, sealed).map(|pending| pending.request)
}

/// Answers the consent form and the form that asks an administrator; and whether the tenant has changed.
pub(super) fn decide(
    context: &Context<'_>,
    tenant: &mut Tenant,
    sealed: &str,
    decision: Option<&str>,
    reason: &str,
) -> (Response, bool) {
    let expired = || (error_page(context, &EntraError::expired_grant("consent request")), false);
    let Some(pending) = open::<PendingConsent>(&tenant.entra.secret, Kind::Consent, sealed) else {
        return expired();
    };
    if pending.expires <= context.now {
        return expired();
    }
    let mut request = match read_again(context, tenant, &pending.request) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let for_everybody = match decision {
        Some("accept") => false,
        Some("accept_for_organisation") => true,
        Some("ask_administrator") if tenant.workloads.policies.request_policy.is_enabled => {
            return ask_administrator(context, tenant, &request, &pending, reason);
        }
        _ => {
            let device = request.device();
            if let Some(user_code) = device {
                tenant.entra.decide(user_code, Decision::Declined);
            }
            let page = redirect_error(context, &request, &EntraError::consent_declined());
            return (page, device.is_some());
        }
    };
    let user = match admitted(tenant, &pending.session.user_id, pending.session.since, context.now) {
        Ok(user) => user.clone(),
        Err(error) => return (error_page(context, &error), false),
    };
    let missing = match self::missing(context, tenant, &request, &user) {
        Ok(missing) => missing,
        Err(error) => return (redirect_error(context, &request, &error), false),
    };
    let asked = match Asked::parse(tenant, context.names, &request.scope, false, context.now) {
        Ok(asked) => asked,
        Err(error) => return (redirect_error(context, &request, &error), false),
    };
    let may_for_all = foreign::may_consent_for_all(tenant, &user);
    if (for_everybody && !may_for_all) || !may_consent(context, tenant, &request, &user, &missing) {
        return (ask(context, tenant, &request, &user, &pending.session, &missing), false);
    }
    if let Err(error) = foreign::check_conflict(tenant, &request.client.app_id) {
        return (redirect_error(context, &request, &error), false);
    }
    foreign::settle(context, tenant, &request.client.app_id, &user);
    let to = if for_everybody { ConsentType::AllPrincipals } else { ConsentType::Principal(user.id.clone()) };
    let client = &request.client;
    if !missing.is_empty() {
        grant(tenant, &client.principal.id, &asked.resource.principal_id, to, &missing, context.now);
    }
    if for_everybody {
        tenant.consent_given(&client.app_id, context.now);
    }
    audit(context, tenant, &user, (&client.principal.id, &client.name), &missing, for_everybody);
    request.prompt = "none".to_owned();
    (continue_with(context, tenant, &request, &pending.session), true)
}

fn ask_administrator(
    context: &Context<'_>,
    tenant: &mut Tenant,
    request: &SignInRequest,
    pending: &PendingConsent,
    reason: &str,
) -> (Response, bool) {
    let user = match admitted(tenant, &pending.session.user_id, pending.session.since, context.now) {
        Ok(user) => user.clone(),
        Err(error) => return (error_page(context, &error), false),
    };
    let missing = missing(context, tenant, request, &user).unwrap_or_default();
    let app = (request.client.app_id.as_str(), request.client.name.as_str());
    tenant.ask_administrator(app, &missing, &user, reason, context.now);
    let page = pages::message(
        http::StatusCode::OK,
        "Request sent",
        &format!(
            "Your request for {} was sent to your administrators. You can close this window.",
            request.client.name
        ),
    );
    (page, true)
}

/// `Consent to application`, in the audit log.
pub(super) fn audit(
    context: &Context<'_>,
    tenant: &mut Tenant,
    user: &User,
    (principal, name): (&str, &str),
    scopes: &[String],
    for_everybody: bool,
) {
    let property =
        |name: &str, value: &str| json!({ "displayName": name, "oldValue": null, "newValue": value });
    let is_admin = if for_everybody { "\"True\"" } else { "\"False\"" };
    let target = json!({
        "id": principal, "displayName": name, "type": "ServicePrincipal", "userPrincipalName": null,
        "groupType": null,
        "modifiedProperties": [
            property("ConsentContext.IsAdminConsent", is_admin),
            property("ConsentContext.OnBehalfOfAll", is_admin),
            property("ConsentAction.Permissions", &json!(scopes.join(" ")).to_string()),
        ],
    });
    let correlation = context
        .request
        .header("client-request-id")
        .filter(|id| uuid::Uuid::parse_str(id).is_ok())
        .map_or_else(crate::directory::new_id, str::to_owned);
    let initiator = user_initiator(Some(user));
    for (activity, operation) in
        [("Consent to application", "Assign"), ("Add delegated permission grant", "Assign")]
    {
        tenant.audit(&Audit {
            at: context.now,
            activity,
            category: "ApplicationManagement",
            operation,
            initiator: &initiator,
            correlation: &correlation,
            targets: std::slice::from_ref(&target),
        });
    }
}

/// Adds scopes to the grant of that kind, or makes one. What a person consents to here holds at once.
pub(super) fn grant(
    tenant: &mut Tenant,
    client_id: &str,
    resource_id: &str,
    consent: ConsentType,
    scopes: &[String],
    now: Timestamp,
) {
    let existing = tenant.grants.find_mut(|grant| {
        grant.client_id == client_id && grant.resource_id == resource_id && grant.consent == consent
    });
    match existing {
        Some(grant) => {
            let held: Vec<String> = grant.scope.split_whitespace().map(str::to_owned).collect();
            let new = scopes.iter().filter(|scope| !held.iter().any(|one| one.eq_ignore_ascii_case(scope)));
            let scope = held.iter().chain(new).map(String::as_str).collect::<Vec<_>>().join(" ");
            grant.set_scope(&scope, now, now);
        }
        None => {
            let text = scopes.join(" ");
            tenant.grants.push(DelegatedGrant::new(client_id, consent, resource_id, &text, now));
        }
    }
}

//! The second factor, asked for where a policy wants it: a page with one button, as the app on a phone has; and
//! for who has none yet, a page to register one on.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::directory::{AuthenticationMethod, MethodKind, User, new_id};
use crate::entra::code::LIFETIME;
use crate::entra::conditional_access::{Refusal, Wanted};
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::issue::end_of;
use crate::entra::pages;
use crate::entra::sealed::{Kind, open, seal};
use crate::exchange::Response;
use crate::graph::{Audit, user_initiator};
use crate::tenant::Tenant;

use super::request::{SignInRequest, read};
use super::session::Session;
use super::{action, continue_with, error_page, redirect_error};

/// Who is asked, and for which request.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    session: Session,
    request: String,
    expires: Timestamp,
    refusal: Refusal,
}

/// The page that asks.
pub(super) fn ask(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
    refusal: &Refusal,
) -> Response {
    let pending = Pending {
        session: session.clone(),
        request: request.text.clone(),
        expires: end_of(context.now, LIFETIME),
        refusal: refusal.clone(),
    };
    let sealed = seal(&tenant.entra.secret, Kind::SecondFactor, &pending);
    let page = if refusal.wanted == Wanted::Enrolment { pages::enrolment } else { pages::second_factor };
    page(&action(tenant), &request.client.name, &sealed)
}

/// The request that the page was shown for.
pub(super) fn request_of(tenant: &Tenant, sealed: &str) -> Option<String> {
    open::<Pending>(&tenant.entra.secret, Kind::SecondFactor, sealed).map(|pending| pending.request)
}

/// Answers the page; and whether the tenant has changed.
pub(super) fn decide(
    context: &Context<'_>,
    tenant: &mut Tenant,
    sealed: &str,
    form: &Form,
) -> (Response, bool) {
    let pending = open::<Pending>(&tenant.entra.secret, Kind::SecondFactor, sealed)
        .filter(|pending| context.now < pending.expires);
    let Some(Pending { session, request, refusal, .. }) = pending else {
        return (error_page(context, &EntraError::expired_grant("sign-in request")), false);
    };
    let request = match read(context, tenant, &request) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let Some(user) = tenant.user(&session.user_id, context.now).cloned() else {
        return (error_page(context, &EntraError::wrong_password()), false);
    };
    context.attempt.user(&user);
    let new = match (form.get("decision"), user.methods().is_empty()) {
        (Some("approve"), false) => None,
        (Some("register_authenticator"), true) => Some(MethodKind::MicrosoftAuthenticator),
        (Some("register_security_key"), true) => Some(MethodKind::Fido2),
        (Some("cancel"), _) => return (redirect_error(context, &request, &refusal.to_interruption()), false),
        _ => return (error_page(context, &EntraError::second_factor_denied()), false),
    };
    let has_registered = new.is_some();
    if let Some(kind) = new {
        register(context, tenant, &user, kind);
    }
    let session = session.strengthened();
    let response = session.remembered(tenant, continue_with(context, tenant, &request, &session));
    (response, has_registered)
}

fn register(context: &Context<'_>, tenant: &mut Tenant, user: &User, kind: MethodKind) {
    let method = AuthenticationMethod { id: new_id(), created: context.now, kind };
    if let Some(user) = tenant.users.get_mut(&user.id) {
        user.methods_mut().push(method);
    }
    let target = json!({
        "id": user.id, "displayName": user.display_name, "type": "User",
        "userPrincipalName": user.upn, "groupType": null, "modifiedProperties": [],
    });
    tenant.audit(&Audit {
        at: context.now,
        activity: "User registered security info",
        category: "UserManagement",
        operation: "Add",
        initiator: &user_initiator(Some(user)),
        correlation: &context.ids.correlation,
        targets: &[target],
    });
}

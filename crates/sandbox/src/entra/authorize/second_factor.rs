//! The second factor, asked for where a policy wants it: a page with one button, as the app on a phone has; and
//! for who has none yet, a page to register one on.

use serde_json::json;

use crate::directory::{AuthenticationMethod, Factor, MethodKind, User, new_id};
use crate::entra::conditional_access::{Refusal, Wanted};
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::pages;
use crate::entra::sealed::Kind;
use crate::exchange::Response;
use crate::graph::{Audit, user_initiator};
use crate::tenant::Tenant;

use super::pending::{Answered, Pending};
use super::request::SignInRequest;
use super::session::Session;
use super::{action, continue_with, error_page, redirect_error};

/// The page that asks.
pub(super) fn ask(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
    refusal: &Refusal,
) -> Response {
    let sealed = Pending::sealed(context, tenant, Kind::SecondFactor, (request, session), refusal);
    let is_new = matches!(refusal.wanted, Wanted::Enrolment(_));
    let choices: Vec<_> = choices(&refusal.wanted).map(|(_, decision, label)| (decision, label)).collect();
    pages::second_factor(&action(tenant), &request.client.name, &sealed, is_new, &choices)
}

/// What the page offers: the factor, the decision that is posted for it, and what the button says.
fn choices(wanted: &Wanted) -> impl Iterator<Item = (Factor, &'static str, &'static str)> {
    let (factors, is_new) = match wanted {
        Wanted::Mfa(factors) => (factors.as_slice(), false),
        Wanted::Enrolment(factors) => (factors.as_slice(), true),
        _ => (&[][..], false),
    };
    factors.iter().map(move |factor| match (factor, is_new) {
        (Factor::MicrosoftAuthenticator, false) => (*factor, "approve", "Approve"),
        (Factor::Fido2, false) => (*factor, "use_security_key", "Use your security key"),
        (Factor::Phone, false) => (*factor, "use_phone", "Enter the code that your phone got"),
        (Factor::Fido2, true) => (*factor, "register_security_key", "Set up a security key"),
        (_, true) => (*factor, "register_authenticator", "Set up Microsoft Authenticator"),
    })
}

/// The request that the page was shown for.
pub(super) fn request_of(tenant: &Tenant, sealed: &str) -> Option<String> {
    Pending::request_of(tenant, Kind::SecondFactor, sealed)
}

/// Answers the page; and whether the tenant has changed.
pub(super) fn decide(
    context: &Context<'_>,
    tenant: &mut Tenant,
    sealed: &str,
    form: &Form,
) -> (Response, bool) {
    let answered = Pending::answered(context, tenant, Kind::SecondFactor, sealed);
    let Answered { user, session, request, refusal } = match answered {
        Ok(answered) => answered,
        Err(page) => return (*page, false),
    };
    let decision = form.get("decision").unwrap_or_default();
    if decision == "cancel" {
        return (redirect_error(context, &request, &refusal.to_interruption()), false);
    }
    let chosen = choices(&refusal.wanted).find(|(_, one, _)| *one == decision);
    let is_new = matches!(refusal.wanted, Wanted::Enrolment(_));
    let has = |factor: Factor| user.methods().iter().any(|method| method.factor() == factor);
    let Some((factor, ..)) = chosen.filter(|(factor, ..)| has(*factor) != is_new) else {
        return (error_page(context, &EntraError::second_factor_denied()), false);
    };
    if is_new {
        register(context, tenant, &user, factor);
    }
    let session = session.strengthened(factor);
    let response = continue_with(context, tenant, &request, &session);
    (session.remembered(tenant, response), is_new || request.device().is_some())
}

fn register(context: &Context<'_>, tenant: &mut Tenant, user: &User, factor: Factor) {
    let kind = if factor == Factor::Fido2 { MethodKind::Fido2 } else { MethodKind::MicrosoftAuthenticator };
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

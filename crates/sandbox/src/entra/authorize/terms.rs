//! Terms of use, where a policy wants them accepted: a page with two buttons.

use crate::entra::conditional_access::{Refusal, Wanted};
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::pages;
use crate::entra::sealed::Kind;
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::pending::Pending;
use super::request::{SignInRequest, read_again};
use super::session::Session;
use super::{action, continue_with, error_page, redirect_error};

/// The page that asks.
pub(super) fn ask(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
    refusal: &Refusal,
    agreement: &str,
) -> Response {
    let sealed = Pending::sealed(context, tenant, Kind::Terms, (request, session), refusal);
    let name = tenant.agreement(agreement).map_or("", |agreement| &agreement.display_name);
    pages::terms(&action(tenant), &tenant.display_name, name, &sealed)
}

/// The request that the page was shown for.
pub(super) fn request_of(tenant: &Tenant, sealed: &str) -> Option<String> {
    Pending::request_of(tenant, Kind::Terms, sealed)
}

/// Answers the page; and whether the tenant has changed.
pub(super) fn decide(
    context: &Context<'_>,
    tenant: &mut Tenant,
    sealed: &str,
    form: &Form,
) -> (Response, bool) {
    let pending = Pending::opened(context, tenant, Kind::Terms, sealed);
    let Some(Pending { session, request, refusal, .. }) = pending else {
        return (error_page(context, &EntraError::expired_grant("sign-in request")), false);
    };
    let request = match read_again(context, tenant, &request) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let user = tenant.user(&session.user_id, context.now).cloned();
    let (Some(user), Wanted::Terms(agreement)) = (user, &refusal.wanted) else {
        return (error_page(context, &EntraError::wrong_password()), false);
    };
    context.attempt.user(&user);
    let accepts = form.get("decision") == Some("accept");
    tenant.answer_agreement(agreement, &user, accepts, context.now);
    if !accepts {
        return (redirect_error(context, &request, &refusal.to_interruption()), true);
    }
    (continue_with(context, tenant, &request, &session), true)
}

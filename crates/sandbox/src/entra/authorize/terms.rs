//! Terms of use, where a policy wants them accepted: a page with two buttons.

use crate::entra::conditional_access::{Refusal, Wanted};
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::pages;
use crate::entra::sealed::Kind;
use crate::exchange::Response;
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
    let answered = Pending::answered(context, tenant, Kind::Terms, sealed);
    let Answered { user, session, request, refusal } = match answered {
        Ok(answered) => answered,
        Err(page) => return (*page, false),
    };
    let Wanted::Terms(agreement) = &refusal.wanted else {
        return (error_page(context, &EntraError::wrong_password()), false);
    };
    let accepts = form.get("decision") == Some("accept");
    tenant.answer_agreement(agreement, &user, accepts, context.now);
    if !accepts {
        return (redirect_error(context, &request, &refusal.to_interruption()), true);
    }
    (continue_with(context, tenant, &request, &session), true)
}

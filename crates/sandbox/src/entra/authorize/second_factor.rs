//! The second factor, asked for where a policy wants it: a page with one button, as the app on a phone has.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entra::code::LIFETIME;
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::issue::end_of;
use crate::entra::pages;
use crate::entra::sealed::{Kind, open, seal};
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::request::{SignInRequest, read};
use super::session::Session;
use super::{action, continue_with, error_page};

/// Who is asked, and for which request.
#[derive(Debug, Serialize, Deserialize)]
struct Pending {
    session: Session,
    request: String,
    expires: Timestamp,
}

/// The page that asks.
pub(super) fn ask(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
) -> Response {
    let pending = Pending {
        session: session.clone(),
        request: request.text.clone(),
        expires: end_of(context.now, LIFETIME),
    };
    let sealed = seal(&tenant.entra.secret, Kind::SecondFactor, &pending);
    pages::second_factor(&action(tenant), &request.client.name, &sealed)
}

/// The request that the page was shown for.
pub(super) fn request_of(tenant: &Tenant, sealed: &str) -> Option<String> {
    open::<Pending>(&tenant.entra.secret, Kind::SecondFactor, sealed).map(|pending| pending.request)
}

/// Answers the page.
pub(super) fn decide(
    context: &Context<'_>,
    tenant: &Tenant,
    sealed: &str,
    decision: Option<&str>,
) -> Response {
    let pending = open::<Pending>(&tenant.entra.secret, Kind::SecondFactor, sealed)
        .filter(|pending| context.now < pending.expires);
    let Some(pending) = pending else {
        return error_page(context, &EntraError::expired_grant("sign-in request"));
    };
    let request = match read(context, tenant, &pending.request) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    if decision != Some("approve") {
        if let Some(user) = tenant.user(&pending.session.user_id, context.now) {
            context.attempt.user(user);
        }
        return error_page(context, &EntraError::second_factor_denied());
    }
    let session = pending.session.strengthened();
    session.remembered(tenant, continue_with(context, tenant, &request, &session))
}

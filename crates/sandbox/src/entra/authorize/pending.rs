//! A sign-in that waits for what a person says on a page. It is sealed into that page, so that nothing of it is kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::User;
use crate::entra::code::LIFETIME;
use crate::entra::conditional_access::Refusal;
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::issue::end_of;
use crate::entra::sealed::{Kind, open, seal};
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::error_page;
use super::request::{SignInRequest, read_again};
use super::session::Session;

/// Who is asked, for which request, and what the policy wants.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) session: Session,
    pub(super) request: String,
    pub(super) refusal: Refusal,
    expires: Timestamp,
}

/// A sign-in whose page somebody has answered.
pub(super) struct Answered {
    pub(super) user: User,
    pub(super) session: Session,
    pub(super) request: SignInRequest,
    /// What the policy wanted.
    pub(super) refusal: Refusal,
}

impl Pending {
    /// For a page of that kind.
    pub(super) fn sealed(
        context: &Context<'_>,
        tenant: &Tenant,
        kind: Kind,
        (request, session): (&SignInRequest, &Session),
        refusal: &Refusal,
    ) -> String {
        let pending = Self {
            session: session.clone(),
            request: request.text.clone(),
            refusal: refusal.clone(),
            expires: end_of(context.now, LIFETIME),
        };
        seal(&tenant.entra.secret, kind, &pending)
    }

    /// What a page of that kind brings back, with who answers it; a page that says why not, if it comes too late or
    /// they are gone.
    pub(super) fn answered(
        context: &Context<'_>,
        tenant: &Tenant,
        kind: Kind,
        sealed: &str,
    ) -> Result<Answered, Box<Response>> {
        let refused = |error: &EntraError| Box::new(error_page(context, error));
        let Self { session, request, refusal, .. } = open::<Self>(&tenant.entra.secret, kind, sealed)
            .filter(|pending| context.now < pending.expires)
            .ok_or_else(|| refused(&EntraError::expired_grant("sign-in request")))?;
        let request = read_again(context, tenant, &request)?;
        let user = tenant.user(&session.user_id, context.now).cloned();
        let user = user.ok_or_else(|| refused(&EntraError::wrong_password()))?;
        context.attempt.user(&user);
        Ok(Answered { user, session, request, refusal })
    }

    /// The request that a page of that kind was shown for.
    pub(super) fn request_of(tenant: &Tenant, kind: Kind, sealed: &str) -> Option<String> {
        open::<Self>(&tenant.entra.secret, kind, sealed).map(|pending| pending.request)
    }
}

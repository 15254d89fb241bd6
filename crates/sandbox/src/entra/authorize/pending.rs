//! A sign-in that waits for what a person says on a page. It is sealed into that page, so that nothing of it is kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::entra::code::LIFETIME;
use crate::entra::conditional_access::Refusal;
use crate::entra::context::Context;
use crate::entra::issue::end_of;
use crate::entra::sealed::{Kind, open, seal};
use crate::tenant::Tenant;

use super::request::SignInRequest;
use super::session::Session;

/// Who is asked, for which request, and what the policy wants.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) session: Session,
    pub(super) request: String,
    pub(super) refusal: Refusal,
    expires: Timestamp,
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

    /// What a page of that kind brings back, if it is in time.
    pub(super) fn opened(context: &Context<'_>, tenant: &Tenant, kind: Kind, sealed: &str) -> Option<Self> {
        open::<Self>(&tenant.entra.secret, kind, sealed).filter(|pending| context.now < pending.expires)
    }

    /// The request that a page of that kind was shown for.
    pub(super) fn request_of(tenant: &Tenant, kind: Kind, sealed: &str) -> Option<String> {
        open::<Self>(&tenant.entra.secret, kind, sealed).map(|pending| pending.request)
    }
}

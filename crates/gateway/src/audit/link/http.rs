//! Links to entries over HTTP: made and taken back.

use std::sync::Arc;

use attache_ledger::ActName;
use attache_store::{Unit, Versioned};
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{AuditLink, LinkId, new_link};
use crate::Gateway;
use crate::access::{Allowed, InOrg, right};
use crate::audit::http::{Which, find};
use crate::record::{on, thing};
use crate::server::{Answer, Problem, Secretly, ShownOnce};

const LINKED: ActName = ActName::new("audit.link_made");
const UNLINKED: ActName = ActName::new("audit.link_revoked");

/// The routes.
pub(in crate::audit) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(make_link)).routes(routes!(revoke_link))
}

/// A new link to an entry: it is shown this once.
#[derive(Debug, Serialize, ToSchema)]
struct LinkView {
    /// Its id, to take it back.
    id: String,
    /// The address, for whoever is to see the entry. An answer that is repeated by its `Idempotency-Key` lacks it.
    link: Option<String>,
}

/// Make a link that shows an entry to whoever holds it.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/audit/entries/{entry}/links", tag = "Audit", params(InOrg, Which),
    responses((status = 201, body = LinkView), (status = "default", body = Problem)),
)]
async fn make_link(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Path(which): Path<Which>,
) -> Answer<(StatusCode, Secretly<LinkView>)> {
    let row = find(gateway.store.org(allowed.scope), &which.entry).await?;
    let mut unit = Unit::new();
    let (id, link) = new_link(&gateway, allowed.scope, row.id, &mut unit);
    let about = on([thing("audit_link", id), thing("entry", row.id)]);
    unit.record(allowed.scope, gateway.changed(&allowed.caller, LINKED, about));
    let answer = || {
        let view = LinkView { id: id.to_string(), link: Some(link.expose().to_owned()) };
        (StatusCode::CREATED, Secretly(ShownOnce("link"), view))
    };
    gateway.commit_answered(&allowed.caller, unit, answer).await?;
    Ok(answer())
}

/// Which link.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WhichLink {
    /// The link's id.
    link: String,
}

/// Take a link back.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/audit/links/{link}", tag = "Audit", params(InOrg, WhichLink),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn revoke_link(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Path(which): Path<WhichLink>,
) -> Answer<StatusCode> {
    let missing = || Problem::not_found("link");
    let id: LinkId = which.link.parse().map_err(|_| missing())?;
    let found: Option<Versioned<AuditLink>> = gateway.store.org(allowed.scope).get(id).await?;
    let link = found.ok_or_else(missing)?;
    if link.revoked.is_none() {
        let mut unit = Unit::new();
        unit.update(&link, &AuditLink { revoked: Some(gateway.clock.now()), ..link.record.clone() });
        let about = on([thing("audit_link", id)]);
        unit.record(allowed.scope, gateway.changed(&allowed.caller, UNLINKED, about));
        gateway.commit(&allowed.caller, unit).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

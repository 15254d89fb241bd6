//! The quota of sending over HTTP.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Standing, set_quota, standing};
use crate::access::{Allowed, InOrg, right};
use crate::server::{Answer, Json, Problem};
use crate::{Gateway, limits};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(read_sending, change_sending))
}

/// How much mail an organisation's hosted identities may send.
#[derive(Debug, Serialize, ToSchema)]
struct SendingView {
    /// To how many recipients was written within the last 24 hours, counted by the hour.
    used: u32,
    /// To how many it may be; what is over is refused with `send_quota_used_up`.
    quota: u32,
    /// How many more may be written to.
    remaining: u32,
    /// Whether the quota is the organisation's own, and not that of every organisation here.
    own: bool,
}

impl From<Standing> for SendingView {
    fn from(standing: Standing) -> Self {
        let (remaining, Standing { used, quota, is_own: own, .. }) = (standing.remaining(), standing);
        Self { used, quota, remaining, own }
    }
}

/// See how much of its quota of mail an organisation has used. `RateLimit` says it too.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/sending", tag = "Identities",
    params(InOrg),
    responses((status = 200, body = SendingView), (status = "default", body = Problem)),
)]
async fn read_sending(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeOrganisation>,
    Extension(headers): Extension<limits::Standing>,
) -> Answer<Json<SendingView>> {
    let standing = standing(&gateway, allowed.scope).await?;
    headers.note(standing.left());
    Ok(Json(standing.into()))
}

/// How much an organisation may send.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SendingChange {
    /// To how many recipients within 24 hours; null for as many as every organisation here.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    quota: Option<u32>,
}

/// Give an organisation a quota of mail of its own. Only operators of this gateway can.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/sending", tag = "Identities", request_body = SendingChange,
    params(InOrg),
    responses((status = 200, body = SendingView), (status = "default", body = Problem)),
)]
async fn change_sending(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ChangeOrganisation>,
    Json(SendingChange { quota }): Json<SendingChange>,
) -> Answer<Json<SendingView>> {
    Ok(Json(set_quota(&gateway, &allowed, quota).await?.into()))
}

//! The quota of sending over HTTP.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Standing, standing};
use crate::Gateway;
use crate::access::{Allowed, right};
use crate::server::{Answer, Json, Problem};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(read_sending))
}

/// How much mail an organisation's hosted identities may send.
#[derive(Debug, Serialize, ToSchema)]
struct SendingView {
    /// To how many recipients was written within the last 24 hours, counted by the hour.
    used: u32,
    /// To how many it may be; what is over is refused with `send_quota_used_up`.
    quota: u32,
}

/// See how much of its quota of mail an organisation has used.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/sending", tag = "Identities",
    params(("org" = String, Path, description = "The organisation's id or slug")),
    responses((status = 200, body = SendingView), (status = "default", body = Problem)),
)]
async fn read_sending(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
) -> Answer<Json<SendingView>> {
    let Standing { used, quota } = standing(&gateway, allowed.scope).await?;
    Ok(Json(SendingView { used, quota }))
}

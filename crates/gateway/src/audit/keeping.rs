//! What becomes of the log, as its managers say: for how long entries are kept, and, as its owners
//! say, whom it forgets.

use std::sync::Arc;

use attache_store::JobId;
use attache_terms::UserId;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::erasure::{self, Person};
use super::retention;
use crate::Gateway;
use crate::access::{Allowed, InOrg, right};
use crate::server::{Answer, Form, Json, Pages, Problem};

/// The routes.
pub(super) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(read, change)).routes(routes!(forget))
}

/// The forms of the page.
pub(super) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/audit/retention", post(keep))
        .route("/orgs/{org}/audit/erasures", post(destroy))
}

/// For how long entries are kept.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Kept {
    /// For so many days; for ever when null.
    #[schema(minimum = 30, maximum = 36_500)]
    days: Option<u32>,
}

/// Read for how long audit entries are kept.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/retention", tag = "Audit",
    params(InOrg),
    responses((status = 200, body = Kept), (status = "default", body = Problem)),
)]
async fn read(allowed: Allowed<right::ReadAudit>) -> Json<Kept> {
    Json(Kept { days: allowed.organisation.audit_days })
}

/// Say for how long audit entries are kept. Older ones lose their text, from now on and daily.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/audit/retention", tag = "Audit", request_body = Kept,
    params(InOrg),
    responses((status = 200, body = Kept), (status = "default", body = Problem)),
)]
async fn change(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Json(kept): Json<Kept>,
) -> Answer<Json<Kept>> {
    retention::keep_for(&gateway, &allowed, kept.days).await?;
    Ok(Json(kept))
}

/// Whom the log is to forget; at least one of both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Forgotten {
    /// The object id of a person who is no member, and none of a program, an agent or an operator.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user_id: Option<UserId>,
    /// A name or an address, exactly as entries have it as their subject.
    #[serde(default)]
    #[schema(max_length = 320)]
    subject: Option<String>,
}

/// What will do it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ErasureView {
    /// The job: when it is done, so is the erasure.
    job: String,
}

/// Destroy what the log holds of a person. Proofs and exports verify as before. It cannot be undone, so that an owner
/// does it, in person.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/audit/erasures", tag = "Audit", request_body = Forgotten,
    params(InOrg),
    responses((status = 202, body = ErasureView), (status = "default", body = Problem)),
)]
async fn forget(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Json(Forgotten { user_id, subject }): Json<Forgotten>,
) -> Answer<(StatusCode, Json<ErasureView>)> {
    let job = erasure::ask(&gateway, &allowed, &Person { user: user_id, subject }).await?;
    Ok(accepted(job))
}

/// The answer to whoever asks for it.
pub(super) fn accepted(job: JobId) -> (StatusCode, Json<ErasureView>) {
    (StatusCode::ACCEPTED, Json(ErasureView { job: job.to_string() }))
}

#[derive(Debug, Deserialize)]
struct Days {
    days: String,
}

async fn keep(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Form(Days { days }): Form<Days>,
) -> Answer<Response> {
    let days = match days.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::invalid("days", "not a number", "give whole days"))?),
    };
    retention::keep_for(&gateway, &allowed, days).await?;
    Ok(Redirect::to(&format!("/orgs/{}/audit", allowed.organisation.slug)).into_response())
}

#[derive(Debug, Deserialize)]
struct Named {
    user_id: String,
    subject: String,
}

async fn destroy(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Form(Named { user_id, subject }): Form<Named>,
) -> Answer<Response> {
    let user = match user_id.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| {
            Problem::invalid("user_id", "not an object id", "copy it from Entra ID or from an entry")
        })?),
    };
    erasure::ask(&gateway, &allowed, &Person { user, subject: Some(subject) }).await?;
    Ok(Redirect::to(&format!("/orgs/{}/jobs", allowed.organisation.slug)).into_response())
}

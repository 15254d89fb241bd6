//! The jobs of the whole gateway, for operators: each tells whose it is, and those that are no organisation's are done
//! again here, since nobody else can.

use std::sync::Arc;

use attache_store::{GatewayScope, JobQuery};
use axum::extract::{Path, Query, State};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::http::{JobView, Wanted, job_id, revive};
use crate::Gateway;
use crate::access::{AsOperator, Caller, members_only};
use crate::server::{Answer, Json, Listed, Problem};

/// The routes.
pub(super) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(list_all)).routes(routes!(retry_own))
}

/// A part of all jobs, the newest first.
pub(super) async fn select(gateway: &Gateway, wanted: &Wanted) -> Answer<Listed<JobView>> {
    wanted.listed(gateway.system().jobs(wanted.query()?).await?)
}

/// Has a job done that is no organisation's.
pub(super) async fn redo(gateway: &Gateway, caller: &Caller, named: &str) -> Answer<()> {
    let id = job_id(named)?;
    let query = JobQuery { id: Some(id), limit: 1, ..JobQuery::default() };
    let job = gateway.system().jobs(query).await?.pop().ok_or_else(|| Problem::not_found("job"))?;
    if let Some(org) = job.org {
        return Err(members_only(&format!(
            "the job is the organisation's {org}, whose owners and admins have it done again on their page Jobs"
        )));
    }
    revive(gateway, caller, GatewayScope::granted(), id).await
}

/// List the jobs of the whole gateway, the newest first.
#[utoipa::path(
    get, path = "/api/v1/jobs", tag = "Jobs", params(Wanted),
    responses((status = 200, body = Listed<JobView>), (status = "default", body = Problem)),
)]
async fn list_all(
    State(gateway): State<Arc<Gateway>>,
    _operator: AsOperator,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Listed<JobView>>> {
    Ok(Json(select(&gateway, &wanted).await?))
}

/// Do a job of the gateway's own again that was given up, or one that waits at once.
#[utoipa::path(
    post, path = "/api/v1/jobs/{job}/retry", tag = "Jobs",
    params(("job" = String, Path, description = "The job's id")),
    responses((status = 202), (status = "default", body = Problem)),
)]
async fn retry_own(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Path(job): Path<String>,
) -> Answer<StatusCode> {
    redo(&gateway, &caller, &job).await?;
    Ok(StatusCode::ACCEPTED)
}

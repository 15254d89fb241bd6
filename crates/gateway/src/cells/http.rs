//! Cells over HTTP, for operators.

use std::sync::Arc;

use attache_store::Versioned;
use axum::extract::{Path, Query, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Cell, CellId, CellSuspension, SEATS, suspend};
use crate::Gateway;
use crate::access::AsOperator;
use crate::server::{Answer, Cursor, Json, Listed, Problem};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(read))
        .routes(routes!(suspend_cell))
        .routes(routes!(resume_cell))
}

/// A blueprint of this gateway, with the agent identities that come from it.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CellView {
    /// Its id.
    id: String,
    /// The tenant's id.
    tenant_id: String,
    /// What the blueprint is called there.
    display_name: String,
    /// How many identities come from it.
    identities: u32,
    /// How many may.
    seats: u32,
    /// When its certificate ends, and with it all that its agents do; absent of one that cannot be read.
    #[schema(value_type = Option<String>, format = DateTime)]
    certificate_ends: Option<Timestamp>,
    /// That the tenant does not have it any more, so that nobody gets a seat in it: somebody deleted it.
    lost: bool,
    /// That none of them may act for now.
    suspended: Option<CellSuspension>,
    /// How many seconds what was issued before its suspension may still work.
    #[schema(minimum = 0)]
    tokens_live_seconds: i64,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl CellView {
    fn of(cell: Cell, now: Timestamp) -> Self {
        Self {
            id: cell.id.to_string(),
            tenant_id: cell.tenant.to_string(),
            display_name: cell.blueprint().display_name,
            identities: cell.taken,
            seats: SEATS,
            certificate_ends: cell.ends(),
            lost: cell.lost,
            tokens_live_seconds: cell.suspended.as_ref().map_or(0, |suspension| suspension.seconds(now)),
            suspended: cell.suspended,
            created: cell.created,
        }
    }
}

/// List the blueprints of this gateway.
#[utoipa::path(
    get, path = "/api/v1/cells", tag = "Blueprints", params(Cursor),
    responses((status = 200, body = Listed<CellView>), (status = "default", body = Problem)),
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    _operator: AsOperator,
    Query(cursor): Query<Cursor>,
) -> Answer<Json<Listed<CellView>>> {
    let rows = gateway.system().list::<Cell>(cursor.page()?).await?;
    let now = gateway.clock.now();
    Ok(Json(cursor.listed(rows, |row| row.id.to_string(), |row| CellView::of(row.record, now))?))
}

/// Which blueprint.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Which {
    /// The blueprint's id on this gateway.
    cell: String,
}

/// The cell of this id.
pub(super) async fn find(gateway: &Gateway, named: &str) -> Answer<Versioned<Cell>> {
    let id: CellId = named.parse().map_err(|_| Problem::not_found("blueprint"))?;
    gateway.system().get::<Cell>(id).await?.ok_or_else(|| Problem::not_found("blueprint"))
}

/// Read a blueprint.
#[utoipa::path(
    get, path = "/api/v1/cells/{cell}", tag = "Blueprints", params(Which),
    responses((status = 200, body = CellView), (status = "default", body = Problem)),
)]
async fn read(
    State(gateway): State<Arc<Gateway>>,
    _operator: AsOperator,
    Path(which): Path<Which>,
) -> Answer<Json<CellView>> {
    let cell = find(&gateway, &which.cell).await?;
    Ok(Json(CellView::of(cell.record, gateway.clock.now())))
}

/// Why a blueprint is to be suspended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuspendBlueprint {
    /// Why, for those who look at it later.
    reason: String,
}

/// The answer to whoever asks for something that the gateway then sees to.
pub(super) fn accepted(gateway: &Gateway, cell: Cell) -> (StatusCode, Json<CellView>) {
    (StatusCode::ACCEPTED, Json(CellView::of(cell, gateway.clock.now())))
}

/// Suspend a blueprint: none of its agents acts from now on, its principal is disabled in the tenant, and that is tried.
#[utoipa::path(
    post, path = "/api/v1/cells/{cell}/suspend", tag = "Blueprints", params(Which), request_body = SuspendBlueprint,
    responses((status = 202, body = CellView), (status = "default", body = Problem)),
)]
async fn suspend_cell(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Path(which): Path<Which>,
    Json(request): Json<SuspendBlueprint>,
) -> Answer<(StatusCode, Json<CellView>)> {
    let cell = find(&gateway, &which.cell).await?;
    let suspended = suspend::suspend(&gateway, &caller, &cell, &request.reason).await?;
    Ok(accepted(&gateway, suspended))
}

/// Let a suspended blueprint's agents act again.
#[utoipa::path(
    post, path = "/api/v1/cells/{cell}/resume", tag = "Blueprints", params(Which),
    responses((status = 202, body = CellView), (status = "default", body = Problem)),
)]
async fn resume_cell(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Path(which): Path<Which>,
) -> Answer<(StatusCode, Json<CellView>)> {
    let cell = find(&gateway, &which.cell).await?;
    let resumed = suspend::resume(&gateway, &caller, &cell).await?;
    Ok(accepted(&gateway, resumed))
}

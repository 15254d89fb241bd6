//! Whether the gateway lives, and whether it can work: the truth by status code, the same as figures for a
//! monitoring system, and a page for people.

mod metrics;
mod page;

use std::sync::Arc;

use attache_store::GatewayScope;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;

pub(crate) use metrics::Metrics;
pub(crate) use page::pages;

use crate::Gateway;
use crate::access::Visitor;
use crate::server::{Answer, Json, Problem};

/// The routes, for those who watch the process.
pub(crate) fn routes() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/livez", get(|| async { "live\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics::show))
}

/// Ready means that the database answers, that what is sealed in it opens, and that the gateway is not about to end.
async fn ready(
    State(gateway): State<Arc<Gateway>>,
    _: Visitor,
) -> Answer<(StatusCode, Json<serde_json::Value>)> {
    if gateway.stopping.is_cancelled() {
        return Err(Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "stopping",
            "the gateway is about to end",
            "use another node",
        ));
    }
    works(&gateway).await.map_err(Problem::unavailable)?;
    Ok((StatusCode::OK, Json(serde_json::json!({ "ready": true }))))
}

async fn works(gateway: &Gateway) -> Answer<()> {
    gateway.store.engine(GatewayScope::granted()).ping().await?;
    gateway.keyring.check().await?;
    Ok(())
}

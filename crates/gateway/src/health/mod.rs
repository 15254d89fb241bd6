//! Whether the gateway lives, and whether it can work: the truth by status code.

use std::sync::Arc;

use attache_store::GatewayScope;
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::StatusCode;

use crate::Gateway;
use crate::server::{Answer, Json};

/// The routes, for those who watch the process.
pub(crate) fn routes() -> Router<Arc<Gateway>> {
    Router::new().route("/livez", get(|| async { "live\n" })).route("/readyz", get(ready))
}

/// Ready means that the database answers.
async fn ready(State(gateway): State<Arc<Gateway>>) -> Answer<(StatusCode, Json<serde_json::Value>)> {
    gateway.store.engine(GatewayScope::granted()).ping().await?;
    Ok((StatusCode::OK, Json(serde_json::json!({ "ready": true }))))
}

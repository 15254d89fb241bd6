//! What an owner does on the audit page to have the log sent somewhere, or to stop it.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::post;
use serde::Deserialize;

use super::Transport;
use super::service::{self, Wanted};
use crate::Gateway;
use crate::access::{Allowed, Grant, right};
use crate::server::{Answer, Form, Nothing, Pages};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/settings/siem", post(set))
        .route("/orgs/{org}/settings/siem/stop", post(stop))
}

#[derive(Debug, Deserialize)]
struct Filled {
    host: String,
    /// A form's fields are texts.
    port: String,
    transport: Transport,
    #[serde(default)]
    ca: String,
}

async fn set(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Form(filled): Form<Filled>,
) -> Answer<Response> {
    // What is no number is no port, and refused as none.
    let port = filled.port.trim().parse().unwrap_or_default();
    let ca = Some(filled.ca).filter(|ca| !ca.trim().is_empty());
    let wanted = Wanted { host: filled.host, port, transport: filled.transport, ca, from: None };
    service::set(&gateway, &allowed, wanted).await?;
    Ok(back(&allowed))
}

async fn stop(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    service::remove(&gateway, &allowed).await?;
    Ok(back(&allowed))
}

fn back(grant: &Grant) -> Response {
    Redirect::to(&format!("/orgs/{}/audit", grant.organisation.slug)).into_response()
}

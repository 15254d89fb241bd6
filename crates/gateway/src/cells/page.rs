//! The operators' page of blueprints: how full each is, and how all of its agents are stopped at once.

use std::sync::Arc;

use askama::Template;
use attache_store::{Page as Part, Versioned};
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use serde::Deserialize;

use super::http::find;
use super::{Cell, SEATS, suspend};
use crate::Gateway;
use crate::access::AsOperator;
use crate::dashboard::{Look, Page, page};
use crate::server::{Answer, Form, Nothing, Pages};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/blueprints", get(show))
        .route("/blueprints/{cell}/suspend", post(suspend_cell))
        .route("/blueprints/{cell}/resume", post(resume_cell))
}

#[derive(Template)]
#[template(path = "cells/page.html")]
struct Shown {
    look: Look,
    cells: Vec<Cell>,
    now: Timestamp,
}

async fn show(State(gateway): State<Arc<Gateway>>, AsOperator(caller): AsOperator) -> Page {
    let cells: Vec<Versioned<Cell>> = gateway.system().list(Part::newest(200)).await?;
    let cells = cells.into_iter().map(|found| found.record).collect();
    Ok(page(&Shown { look: Look::of(&gateway, &caller), cells, now: gateway.clock.now() }))
}

#[derive(Debug, Deserialize)]
struct Why {
    reason: String,
}

async fn suspend_cell(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Path(cell): Path<String>,
    Form(Why { reason }): Form<Why>,
) -> Answer<Response> {
    suspend::suspend(&gateway, &caller, &find(&gateway, &cell).await?, &reason).await?;
    Ok(Redirect::to("/blueprints").into_response())
}

async fn resume_cell(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Path(cell): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    suspend::resume(&gateway, &caller, &find(&gateway, &cell).await?).await?;
    Ok(Redirect::to("/blueprints").into_response())
}

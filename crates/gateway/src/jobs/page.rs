//! Jobs as people see them.

use std::sync::Arc;

use askama::Template;
use attache_store::JobQuery;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use super::http::{JobView, StateView, revive};
use crate::Gateway;
use crate::access::{Allowed, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Form, Nothing};

/// The routes.
pub(crate) fn pages() -> Router<Arc<Gateway>> {
    Router::new()
        .route("/orgs/{org}/jobs", get(list))
        .route("/orgs/{org}/jobs/list", get(part))
        .route("/orgs/{org}/jobs/{job}/retry", post(retry))
}

#[derive(Template)]
#[template(path = "jobs/page.html")]
struct List {
    look: Look,
    place: PlaceOf,
    jobs: Vec<JobView>,
}

#[derive(Template)]
#[template(path = "jobs/list.html")]
struct Part {
    look: Look,
    place: PlaceOf,
    jobs: Vec<JobView>,
}

impl JobView {
    fn tone(&self) -> &'static str {
        match self.state {
            StateView::Done => "good",
            StateView::Dead => "bad",
            StateView::Running | StateView::Waiting => "wait",
        }
    }

    fn word(&self) -> &'static str {
        match self.state {
            StateView::Done => "done",
            StateView::Dead => "given up",
            StateView::Running => "running",
            StateView::Waiting => "waiting",
        }
    }

    fn can_be_done(&self) -> bool {
        matches!(self.state, StateView::Dead | StateView::Waiting)
    }
}

async fn jobs(gateway: &Gateway, allowed: &Allowed<right::SeeJobs>) -> Answer<Vec<JobView>> {
    let query = JobQuery { limit: 100, ..JobQuery::default() };
    let jobs = gateway.store.org(allowed.scope).jobs(query).await?;
    Ok(jobs.into_iter().map(JobView::from).collect())
}

async fn list(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeJobs>) -> Page {
    let jobs = jobs(&gateway, &allowed).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/jobs"));
    Ok(page(&List { look, place, jobs }))
}

async fn part(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeJobs>) -> Page {
    let jobs = jobs(&gateway, &allowed).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/jobs"));
    Ok(page(&Part { look, place, jobs }))
}

async fn retry(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageJobs>,
    Path((_, job)): Path<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    revive(&gateway, &allowed, &job).await?;
    Ok(Redirect::to(&format!("/orgs/{}/jobs", allowed.organisation.slug)).into_response())
}

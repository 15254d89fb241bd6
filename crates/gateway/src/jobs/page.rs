//! Jobs as people see them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::http::{JobView, StateView, Wanted, revive, select};
use crate::Gateway;
use crate::access::{Allowed, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Cursor, Form, Listed, Nothing, Pages};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
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
    state: Option<StateView>,
    /// Where this part of the list begins, as part of an address.
    part: String,
    next: Option<String>,
    /// What else the way to the next part carries.
    kept: String,
}

#[derive(Template)]
#[template(path = "jobs/list.html")]
struct Part {
    look: Look,
    place: PlaceOf,
    jobs: Vec<JobView>,
}

impl List {
    /// What can be filtered by: the value, the word, and whether it is chosen.
    fn states(&self) -> Vec<(&'static str, &'static str, bool)> {
        let one = |state: &StateView| (state.as_str(), state.word(), self.state == Some(*state));
        StateView::ALL.iter().map(one).collect()
    }
}

impl JobView {
    fn tone(&self) -> &'static str {
        match self.state {
            StateView::Done => "good",
            StateView::Dead => "bad",
            StateView::Running | StateView::Waiting => "wait",
        }
    }

    fn can_be_done(&self) -> bool {
        matches!(self.state, StateView::Dead | StateView::Waiting)
    }
}

/// Which jobs the page shows; a form that leaves the state open sends it empty.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    state: String,
    cursor: Option<String>,
}

impl Filter {
    fn state(&self) -> Option<StateView> {
        StateView::ALL.iter().copied().find(|state| state.as_str() == self.state)
    }

    async fn select(&self, gateway: &Gateway, allowed: &Allowed<right::SeeJobs>) -> Answer<Listed<JobView>> {
        let wanted = Wanted { state: self.state(), cursor: self.cursor.clone(), ..Wanted::default() };
        select(gateway.store.org(allowed.scope), &wanted).await
    }

    /// The state, as the rest of an address.
    fn kept(&self) -> String {
        self.state().map(|state| format!("&state={}", state.as_str())).unwrap_or_default()
    }
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeJobs>,
    Query(filter): Query<Filter>,
) -> Page {
    let Listed { items: jobs, next } = filter.select(&gateway, &allowed).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/jobs"));
    let begin = Cursor::new(None, filter.cursor.clone()).query();
    let part = if begin.is_empty() { "?".to_owned() } else { begin } + &filter.kept();
    Ok(page(&List { look, place, jobs, state: filter.state(), part, next, kept: filter.kept() }))
}

async fn part(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeJobs>,
    Query(filter): Query<Filter>,
) -> Page {
    let Listed { items: jobs, .. } = filter.select(&gateway, &allowed).await?;
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

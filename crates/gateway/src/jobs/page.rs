//! Jobs as people see them: an organisation's, and to operators all of them.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::http::{JobView, StateView, Wanted, job_id, revive};
use super::operators;
use crate::Gateway;
use crate::access::{Allowed, AsOperator, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Cursor, Form, Listed, Nothing, Pages};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/jobs", get(list))
        .route("/orgs/{org}/jobs/list", get(part))
        .route("/orgs/{org}/jobs/{job}/retry", post(retry))
        .route("/jobs", get(list_all))
        .route("/jobs/{job}/retry", post(retry_own))
}

/// Whose jobs a list shows, which decides what can be done there.
enum Of {
    /// Those of the organisation with this short name.
    Org(String),
    /// All of them.
    Gateway,
}

impl Of {
    /// Where a job is done again, if it can be, by whoever sees this list.
    fn retry(&self, job: &JobView) -> Option<String> {
        let path = match self {
            Self::Org(slug) => format!("/orgs/{slug}/jobs/{}/retry", job.id),
            Self::Gateway if job.organisation_id.is_some() => return None,
            Self::Gateway => format!("/jobs/{}/retry", job.id),
        };
        job.can_be_done().then_some(path)
    }

    /// Whose a job is, where that differs.
    fn owner<'a>(&self, job: &'a JobView) -> Option<&'a str> {
        job.organisation_id.as_deref().filter(|_| matches!(self, Self::Gateway))
    }
}

#[derive(Template)]
#[template(path = "jobs/page.html")]
struct List {
    look: Look,
    place: PlaceOf,
    of: Of,
    jobs: Vec<JobView>,
    states: States,
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
    of: Of,
    jobs: Vec<JobView>,
}

#[derive(Template)]
#[template(path = "jobs/all.html")]
struct All {
    look: Look,
    of: Of,
    jobs: Vec<JobView>,
    states: States,
    next: Option<String>,
    /// What else the way to the next part carries.
    kept: String,
}

/// What can be filtered by: the value, the word, and whether it is chosen.
type States = Vec<(&'static str, &'static str, bool)>;

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

    fn states(&self) -> States {
        let one = |state: &StateView| (state.as_str(), state.word(), self.state() == Some(*state));
        StateView::ALL.iter().map(one).collect()
    }

    fn wanted(&self) -> Wanted {
        Wanted { state: self.state(), cursor: self.cursor.clone(), ..Wanted::default() }
    }

    async fn select(&self, gateway: &Gateway, allowed: &Allowed<right::SeeJobs>) -> Answer<Listed<JobView>> {
        let wanted = self.wanted();
        wanted.listed(gateway.store.org(allowed.scope).jobs(wanted.query()?).await?)
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
    let of = Of::Org(place.slug.clone());
    Ok(page(&List { look, place, of, jobs, states: filter.states(), part, next, kept: filter.kept() }))
}

async fn part(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeJobs>,
    Query(filter): Query<Filter>,
) -> Page {
    let Listed { items: jobs, .. } = filter.select(&gateway, &allowed).await?;
    let of = Of::Org(allowed.organisation.slug.clone());
    Ok(page(&Part { look: Look::of(&gateway, &allowed.caller), of, jobs }))
}

async fn retry(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageJobs>,
    Path((_, job)): Path<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    revive(&gateway, &allowed.caller, allowed.scope, job_id(&job)?).await?;
    Ok(Redirect::to(&format!("/orgs/{}/jobs", allowed.organisation.slug)).into_response())
}

async fn list_all(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Query(filter): Query<Filter>,
) -> Page {
    let Listed { items: jobs, next } = operators::select(&gateway, &filter.wanted()).await?;
    let (look, kept) = (Look::of(&gateway, &caller), filter.kept());
    Ok(page(&All { look, of: Of::Gateway, jobs, states: filter.states(), next, kept }))
}

async fn retry_own(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Path(job): Path<String>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    operators::redo(&gateway, &caller, &job).await?;
    Ok(Redirect::to("/jobs").into_response())
}

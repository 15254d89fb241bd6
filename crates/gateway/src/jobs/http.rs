//! Jobs over HTTP: what waits, what runs, what was given up.

use std::sync::Arc;

use attache_ledger::{Act, ActName, Code, Outcome};
use attache_store::{GatewayScope, Job, JobId, JobQuery, JobState, Place, Scope, Unit};
use axum::extract::{Path, Query, State};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Kind, operators};
use crate::Gateway;
use crate::access::{Allowed, Caller, InOrg, right};
use crate::record::{on, thing};
use crate::server::{Answer, Cursor, Json, Listed, Problem};

const REVIVED: ActName = ActName::new("job.revived");

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(retry)).merge(operators::api())
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum StateView {
    /// It waits until it is due, or for a worker.
    Waiting,
    /// A worker has it.
    Running,
    /// It was given up.
    Dead,
    /// It is done.
    Done,
}

impl StateView {
    /// Every one, in the order in which a job comes through them.
    pub(super) const ALL: &[Self] = &[Self::Waiting, Self::Running, Self::Dead, Self::Done];

    /// The word, as in JSON.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Dead => "dead",
            Self::Done => "done",
        }
    }

    /// The word for people.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Dead => "given up",
            other => other.as_str(),
        }
    }
}

impl From<JobState> for StateView {
    fn from(state: JobState) -> Self {
        match state {
            JobState::Waiting => Self::Waiting,
            JobState::Running => Self::Running,
            JobState::Dead => Self::Dead,
            JobState::Done => Self::Done,
        }
    }
}

impl From<StateView> for JobState {
    fn from(state: StateView) -> Self {
        match state {
            StateView::Waiting => Self::Waiting,
            StateView::Running => Self::Running,
            StateView::Dead => Self::Dead,
            StateView::Done => Self::Done,
        }
    }
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobView {
    /// Its id.
    pub(super) id: String,
    /// Whose it is; absent for what the gateway does for itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) organisation_id: Option<String>,
    /// What it does.
    pub(super) kind: String,
    /// How it stands.
    pub(super) state: StateView,
    /// How often it has failed in a row.
    pub(super) failures: u32,
    /// When it is due.
    #[schema(value_type = String, format = DateTime)]
    pub(super) due: Timestamp,
    /// Since when it exists.
    #[schema(value_type = String, format = DateTime)]
    pub(super) created: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub(super) changed: Timestamp,
    /// What was said of it last.
    pub(super) reason: Option<String>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.to_string(),
            organisation_id: job.org.map(|org| org.to_string()),
            kind: job.kind,
            state: job.state.into(),
            failures: job.failures,
            due: job.due,
            created: job.created,
            changed: job.changed,
            reason: job.reason,
        }
    }
}

/// Which jobs.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only in this state.
    pub(super) state: Option<StateView>,
    /// At most so many; 50 unless said, 200 at most.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<usize>,
    /// `next` of the answer before.
    #[param(format = "uuid")]
    pub(super) cursor: Option<String>,
}

impl Wanted {
    fn cursor(&self) -> Cursor {
        Cursor::new(self.limit, self.cursor.clone())
    }

    /// What the store is asked for, whosever jobs they are.
    pub(super) fn query(&self) -> Answer<JobQuery<'static>> {
        let page = self.cursor().page()?;
        let after = page.after.map(|after| after.key.parse()).transpose();
        Ok(JobQuery {
            state: self.state.map(JobState::from),
            after: after.map_err(|_| {
                Problem::invalid("cursor", "not one of ours", "pass `next` as it is, or none")
            })?,
            limit: page.limit,
            ..JobQuery::default()
        })
    }

    /// The answer, from what the store gave.
    pub(super) fn listed(&self, jobs: Vec<Job>) -> Answer<Listed<JobView>> {
        self.cursor().listed(jobs, |job| job.id.to_string(), JobView::from)
    }
}

/// List an organisation's jobs, the newest first.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/jobs", tag = "Jobs",
    params(InOrg, Wanted),
    responses((status = 200, body = Listed<JobView>), (status = "default", body = Problem)),
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeJobs>,
    Query(wanted): Query<Wanted>,
) -> Answer<Json<Listed<JobView>>> {
    let jobs = gateway.store.org(allowed.scope).jobs(wanted.query()?).await?;
    Ok(Json(wanted.listed(jobs)?))
}

/// Which job.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Which {
    /// The job's id.
    job: String,
}

/// Do a job that was given up again, or one that waits at once.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/jobs/{job}/retry", tag = "Jobs", params(InOrg, Which),
    responses((status = 202), (status = "default", body = Problem)),
)]
async fn retry(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageJobs>,
    Path(which): Path<Which>,
) -> Answer<StatusCode> {
    revive(&gateway, &allowed.caller, allowed.scope, job_id(&which.job)?).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The id of a job as an address has it.
pub(super) fn job_id(named: &str) -> Answer<JobId> {
    named.parse().map_err(|_| Problem::not_found("job"))
}

/// Has what a job of this kind and key was to do done again, if that was given up: whoever asks for the same once more
/// wants that. Of several such jobs, that counts which had its turn last.
pub(crate) async fn take_up(
    gateway: &Gateway,
    caller: &Caller,
    scope: impl Scope,
    kind: &Kind,
    key: &str,
) -> Answer<()> {
    let query = JobQuery { kind: Some(kind.name), key: Some(key), limit: 20, ..JobQuery::default() };
    let query = match scope.place() {
        Place::Org(org) => JobQuery { org: Some(org), ..query },
        Place::Gateway => query,
    };
    let last = gateway.system().jobs(query).await?.into_iter().max_by_key(|job| job.changed);
    match last {
        Some(job) if job.state == JobState::Dead => revive(gateway, caller, scope, job.id).await,
        _ => Ok(()),
    }
}

/// Has a job done that is this organisation's, or, for the gateway, whosever it is.
pub(super) async fn revive(gateway: &Gateway, caller: &Caller, scope: impl Scope, id: JobId) -> Answer<()> {
    // The queue is no part of a unit of work, so that what was meant is on record before it happens.
    let act = Act::new(REVIVED, caller.actor()).on(on([thing("job", id)]));
    let mut unit = Unit::new();
    let intent = gateway.open(&mut unit, scope, act.correlated(caller.correlation()));
    gateway.commit(caller, unit).await?;
    let engine = gateway.store.engine(GatewayScope::granted());
    let org = match scope.place() {
        Place::Org(org) => Some(org),
        Place::Gateway => None,
    };
    let revived = engine.revive(org, id).await;
    let (outcome, answer) = match revived {
        Ok(true) => (Outcome::done(), Ok(())),
        Ok(false) => {
            let problem = Problem::not_found("job that waits or was given up");
            (Outcome::failed(Code::new("not_found")), Err(problem))
        }
        Err(error) => (Outcome::unknown(), Err(error.into())),
    };
    let mut unit = Unit::new();
    gateway.close(&mut unit, intent, outcome).await?;
    gateway.commit(caller, unit).await?;
    answer
}

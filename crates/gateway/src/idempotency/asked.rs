//! One request with an `Idempotency-Key`, from its arrival to its answer.

use std::sync::{Arc, Mutex, MutexGuard};

use attache_store::{CommitError, Committed, GatewayScope, OrgId, Place, Unit, Versioned};
use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::kept::{Answered, DAY, Kept};
use crate::Gateway;
use crate::access::{Caller, Digest, Principal};
use crate::server::Problem;

/// A request with an `Idempotency-Key`.
#[derive(Debug)]
pub(crate) struct Asked {
    key: String,
    body: Digest,
    stage: Mutex<Stage>,
}

/// How far it has come.
#[derive(Debug, Clone)]
enum Stage {
    /// Nobody knows yet who asks.
    Arrived,
    /// It is known to be the first: this is to be kept.
    Known(Kept),
    /// Something was committed, and with it that it was.
    Begun(Versioned<Kept>),
}

/// Why a handler is not reached: the request is refused, or was answered before.
pub(crate) enum Turned {
    /// It is refused.
    Refused(Problem),
    /// The answer of then.
    Answered(Box<Response>),
}

impl From<Problem> for Turned {
    fn from(problem: Problem) -> Self {
        Self::Refused(problem)
    }
}

impl IntoResponse for Turned {
    fn into_response(self) -> Response {
        match self {
            Self::Refused(problem) => problem.into_response(),
            Self::Answered(response) => *response,
        }
    }
}

impl Asked {
    pub(super) fn new(key: String, body: Digest) -> Self {
        Self { key, body, stage: Mutex::new(Stage::Arrived) }
    }

    /// Whether it was asked before. Whoever asks has just been allowed to; `path` is that of the request, `org` the
    /// organisation that it names.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        gateway: &Gateway,
        org: Option<OrgId>,
        path: &str,
        caller: &mut Caller,
    ) -> Result<(), Turned> {
        let id = self.identify(org, path, &caller.principal);
        let now = gateway.clock.now();
        let before = gateway.system().get::<Kept>(id.as_str()).await.map_err(Problem::from)?;
        // What has expired may not be swept yet; then it is in the way of the same key for some seconds.
        match before.map(|before| before.record) {
            Some(before) if before.body != self.body => Err(reused().into()),
            Some(Kept { answer: Some(answer), .. }) => Err(Turned::Answered(Box::new(answer.again()))),
            Some(before) => {
                let age = now.duration_since(before.since).unsigned_abs();
                Err(if age < gateway.config.request_timeout { concurrent() } else { lost() }.into())
            }
            None => {
                let ends = now.saturating_add(DAY).unwrap_or(now);
                let kept = Kept { id, body: self.body.clone(), answer: None, since: now, ends };
                *self.stage() = Stage::Known(kept);
                caller.asked = Some(Arc::clone(self));
                Ok(())
            }
        }
    }

    /// Who asks for what of whom, and with which key. The organisation can be named in two ways in a path.
    fn identify(&self, org: Option<OrgId>, path: &str, principal: &Principal) -> Digest {
        let who = match principal {
            Principal::Key(key) => format!("key {}", key.id),
            Principal::Operator(digest) => format!("operator {}", digest.as_str()),
            Principal::Person(session, _) => format!("person {}/{}", session.tenant, session.user),
        };
        let whose = org.map_or_else(|| "gateway".to_owned(), |org| org.to_string());
        let below = path.strip_prefix("/api/v1/orgs/").filter(|_| org.is_some());
        let what = below.map_or(path, |below| below.split_once('/').map_or("", |(_, rest)| rest));
        Digest::of(&format!("{whose}\n{who}\n{what}\n{}", self.key))
    }

    /// Commits a unit, the first one with the record, and with the answer where that is known by now.
    pub(super) async fn commit(
        &self,
        gateway: &Gateway,
        mut unit: Unit,
        answer: Option<Response>,
    ) -> Result<Committed, CommitError> {
        let Stage::Known(kept) = self.stage().clone() else { return gateway.store.commit(unit).await };
        if unit.is_empty() {
            return Ok(Committed::default());
        }
        let answer = match answer {
            Some(answer) => Answered::of(answer).await.map(|(_, answer)| answer),
            None => None,
        };
        let kept = Kept { answer, ..kept };
        unit.create(GatewayScope::granted(), &kept);
        let committed = gateway.store.commit(unit).await?;
        *self.stage() = Stage::Begun(Versioned { place: Place::Gateway, version: 1, record: kept });
        Ok(committed)
    }

    /// Whether this answer is to be kept: one that came after something was committed, or that nothing had to be.
    pub(super) fn keeps(&self, status: StatusCode) -> bool {
        match &*self.stage() {
            Stage::Arrived => false,
            Stage::Known(_) => status.is_success(),
            Stage::Begun(_) => true,
        }
    }

    /// Keeps the answer, unless it is kept already.
    pub(super) async fn answered(&self, gateway: &Gateway, answer: Answered) {
        let mut unit = Unit::new();
        match self.stage().clone() {
            Stage::Arrived => return,
            Stage::Known(kept) => {
                unit.create(GatewayScope::granted(), &Kept { answer: Some(answer), ..kept });
            }
            Stage::Begun(kept) if kept.answer.as_ref() == Some(&answer) => return,
            Stage::Begun(kept) => {
                unit.update(&kept, &Kept { answer: Some(answer), ..kept.record.clone() });
            }
        }
        match gateway.store.commit(unit).await {
            // Two that had nothing to change may both be first.
            Ok(_) | Err(CommitError::Taken { .. }) => {}
            Err(error) => {
                tracing::error!(%error, "the answer to a request with an Idempotency-Key is not kept");
            }
        }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

fn reused() -> Problem {
    Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_key_reused",
        "this Idempotency-Key came with another body before",
        "take a new key for each thing that you ask for, and repeat a request unchanged",
    )
}

/// That the same request is under way.
pub(crate) fn concurrent() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_under_way",
        "a request with this Idempotency-Key is being answered",
        "wait for its answer, or repeat it in a moment",
    )
    .after(std::time::Duration::from_secs(1))
}

fn lost() -> Problem {
    Problem::new(
        StatusCode::CONFLICT,
        "idempotency_answer_lost",
        "the request took effect, but the process ended before its answer was kept",
        "read what it was to make or change; its entry is in the audit log",
    )
}

//! Problems as answers (RFC 9457): a stable code, what happened, what to do, and where that is explained.

use std::borrow::Cow;
use std::time::Duration;

use attache_store::{CommitError, StoreError};
use attache_terms::{Explain, Who};
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::idempotency::{KEPT, concurrent};
use crate::limits::whole_seconds;

/// The media type of a problem (RFC 9457, section 3).
pub(super) const PROBLEM: &str = "application/problem+json";

/// What a handler returns.
pub(crate) type Answer<T> = Result<T, Problem>;

/// A problem, as `application/problem+json`. It is small, since most results do not hold one.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Told>);

/// What a problem says.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Told {
    /// Where the code is explained.
    #[serde(rename = "type")]
    kind: String,
    /// What went wrong, in a few words.
    title: Cow<'static, str>,
    /// The HTTP status.
    #[schema(value_type = u16)]
    #[serde(serialize_with = "status_number")]
    status: StatusCode,
    /// The stable code, for programs.
    pub(crate) code: Cow<'static, str>,
    /// What happened.
    pub(crate) detail: String,
    /// What to do.
    pub(crate) remedy: String,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn status_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl std::ops::Deref for Problem {
    type Target = Told;

    fn deref(&self) -> &Told {
        &self.0
    }
}

impl Problem {
    /// A problem with a code of its own.
    pub(crate) fn new(
        status: StatusCode,
        code: impl Into<Cow<'static, str>>,
        detail: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let code = code.into();
        Self(Box::new(Told {
            kind: format!("/docs/problems#{code}"),
            title: Cow::Borrowed(status.canonical_reason().unwrap_or("Problem")),
            status,
            code,
            detail: detail.into(),
            remedy: remedy.into(),
            retry_after: None,
        }))
    }

    /// An error that explains itself, with this status.
    pub(crate) fn explained(status: StatusCode, error: &(dyn Explain + '_)) -> Self {
        let remedy = error.remedy();
        let mut problem = Self::new(status, error.code(), error.to_string(), remedy.to_string());
        if let Who::Platform { retry_after } = remedy.who {
            problem.0.retry_after = retry_after;
        }
        problem
    }

    /// Something of the gateway's own failed. What it says itself, with paths and what a database answers, is for the
    /// log and not for everybody.
    pub(crate) fn inside(what: &'static str, error: &(dyn Explain + '_)) -> Self {
        tracing::error!(code = error.code(), %error, "{what}");
        let detail = format!("{what} does not answer as it should");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, error.code(), detail, error.remedy().what)
    }

    /// There is no such thing, or it is not the caller's to know.
    pub(crate) fn not_found(what: &str) -> Self {
        let detail = format!("there is no such {what}");
        Self::new(StatusCode::NOT_FOUND, "not_found", detail, "check the address and the id, and whose it is")
    }

    /// Something of the request is wrong.
    pub(crate) fn invalid(field: &str, why: impl std::fmt::Display, remedy: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", format!("{field}: {why}"), remedy)
    }

    /// The same, to be tried again after so long.
    pub(crate) fn after(mut self, span: Duration) -> Self {
        self.0.retry_after = Some(span);
        self
    }

    /// How to prove oneself, for programs that go by headers (RFC 6750 §3).
    fn challenge(&self) -> Option<&'static str> {
        match (self.status, &*self.code) {
            (StatusCode::UNAUTHORIZED, "unauthenticated") => Some(r#"Bearer realm="attache""#),
            (StatusCode::UNAUTHORIZED, _) => Some(r#"Bearer realm="attache", error="invalid_token""#),
            (StatusCode::FORBIDDEN, "scope_missing") => {
                Some(r#"Bearer realm="attache", error="insufficient_scope""#)
            }
            _ => None,
        }
    }

    /// The same, as what keeps this process from working at all.
    pub(crate) fn unavailable(mut self) -> Self {
        self.0.status = StatusCode::SERVICE_UNAVAILABLE;
        self.0.title = Cow::Borrowed("Service Unavailable");
        self
    }

    /// The status.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let problem = Self::inside("the gateway's database", &error).after(Duration::from_secs(5));
        match error {
            StoreError::Unavailable { .. } | StoreError::Absent { .. } | StoreError::Denied { .. } => {
                problem.unavailable()
            }
            _ => problem,
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Store(error) => error.into(),
            CommitError::Taken { kind: KEPT, .. } => concurrent(),
            CommitError::Conflict { .. } | CommitError::Taken { .. } | CommitError::LeaseLost => {
                Self::explained(StatusCode::CONFLICT, &error)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if let Some(span) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(whole_seconds(span).max(1)));
        }
        if let Some(challenge) = self.challenge() {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
        }
        // A page can show it as a page.
        response.extensions_mut().insert(self);
        response
    }
}

//! What is kept of a request with an `Idempotency-Key`: that it took effect, and what was answered. Secrets that are
//! shown once are not in it.

use attache_store::{GatewayScope, Record};
use axum::body::{Body, to_bytes};
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::access::Digest;
use crate::server::ShownOnce;

/// What the record is called in the store.
pub(crate) const KEPT: &str = "kept_answer";

/// How long it is kept, as the draft wants said (section 2.3).
pub(super) const DAY: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

/// The longest body, as everywhere.
pub(super) const MOST: usize = 2 << 20;

/// A request that took effect. It is swept away when its day is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Whose it is, what was asked for and with which key, hashed.
    pub(super) id: Digest,
    /// The hash of the body.
    pub(super) body: Digest,
    /// What was answered, once it was.
    pub(super) answer: Option<Answered>,
    /// When it took effect.
    pub(super) since: Timestamp,
    /// Until when it is kept.
    pub(super) ends: Timestamp,
}

impl Record for Kept {
    const KIND: &'static str = KEPT;
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.id.as_str().to_owned()
    }

    fn expires(&self) -> Option<Timestamp> {
        Some(self.ends)
    }
}

/// What was answered, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) kind: Option<String>,
    pub(super) body: String,
}

impl Answered {
    /// What is to be kept of an answer, and the answer itself; nothing of one that is too long.
    pub(super) async fn of(answer: Response) -> Option<(Response, Self)> {
        let (parts, body) = answer.into_parts();
        let body = to_bytes(body, MOST).await.ok()?;
        let kind = parts.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).map(str::to_owned);
        let text = match parts.extensions.get::<ShownOnce>() {
            Some(shown) => shown.without(&body),
            None => String::from_utf8_lossy(&body).into_owned(),
        };
        let kept = Self { status: parts.status.as_u16(), kind, body: text };
        Some((Response::from_parts(parts, Body::from(body)), kept))
    }

    /// The same answer, which says that it is one that was given before.
    pub(super) fn again(&self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, Body::from(self.body.clone())).into_response();
        let headers = response.headers_mut();
        headers.remove(CONTENT_TYPE);
        if let Some(kind) = self.kind.as_deref().and_then(|kind| HeaderValue::from_str(kind).ok()) {
            headers.insert(CONTENT_TYPE, kind);
        }
        headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
        response
    }
}

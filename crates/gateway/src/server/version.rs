//! Versions over HTTP (RFC 9110, sections 8.8.3 and 13.1): what is shown carries an entity tag made of its record's
//! version; who has it already gets 304; who changes it can demand that it still is what they saw, and gets 412
//! otherwise. That demand goes into the unit of the change, which expects the version that was read: between the look
//! and the change nobody slips in.

use std::fmt;

use attache_store::{Record, Versioned};
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::IntoParams;

use super::{Answer, Json, Problem};

/// The entity tag of a record: its version, and what else the view shows that the record does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tag {
    version: u64,
    more: Option<i64>,
}

impl Tag {
    /// Of a view that shows nothing but the record.
    pub(crate) fn of<R: Record>(record: &Versioned<R>) -> Self {
        Self { version: record.version, more: None }
    }

    /// Of a view that shows something else too, which has no say in who may change the record.
    pub(crate) fn with(self, more: Option<i64>) -> Self {
        Self { more, ..self }
    }
}

/// What stands in its quotes.
impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.more {
            Some(more) => write!(f, "{}-{more}", self.version),
            None => write!(f, "{}", self.version),
        }
    }
}

/// A view with its entity tag.
#[derive(Debug)]
pub(crate) struct Tagged<T>(pub(crate) Tag, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.1).into_response();
        tag(&mut response, &self.0);
        response
    }
}

fn tag(response: &mut Response, tag: &Tag) {
    if let Ok(value) = HeaderValue::try_from(format!("\"{tag}\"")) {
        response.headers_mut().insert(ETAG, value);
    }
}

/// What whoever reads has already.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfNoneMatch {
    /// The `ETag` of what one has already: if it still is what would be shown, the answer is 304 without a body.
    #[param(rename = "If-None-Match")]
    tags: Option<String>,
}

impl IfNoneMatch {
    /// The view, or that it has not changed.
    pub(crate) fn show<T: Serialize>(&self, tagged: Tagged<T>) -> Response {
        let is_among = |tags: &str| {
            let wanted = tagged.0.to_string();
            // Whoever reads compares weakly: `W/"3"` is as good as `"3"`.
            any(tags, |_, opaque| opaque == wanted)
        };
        if !self.tags.as_deref().is_some_and(is_among) {
            return tagged.into_response();
        }
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        tag(&mut response, &tagged.0);
        response
    }
}

/// What whoever changes something saw of it.
#[derive(Debug, Default, IntoParams)]
#[into_params(parameter_in = Header)]
pub(crate) struct IfMatch {
    /// The `ETag` of what one saw: if it changed since, nothing is done and the answer is 412.
    #[param(rename = "If-Match")]
    tags: Option<String>,
}

impl IfMatch {
    /// The record, if it is what the caller saw. A unit that changes it expects just this version.
    pub(crate) fn seen<R: Record>(&self, record: Versioned<R>) -> Answer<Versioned<R>> {
        let version = record.version.to_string();
        // Whoever changes something compares strongly.
        let saw = |weak: bool, opaque: &str| !weak && opaque.split('-').next() == Some(version.as_str());
        match &self.tags {
            Some(tags) if tags.trim() != "*" && !any(tags, saw) => Err(precondition_failed()),
            _ => Ok(record),
        }
    }

    /// What became of the change: that somebody else was faster is what the caller demanded not to overlook.
    pub(crate) fn done<T>(&self, changed: Answer<T>) -> Answer<T> {
        changed.map_err(|problem| match self.tags {
            Some(_) if problem.code == "conflict" => precondition_failed(),
            _ => problem,
        })
    }
}

fn precondition_failed() -> Problem {
    Problem::new(
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "it is not what you saw any more: its ETag differs from If-Match",
        "read it again, and repeat the change with the new ETag if it still applies",
    )
}

/// Whether any of these entity tags is one that is wanted: told whether it is weak, and what stands in its quotes.
fn any(tags: &str, wanted: impl Fn(bool, &str) -> bool) -> bool {
    tags.split(',').map(str::trim).any(|tag| {
        let (weak, quoted) = tag.strip_prefix("W/").map_or((false, tag), |rest| (true, rest));
        let opaque = quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        opaque.is_some_and(|opaque| wanted(weak, opaque))
    })
}

/// All lines of a header as one list.
fn listed(headers: &HeaderMap, name: HeaderName) -> Option<String> {
    let lines: Vec<&str> =
        headers.get_all(name).iter().map(|line| line.to_str().unwrap_or_default()).collect();
    (!lines.is_empty()).then(|| lines.join(", "))
}

impl<S: Send + Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self { tags: listed(&parts.headers, IF_NONE_MATCH) })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self { tags: listed(&parts.headers, IF_MATCH) })
    }
}

#[cfg(test)]
mod tests {
    use attache_store::{GatewayScope, Place};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Clone, Serialize, Deserialize)]
    struct Thing;

    impl Record for Thing {
        const KIND: &'static str = "thing";
        type Scope = GatewayScope;

        fn key(&self) -> String {
            "thing".to_owned()
        }
    }

    fn thing(version: u64) -> Versioned<Thing> {
        Versioned { place: Place::Gateway, version, record: Thing }
    }

    fn seen(tags: Option<&str>) -> bool {
        IfMatch { tags: tags.map(str::to_owned) }.seen(thing(7)).is_ok()
    }

    #[test]
    fn a_change_is_made_to_what_was_seen_only() {
        for fits in [None, Some("*"), Some("\"7\""), Some("\"3\", \"7\""), Some("\"7-1700000000\"")] {
            assert!(seen(fits), "{fits:?}");
        }
        for other in ["\"8\"", "W/\"7\"", "7", "\"77\"", "\"\"", "", "nonsense", "\"-7\""] {
            assert!(!seen(Some(other)), "{other:?}");
        }
    }

    #[test]
    fn whoever_has_it_already_gets_no_body() {
        let shown = |tags: &str| {
            let tag = Tag::of(&thing(7)).with(Some(5));
            IfNoneMatch { tags: Some(tags.to_owned()) }.show(Tagged(tag, "body"))
        };
        for same in ["\"7-5\"", "W/\"7-5\"", "\"1\", \"7-5\""] {
            assert_eq!(shown(same).status(), StatusCode::NOT_MODIFIED);
            assert_eq!(shown(same).headers()[ETAG], "\"7-5\"");
        }
        assert_eq!(shown("\"7\"").status(), StatusCode::OK);
        assert_eq!(shown("\"7-4\"").status(), StatusCode::OK);
    }

    #[test]
    fn being_overtaken_is_a_failed_precondition_for_whoever_made_one() {
        let conflict = || Err::<(), _>(Problem::new(StatusCode::CONFLICT, "conflict", "x", "y"));
        let met = |tags: Option<&str>| IfMatch { tags: tags.map(str::to_owned) }.done(conflict());
        assert_eq!(met(Some("\"7\"")).unwrap_err().status(), StatusCode::PRECONDITION_FAILED);
        assert_eq!(met(None).unwrap_err().status(), StatusCode::CONFLICT);
    }
}

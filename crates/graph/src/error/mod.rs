//! Why a call did not give its value, by cause. Graph's envelope: Entra reference §7.3; what each code
//! means for a person is in `meaning`.

mod meaning;

pub use meaning::meanings;

use std::fmt;
use std::time::Duration;

use attache_entra::TokenFault;
use attache_terms::{Explain, Remedy};
use http::StatusCode;
use serde::Deserialize;

use crate::Correlation;

/// A failed call: its cause, and the ids that find it in Microsoft's logs.
pub struct GraphError(Box<(Cause, Correlation)>);

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Cause {
    /// Graph does not believe the token, not even a fresh one.
    #[error("Graph refused the token: {message}")]
    Unauthorised {
        /// What Graph said.
        message: String,
    },
    /// The identity may not do this.
    #[error("Graph refused the call ({code}): {message}")]
    Forbidden {
        /// Graph's code.
        code: String,
        /// What Graph said.
        message: String,
        /// The permissions of which one is missing, where Graph names them, or where we know what the call wants.
        missing: Option<String>,
    },
    /// There is no such object, or none yet.
    #[error("Graph finds no such object ({code}): {message}")]
    NotFound {
        /// Graph's code.
        code: String,
        /// What Graph said.
        message: String,
    },
    /// There is one already, or it changed meanwhile.
    #[error("Graph has one already ({code}): {message}")]
    Conflict {
        /// Graph's code.
        code: String,
        /// What Graph said.
        message: String,
    },
    /// Too many requests, also after waiting.
    #[error("Graph is throttling this client")]
    Throttled {
        /// How long Graph wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request is wrong.
    #[error("Graph rejected the request ({status} {code}): {message}")]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// Graph's code.
        code: String,
        /// What Graph said.
        message: String,
    },
    /// Graph has a problem of its own, also after repeating a call that may be repeated.
    #[error("Graph cannot answer now ({status})")]
    Unavailable {
        /// The HTTP status.
        status: u16,
        /// How long Graph wants to be left alone.
        retry_after: Option<Duration>,
    },
    /// The request certainly did nothing: it never arrived, or it only reads.
    #[error("Graph cannot be reached: {why}")]
    Unreachable {
        /// What the network said.
        why: String,
    },
    /// The write may have happened.
    #[error("nobody knows whether Graph did it: {why}")]
    OutcomeUnknown {
        /// What came instead of an answer.
        why: String,
    },
    /// There is no token.
    #[error("no token for Graph: {0}")]
    Token(TokenFault),
    /// Something has a shape that we do not know.
    #[error("{what} is not as Graph's documentation describes it")]
    Malformed {
        /// What has it.
        what: String,
    },
    /// A link that would take the token to another host.
    #[error("Graph gave a link to {host:?}, which is not the configured Graph")]
    ForeignLink {
        /// The host of the link.
        host: String,
    },
    /// The answer is larger than anything we ask for.
    #[error("Graph's answer is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: usize,
    },
}

impl GraphError {
    /// An error with this cause; also for tests of other rooms.
    pub fn new(cause: Cause, correlation: Correlation) -> Self {
        Self(Box::new((cause, correlation)))
    }

    /// Names the permissions that the call wants, where Graph only says that one is missing.
    pub(crate) fn wanting(mut self, names: Option<&str>) -> Self {
        if let Cause::Forbidden { code, missing: missing @ None, .. } = &mut self.0.0
            && code == meaning::DENIED
        {
            *missing = names.map(str::to_owned);
        }
        self
    }

    /// What went wrong.
    pub fn cause(&self) -> &Cause {
        &self.0.0
    }

    /// The ids of the call.
    pub fn correlation(&self) -> &Correlation {
        &self.0.1
    }

    /// Whether Graph finds no such object.
    pub fn is_not_found(&self) -> bool {
        matches!(self.cause(), Cause::NotFound { .. })
    }

    /// Whether a write may have happened all the same.
    pub fn is_unknown(&self) -> bool {
        matches!(self.cause(), Cause::OutcomeUnknown { .. })
    }

    /// Graph's own code, where it gave one.
    pub fn graph_code(&self) -> Option<&str> {
        match self.cause() {
            Cause::Forbidden { code, .. }
            | Cause::NotFound { code, .. }
            | Cause::Conflict { code, .. }
            | Cause::Rejected { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Of an answer that is no success.
    pub(crate) fn answered(
        status: StatusCode,
        body: &[u8],
        retry_after: Option<Duration>,
        mut correlation: Correlation,
    ) -> Self {
        let told = Told::of(status, body);
        if correlation.request_id.is_none() {
            correlation.request_id = told.request_id;
        }
        let (code, message) = (told.code, told.message);
        let cause = match status.as_u16() {
            401 => Cause::Unauthorised { message },
            403 => Cause::Forbidden { missing: missing(&message), code, message },
            404 | 410 => Cause::NotFound { code, message },
            409 | 412 => Cause::Conflict { code, message },
            // The directory reports some duplicates as 400 (Entra reference §3.1, §2.7).
            400 if told.conflict => Cause::Conflict { code, message },
            429 | 509 => Cause::Throttled { retry_after },
            500..=599 => Cause::Unavailable { status: status.as_u16(), retry_after },
            status => Cause::Rejected { status, code, message },
        };
        Self::new(cause, correlation)
    }
}

impl fmt::Display for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().fmt(f)
    }
}

impl fmt::Debug for GraphError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GraphError")
            .field("cause", self.cause())
            .field("correlation", self.correlation())
            .finish()
    }
}

impl std::error::Error for GraphError {}

impl Explain for GraphError {
    fn code(&self) -> &'static str {
        meaning::code(self.cause())
    }

    fn remedy(&self) -> Remedy {
        meaning::remedy(self.cause())
    }
}

/// What Graph told in its envelope; also what there is when it told nothing.
struct Told {
    code: String,
    message: String,
    request_id: Option<String>,
    conflict: bool,
}

#[derive(Deserialize)]
struct Envelope {
    error: WireError,
}

#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    #[serde(default, alias = "innererror", rename = "innerError")]
    inner: Option<Inner>,
    #[serde(default)]
    details: Option<Vec<Detail>>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default, rename = "request-id")]
    request_id: Option<String>,
}

#[derive(Deserialize)]
struct Detail {
    #[serde(default)]
    code: Option<String>,
}

impl Told {
    fn of(status: StatusCode, body: &[u8]) -> Self {
        let Ok(Envelope { error }) = serde_json::from_slice(body) else {
            let message = status.canonical_reason().unwrap_or("an answer without a text").to_owned();
            return Self {
                code: format!("http_{}", status.as_u16()),
                message,
                request_id: None,
                conflict: false,
            };
        };
        let message = bounded(error.message.as_deref().unwrap_or_default());
        let conflict =
            error.details.iter().flatten().any(|detail| detail.code.as_deref() == Some("ObjectConflict"))
                || message.contains("already exists");
        Self {
            code: bounded(error.code.as_deref().unwrap_or("unknown")),
            message,
            request_id: error.inner.and_then(|inner| inner.request_id).map(|id| bounded(&id)),
            conflict,
        }
    }
}

/// A text of the service, fit for one line of a log.
fn bounded(text: &str) -> String {
    const MOST: usize = 600;
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST).collect()
}

/// The permissions that a 403 names: "API requires one of 'Chat.Read, Chat.ReadWrite'." (reference §5.3).
fn missing(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("requires one of '")?;
    let (names, _) = rest.split_once('\'')?;
    Some(names.trim_end_matches(['.', '…', ' ']).to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn error(status: u16, body: &str) -> GraphError {
        let status = StatusCode::from_u16(status).unwrap();
        GraphError::answered(status, body.as_bytes(), None, Correlation::before(Uuid::nil()))
    }

    #[test]
    fn what_the_call_wants_is_named_where_graph_names_nothing() {
        let text = r#"{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}"#;
        let named = error(403, text).wanting(Some("Domain.ReadWrite.All"));
        assert_eq!(named.code(), "permission_missing");
        assert!(named.remedy().to_string().contains("Domain.ReadWrite.All"), "{}", named.remedy());
        assert!(
            error(403, text)
                .wanting(None)
                .remedy()
                .to_string()
                .contains("the permission that this call needs")
        );
        let other = error(403, r#"{"error":{"code":"ErrorAccessDenied","message":"Access is denied."}}"#);
        assert!(
            !other.wanting(Some("Mail.Send")).remedy().to_string().contains("Mail.Send"),
            "it may be a policy"
        );
    }

    #[test]
    fn the_missing_permission_is_named() {
        let error = error(
            403,
            r#"{"error":{"code":"Forbidden","message":"Missing scope permissions on the request. API requires one of 'Chat.Read, Chat.ReadWrite'. Scopes on the request 'openid, profile, User.Read'","innerError":{"date":"2026-03-12T23:50:07","request-id":"r1","client-request-id":"c1"}}}"#,
        );
        assert!(
            matches!(error.cause(), Cause::Forbidden { missing: Some(names), .. } if names == "Chat.Read, Chat.ReadWrite")
        );
        assert_eq!(error.correlation().request_id.as_deref(), Some("r1"));
        assert!(error.remedy().what.contains("Chat.Read"), "{}", error.remedy());
    }

    #[test]
    fn a_duplicate_is_a_conflict_whatever_its_status() {
        let details = r#"{"error":{"code":"Request_BadRequest","message":"Another object with the same value for property userPrincipalName already exists.","details":[{"code":"ObjectConflict","message":"","target":"userPrincipalName"}]}}"#;
        let text = r#"{"error":{"code":"Request_BadRequest","message":"Permission being assigned already exists on the object"}}"#;
        for (status, body) in [(400, details), (400, text), (409, "{}"), (412, "<html>")] {
            assert!(matches!(error(status, body).cause(), Cause::Conflict { .. }), "{status} {body}");
        }
    }

    #[test]
    fn an_answer_that_is_no_json_still_says_what_it_was() {
        let error = error(502, "<html>Bad gateway</html>");
        assert!(matches!(error.cause(), Cause::Unavailable { status: 502, .. }));
    }

    proptest! {
        #[test]
        fn every_answer_has_a_code_and_a_remedy(status in 300u16..600, code in "\\PC{0,30}", message in "\\PC{0,80}") {
            let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
            let error = error(status, &body);
            prop_assert!(!error.code().is_empty());
            prop_assert!(!error.remedy().what.is_empty());
            prop_assert!(!error.to_string().contains('\n'));
        }

        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = GraphError::answered(StatusCode::BAD_REQUEST, &body, None, Correlation::before(Uuid::nil()));
        }
    }
}

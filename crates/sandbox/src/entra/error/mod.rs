//! AADSTS errors in Microsoft's shape (Entra reference §1.7). The codes are one constructor each, in the files
//! beside this one (§1.13): what is wrong with the request, with its client, or with the user's grant.

mod client;
mod grant;
mod policy;
mod request;

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::exchange::{Request, Response};
use crate::realm::Absent;
use crate::scope::note;

/// A failed sign-in or token request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EntraError {
    pub(crate) status: StatusCode,
    /// The OAuth error.
    pub(crate) error: &'static str,
    /// The number after `AADSTS`.
    pub(crate) code: u32,
    pub(crate) message: String,
    pub(crate) suberror: Option<&'static str>,
    /// What the client is to send to `/authorize`: JSON in a string.
    pub(crate) claims: Option<Box<str>>,
    /// How many seconds to wait before the next try.
    pub(crate) retry_after: Option<u32>,
}

/// Nobody sees it: the request is answered again.
impl From<Absent> for EntraError {
    fn from(absent: Absent) -> Self {
        Self::not_saved(&absent.to_string())
    }
}

impl EntraError {
    pub(crate) fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        let status =
            if error == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
        Self { status, error, code, message: message.into(), suberror: None, claims: None, retry_after: None }
    }

    fn invalid_client(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_client", code, message)
    }

    fn invalid_grant(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_grant", code, message)
    }

    fn invalid_request(code: u32, message: impl Into<String>) -> Self {
        Self::new("invalid_request", code, message)
    }

    /// The same as who acts for a user is told: only where the user is can anything be done.
    pub(crate) fn into_interaction(mut self) -> Self {
        if self.claims.is_some() && self.error == "invalid_grant" && self.code != 65_001 {
            self.error = "interaction_required";
        }
        self
    }

    /// The same with `claims` for the next sign-in.
    pub(crate) fn with_claims(mut self, claims: &Value) -> Self {
        self.claims = Some(claims.to_string().into());
        self
    }

    /// `AADSTS<code>: <message>` with the trailer.
    pub(crate) fn description(&self, ids: &Ids, now: Timestamp) -> String {
        format!(
            "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
            self.code,
            self.message,
            ids.trace,
            ids.correlation,
            timestamp(now)
        )
    }

    /// Where Microsoft tells about the code.
    pub(crate) fn uri(&self) -> String {
        format!("https://login.microsoftonline.com/error?code={}", self.code)
    }

    /// The token endpoint's answer.
    pub(crate) fn to_response(&self, ids: &Ids, now: Timestamp) -> Response {
        let mut body = json!({
            "error": self.error,
            "error_description": self.description(ids, now),
            "error_codes": [self.code],
            "timestamp": timestamp(now),
            "trace_id": ids.trace,
            "correlation_id": ids.correlation,
            "error_uri": self.uri(),
        });
        if let Some(suberror) = self.suberror {
            body["suberror"] = Value::from(suberror);
        }
        if let Some(claims) = &self.claims {
            body["claims"] = Value::from(&**claims);
        }
        note(|decision| {
            decision.error = Some(self.error.to_owned());
            decision.aadsts = Some(self.code);
        });
        let response = Response::json(self.status, &body);
        match self.retry_after {
            Some(seconds) => response.with(http::header::RETRY_AFTER, &seconds.to_string()),
            None => response,
        }
    }
}

fn timestamp(now: Timestamp) -> String {
    now.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// The ids of a request: ours, and the client's if it sent a GUID.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ids {
    pub(crate) trace: String,
    pub(crate) correlation: String,
}

impl Ids {
    /// Reads or makes them.
    pub(crate) fn of(request: &Request) -> Self {
        let correlation = request
            .header("client-request-id")
            .and_then(|id| uuid::Uuid::parse_str(id).ok())
            .map_or_else(crate::directory::new_id, |id| id.to_string());
        Self { trace: crate::directory::new_id(), correlation }
    }
}

//! What Entra said when it refused (Entra reference §1.7), and who must act.

use std::fmt;
use std::time::Duration;

use attache_terms::Remedy;
use uuid::Uuid;

use crate::aadsts::{self, Meaning};

/// An OAuth error that Entra answered with (Entra reference §1.7).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The OAuth word: `invalid_client`, `invalid_grant`, …
    pub error: String,
    /// The numbers behind `AADSTS`.
    pub codes: Vec<u32>,
    /// Entra's own sentence, without its trailer; cut to a bearable length.
    pub message: String,
    /// More detail in a word: `consent_required`, …
    pub suberror: Option<String>,
    /// A claims challenge to pass on, as it is.
    pub claims: Option<String>,
    /// What finds the request in Entra's sign-in log.
    pub trace_id: Option<String>,
    /// Entra's echo of `client_request_id`.
    pub correlation_id: Option<String>,
    /// `x-ms-request-id` of the answer; empty when there was none.
    pub request_id: String,
    /// The `client-request-id` that we sent.
    pub client_request_id: Uuid,
    /// The HTTP status.
    pub status: u16,
    /// What `Retry-After` asked for.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// The first code that is known.
    pub fn meaning(&self) -> Option<&'static Meaning> {
        self.codes.iter().find_map(|code| aadsts::meaning(*code))
    }

    /// Whether the same request may succeed a moment later.
    pub(crate) fn is_transient(&self) -> bool {
        match self.meaning() {
            Some(meaning) => meaning.is_transient() || self.status == 429,
            None => self.status == 429 || self.status >= 500,
        }
    }

    pub(crate) fn word(&self) -> &'static str {
        match (self.meaning(), self.error.as_str()) {
            (Some(meaning), _) => meaning.word,
            (None, _) if self.status == 429 => "throttled",
            (None, _) if self.status >= 500 => "authority_failed",
            (None, "invalid_client") => "credential_refused",
            (None, "invalid_grant") => "grant_refused",
            (None, "interaction_required") => "interaction_required",
            (None, "unauthorized_client") => "client_unauthorized",
            (None, _) => "token_refused",
        }
    }

    pub(crate) fn remedy(&self) -> Remedy {
        if let Some(meaning) = self.meaning() {
            return match meaning.remedy() {
                Remedy { who: attache_terms::Who::Platform { .. }, what } => {
                    Remedy::platform(self.retry_after, what)
                }
                other => other,
            };
        }
        if self.status == 429 || self.status >= 500 {
            return Remedy::platform(self.retry_after, "wait, and try again");
        }
        let lookup = self.codes.first().map_or(String::new(), |code| {
            format!("; https://login.microsoftonline.com/error?code={code} says more")
        });
        Remedy::operator(match self.error.as_str() {
            "invalid_client" => format!("check the application's credential{lookup}"),
            "invalid_grant" | "interaction_required" => format!("sign in again{lookup}"),
            _ => format!("look the request up in the tenant's sign-in log by its trace id{lookup}"),
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.meaning(), self.codes.first()) {
            (Some(meaning), _) => write!(f, "{} (AADSTS{})", meaning.meaning, meaning.code)?,
            (None, Some(_)) => write!(f, "{}", self.message)?,
            (None, None) => write!(f, "{} {} {}", self.status, self.error, self.message)?,
        }
        if let Some(trace) = &self.trace_id {
            write!(f, "; trace id {trace}")?;
        }
        write!(f, "; correlation id {}", self.client_request_id)
    }
}

//! The log of requests, for tests that count and order them.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// How many requests are remembered.
const KEPT: usize = 10_000;

/// A request that was answered, or cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// When it arrived, by the sandbox's clock.
    pub at: jiff::Timestamp,
    /// The host that the client named.
    pub origin: String,
    /// The method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The status of the answer; none if the connection was cut.
    pub status: Option<u16>,
    /// The answer's `request-id` or `x-ms-request-id`.
    pub request_id: Option<String>,
    /// The request's `client-request-id`.
    pub client_request_id: Option<String>,
    /// The form's `grant_type`, of a token request.
    pub grant_type: Option<String>,
}

/// The newest requests.
#[derive(Debug, Default)]
pub(crate) struct RequestLog(Mutex<VecDeque<LoggedRequest>>);

impl RequestLog {
    /// Adds one; the oldest is forgotten.
    pub(crate) fn add(&self, request: LoggedRequest) {
        let mut requests = self.requests();
        if requests.len() == KEPT {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.requests().iter().cloned().collect()
    }

    /// Forgets them.
    pub(crate) fn clear(&self) {
        self.requests().clear();
    }

    fn requests(&self) -> MutexGuard<'_, VecDeque<LoggedRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! What the framework refuses by itself (a query that does not parse, a method that a path has not) leaves as a
//! problem, as every refusal does.

use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::StatusCode;
use http::header::{ALLOW, CONTENT_TYPE};

use super::Problem;
use super::problem::PROBLEM;

/// More than a framework has to say.
const MOST: usize = 4096;

/// The same answer, unless it is a refusal in other words than ours.
pub(super) async fn in_our_words(response: Response) -> Response {
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    // What was answered before was in our words then.
    let is_ours = |kind: &HeaderValue| kind == PROBLEM;
    if !refused || response.headers().get(CONTENT_TYPE).is_some_and(is_ours) {
        return response;
    }
    let allow = response.headers().get(ALLOW).cloned();
    let said = axum::body::to_bytes(response.into_body(), MOST).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said).trim().to_owned();
    let (code, usual, remedy) = match status {
        StatusCode::METHOD_NOT_ALLOWED => (
            "method_not_allowed",
            "this address does not know the method",
            "use a method that `Allow` names; /api/openapi.json has them all",
        ),
        StatusCode::PAYLOAD_TOO_LARGE => ("body", "the body is too large", "send a smaller body"),
        _ if status.is_server_error() => (
            "internal",
            "the gateway could not answer",
            "try again; if it stays so, tell whoever runs it, with the answer's X-Request-Id",
        ),
        _ => ("malformed", "the request is malformed", "compare the request with /api/openapi.json"),
    };
    // What a failure inside says is for the log only.
    let detail = if said.is_empty() || status.is_server_error() { usual.to_owned() } else { said };
    let mut response = Problem::new(status, code, detail, remedy).into_response();
    if let Some(allow) = allow {
        response.headers_mut().insert(ALLOW, allow);
    }
    response
}

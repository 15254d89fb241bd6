//! Demands that cannot be met. `If-Match` wants a change to be made only to what was seen; what has no entity tag was
//! never seen so, and a change that passed over the demand would be one that nobody asked for (RFC 9110 §13.1.1).

use std::collections::HashSet;

use http::header::IF_MATCH;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::Problem;
use super::document::operations;

/// The operations that heed `If-Match`, as the OpenAPI document says of them.
#[derive(Debug)]
pub(super) struct Demands(HashSet<(Method, String)>);

impl Demands {
    /// Those of this document.
    pub(super) fn of(document: &Value) -> Self {
        let heeds = |operation: &Value| {
            let mut parameters = operation["parameters"].as_array().into_iter().flatten();
            parameters.any(|parameter| parameter["name"] == "If-Match")
        };
        let heeding = operations(document).filter(|(_, _, operation)| heeds(operation));
        Self(heeding.map(|(path, method, _)| (method, path.to_owned())).collect())
    }

    /// Refuses a change that is to be made only to what was seen, where nothing tells what was seen.
    pub(super) fn judge(&self, method: &Method, headers: &HeaderMap, path: &str) -> Result<(), Problem> {
        let demanded = headers.get(IF_MATCH).is_some_and(|tags| tags != "*");
        if !demanded || method.is_safe() || self.0.contains(&(method.clone(), path.to_owned())) {
            return Ok(());
        }
        Err(Problem::new(
            StatusCode::PRECONDITION_FAILED,
            "precondition_failed",
            "what this changes has no ETag of its own, so that it cannot be what you saw",
            "leave If-Match out here, or send `*`",
        ))
    }
}

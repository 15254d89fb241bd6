//! What the ledger is told of a step that changes the tenant.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An act: what is about to be done, to which objects, and by which request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Act {
    /// What is done: `agent_user.create`.
    pub name: String,
    /// The objects that are known, by kind: `("blueprint", "8a22…")`.
    pub objects: Vec<(String, String)>,
    /// The `client-request-id` of its requests.
    pub client_request_id: Uuid,
}

//! What every call gives back beside its value: the ids that find it again in Microsoft's logs (Entra
//! reference §13, "Sign-in and audit correlation").

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::GraphError;

/// The ids that find a call in the tenant's sign-in, audit and activity logs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Correlation {
    /// Our `client-request-id`, known before the request leaves.
    pub client_request_id: Uuid,
    /// Graph's `request-id`, once it has answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// `x-ms-request-id` of the token response, once there was a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_request_id: Option<String>,
}

impl Correlation {
    /// Of a request that has not left yet.
    pub fn before(client_request_id: Uuid) -> Self {
        Self { client_request_id, request_id: None, token_request_id: None }
    }
}

/// A value and the ids of the call that gave it.
#[derive(Debug, Clone)]
pub struct Answer<T> {
    /// What Graph answered.
    pub value: T,
    /// The ids of the (last) request.
    pub correlation: Correlation,
}

impl<T> Answer<T> {
    /// The same answer with another value made of it.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { value: change(self.value), correlation: self.correlation }
    }
}

/// What every typed call returns.
pub type Answered<T> = Result<Answer<T>, GraphError>;

//! What a handler is given: the tenant, the caller, the request, and what the frame knows.

use http::StatusCode;
use http::header::{CONTENT_TYPE, ETAG, LOCATION};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::authorize::{Caller, require};
use crate::directory::{User, UserKind};
use crate::exchange::{Request, Response};
use crate::lag::{Cause, Lag};
use crate::names::Names;
use crate::realm::Others;
use crate::tenant::Tenant;

use super::error::GraphError;
use super::path::{Params, Path};
use super::route::{Area, Needs};
use super::tags;

/// One authorised Graph call.
pub(crate) struct Call<'a> {
    pub(crate) tenant: &'a mut Tenant,
    pub(crate) caller: &'a Caller,
    pub(crate) request: &'a Request,
    pub(crate) path: &'a Path,
    pub(crate) params: Params,
    pub(crate) now: Timestamp,
    pub(crate) lag: Lag,
    pub(crate) area: Area,
    pub(crate) names: &'a Names,
    /// What an earlier attempt of the same call had to wait for.
    pub(crate) found: Option<&'a Found>,
    /// The other tenants of the sandbox.
    pub(crate) others: &'a Others<'a>,
}

/// What a handler has to know from outside before it can go on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Awaited {
    /// Endpoints that have to answer the validation request.
    pub(crate) endpoints: Vec<String>,
    /// A path that the caller has to be able to read.
    pub(crate) reads: Option<String>,
}

/// What was found out.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// What the caller read; null if the sandbox does not emulate it.
    pub(crate) read: Value,
}

impl Call<'_> {
    /// What was found out, if it was: else hand the error up, and be called again.
    pub(crate) fn awaited(&self, awaited: Awaited) -> Result<&Found, GraphError> {
        self.found.ok_or_else(|| GraphError::awaiting(awaited))
    }

    /// `https://host/v1.0`, as the client named it.
    pub(crate) fn base(&self) -> String {
        format!("{}/{}", self.request.origin, self.path.version.as_str())
    }

    /// The value of `@odata.context`: `…/$metadata#users/$entity`.
    pub(crate) fn context(&self, what: &str) -> String {
        format!("{}/$metadata#{what}", self.base())
    }

    /// When the effect of this call shows.
    pub(crate) fn due(&self, cause: Cause) -> Timestamp {
        self.lag.due(cause, self.now)
    }

    /// When what a licence brings shows. What never comes to agent users comes to people (Entra reference §13).
    pub(crate) fn due_of(&self, user: &User, cause: Cause) -> Timestamp {
        match user.kind {
            UserKind::Agent { .. } => self.due(cause),
            UserKind::Person => self.lag.of_people().due(cause, self.now),
        }
    }

    /// The body, a JSON object.
    pub(crate) fn body(&self) -> Result<Map<String, Value>, GraphError> {
        match serde_json::from_slice(&self.request.body) {
            Ok(Value::Object(map)) => Ok(map),
            Ok(_) => Err(GraphError::unreadable(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
            Err(_) if self.request.body.is_empty() => {
                Err(GraphError::unreadable("Empty Payload. JSON content expected."))
            }
            Err(_) => Err(GraphError::unreadable(
                "Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.",
            )),
        }
    }

    /// Asks for permissions that only the body tells (`@odata.type`).
    pub(crate) fn require(&self, needs: Needs) -> Result<(), GraphError> {
        require(self.caller, needs, self.area)
    }

    /// The id or UPN that a reference names (`…@odata.bind`, `@odata.id`): any of the sandbox's names, any
    /// version, `users/{id}` or `users('{id}')`, or a relative reference.
    pub(crate) fn reference(&self, reference: &str, collection: &str) -> Result<String, GraphError> {
        self.names
            .reference(reference)
            .and_then(|path| {
                let path = Path::parse(&path)?;
                match path.segments.as_slice() {
                    [name, id]
                        if name.eq_ignore_ascii_case(collection)
                            || name.eq_ignore_ascii_case("directoryObjects") =>
                    {
                        Some(id.clone())
                    }
                    _ => None,
                }
            })
            .ok_or_else(|| {
                GraphError::bad_request(format!(
                    "Invalid entity reference '{reference}': it names no {collection}."
                ))
            })
    }

    /// 200 with an entity or a collection, in Graph's content type.
    pub(crate) fn ok(&self, body: &Value) -> Response {
        graph_json(StatusCode::OK, body)
    }

    /// The same with a body that has no tag, written as it stands.
    pub(crate) fn ok_untagged(&self, body: &impl Serialize) -> Response {
        Response::json(StatusCode::OK, body).with_fixed(CONTENT_TYPE, JSON)
    }

    /// 201 with the entity and its `Location` (relative to the base, starting with a slash).
    pub(crate) fn created(&self, location: &str, body: &Value) -> Response {
        graph_json(StatusCode::CREATED, body).with(LOCATION, &format!("{}{location}", self.base()))
    }

    /// 204.
    pub(crate) fn no_content(&self) -> Response {
        Response::empty(StatusCode::NO_CONTENT)
    }
}

/// The content type of Graph's answers.
const JSON: &str =
    "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

fn graph_json(status: StatusCode, body: &Value) -> Response {
    let response = Response::json(status, body).with_fixed(CONTENT_TYPE, JSON);
    match tags::of_entity(body) {
        Some(tag) => response.with(ETAG, tag),
        None => response,
    }
}

//! Graph's error envelope (Entra reference §7.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::call::Awaited;
use crate::exchange::Response;
use crate::realm::Absent;
use crate::scope::note;

/// A Graph call that failed, in Microsoft's words. The frame adds date and request ids when it answers.
#[derive(Debug, Clone)]
pub(crate) struct GraphError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: Box<str>,
    /// `innerError.code`, which some workloads add.
    pub(crate) inner_code: Option<&'static str>,
    pub(crate) details: Vec<Value>,
    /// What follows `client_id` in `WWW-Authenticate`.
    pub(crate) challenge: Option<Box<str>>,
    /// Further headers of the answer.
    pub(crate) headers: Option<Box<HeaderMap>>,
    /// Not failed, but not done before this is known; nobody sees it.
    pub(crate) awaited: Option<Box<Awaited>>,
}

/// What a handler answers.
pub(crate) type Answer = Result<Response, GraphError>;

/// Nobody sees it: the call is made again.
impl From<Absent> for GraphError {
    fn from(absent: Absent) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable", absent.to_string())
    }
}

impl GraphError {
    /// Any error.
    pub(crate) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into().into_boxed_str(),
            inner_code: None,
            details: Vec::new(),
            challenge: None,
            headers: None,
            awaited: None,
        }
    }

    /// The same with one more header; a value that cannot stand in a header is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.get_or_insert_default().insert(name, value);
        }
        self
    }

    /// The call is made again when that is known.
    pub(crate) fn awaiting(awaited: Awaited) -> Self {
        let mut error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "serviceNotAvailable", "");
        error.awaited = Some(Box::new(awaited));
        error
    }

    /// 501 `sandboxNotEmulated`: Graph has it and the sandbox has not.
    pub(crate) fn not_emulated(what: &str) -> Self {
        Self::new(
            StatusCode::NOT_IMPLEMENTED,
            "sandboxNotEmulated",
            format!("The sandbox does not emulate {what}."),
        )
    }

    /// 400 `Request_BadRequest`: the directory refuses a property, a value or a reference.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message)
    }

    /// 400 `BadRequest`: OData could not read the request.
    pub(crate) fn unreadable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 413 `BadRequest`: the body is larger than so many bytes.
    pub(crate) fn too_large(limit: usize) -> Self {
        let message = format!("The maximum request length supported is {}MB.", limit / (1024 * 1024));
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "BadRequest", message)
    }

    /// 400 `BadRequest`: an application has no `/me`, whatever it may do.
    pub(crate) fn me_of_an_app() -> Self {
        Self::unreadable("/me request is only valid with delegated authentication flow.")
    }

    /// 403 `Authorization_RequestDenied`: the directory's missing permission.
    pub(crate) fn denied() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    /// 403 `Forbidden`: Teams refuses.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// 404 `Request_ResourceNotFound`: the directory has no such object, or does not show it yet.
    pub(crate) fn no_object(id: &str) -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// 404 `NotFound`: Teams has no such thing.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// 409 `Request_MultipleObjectsWithSameKeyValue` with the `ObjectConflict` detail.
    pub(crate) fn conflict(message: &str, target: &str) -> Self {
        let mut error = Self::new(StatusCode::CONFLICT, "Request_MultipleObjectsWithSameKeyValue", message);
        error.details.push(json!({
            "code": "ObjectConflict", "message": message, "target": target,
            "blockedWord": "", "prefix": "", "suffix": "",
        }));
        error
    }

    /// 401 `InvalidAuthenticationToken`.
    pub(crate) fn invalid_token(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "InvalidAuthenticationToken", message)
    }

    /// 401 with a claims challenge: the client is to ask for a token that was issued after `now`.
    pub(crate) fn claims_challenge(now: Timestamp) -> Self {
        let claims =
            json!({ "access_token": { "nbf": { "essential": true, "value": now.as_second().to_string() } } });
        let mut error = Self::invalid_token(
            "Continuous access evaluation resulted in challenge with result: InteractionRequired and code: TokenIssuedBeforeRevocationTimestamp",
        );
        let claims = STANDARD.encode(claims.to_string());
        error.challenge = Some(format!("error=\"insufficient_claims\", claims=\"{claims}\"").into());
        error
    }

    /// The envelope. `date` has no zone and no fraction.
    pub(crate) fn to_response(&self, date: &str, request_id: &str, client_request_id: &str) -> Response {
        note(|decision| decision.error = Some(self.code.to_owned()));
        let mut inner = json!({
            "date": date, "request-id": request_id, "client-request-id": client_request_id,
        });
        if let (Some(code), Some(inner)) = (&self.inner_code, inner.as_object_mut()) {
            inner.insert("code".to_owned(), json!(code));
        }
        let mut error = json!({ "code": self.code, "message": self.message, "innerError": inner });
        if let (false, Some(error)) = (self.details.is_empty(), error.as_object_mut()) {
            error.insert("details".to_owned(), json!(self.details));
        }
        let mut response = Response::json(self.status, &json!({ "error": error }));
        if let Some(headers) = &self.headers {
            response.headers.extend(headers.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            let mut value = "Bearer realm=\"\", authorization_uri=\"https://login.microsoftonline.com/common/oauth2/authorize\", client_id=\"00000003-0000-0000-c000-000000000000\"".to_owned();
            if let Some(challenge) = &self.challenge {
                value = format!("{value}, {challenge}");
            }
            response = response.with(http::header::WWW_AUTHENTICATE, &value);
        }
        response
    }
}

//! JSON in and out, with problems instead of the framework's own words.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Problem;

/// A JSON body.
#[derive(Debug, Clone)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // An object, for a list would do for it otherwise: serde takes the members in their order.
        let object = axum::Json::<Map<String, Value>>::from_request(request, state).await;
        let axum::Json(object) = object.map_err(|rejection| refused(&rejection))?;
        serde_json::from_value(Value::Object(object))
            .map(Self)
            .map_err(|error| Problem::invalid("body", error, "compare the body with /api/openapi.json"))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

fn refused(rejection: &JsonRejection) -> Problem {
    let (code, remedy) = match rejection {
        JsonRejection::MissingJsonContentType(_) => {
            ("content_type", "send the body as JSON, with Content-Type: application/json")
        }
        JsonRejection::JsonSyntaxError(_) => ("malformed", "send one JSON document"),
        JsonRejection::JsonDataError(_) => ("invalid", "compare the body with /api/openapi.json"),
        _ => ("body", "send a smaller body, and all of it"),
    };
    Problem::new(rejection.status(), code, rejection.body_text(), remedy)
}

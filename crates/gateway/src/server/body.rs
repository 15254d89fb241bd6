//! JSON in and out, with problems instead of the framework's own words.

use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Problem;

/// A JSON body.
#[derive(Debug, Clone)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match axum::Json::<T>::from_request(request, state).await {
            Ok(axum::Json(value)) => Ok(Self(value)),
            Err(rejection) => Err(refused(&rejection)),
        }
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

//! JSON in and out, with problems instead of the framework's own words.

use axum::body::Body;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, Request};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::Problem;

/// In so many bytes most answers are written without growing.
const ROOM: usize = 1024;

/// A JSON body.
#[derive(Debug, Clone)]
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // An object, for a list would do for it otherwise: serde takes the members in their order.
        let object = axum::Json::<Map<String, Value>>::from_request(request, state).await;
        let axum::Json(mut object) = object.map_err(|rejection| refused(&rejection))?;
        object.values_mut().for_each(whole);
        serde_json::from_value(Value::Object(object))
            .map(Self)
            .map_err(|error| Problem::invalid("body", error, "compare the body with /api/openapi.json"))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut body = Vec::with_capacity(ROOM);
        match serde_json::to_writer(&mut body, &self.0) {
            Ok(()) => ([(CONTENT_TYPE, "application/json")], Body::from(body)).into_response(),
            Err(error) => {
                tracing::error!(%error, "an answer that is no JSON");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// The member of an answer that is a secret: it is shown once, and kept nowhere in clear.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ShownOnce(pub(crate) &'static str);

impl ShownOnce {
    /// The answer without it, for whoever asks for the same again.
    pub(crate) fn without(self, body: &[u8]) -> String {
        let mut value: Value = serde_json::from_slice(body).unwrap_or_default();
        if let Some(members) = value.as_object_mut() {
            members.remove(self.0);
        }
        value.to_string()
    }
}

/// An answer that holds a secret.
#[derive(Debug)]
pub(crate) struct Secretly<T>(pub(crate) ShownOnce, pub(crate) T);

impl<T: Serialize> IntoResponse for Secretly<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.1).into_response();
        response.extensions_mut().insert(self.0);
        response
    }
}

/// To JSON Schema `3.0` is an integer, to serde it is none.
fn whole(value: &mut Value) {
    match value {
        Value::Number(number) => {
            #[expect(clippy::cast_possible_truncation, reason = "it is whole, and far from the ends")]
            let same = number
                .as_f64()
                .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)
                .map(|float| float as i64);
            if let Some(same) = same.filter(|_| number.is_f64()) {
                *value = same.into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(whole),
        Value::Object(members) => members.values_mut().for_each(whole),
        _ => {}
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

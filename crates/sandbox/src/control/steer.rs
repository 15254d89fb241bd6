//! What an operation is given, and how it refuses.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::exchange::{Request, Response};
use crate::realm::Realm;
use crate::sandbox::Shared;

/// The largest number that a query may hold: the last that every JSON reader keeps whole.
pub(super) const LARGEST_NUMBER: u64 = (1 << 53) - 1;

/// The longest that an operation waits.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// One authorised request to the control API.
pub(super) struct Steer<'a> {
    pub(super) shared: &'a Shared,
    /// The tenant that is steered.
    pub(super) realm: Arc<Realm>,
    /// Whether the token is that of the first tenant, which steers all.
    pub(super) is_main: bool,
    pub(super) request: &'a Request,
    /// The path's parameter, decoded.
    pub(super) id: String,
}

/// Why an operation was not done.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: String,
}

/// What an operation answers.
pub(super) type Answer = Result<Response, Refusal>;

impl Steer<'_> {
    /// The JSON body; an empty one is an empty object.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        let text: &[u8] = if self.request.body.is_empty() { b"{}" } else { &self.request.body };
        let mut value: Value =
            serde_json::from_slice(text).map_err(|error| Refusal::bad(error.to_string()))?;
        write_whole_numbers(&mut value);
        if !value.is_object() {
            return Err(Refusal::bad("The body is a JSON object."));
        }
        serde_json::from_value(value).map_err(|error| Refusal::bad(error.to_string()))
    }

    /// A query parameter, if it is there.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.request.query(name)
    }

    /// A query parameter that is a number.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        self.text(name)
            .map(|text| {
                let number = text.trim().parse().ok().filter(|number| *number <= LARGEST_NUMBER);
                number.ok_or_else(|| {
                    Refusal::bad(format!("{name} is a whole number from 0 upwards, not {text:?}."))
                })
            })
            .transpose()
    }

    /// How long `wait` says to wait: `10s`, `500ms`, `1m` or seconds.
    pub(super) fn wait(&self) -> Result<Duration, Refusal> {
        let Some(text) = self.text("wait").map(str::trim) else { return Ok(Duration::ZERO) };
        let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
        let wait = digits.parse().ok().and_then(|number| match &text[digits.len()..] {
            "ms" => Some(Duration::from_millis(number)),
            "" | "s" => Some(Duration::from_secs(number)),
            "m" => Some(Duration::from_secs(number.saturating_mul(60))),
            _ => None,
        });
        match wait {
            Some(wait) => Ok(wait.min(LONGEST_WAIT)),
            None => Err(Refusal::bad(format!("wait is a time such as 10s, 500ms or 1m, not {text:?}."))),
        }
    }
}

/// JSON knows one kind of number: 7.0 is the integer 7, however a client writes it.
fn write_whole_numbers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|float| float.fract() == 0.0 && float.abs() < 9.0e15);
            if let Some(whole) = whole.filter(|_| number.is_f64()) {
                // Below 2^53 every whole float is the integer that it prints as.
                let digits = format!("{whole:.0}");
                *value = digits.parse::<i64>().map_or_else(|_| value.clone(), Value::from);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(write_whole_numbers),
        Value::Object(fields) => fields.values_mut().for_each(write_whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

impl Refusal {
    /// Any refusal.
    pub(super) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    /// 400.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 404.
    pub(super) fn none() -> Self {
        Self::new(StatusCode::NOT_FOUND, "There is none of that id (any more).")
    }

    /// 503: the data folder.
    pub(super) fn not_saved(error: &crate::files::FileError) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error.to_string())
    }

    pub(super) fn to_response(&self) -> Response {
        Response::json(
            self.status,
            &json!({ "error": { "code": "sandboxControl", "message": self.message } }),
        )
    }
}

/// 200 with JSON.
pub(super) fn ok(body: &impl serde::Serialize) -> Answer {
    Ok(Response::json(StatusCode::OK, body))
}

/// 200 with a list, in Graph's manner.
pub(super) fn list(value: &impl serde::Serialize) -> Answer {
    ok(&json!({ "value": value }))
}

/// 201 with JSON.
pub(super) fn created(body: &impl serde::Serialize) -> Answer {
    Ok(Response::json(StatusCode::CREATED, body))
}

/// 204.
pub(super) fn done() -> Answer {
    Ok(Response::empty(StatusCode::NO_CONTENT))
}

/// 204, or 404 if it was not there.
pub(super) fn done_if(was_there: bool) -> Answer {
    if was_there { done() } else { Err(Refusal::none()) }
}

//! The powers that tests have over a sandbox: faults, held requests, lag, the clock, the log of requests, the
//! state. In this process through [`Control`], from elsewhere through `/_sandbox/…` with the control token.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::exchange::{Request, Response};
use crate::faults::{Fault, FaultRule, HeldRequest, Release};
use crate::lag::Lag;
use crate::requests::LoggedRequest;
use crate::sandbox::Shared;

/// How long `GET /_sandbox/held?wait=` waits at most.
const LONGEST_WAIT: u64 = 60;

/// A handle to a running sandbox. Clones steer the same one.
#[derive(Debug, Clone)]
pub struct Control(Arc<Shared>);

impl Control {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }

    /// The sandbox's clock.
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// The lag in force.
    pub fn lag(&self) -> Lag {
        self.0.lag()
    }

    /// Changes the lag for what is written from now on.
    pub fn set_lag(&self, lag: Lag) {
        self.0.set_lag(lag);
    }

    /// Adds a fault; the answer is its id.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.0.faults.add(fault)
    }

    /// Removes a fault; whether it was there.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.0.faults.remove(id)
    }

    /// Removes every fault. Held requests stay held.
    pub fn clear_faults(&self) {
        self.0.faults.clear();
    }

    /// The faults, spent ones included.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.0.faults.rules()
    }

    /// The requests that are held.
    pub fn held(&self) -> Vec<HeldRequest> {
        self.0.faults.held()
    }

    /// Waits until a request is held. Waits for ever if none ever is: give it a timeout.
    pub async fn wait_held(&self) -> Vec<HeldRequest> {
        self.0.faults.wait_held().await
    }

    /// Lets a held request go on; whether it was there.
    pub fn release(&self, id: u64) -> bool {
        self.0.faults.release(id, Release::GoOn)
    }

    /// Cuts the connection of a held request; whether it was there.
    pub fn cut(&self, id: u64) -> bool {
        self.0.faults.release(id, Release::Cut)
    }

    /// The newest requests, oldest first, those of the control API left out.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.0.requests.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.0.requests.clear();
    }

    /// Everything that the tenants hold, as JSON. The shape is for looking and comparing; it may change.
    pub fn state(&self) -> Value {
        state(&self.0)
    }
}

fn state(shared: &Shared) -> Value {
    // A state of plain maps always serialises.
    serde_json::to_value(&*shared.world()).unwrap_or_default()
}

/// Answers a request to `/_sandbox/…`.
pub(crate) async fn answer(shared: &Shared, request: &Request) -> Response {
    let token = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let is_known = token.is_some_and(|token| {
        verify_slices_are_equal(token.as_bytes(), shared.ready.control_token.as_bytes()).is_ok()
    });
    if !is_known {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "Send the control_token of the ready line as a bearer token.",
        );
    }
    let segments: Vec<&str> = request.path.split('/').skip(2).filter(|part| !part.is_empty()).collect();
    match (&request.method, segments.as_slice()) {
        (&Method::GET, ["ready"]) => ok(&json!(shared.ready)),
        (&Method::GET, ["state"]) => ok(&state(shared)),
        (&Method::GET, ["requests"]) => ok(&json!({ "value": shared.requests.all() })),
        (&Method::DELETE, ["requests"]) => {
            shared.requests.clear();
            done()
        }
        (&Method::GET, ["clock"]) => ok(&json!({ "now": shared.clock.now() })),
        (&Method::POST, ["clock"]) => with_body(request, |change| move_clock(&shared.clock, &change)),
        (&Method::GET, ["lag"]) => ok(&json!(shared.lag())),
        (&Method::POST, ["lag"]) => with_body(request, |lag: Lag| {
            if !lag.scale.is_finite() || lag.scale < 0.0 {
                return refusal(StatusCode::BAD_REQUEST, "The scale is a finite number from 0 upwards.");
            }
            shared.set_lag(lag);
            ok(&json!(lag))
        }),
        (&Method::GET, ["faults"]) => ok(&json!({ "value": shared.faults.rules() })),
        (&Method::POST, ["faults"]) => with_body(request, |fault: Fault| {
            Response::json(StatusCode::CREATED, &json!({ "id": shared.faults.add(fault) }))
        }),
        (&Method::DELETE, ["faults"]) => {
            shared.faults.clear();
            done()
        }
        (&Method::DELETE, ["faults", id]) => found(id.parse().is_ok_and(|id| shared.faults.remove(id))),
        (&Method::GET, ["held"]) => ok(&json!({ "value": held(shared, request).await })),
        (&Method::POST, ["held", id, "release"]) => {
            found(id.parse().is_ok_and(|id| shared.faults.release(id, Release::GoOn)))
        }
        (&Method::POST, ["held", id, "cut"]) => {
            found(id.parse().is_ok_and(|id| shared.faults.release(id, Release::Cut)))
        }
        _ => refusal(
            StatusCode::NOT_FOUND,
            "There are ready, state, requests, clock, lag, faults and held; the manual lists their methods.",
        ),
    }
}

/// The held requests; with `?wait=SECONDS`, waits for one in real time.
async fn held(shared: &Shared, request: &Request) -> Vec<HeldRequest> {
    let wait = request.query("wait").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    let wait = Duration::from_secs(wait.min(LONGEST_WAIT));
    tokio::time::timeout(wait, shared.faults.wait_held()).await.unwrap_or_else(|_| shared.faults.held())
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum ClockChange {
    AdvanceSeconds(f64),
    Now(Timestamp),
}

fn move_clock(clock: &Clock, change: &ClockChange) -> Response {
    match *change {
        ClockChange::Now(now) => clock.set(now),
        ClockChange::AdvanceSeconds(seconds) => match Duration::try_from_secs_f64(seconds) {
            Ok(by) => clock.advance(by),
            Err(_) => {
                return refusal(
                    StatusCode::BAD_REQUEST,
                    "advance_seconds is a number from 0 upwards; use \"now\" to go back.",
                );
            }
        },
    }
    ok(&json!({ "now": clock.now() }))
}

fn with_body<T: for<'de> Deserialize<'de>>(request: &Request, then: impl FnOnce(T) -> Response) -> Response {
    match serde_json::from_slice(&request.body) {
        Ok(body) => then(body),
        Err(error) => refusal(StatusCode::BAD_REQUEST, &error.to_string()),
    }
}

fn ok(body: &Value) -> Response {
    Response::json(StatusCode::OK, body)
}

fn done() -> Response {
    Response::empty(StatusCode::NO_CONTENT)
}

fn found(was_there: bool) -> Response {
    if was_there { done() } else { refusal(StatusCode::NOT_FOUND, "There is none of that id (any more).") }
}

fn refusal(status: StatusCode, message: &str) -> Response {
    Response::json(status, &json!({ "error": { "code": "sandboxControl", "message": message } }))
}

//! The powers that tests have over a sandbox: faults, held requests, lag, the clock, the log of requests, the
//! state. In this process through [`Control`], from elsewhere through `/_sandbox/…` with the control token.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock::Clock;
use crate::config::Seed;
use crate::exchange::{Request, Response};
use crate::faults::{Fault, FaultRule, HeldRequest, Release};
use crate::lag::{Lag, LagProfile};
use crate::realm::Realm;
use crate::requests::LoggedRequest;
use crate::sandbox::Shared;
use crate::tenant::Tenant;

/// How long `GET /_sandbox/held?wait=` waits at most.
const LONGEST_WAIT: u64 = 60;

/// A handle to a tenant of a running sandbox. Clones steer the same one.
#[derive(Debug, Clone)]
pub struct Control {
    shared: Arc<Shared>,
    realm: Arc<Realm>,
}

impl Control {
    pub(crate) fn new(shared: Arc<Shared>, realm: Arc<Realm>) -> Self {
        Self { shared, realm }
    }

    /// The tenant's clock.
    pub fn clock(&self) -> &Clock {
        &self.realm.clock
    }

    /// The lag in force.
    pub fn lag(&self) -> Lag {
        self.realm.lag()
    }

    /// Changes the lag for what is written from now on.
    pub fn set_lag(&self, lag: Lag) {
        self.realm.set_lag(lag);
    }

    /// Adds a fault; the answer is its id.
    pub fn add_fault(&self, fault: Fault) -> u64 {
        self.realm.faults.add(fault)
    }

    /// Removes a fault; whether it was there.
    pub fn remove_fault(&self, id: u64) -> bool {
        self.realm.faults.remove(id)
    }

    /// Removes every fault. Held requests stay held.
    pub fn clear_faults(&self) {
        self.realm.faults.clear();
    }

    /// The faults, spent ones included.
    pub fn faults(&self) -> Vec<FaultRule> {
        self.realm.faults.rules()
    }

    /// The next token-signing key signs from now on; the old one stays published. The answer is the id (`kid`) of
    /// the new one.
    ///
    /// # Errors
    /// The keys could not be written to the data folder.
    pub fn roll_keys(&self) -> Result<String, std::io::Error> {
        self.shared.roll_keys().map_err(std::io::Error::other)
    }

    /// The requests that are held.
    pub fn held(&self) -> Vec<HeldRequest> {
        self.realm.faults.held()
    }

    /// Waits until a request is held. Waits for ever if none ever is: give it a timeout.
    pub async fn wait_held(&self) -> Vec<HeldRequest> {
        self.realm.faults.wait_held().await
    }

    /// Lets a held request go on; whether it was there.
    pub fn release(&self, id: u64) -> bool {
        self.realm.faults.release(id, Release::GoOn)
    }

    /// Cuts the connection of a held request; whether it was there.
    pub fn cut(&self, id: u64) -> bool {
        self.realm.faults.release(id, Release::Cut)
    }

    /// The newest requests, oldest first, those of the control API left out.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.realm.requests.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.realm.requests.clear();
    }

    /// Everything that the tenants hold, as JSON. The shape is for looking and comparing; it may change.
    pub fn state(&self) -> Value {
        state(&self.shared)
    }
}

fn state(shared: &Shared) -> Value {
    let tenants: BTreeMap<String, Arc<Tenant>> =
        shared.realms.all().iter().map(|realm| (realm.id.clone(), realm.look())).collect();
    let tenants: BTreeMap<&str, &Tenant> =
        tenants.iter().map(|(id, tenant)| (id.as_str(), &**tenant)).collect();
    json!({ "tenants": tenants })
}

/// Answers a request to `/_sandbox/…`.
pub(crate) async fn answer(shared: &Shared, request: &Request) -> Response {
    let segments: Vec<&str> = request.path.split('/').skip(2).filter(|part| !part.is_empty()).collect();
    let (named, segments) = match segments.as_slice() {
        ["tenants", id, rest @ ..] if !rest.is_empty() => (Some(*id), rest),
        all => (request.query("tenant"), all),
    };
    let Some(realm) = steered(shared, request, named) else {
        return refusal(
            StatusCode::UNAUTHORIZED,
            "Send the control_token of the ready line as a bearer token.",
        );
    };
    let Some(realm) = realm else {
        return refusal(StatusCode::NOT_FOUND, "There is no such tenant (any more).");
    };
    let is_main = realm.is_main;
    let realm = &realm.realm;
    match (&request.method, segments) {
        (&Method::GET, ["ready"]) => ok(&json!(shared.ready(realm))),
        (&Method::GET, ["state"]) => ok(&state(shared)),
        (&Method::GET, ["tenants"]) if is_main => ok(
            &json!({ "value": shared.realms.all().iter().map(|realm| shared.ready(realm)).collect::<Vec<_>>() }),
        ),
        (&Method::POST, ["tenants"]) if is_main => with_body(request, |new| add_tenant(shared, &new)),
        (&Method::DELETE, ["tenants", id]) if is_main => match shared.remove(id) {
            Ok(was_there) => found(was_there),
            Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        },
        (&Method::GET, ["requests"]) => ok(&json!({ "value": realm.requests.all() })),
        (&Method::DELETE, ["requests"]) => {
            realm.requests.clear();
            done()
        }
        (&Method::GET, ["clock"]) => ok(&json!({ "now": realm.clock.now() })),
        (&Method::POST, ["clock"]) => with_body(request, |change| move_clock(&realm.clock, &change)),
        (&Method::POST, ["keys", "roll"]) if is_main => match shared.roll_keys() {
            Ok(kid) => ok(&json!({ "kid": kid })),
            Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
        },
        (&Method::GET, ["issuers"]) => ok(&json!({ "value": shared.issuers.names() })),
        (&Method::POST, ["issuers"]) if is_main => with_body(request, |issuer: NewIssuer| {
            shared.issuers.set(&issuer.issuer, issuer.jwks.keys);
            done()
        }),
        (&Method::GET, ["lag"]) => ok(&json!(realm.lag())),
        (&Method::POST, ["lag"]) => with_body(request, |lag: Lag| {
            if !lag.scale.is_finite() || lag.scale < 0.0 {
                return refusal(StatusCode::BAD_REQUEST, "The scale is a finite number from 0 upwards.");
            }
            realm.set_lag(lag);
            ok(&json!(lag))
        }),
        (&Method::GET, ["faults"]) => ok(&json!({ "value": realm.faults.rules() })),
        (&Method::POST, ["faults"]) => with_body(request, |fault: Fault| {
            Response::json(StatusCode::CREATED, &json!({ "id": realm.faults.add(fault) }))
        }),
        (&Method::DELETE, ["faults"]) => {
            realm.faults.clear();
            done()
        }
        (&Method::DELETE, ["faults", id]) => found(id.parse().is_ok_and(|id| realm.faults.remove(id))),
        (&Method::GET, ["held"]) => ok(&json!({ "value": held(realm, request).await })),
        (&Method::POST, ["held", id, "release"]) => {
            found(id.parse().is_ok_and(|id| realm.faults.release(id, Release::GoOn)))
        }
        (&Method::POST, ["held", id, "cut"]) => {
            found(id.parse().is_ok_and(|id| realm.faults.release(id, Release::Cut)))
        }
        _ => refusal(
            StatusCode::NOT_FOUND,
            "There are ready, tenants, state, requests, keys/roll, issuers, clock, lag, faults and held; the manual lists their methods.",
        ),
    }
}

/// A realm, and whether the main token opened it.
struct Steered {
    realm: Arc<Realm>,
    is_main: bool,
}

/// Whom the token steers: its own tenant, or any tenant with the main token. `None` if it is no token, and
/// `Some(None)` if there is no such tenant.
fn steered(shared: &Shared, request: &Request, named: Option<&str>) -> Option<Option<Steered>> {
    let token = request.bearer()?;
    let fits = |realm: &Realm| {
        verify_slices_are_equal(token.as_bytes(), realm.seeded.control_token.as_bytes()).is_ok()
    };
    let home = shared.realms.home();
    if fits(home) {
        let realm = match named {
            Some(name) => shared.realms.named(name),
            None => Some(Arc::clone(home)),
        };
        return Some(realm.map(|realm| Steered { realm, is_main: true }));
    }
    let realm = shared.realms.all().into_iter().find(|realm| fits(realm))?;
    let is_its_own = named.is_none_or(|name| realm.is_called(name));
    is_its_own.then_some(Some(Steered { realm, is_main: false }))
}

/// What a new tenant may be told.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct NewTenant {
    /// The same ids and secrets for the same number; random ones without.
    seed: Option<u64>,
    /// A time at which its clock stands; without, it runs as the system's.
    standing_at: Option<Timestamp>,
    lag: Option<Lag>,
}

fn add_tenant(shared: &Shared, new: &NewTenant) -> Response {
    let seed = new.seed.map_or(Seed::Random, Seed::Number);
    let clock = new.standing_at.map_or_else(Clock::running, Clock::standing_at);
    let lag = new.lag.unwrap_or(Lag { profile: LagProfile::None, scale: 1.0 });
    match shared.add(seed, clock, lag) {
        Ok(Some(realm)) => Response::json(StatusCode::CREATED, &json!(shared.ready(&realm))),
        Ok(None) => {
            refusal(StatusCode::CONFLICT, "There is a tenant of that seed: use another, or delete it.")
        }
        Err(error) => refusal(StatusCode::SERVICE_UNAVAILABLE, &error.to_string()),
    }
}

/// The keys of another issuer, whose tokens federated identity credentials name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewIssuer {
    issuer: String,
    jwks: NewKeys,
}

#[derive(Debug, Deserialize)]
struct NewKeys {
    keys: Vec<Value>,
}

/// The held requests; with `?wait=SECONDS`, waits for one in real time.
async fn held(realm: &Realm, request: &Request) -> Vec<HeldRequest> {
    let wait = request.query("wait").and_then(|seconds| seconds.parse().ok()).unwrap_or(0);
    let wait = Duration::from_secs(wait.min(LONGEST_WAIT));
    tokio::time::timeout(wait, realm.faults.wait_held()).await.unwrap_or_else(|_| realm.faults.held())
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

//! A whole sandbox that is given requests: Graph's, sign-in's, the pages' and the control API's, and seed
//! documents. Whatever one changes is put back before the next.

use std::str::FromStr as _;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, COOKIE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::exchange::{Request, Response};
use crate::graph::{Path, permissions};
use crate::realm::{Realm, realm_of};
use crate::seed::{Document, constants, plant};
use crate::{Clock, Config, Lag, LagProfile, Sandbox, control as api, portal, server};

/// The control token, as a client sends it.
const CONTROL: &str = "Bearer sandbox-control-token";

/// How a browser opens the pages.
const ENTER: &str = "POST /\n\ntoken=sandbox-control-token";

/// The time at which it stands.
fn start() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_772_366_400).unwrap_or_default()
}

/// A started sandbox; nothing ever connects to it.
struct World {
    sandbox: Sandbox,
    /// Runs requests, and holds the sandbox's tasks.
    runtime: Runtime,
    user: HeaderValue,
    app: HeaderValue,
    control: HeaderValue,
    entered: HeaderValue,
}

/// Any request to Graph, to sign-in and to the pages: a line `METHOD /path?query`, headers, an empty line, a body.
/// `Authorization: user` and `Authorization: app` stand for tokens that may do everything, `Cookie: entered` for
/// that of the pages. No request ends in a panic or a 500.
pub(super) fn requests(bytes: &[u8]) {
    let world = World::whole();
    let Some(request) = world.request(bytes) else { return };
    let shared = world.sandbox.shared();
    let path = Path::parse(&request.path);
    let realm = realm_of(&shared.realms, &request, path.as_ref());
    world.afterwards_as_before(&realm, &request, async {
        match portal::is_address(&request.path) {
            true if may_take_long(&request) => Response::empty(http::StatusCode::OK),
            true => portal::answer(shared, &request).await,
            false => server::dispatch(shared, &realm, &request, path.as_ref()).await,
        }
    });
}

/// Any request to the control API, in the same form; the path stands below `/_sandbox`, and the token is there.
pub(super) fn control(bytes: &[u8]) {
    let world = World::whole();
    let Some(mut request) = world.request(bytes) else { return };
    request.path.insert_str(0, "/_sandbox");
    request.query.retain(|(name, _)| name != "wait");
    request.headers.insert(AUTHORIZATION, world.control.clone());
    if may_take_long(&request) {
        return;
    }
    let shared = world.sandbox.shared();
    world.afterwards_as_before(shared.realms.home(), &request, api::answer(shared, &request));
}

/// Any seed document, in TOML or JSON.
pub(super) fn seed(bytes: &[u8]) {
    let world = World::whole();
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let document: Option<Document> = if text.trim_start().starts_with('{') {
        serde_json::from_str(text).ok()
    } else {
        toml::from_str(text).ok()
    };
    let Some(document) = document else { return };
    let realm = world.sandbox.shared().realms.home();
    let before = realm.look();
    if let Err(problems) = plant(world.sandbox.shared(), realm, &document) {
        assert!(!problems.is_empty(), "a refusal says why");
    }
    world.put_back(realm, &before);
}

/// New keys take a second to make, and what is followed is followed for ever.
fn may_take_long(request: &Request) -> bool {
    request.path.contains("keys") || request.path.contains("log")
}

impl World {
    fn start() -> Self {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            clock: Clock::standing_at(start()),
            ..Config::default()
        };
        let started =
            tokio::runtime::Builder::new_current_thread().enable_all().build().ok().and_then(|runtime| {
                let sandbox = runtime.block_on(Sandbox::start(config)).ok()?;
                Some((runtime, sandbox))
            });
        let Some((runtime, sandbox)) = started else { panic!("the sandbox does not start") };
        let shared = sandbox.shared();
        let app = shared.realms.home().look();
        let app = app
            .service_principal_by_app_id(constants::PROVISIONER_CLIENT_ID, shared.realms.home().clock.now());
        let app = app.map(|app| app.id.clone()).unwrap_or_default();
        let (user, app) = (token(&sandbox, constants::ADA_ID, "user"), token(&sandbox, &app, "app"));
        let control = HeaderValue::from_static(CONTROL);
        let mut world = Self { sandbox, runtime, user, app, control, entered: HeaderValue::from_static("") };
        if let Some(enter) = world.request(ENTER.as_bytes()) {
            let answer = world.runtime.block_on(portal::answer(world.sandbox.shared(), &enter));
            let cookie = answer.headers.get(SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
            let cookie = cookie.and_then(|cookie| HeaderValue::from_str(cookie.split(';').next()?).ok());
            world.entered = cookie.unwrap_or(world.entered);
        }
        world
    }

    /// The one of this process, as it stood at its start.
    fn whole() -> MutexGuard<'static, Self> {
        static WORLD: OnceLock<Mutex<World>> = OnceLock::new();
        WORLD.get_or_init(|| Mutex::new(World::start())).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn afterwards_as_before(&self, realm: &Realm, request: &Request, answer: impl Future<Output = Response>) {
        let before = realm.look();
        let response = self.runtime.block_on(answer);
        assert_ne!(response.status.as_u16(), 500, "{} {}", request.method, request.path);
        self.put_back(realm, &before);
    }

    fn put_back(&self, realm: &Realm, before: &Arc<crate::tenant::Tenant>) {
        realm.faults.clear();
        realm.set_lag(Lag::new(LagProfile::None, 1.0));
        realm.clock.set_pace(0.0);
        realm.clock.set(start());
        for snapshot in realm.snapshots.all() {
            realm.snapshots.remove(&snapshot.id.to_string());
        }
        let shared = self.sandbox.shared();
        for other in shared.realms.all() {
            // The first one stays.
            let _ = shared.remove(&other.id);
        }
        // Without a data folder there is nothing that could fail.
        let _ = realm.restore(Arc::clone(before));
    }

    fn request(&self, bytes: &[u8]) -> Option<Request> {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let (method, target) = lines.next()?.split_once(' ')?;
        let target =
            http::Uri::from_str(target.trim()).ok().filter(|target| target.path().starts_with('/'))?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
            let value = match (name == AUTHORIZATION, value.trim()) {
                (true, "user") => self.user.clone(),
                (true, "app") => self.app.clone(),
                (false, "entered") if name == COOKIE => self.entered.clone(),
                (_, value) => HeaderValue::from_str(value).ok()?,
            };
            headers.append(name, value);
        }
        let raw_query = target.query().unwrap_or_default().to_owned();
        Some(Request {
            method: Method::from_bytes(method.as_bytes()).ok()?,
            path: target.path().to_owned(),
            query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
            raw_query,
            headers,
            body: Bytes::from(body.to_owned()),
            origin: "https://localhost".to_owned(),
        })
    }
}

/// A token with every permission that Graph publishes here, but for the broad ones that overshadow the agents'.
fn token(sandbox: &Sandbox, subject: &str, kind: &str) -> HeaderValue {
    let shared = sandbox.shared();
    let now = shared.realms.home().clock.now().as_second();
    let held: Vec<&str> =
        permissions().iter().map(|one| one.value).filter(|name| !name.starts_with("Directory.")).collect();
    let mut claims = json!({
        "aud": "https://graph.microsoft.com", "tid": constants::TENANT_ID, "oid": subject,
        "appid": constants::PROVISIONER_CLIENT_ID, "idtyp": kind, "iat": now - 300, "nbf": now - 300,
        "exp": now + 3600,
    });
    match kind {
        "app" => claims["roles"] = json!(held),
        _ => claims["scp"] = json!(held.join(" ")),
    }
    let claims = match claims {
        Value::Object(claims) => claims,
        _ => serde_json::Map::new(),
    };
    let token = format!("Bearer {}", shared.key.sign_v1(&claims, true));
    HeaderValue::from_str(&token).unwrap_or(HeaderValue::from_static(""))
}

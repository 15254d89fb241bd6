//! What the fuzz targets of `fuzz/` call: each gives arbitrary bytes to one parser of bytes from the network,
//! or to the whole sandbox. It is no part of the API; the corpora are replayed as ordinary tests.

use std::str::FromStr as _;
use std::sync::{Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::exchange::Request;
use crate::graph::{Path, permissions};
use crate::realm::realm_of;
use crate::seed::constants;
use crate::{Clock, Config, Sandbox, entra, graph, server};

/// A target's name, which is that of its corpus, and what it gives its bytes to.
pub type Target = (&'static str, fn(&[u8]));

/// All of them.
pub const TARGETS: &[Target] = &[
    ("filter", graph::withstand_filter),
    ("query", graph::withstand_query),
    ("path", graph::withstand_path),
    ("ranges", graph::drives::host::withstand_ranges),
    ("jwt", entra::withstand_assertion),
    ("form", entra::withstand_form),
    ("requests", requests),
];

/// Runs one target.
///
/// # Panics
/// If the bytes break what they are given to, or there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let Some((_, withstand)) = TARGETS.iter().find(|(name, _)| *name == target) else {
        panic!("there is no fuzz target {target}");
    };
    withstand(bytes);
}

/// A started sandbox; nothing ever connects to it.
struct World {
    sandbox: Sandbox,
    /// Runs requests, and holds the sandbox's tasks.
    runtime: Runtime,
    user: HeaderValue,
    app: HeaderValue,
}

/// Any request to the whole of Graph and sign-in: a line `METHOD /path?query`, headers, an empty line, a body.
/// `Authorization: user` and `Authorization: app` stand for tokens that may do everything. No request ends in
/// a panic or a 500.
fn requests(bytes: &[u8]) {
    static WORLD: OnceLock<Mutex<World>> = OnceLock::new();
    let world = WORLD.get_or_init(|| Mutex::new(World::start()));
    let world = world.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(request) = world.request(bytes) else { return };
    let shared = world.sandbox.shared();
    let path = Path::parse(&request.path);
    let realm = realm_of(&shared.realms, &request, path.as_ref());
    let before = realm.look();
    let response = world.runtime.block_on(server::dispatch(shared, &realm, &request, path.as_ref()));
    assert_ne!(response.status.as_u16(), 500, "{} {}", request.method, request.path);
    *realm.enter() = (*before).clone();
}

impl World {
    fn start() -> Self {
        let config = Config {
            listen: ([127, 0, 0, 1], 0).into(),
            clock: Clock::standing_at(jiff::Timestamp::from_second(1_772_366_400).unwrap_or_default()),
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
        Self { sandbox, runtime, user, app }
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_target_withstands_its_corpus() {
        for (name, withstand) in TARGETS {
            crate::corpus::replay(name, withstand);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
        #[test]
        fn every_target_withstands_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            for (_, withstand) in TARGETS {
                withstand(&bytes);
            }
        }
    }
}

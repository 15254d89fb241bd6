//! `Idempotency-Key`: what is asked for twice with one key happens once and is answered alike.

use reqwest::Method;
use reqwest::header::HeaderName;
use serde_json::{Value, json};

use crate::world::{Answer, Caller, World};

const HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: &str = "idempotency-replayed";
const KEYS: &str = "api/v1/orgs/acme/api-keys";

fn key_named(name: &str) -> Value {
    json!({ "name": name, "scopes": ["identities:read"] })
}

async fn entries(caller: &Caller) -> Value {
    caller.get("api/v1/orgs/acme/audit/entries?limit=200").await.ok(200)["items"].clone()
}

fn is_replay(answer: &Answer) -> bool {
    answer.headers.contains_key(REPLAYED)
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_posted_twice_with_one_key_happens_once() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let below = |path: &str| format!("api/v1/orgs/acme/{path}");
    let other = operator.post(KEYS, &key_named("other")).await.ok(201);
    let other = other["id"].as_str().unwrap();
    let asks = [
        ("api/v1/orgs".to_owned(), json!({ "slug": "globex", "name": "Globex" }), 201, None),
        (KEYS.to_owned(), key_named("nightly"), 201, Some("secret")),
        (format!("{KEYS}/{other}/rotate"), json!({}), 201, Some("secret")),
        (below("invitations"), json!({ "label": "Grace", "role": "auditor" }), 201, Some("link")),
        (below("audit/entries/0/links"), json!({}), 201, Some("link")),
        (below("agent-identity/provision"), json!({ "mode": "shared" }), 202, None),
        (below("agent-identities/default/suspend"), json!({ "reason": "a test" }), 202, None),
        (below("agent-identities/default/resume"), json!({}), 202, None),
        (below("agent-identities/default/deprovision"), json!({}), 202, None),
    ];
    for (number, (path, body, status, secret)) in asks.into_iter().enumerate() {
        let caller = if path == "api/v1/orgs" { &operator } else { &acme };
        let caller = caller.with(HEADER, &format!("ask-{number}"));
        let first = caller.post(&path, &body).await;
        let mut expected = first.ok(status);
        assert!(!is_replay(&first), "{path}");
        let happened = entries(&acme).await;
        let again = caller.post(&path, &body).await;
        let said = again.ok(status);
        assert!(is_replay(&again), "{path}");
        if let Some(secret) = secret {
            assert!(expected.as_object_mut().unwrap().remove(secret).unwrap().is_string(), "{path}");
        }
        assert_eq!(said, expected, "{path}");
        // The worker goes on by itself; what this caller asked for does not happen again.
        let own = |entries: &Value| {
            entries.as_array().unwrap().iter().filter(|entry| entry["by"] != "system").count()
        };
        assert_eq!(own(&entries(&acme).await), own(&happened), "{path}");
        let changed = caller.post(&path, &json!({ "something": "else" })).await;
        assert_eq!(changed.problem(422), "idempotency_key_reused", "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_at_once_one_is_carried_out() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let caller = operator.with(HEADER, "\"8e03978e-40d5-43dd-bc93-6894a57f9324\"");
    let asking = (0..12).map(|_| {
        let caller = caller.clone();
        tokio::spawn(async move { caller.post(KEYS, &key_named("nightly")).await })
    });
    let asking: Vec<_> = asking.collect();
    let mut made = 0;
    for asked in asking {
        let answer = asked.await.unwrap();
        match answer.status.as_u16() {
            201 => made += usize::from(!is_replay(&answer)),
            _ => assert_eq!(answer.problem(409), "idempotency_under_way"),
        }
    }
    assert_eq!(made, 1);
    let keys = operator.get(KEYS).await.ok(200);
    let named = keys["items"].as_array().unwrap().iter().filter(|key| key["name"] == "nightly").count();
    assert_eq!(named, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_its_callers_own() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await.with(HEADER, "one");
    let globex = world.organisation(&operator, "globex").await.with(HEADER, "one");
    let first = acme.post(KEYS, &key_named("nightly")).await.ok(201);
    let second = globex.post("api/v1/orgs/globex/api-keys", &key_named("nightly")).await.ok(201);
    assert_ne!(first["id"], second["id"]);
    let third = operator.with(HEADER, "one").post(KEYS, &key_named("nightly")).await;
    assert!(!is_replay(&third) && third.ok(201)["id"] != first["id"]);
    // An organisation has two names in paths, and one set of answers.
    let id = acme.get("api/v1/orgs/acme").await.ok(200)["id"].as_str().unwrap().to_owned();
    let again = acme.post(&format!("api/v1/orgs/{id}/api-keys"), &key_named("nightly")).await;
    assert!(is_replay(&again) && again.ok(201)["id"] == first["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_no_longer_ask_gets_no_answer_of_then() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let scopes = json!({ "name": "maker", "scopes": ["keys:write", "identities:read"] });
    let maker = operator.post(KEYS, &scopes).await.ok(201);
    let mut caller = world.anybody().with(HEADER, "one");
    caller.key = Some(maker["secret"].as_str().unwrap().to_owned());
    caller.post(KEYS, &key_named("nightly")).await.ok(201);
    operator.delete(&format!("{KEYS}/{}", maker["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(caller.post(KEYS, &key_named("nightly")).await.problem(401), "key_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_can_be_tried_again_and_secrets_are_kept_nowhere() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let caller = operator.with(HEADER, "one");
    let unknown = caller.post(KEYS, &json!({ "name": "x", "scopes": ["everything"] })).await;
    assert_eq!(unknown.problem(422), "invalid");
    let made = caller.post(KEYS, &key_named("x")).await.ok(201);
    let secret = made["secret"].as_str().unwrap().as_bytes();
    for file in ["gateway.db", "gateway.db-wal"] {
        let kept = std::fs::read(world.path(file)).unwrap_or_default();
        assert!(!kept.windows(secret.len()).any(|part| part == secret), "{file} holds the secret");
    }
    for unfit in ["", "two words", &"x".repeat(256)] {
        let refused = operator.with(HEADER, unfit).send(Method::POST, KEYS, Some(&key_named("y"))).await;
        assert_eq!(refused.problem(400), "idempotency_key_unfit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_outlasts_the_process() {
    let mut world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let caller = operator.with(HEADER, "one");
    let made = caller.post(KEYS, &key_named("nightly")).await.ok(201);
    world.stop().await;
    world.start().await;
    let again = caller.post(KEYS, &key_named("nightly")).await;
    assert!(is_replay(&again) && again.ok(201)["id"] == made["id"]);
}

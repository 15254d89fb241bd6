//! `Idempotency-Key`: what is asked for twice with one key happens once and is answered alike.

use attache_store::{GatewayScope, ListQuery, Page, Row, Within};
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

/// What is kept of requests, as the store has it.
async fn kept(world: &World) -> Vec<Row> {
    let engine = world.store.engine(GatewayScope::granted());
    let page = Page::first(200);
    engine
        .list(ListQuery { kind: "kept_answer", within: Within::Anywhere, lookup: None, page })
        .await
        .unwrap()
}

/// Sees that every answer was kept in the unit of what it tells of: no process can die between the two.
async fn each_in_one_unit(world: &World, count: usize) {
    let kept = kept(world).await;
    assert_eq!(kept.len(), count);
    for row in kept {
        assert_eq!(row.version, 1, "the answer came after its change: {}", row.body);
        assert!(!row.body.contains("\"answer\":null"), "{}", row.body);
    }
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
        (below("audit/erasures"), json!({ "subject": "Grace" }), 202, None),
        (below("suspend"), json!({ "reason": "a test" }), 202, None),
        (below("resume"), json!({}), 202, None),
    ];
    let count = asks.len();
    for (number, (path, body, status, secret)) in asks.into_iter().enumerate() {
        let in_person = path == "api/v1/orgs" || path.ends_with("erasures");
        let caller = if in_person { &operator } else { &acme };
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
    each_in_one_unit(&world, count).await;
}

/// Posts twice with one key, and sees that it happens once.
async fn twice(acme: &Caller, caller: &Caller, path: &str, status: u16) {
    let own = async || {
        let entries = entries(acme).await;
        let by_somebody = |entry: &&Value| entry["by"].as_str().is_some_and(|by| by != "system");
        entries.as_array().unwrap().iter().filter(by_somebody).count()
    };
    let first = caller.post(path, &json!({})).await;
    assert_eq!(first.status, status, "{path} {}", first.text);
    assert!(!is_replay(&first), "{path}");
    let happened = own().await;
    let again = caller.post(path, &json!({})).await;
    assert!(is_replay(&again), "{path} {}", again.text);
    assert_eq!((again.status, &again.text), (first.status, &first.text), "{path}");
    assert_eq!(own().await, happened, "{path}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_sponsor_posts_twice_happens_once_too() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let users = world.sandbox.ready().users.clone();
    let path = "api/v1/orgs/acme/agent-identity/provision";
    acme.post(path, &json!({ "sponsor": users[1].id })).await.ok(202);
    let default = "api/v1/orgs/acme/agent-identities/default";
    let identity = acme.until(default, |seen| seen["state"] == "active").await["id"].clone();
    let identity = identity.as_str().unwrap();
    let (sponsor, name) = (format!("{default}/sponsor"), json!({ "sponsor": users[2].id }));
    let asked = |what: &str| format!("api/v1/sponsorships/{identity}/{what}");
    let own = format!("api/v1/sponsored-identities/{identity}/review");
    let (reviewing, successor) =
        (world.signed_in(&users[1].id).await, world.signed_in(&users[2].id).await.with(HEADER, "one"));

    twice(&acme, &acme.with(HEADER, "one"), &format!("{default}/review"), 200).await;
    twice(&acme, &reviewing.with(HEADER, "one"), &own, 200).await;
    acme.send(Method::PUT, &sponsor, Some(&name)).await.ok(200);
    twice(&acme, &successor, &asked("decline"), 204).await;
    // What is refused is not kept: named again, they accept with the same key.
    assert_eq!(successor.post(&asked("accept"), &json!({})).await.problem(404), "not_found");
    acme.send(Method::PUT, &sponsor, Some(&name)).await.ok(200);
    // The same key of somebody else is another one.
    let other = operator.with(HEADER, "one");
    assert_eq!(other.post(&asked("accept"), &json!({})).await.problem(404), "not_found");
    twice(&acme, &successor, &asked("accept"), 202).await;
    twice(&acme, &acme.with(HEADER, "two"), &format!("{sponsor}/check"), 202).await;
    each_in_one_unit(&world, 5).await;
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
    let url = world.url.join(KEYS).unwrap();
    let both = world.browser().post(url).header(HEADER, "two").header(HEADER, "three").json(&key_named("y"));
    assert_eq!(both.send().await.unwrap().status(), 400, "of two keys nobody knows which is meant");
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

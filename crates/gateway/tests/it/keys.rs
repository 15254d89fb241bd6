//! API keys: shown once, scoped, rotated with grace, revoked at once.

use reqwest::header::{AUTHORIZATION, HeaderName, WWW_AUTHENTICATE};
use serde_json::{Value, json};

use crate::world::World;

const KEYS: &str = "api/v1/orgs/acme/api-keys";

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_what_its_scopes_say_and_nothing_else() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let made = operator.post(KEYS, &json!({ "name": "reader", "scopes": ["identities:read"] })).await.ok(201);
    let mut reader = world.anybody();
    reader.key = Some(made["secret"].as_str().unwrap().to_owned());
    reader.get("api/v1/orgs/acme/agent-identities").await.ok(200);
    let refused = reader.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await;
    assert_eq!(refused.problem(403), "scope_missing");
    // The secret is in no other answer.
    let listed = operator.get(KEYS).await;
    assert!(!listed.text.contains(made["secret"].as_str().unwrap()));
    let unknown = operator.post(KEYS, &json!({ "name": "x", "scopes": ["everything"] })).await;
    assert_eq!(unknown.problem(422), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_works_through_its_grace_and_then_names_its_successor() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let body = json!({ "name": "nightly", "scopes": ["identities:read"] });
    let old = operator.post(KEYS, &body).await.ok(201);
    let path = format!("{KEYS}/{}/rotate", old["id"].as_str().unwrap());
    let new = operator.post(&path, &json!({ "grace_seconds": 3600 })).await.ok(201);
    let mut caller = world.anybody();
    for secret in [&old["secret"], &new["secret"]] {
        caller.key = Some(secret.as_str().unwrap().to_owned());
        caller.get("api/v1/orgs/acme/agent-identities").await.ok(200);
    }
    let path = format!("{KEYS}/{}/rotate", new["id"].as_str().unwrap());
    let newest = operator.post(&path, &json!({ "grace_seconds": 0 })).await.ok(201);
    let over = caller.get("api/v1/orgs/acme/agent-identities").await;
    assert_eq!(over.problem(401), "key_rotated");
    assert!(over.text.contains(newest["id"].as_str().unwrap()), "{}", over.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_gets_no_mightier_key_by_rotating_one() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let mighty = json!({ "name": "mighty", "scopes": ["identities:write", "keys:write"] });
    let mighty = operator.post(KEYS, &mighty).await.ok(201);
    let keeper = json!({ "name": "keeper", "scopes": ["keys:write"] });
    let keeper = operator.post(KEYS, &keeper).await.ok(201);
    let mut caller = world.anybody();
    caller.key = Some(keeper["secret"].as_str().unwrap().to_owned());
    let path = format!("{KEYS}/{}/rotate", mighty["id"].as_str().unwrap());
    assert_eq!(caller.post(&path, &json!({})).await.problem(403), "scope_exceeded");
    let path = format!("{KEYS}/{}/rotate", keeper["id"].as_str().unwrap());
    caller.post(&path, &json!({})).await.ok(201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_opens_nothing() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let body = json!({ "name": "short", "scopes": ["identities:read"] });
    let made = operator.post(KEYS, &body).await.ok(201);
    operator.delete(&format!("{KEYS}/{}", made["id"].as_str().unwrap())).await.ok(200);
    let mut caller = world.anybody();
    caller.key = Some(made["secret"].as_str().unwrap().to_owned());
    assert_eq!(caller.get("api/v1/orgs/acme/agent-identities").await.problem(401), "key_revoked");
    caller.key = Some("atk_nonsense".to_owned());
    assert_eq!(caller.get("api/v1/orgs/acme/agent-identities").await.problem(401), "key_unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keys_name_is_one_line_of_text_and_each_scope_is_named_once() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let scopes = ["audit:read", "identities:read", "audit:read"];
    for name in ["\u{202e}reader", "a\nb", " "] {
        let refused = operator.post(KEYS, &json!({ "name": name, "scopes": scopes })).await;
        assert_eq!(refused.problem(422), "invalid", "{name:?}");
    }
    let made = operator.post(KEYS, &json!({ "name": "reader", "scopes": scopes })).await.ok(201);
    assert_eq!(made["scopes"], json!(["audit:read", "identities:read"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_and_refused_in_the_headers_of_the_field() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let body = json!({ "name": "reader", "scopes": ["identities:read"] });
    let made = operator.post(KEYS, &body).await.ok(201);
    let secret = made["secret"].as_str().unwrap();
    let anybody = world.anybody();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let caller = anybody.with(AUTHORIZATION, &format!("{scheme} {secret}"));
        caller.get("api/v1/orgs/acme/agent-identities").await.ok(200);
    }
    let unknown = anybody.with(AUTHORIZATION, "Bearer atk_nonsense");
    let limited = anybody.with(AUTHORIZATION, &format!("Bearer {secret}"));
    for (caller, path, challenge) in [
        (&anybody, "api/v1/orgs/acme", "Bearer realm=\"attache\""),
        (&unknown, "api/v1/orgs/acme", "Bearer realm=\"attache\", error=\"invalid_token\""),
        (&limited, "api/v1/orgs/acme/members", "Bearer realm=\"attache\", error=\"insufficient_scope\""),
    ] {
        assert_eq!(caller.get(path).await.headers[WWW_AUTHENTICATE], challenge, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_refused_from_an_address_outside_its_list() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let body = json!({ "name": "office", "scopes": ["identities:read"], "allowed_from": ["192.0.2.1"] });
    let made = operator.post(KEYS, &body).await.ok(201);
    let mut caller = world.anybody();
    caller.key = Some(made["secret"].as_str().unwrap().to_owned());
    assert_eq!(caller.get("api/v1/orgs/acme/agent-identities").await.problem(401), "key_address");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_is_the_same_however_a_proxy_or_a_list_writes_it() {
    let world =
        World::tuned(|config| config.trusted_proxies = vec!["::ffff:127.0.0.1".parse().unwrap()]).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    for own in ["192.0.2.1", "::ffff:192.0.2.1"] {
        let body = json!({ "name": "office", "scopes": ["identities:read"], "allowed_from": [own] });
        let made = operator.post(KEYS, &body).await.ok(201);
        let mut caller = world.anybody();
        caller.key = Some(made["secret"].as_str().unwrap().to_owned());
        let from = HeaderName::from_static("x-forwarded-for");
        for said in ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1:4711"] {
            caller.with(from.clone(), said).get("api/v1/orgs/acme/agent-identities").await.ok(200);
        }
        let other = caller.with(from, "192.0.2.2").get("api/v1/orgs/acme/agent-identities").await;
        assert_eq!(other.problem(401), "key_address");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_may_be_used_from_a_network_and_a_network_of_proxies_is_believed() {
    let world = World::tuned(|config| config.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()]).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let office =
        |from: &[&str]| json!({ "name": "office", "scopes": ["identities:read"], "allowed_from": from });
    let made = operator.post(KEYS, &office(&["192.0.2.0/24", "2001:db8::/32"])).await.ok(201);
    assert_eq!(made["allowed_from"], json!(["192.0.2.0/24", "2001:db8::/32"]));
    let mut caller = world.anybody();
    caller.key = Some(made["secret"].as_str().unwrap().to_owned());
    let from = HeaderName::from_static("x-forwarded-for");
    for inside in ["192.0.2.1", "192.0.2.255", "2001:db8:ffff::1"] {
        caller.with(from.clone(), inside).get("api/v1/orgs/acme/agent-identities").await.ok(200);
    }
    for outside in ["192.0.3.1", "2001:db9::1"] {
        let refused = caller.with(from.clone(), outside).get("api/v1/orgs/acme/agent-identities").await;
        assert_eq!(refused.problem(401), "key_address", "{outside}");
    }
    let slip = operator.post(KEYS, &office(&["192.0.2.1/24"])).await;
    assert_eq!(slip.problem(422), "invalid");
    assert!(slip.json()["detail"].as_str().unwrap().contains("192.0.2.0/24"), "{}", slip.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_which_keys_were_used() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let key = |name: &str| json!({ "name": name, "scopes": ["identities:read"] });
    let used = operator.post(KEYS, &key("used")).await.ok(201);
    let idle = operator.post(KEYS, &key("idle")).await.ok(201);
    let mut caller = world.anybody();
    caller.key = Some(used["secret"].as_str().unwrap().to_owned());
    caller.get("api/v1/orgs/acme/agent-identities").await.ok(200);
    let last_use = |list: &Value, id: &Value| {
        let shown = list["items"].as_array().unwrap().iter().find(|key| key["id"] == *id).cloned();
        shown.unwrap()["last_used"].clone()
    };
    // The use is noted in the background.
    let list = operator.until(KEYS, |list| !last_use(list, &used["id"]).is_null()).await;
    assert!(last_use(&list, &idle["id"]).is_null(), "{list}");
    let one = operator.get(&format!("{KEYS}/{}", used["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(one["last_used"], last_use(&list, &used["id"]));
    // A page that begins after the newest key has the notes of its own keys.
    let first = operator.get(&format!("{KEYS}?limit=1")).await.ok(200);
    assert_eq!(first["items"][0]["id"], idle["id"]);
    let rest =
        operator.get(&format!("{KEYS}?limit=1&cursor={}", first["next"].as_str().unwrap())).await.ok(200);
    assert_eq!(last_use(&rest, &used["id"]), one["last_used"]);
}

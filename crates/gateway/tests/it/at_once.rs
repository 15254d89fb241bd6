//! What is taken away or changed is so with the very next request, however often it was read before.

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, World};

const ORG: &str = "api/v1/orgs/acme";
const KEYS: &str = "api/v1/orgs/acme/api-keys";
const IDENTITY: &str = "api/v1/orgs/acme/agent-identities/default";

/// An organisation with an identity and a key, both of them read twice.
async fn known(world: &World, operator: &Caller) -> (Caller, Value) {
    let acme = world.organisation(operator, "acme").await;
    let wanted = json!({ "mode": "shared" });
    acme.post(&format!("{ORG}/agent-identity/provision"), &wanted).await.ok(202);
    let made = json!({ "name": "reader", "scopes": ["identities:read"] });
    let made = operator.post(KEYS, &made).await.ok(201);
    let mut reader = world.anybody();
    reader.key = Some(made["secret"].as_str().unwrap().to_owned());
    for _ in 0..2 {
        reader.get(IDENTITY).await.ok(200);
    }
    (reader, made)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_key_is_refused() {
    let world = World::new().await;
    let operator = world.operator().await;
    let (reader, key) = known(&world, &operator).await;
    operator.delete(&format!("{KEYS}/{}", key["id"].as_str().unwrap())).await.ok(200);
    assert_eq!(reader.get(IDENTITY).await.problem(401), "key_revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotated_key_is_refused_and_its_successor_is_not() {
    let world = World::new().await;
    let operator = world.operator().await;
    let (mut reader, key) = known(&world, &operator).await;
    let path = format!("{KEYS}/{}/rotate", key["id"].as_str().unwrap());
    let new = operator.post(&path, &json!({ "grace_seconds": 0 })).await.ok(201);
    assert_eq!(reader.get(IDENTITY).await.problem(401), "key_rotated");
    reader.key = Some(new["secret"].as_str().unwrap().to_owned());
    reader.get(IDENTITY).await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_identity_is_shown_as_it_is() {
    let world = World::new().await;
    let operator = world.operator().await;
    let (reader, _) = known(&world, &operator).await;
    let before = reader.get(IDENTITY).await;
    let reason = json!({ "reason": "a drill" });
    operator.post(&format!("{IDENTITY}/suspend"), &reason).await.ok(202);
    let after = reader.get(IDENTITY).await;
    assert_eq!(after.ok(200)["suspended"]["reason"], "a drill");
    assert_ne!(before.headers["etag"], after.headers["etag"]);
    assert_eq!(after.headers["cache-control"], "no-store");
    assert!(after.headers.contains_key("ratelimit"), "{:?}", after.headers);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_organisation_does_nothing_more() {
    let world = World::new().await;
    let operator = world.operator().await;
    known(&world, &operator).await;
    let more = json!({ "template": "cfo", "mode": "shared" });
    let provision = || operator.post("api/v1/orgs/acme/agent-identity/provision", &more);
    operator.post(&format!("{ORG}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    assert_eq!(provision().await.problem(409), "organisation_suspended");
    operator.post(&format!("{ORG}/resume"), &json!({})).await.ok(202);
    provision().await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_with_another_role_or_none_may_no_more_than_that() {
    let world = World::new().await;
    let operator = world.operator().await;
    known(&world, &operator).await;
    let invited =
        operator.post(&format!("{ORG}/invitations"), &json!({ "label": "Grace", "role": "admin" })).await;
    let invited = invited.ok(201);
    let link = invited["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let grace = crate::sign_in::as_user(&world, 1).await;
    assert_eq!(grace.form(&link, &[("csrf", &grace.csrf().await)]).await.status, 303);
    let more = json!({ "template": "cfo", "mode": "shared" });
    let provision = || grace.post("api/v1/orgs/acme/agent-identity/provision", &more);
    provision().await.ok(202);

    let members = operator.get(&format!("{ORG}/members")).await.ok(200);
    let own = members["items"].as_array().unwrap().iter().find(|one| one["role"] == "admin").unwrap();
    let path = format!("{ORG}/members/{}", own["id"].as_str().unwrap());
    operator.send(Method::PATCH, &path, Some(&json!({ "role": "auditor" }))).await.ok(200);
    assert_eq!(provision().await.problem(403), "role_missing");
    grace.get(IDENTITY).await.ok(200);
    operator.delete(&path).await.ok(204);
    assert_eq!(grace.get(IDENTITY).await.problem(404), "not_found");
}

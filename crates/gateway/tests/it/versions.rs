//! Entity tags: who has it already is told so, and a change is made to what was seen or not at all.

use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH, IF_NONE_MATCH};
use serde_json::{Value, json};

use crate::world::{Answer, World};

fn tag(answer: &Answer) -> String {
    answer.headers[ETAG].to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_has_already_is_not_sent_again() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let asked =
        acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({ "mode": "shared" })).await.ok(202);
    let first = |list: Value| list["items"][0]["id"].as_str().unwrap().to_owned();
    let key = first(acme.get("api/v1/orgs/acme/api-keys").await.ok(200));
    let member = first(acme.get("api/v1/orgs/acme/members").await.ok(200));
    // The use of the key is noted in the background, once in ten minutes.
    acme.until(&format!("api/v1/orgs/acme/api-keys/{key}"), |key| !key["last_used"].is_null()).await;
    for path in [
        "api/v1/orgs/acme".to_owned(),
        format!("api/v1/orgs/acme/api-keys/{key}"),
        format!("api/v1/orgs/acme/members/{member}"),
        format!("api/v1/orgs/acme/agent-identities/{}", asked["id"].as_str().unwrap()),
    ] {
        let seen = acme.get(&path).await;
        assert!(!seen.ok(200)["id"].is_null(), "{path}");
        let again = acme.with(IF_NONE_MATCH, &tag(&seen)).get(&path).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
        assert_eq!(tag(&again), tag(&seen));
        acme.with(IF_NONE_MATCH, "\"0\"").get(&path).await.ok(200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_what_has_changed_since_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let invitation = json!({ "label": "Grace", "role": "auditor" });
    let made = operator.post("api/v1/orgs/acme/invitations", &invitation).await.ok(201);
    let link = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let grace = crate::sign_in::as_user(&world, 1).await;
    grace.form(&link, &[("csrf", &grace.csrf().await)]).await;
    let members = acme.get("api/v1/orgs/acme/members").await.ok(200);
    let of = |role: &str| {
        members["items"].as_array().unwrap().iter().find(|one| one["role"] == role).cloned().unwrap()
    };
    let path = format!("api/v1/orgs/acme/members/{}", of("auditor")["id"].as_str().unwrap());
    let seen = tag(&acme.get(&path).await);
    let changed =
        acme.with(IF_MATCH, &seen).send(Method::PATCH, &path, Some(&json!({ "role": "approver" }))).await;
    assert_eq!(changed.ok(200)["role"], "approver");
    let entries = acme.get("api/v1/orgs/acme/audit/entries").await.ok(200);
    for method in [Method::PATCH, Method::DELETE] {
        let body = (method == Method::PATCH).then(|| json!({ "role": "admin" }));
        let refused = acme.with(IF_MATCH, &seen).send(method, &path, body.as_ref()).await;
        assert_eq!(refused.problem(412), "precondition_failed");
    }
    assert_eq!(acme.get(&path).await.ok(200)["role"], "approver");
    assert_eq!(acme.get("api/v1/orgs/acme/audit/entries").await.ok(200), entries, "nothing happened");
    // What a change answers with is what the next one may name.
    acme.with(IF_MATCH, &tag(&changed)).send(Method::DELETE, &path, None).await.ok(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_changes_of_the_same_thing_seen_one_is_made() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let asked = json!({ "mode": "shared" });
    acme.post("api/v1/orgs/acme/agent-identity/provision", &asked).await.ok(202);
    let path = "api/v1/orgs/acme/agent-identities/default";
    let seen = tag(&acme.get(path).await);
    let caller = acme.with(IF_MATCH, &seen);
    let (one, other) = (json!({ "display_name": "Acme" }), json!({ "display_name": "Acme Corporation" }));
    let (first, second) = tokio::join!(
        caller.send(Method::PATCH, path, Some(&one)),
        caller.send(Method::PATCH, path, Some(&other))
    );
    let mut statuses = [first.status.as_u16(), second.status.as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412], "{} {}", first.text, second.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demand_that_cannot_be_met_is_refused() {
    let world = World::new().await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let path = "api/v1/orgs/acme/audit/retention";
    let kept = json!({ "days": 30 });
    let demanding = acme.with(IF_MATCH, "\"1\"");
    let refused = demanding.send(Method::PUT, path, Some(&kept)).await;
    assert_eq!(refused.problem(412), "precondition_failed");
    assert_eq!(acme.get(path).await.ok(200)["days"], Value::Null, "it was carried out");
    demanding.get(path).await.ok(200);
    acme.with(IF_MATCH, "*").send(Method::PUT, path, Some(&kept)).await.ok(200);
}

//! What people see of an identity: the directory says what the record says, from the beginning and after each change.

use reqwest::Method;
use reqwest::header::{ETAG, IF_MATCH};
use serde_json::{Value, json};

use crate::world::World;

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const CFO: &str = "api/v1/orgs/acme/agent-identities/cfo";

/// What the tenant's directory shows of an identity's user.
async fn shown(world: &World, identity: &Value) -> Value {
    let user = identity["m365_user_id"].as_str().unwrap();
    let path = format!("users/{user}?$select=displayName,jobTitle,department");
    let seen = world.graph(Method::GET, &path, None).await.ok(200);
    json!([seen["displayName"], seen["jobTitle"], seen["department"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn the_directory_shows_what_was_chosen_and_what_was_changed() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let chosen = json!({ "template": "cfo", "job_title": "Controller", "department": "Finance" });
    acme.post(PROVISION, &chosen).await.ok(202);
    let usual = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let shows = json!(["acme Corporation Assistant", "AI Agent", "AI Workforce"]);
    assert_eq!(shown(&world, &usual).await, shows);
    let cfo = acme.until(CFO, |seen| seen["state"] == "active").await;
    let shows = json!(["acme Corporation Assistant (cfo)", "Controller", "Finance"]);
    assert_eq!(shown(&world, &cfo).await, shows);

    let seen = acme.get(CFO).await.headers[ETAG].to_str().unwrap().to_owned();
    let saw = acme.with(IF_MATCH, &seen);
    let wanted = json!({ "display_name": "Ada's controller", "job_title": "CFO" });
    let changed = saw.send(Method::PATCH, CFO, Some(&wanted)).await;
    let told = changed.ok(200);
    assert_eq!((&told["display_name"], &told["job_title"]), (&json!("Ada's controller"), &json!("CFO")));
    assert_eq!(shown(&world, &cfo).await, json!(["Ada's controller", "CFO", "Finance"]));
    assert_eq!(changed.headers[ETAG], acme.get(CFO).await.headers[ETAG]);
    assert_eq!(saw.send(Method::PATCH, CFO, Some(&wanted)).await.problem(412), "precondition_failed");
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=identity.names_changed").await.ok(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "its intent and its outcome: {log}");

    // The same by page, where what is left empty stays.
    let path = "orgs/acme/identities/cfo/appearance";
    let csrf = operator.csrf_of(path).await;
    let fields = [("csrf", &*csrf), ("display_name", "Controller of acme"), ("job_title", "")];
    assert_eq!(operator.form(path, &fields).await.status, 303);
    assert_eq!(shown(&world, &cfo).await, json!(["Controller of acme", "CFO", "Finance"]));

    let long = json!({ "department": "x".repeat(65) });
    assert_eq!(acme.send(Method::PATCH, CFO, Some(&long)).await.problem(422), "invalid");
    acme.post(&format!("{CFO}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    assert_eq!(acme.send(Method::PATCH, CFO, Some(&wanted)).await.problem(409), "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_directory_refuses_changes_nothing_here() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let user = format!("users/{}", active["m365_user_id"].as_str().unwrap());
    world.graph(Method::DELETE, &user, None).await.ok(204);
    let refused = acme.send(Method::PATCH, DEFAULT, Some(&json!({ "job_title": "CFO" }))).await;
    assert_eq!(refused.status, 502, "{}", refused.text);
    assert_eq!(acme.get(DEFAULT).await.ok(200)["job_title"], "AI Agent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_was_there_before_keeps_what_it_is_called() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let user = &world.sandbox.ready().users[1];
    let mut adopt = json!({ "method": "adopt", "template": "grace", "user_id": user.id, "job_title": "Bot" });
    assert_eq!(operator.post(PROVISION, &adopt).await.problem(422), "invalid");
    adopt.as_object_mut().unwrap().remove("job_title");
    operator.post(PROVISION, &adopt).await.ok(202);
    let grace = "api/v1/orgs/acme/agent-identities/grace";
    let adopted = acme.until(grace, |seen| seen["state"] == "active").await;
    assert_eq!((&adopted["job_title"], &adopted["department"]), (&json!(""), &json!("")));
}

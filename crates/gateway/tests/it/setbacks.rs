//! What stands in an identity's way is told by the identity: at once where somebody must act, else with the next try and
//! the last one.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_gateway::hosted_permissions;
use attache_sandbox::{Effect, Fault};
use attache_terms::{Clock, ManualClock, SystemClock};
use serde_json::{Value, json};

use crate::jobs::die_of;
use crate::world::{Caller, SECRET, World, app_named};

const ORG: &str = "api/v1/orgs/acme";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

/// Has every change of a user answered so.
fn refuse_users(world: &World, status: u16, code: &str) {
    let body = json!({ "error": { "code": code, "message": "a fault of the test" } });
    let effect = Effect::Answer { status, body: Some(body), retry_after: None };
    let fault = Fault::once("PATCH", "/v1.0/users/**", effect);
    world.sandbox.control().add_fault(Fault { count: None, ..fault });
}

/// Acme, with a user whom it was given.
async fn adopted(world: &World) -> Caller {
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let adopt = json!({ "method": "adopt", "user_id": world.sandbox.ready().users[1].id });
    operator.post(PROVISION, &adopt).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    acme
}

/// Takes Acme's identity back; where it is read from then on.
async fn deprovision(acme: &Caller) -> String {
    let leaving = acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    format!("{ORG}/agent-identities/{}", leaving["id"].as_str().unwrap())
}

/// The codes with which an act failed.
async fn failed(acme: &Caller, act: &str) -> Vec<Value> {
    let log = acme.get(&format!("{ORG}/audit/entries?act={act}")).await.ok(200);
    let failed = log["items"].as_array().unwrap().iter().filter(|entry| entry["outcome"] == "failed");
    failed.map(|entry| entry["code"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permission_that_the_provisioner_lacks_is_named_at_once() {
    let lesser: Arc<Mutex<Option<String>>> = Arc::default();
    let chosen = Arc::clone(&lesser);
    let mut world = World::tuned(move |config| {
        if let Some(app) = &*chosen.lock().unwrap() {
            config.hosted[0].provisioner.client_id = app.parse().unwrap();
        }
    })
    .await;
    world.stop().await;
    let control = world.sandbox.control();
    let roles = hosted_permissions().map(|one| one.name).filter(|name| *name != "Domain.ReadWrite.All");
    let roles: Vec<&str> = roles.collect();
    let document = json!({ "apps": [{ "name": "Lesser", "secret": SECRET, "roles": roles }] });
    control.plant(&document.to_string()).unwrap();
    *lesser.lock().unwrap() = Some(app_named(&control.state(), "Lesser").unwrap());
    world.start().await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let stopped = acme.until(DEFAULT, |seen| seen["state"] == "error").await;
    let remedy = stopped["trouble"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("Domain.ReadWrite.All") && remedy.ends_with("provision again"), "{stopped}");
    assert_eq!(failed(&acme, "identity.provisioned").await, [stopped["trouble"]["code"].clone()]);

    world.stop().await;
    *lesser.lock().unwrap() = None;
    world.start().await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_refused_says_so_at_once() {
    let world = World::new().await;
    let acme = adopted(&world).await;
    refuse_users(&world, 403, "Authorization_RequestDenied");
    let path = deprovision(&acme).await;
    let stopped = acme.until(&path, |seen| seen["trouble"].is_object()).await;
    assert_eq!(stopped["state"], "deprovisioning");
    assert!(stopped["trouble"]["remedy"].as_str().unwrap().ends_with("deprovision again"), "{stopped}");
    assert_eq!(failed(&acme, "identity.deprovisioned").await, [stopped["trouble"]["code"].clone()]);
    world.sandbox.control().clear_faults();
    assert_eq!(deprovision(&acme).await, path);
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_fails_says_when_it_is_tried_again_and_at_last_that_it_was_given_up() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = adopted(&world).await;
    refuse_users(&world, 400, "Request_BadRequest");
    let path = deprovision(&acme).await;
    let seen = acme.until(&path, |seen| seen["waiting"].is_object()).await;
    let waiting = &seen["waiting"];
    assert!(waiting["reason"].as_str().unwrap().contains("a fault of the test"), "{seen}");
    let at = |name: &str| waiting[name].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(at("since") < at("next_attempt") && at("next_attempt") < at("deadline"), "{seen}");

    world.stop().await;
    clock.advance(Duration::from_secs(3600));
    die_of(&world, &clock, "identity.remove", 19).await;
    world.start().await;
    let stopped = acme.until(&path, |seen| seen["trouble"].is_object()).await;
    assert_eq!((&stopped["trouble"]["code"], &stopped["waiting"]), (&json!("given_up"), &Value::Null));
    assert_eq!(failed(&acme, "identity.deprovisioned").await, ["given_up"]);
    world.sandbox.control().clear_faults();
    deprovision(&acme).await;
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_for_another_or_for_the_end_of_a_suspension_says_so() {
    let world = World::new().await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let one = |template: &str| format!("{ORG}/agent-identities/{template}");
    let says = |seen: &Value, words: &str| {
        let waiting = &seen["waiting"];
        waiting["reason"].as_str().is_some_and(|reason| reason.contains(words))
            && waiting["next_attempt"].is_string()
    };
    let control = world.sandbox.control();
    control.add_fault(Fault::once("POST", "/v1.0/applications/**", Effect::HoldBeforeCommit));
    acme.post(PROVISION, &json!({})).await.ok(202);
    let held = control.wait_held().await;
    acme.post(PROVISION, &json!({ "template": "cfo" })).await.ok(202);
    acme.until(&one("cfo"), |seen| says(seen, "another identity is making the blueprint")).await;
    assert!(control.release(held[0].id));
    for template in ["default", "cfo"] {
        let active = acme.until(&one(template), |seen| seen["state"] == "active").await;
        assert!(active["waiting"].is_null(), "{active}");
    }
    acme.post(PROVISION, &json!({ "template": "dev", "method": "verify" })).await.ok(202);
    acme.until(&one("dev"), |seen| seen["state"] == "waiting_for_directory").await;
    acme.post(&format!("{}/suspend", one("dev")), &json!({ "reason": "a drill" })).await.ok(202);
    acme.until(&one("dev"), |seen| says(seen, "when it is resumed")).await;
}

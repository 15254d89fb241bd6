//! An identity is stopped or taken back in the middle of being made: nothing of it goes on unseen.

use std::sync::Arc;
use std::time::Duration;

use attache_sandbox::{Effect, Fault};
use attache_terms::Clock;
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Ahead, Caller, World, users_named};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const AGENTS: &str = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
const USERS: &str = "/v1.0/users";

/// A world in which the first POST to `path` of Acme's identity is held, and the number by which it is let go.
async fn held(path: &str, effect: Effect, wanted: Value) -> (World, Caller, u64) {
    held_in(World::new().await, path, effect, wanted).await
}

/// The same, in a world of one's own.
async fn held_in(world: World, path: &str, effect: Effect, wanted: Value) -> (World, Caller, u64) {
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let control = world.sandbox.control();
    // Every replica knows what the tenant began with.
    control.clock().advance(Duration::from_secs(5));
    control.add_fault(Fault::once("POST", path, effect));
    acme.post(PROVISION, &wanted).await.ok(202);
    let held = control.wait_held().await;
    (world, acme, held[0].id)
}

/// Waits until a job of this kind says this of itself.
async fn until_said(acme: &Caller, kind: &str, reason: &str) {
    let said =
        |job: &Value| job["kind"] == kind && job["reason"].as_str().is_some_and(|own| own.contains(reason));
    acme.until("api/v1/orgs/acme/jobs", |jobs| jobs["items"].as_array().unwrap().iter().any(said)).await;
}

/// Takes Acme's identity back; where it is read from then on.
async fn deprovision(acme: &Caller) -> String {
    let leaving = acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    format!("api/v1/orgs/acme/agent-identities/{}", leaving["id"].as_str().unwrap())
}

/// The agent identities of the tenant, and whether each is enabled.
async fn agents(world: &World) -> Vec<(String, bool)> {
    let path = "servicePrincipals/microsoft.graph.agentIdentity";
    let all = world.graph(Method::GET, path, None).await.ok(200);
    let one = |agent: &Value| (agent["id"].as_str().unwrap().to_owned(), agent["accountEnabled"] == true);
    all["value"].as_array().unwrap().iter().map(one).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_under_way_makes_is_taken_back_too() {
    let (world, acme, request) = held(AGENTS, Effect::HoldBeforeCommit, json!({})).await;
    let path = deprovision(&acme).await;
    until_said(&acme, "identity.remove", "may be under way").await;
    assert!(world.sandbox.control().release(request));
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    assert_eq!(agents(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_made_without_an_answer_is_looked_for_as_long_as_it_may_be_hidden() {
    let (world, acme, request) = held(AGENTS, Effect::HoldAfterCommit, json!({})).await;
    let control = world.sandbox.control();
    let behind = Fault::once("GET", AGENTS, Effect::StaleReplica { seconds: 3 });
    control.add_fault(Fault { count: Some(3), ..behind });
    let path = deprovision(&acme).await;
    assert!(control.cut(request));
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    assert_eq!(control.faults()[1].applied, 3, "it was looked for while it was hidden");
    assert_eq!(agents(&world).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_is_enforced_only_when_what_was_being_made_is_stopped_too() {
    let (world, acme, request) = held(AGENTS, Effect::HoldBeforeCommit, json!({})).await;
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    until_said(&acme, "identity.enforce", "may be under way").await;
    assert_eq!(acme.get(DEFAULT).await.ok(200)["suspended"]["proof"]["enforced"], false);
    assert!(world.sandbox.control().release(request));
    let stopped = acme.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    let agent = stopped["agent_identity_id"].as_str().expect("the agent identity is known").to_owned();
    assert_eq!(agents(&world).await, [(agent, false)]);
    // It goes on from there when it may.
    acme.post(&format!("{DEFAULT}/resume"), &json!({})).await.ok(202);
    acme.post(PROVISION, &json!({})).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(active["agent_identity_id"], stopped["agent_identity_id"]);
    assert!(agents(&world).await[0].1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_came_to_is_told_though_its_identity_was_suspended_meanwhile() {
    let (world, acme, request) = held(AGENTS, Effect::HoldBeforeCommit, json!({})).await;
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    assert!(world.sandbox.control().release(request));
    let told = "api/v1/orgs/acme/audit/entries?act=agent_identity.create";
    let told = acme.until(told, |log| log["items"].as_array().unwrap().len() == 2).await;
    let outcome = told["items"].as_array().unwrap().iter().find(|entry| entry["kind"] == "outcome").unwrap();
    assert_eq!(outcome["outcome"], "done", "{outcome}");
    let stopped = acme.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    let agent = stopped["agent_identity_id"].as_str().expect("the agent identity is known").to_owned();
    assert_eq!(agents(&world).await, [(agent, false)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_user_that_was_made_without_an_answer_is_taken_back() {
    let wanted = json!({ "method": "ordinary_user" });
    let (world, acme, request) = held(USERS, Effect::HoldAfterCommit, wanted).await;
    let path = deprovision(&acme).await;
    assert!(world.sandbox.control().cut(request));
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    let user = "users/assistant@acme.agents.contoso.example";
    assert_eq!(world.graph(Method::GET, user, None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_account_that_came_first_never_becomes_the_identity() {
    let wanted = json!({ "method": "ordinary_user" });
    let (world, acme, request) = held(USERS, Effect::HoldBeforeCommit, wanted.clone()).await;
    let upn = "assistant@acme.agents.contoso.example";
    let control = world.sandbox.control();
    control.plant(&json!({ "users": [{ "upn": upn, "licences": ["SPE_E3"] }] }).to_string()).unwrap();
    let theirs = users_named(&control.state(), upn);
    assert!(control.release(request));
    for _ in 0..2 {
        let stopped = acme.until(DEFAULT, |seen| seen["state"] == "error").await;
        assert_eq!(
            (&stopped["trouble"]["code"], &stopped["m365_user_id"]),
            (&json!("name_taken"), &json!(null))
        );
        acme.post(PROVISION, &wanted).await.ok(202);
    }
    let path = deprovision(&acme).await;
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    assert_eq!(users_named(&control.state(), upn), theirs);
    assert_eq!(world.graph(Method::GET, &format!("users/{upn}"), None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_was_there_before_is_blocked_and_told_of() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let users = world.sandbox.ready().users.clone();
    for (user, suspended) in [(&users[1], false), (&users[2], true)] {
        let template = if suspended { "suspended" } else { "acting" };
        let adopt = json!({ "method": "adopt", "template": template, "user_id": user.id });
        operator.post(PROVISION, &adopt).await.ok(202);
        let path = format!("api/v1/orgs/acme/agent-identities/{template}");
        let active = acme.until(&path, |seen| seen["state"] == "active").await;
        if suspended {
            acme.post(&format!("{path}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
        }
        let plan = acme.get(&format!("{path}/deprovision")).await.ok(200);
        assert_eq!(plan["deletes"], json!([]));
        let steps = plan["steps"].as_array().unwrap();
        assert!(steps[0].as_str().unwrap().starts_with("block sign-in"), "{plan}");
        assert!(steps.len() == 2 && steps[1].as_str().unwrap().contains("sessions"), "{plan}");
        acme.post(&format!("{path}/deprovision"), &json!({})).await.ok(202);
        let path = format!("api/v1/orgs/acme/agent-identities/{}", active["id"].as_str().unwrap());
        acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
        let left = world.graph(Method::GET, &format!("users/{}?$select=accountEnabled", user.id), None).await;
        assert_eq!(left.ok(200)["accountEnabled"], false);
        let after = acme.get(&format!("{path}/deprovision")).await.ok(200);
        assert_eq!(plan["stays"], after["stays"]);
        assert_eq!(after["steps"], json!([]));
        assert!(after["stays"][0].as_str().unwrap().starts_with(&format!("user {}", user.id)), "{after}");
        // What it goes on costing is named as well.
        let details = world.graph(Method::GET, &format!("users/{}/licenseDetails", user.id), None).await;
        let held =
            format!("licence {}: is still assigned", details.ok(200)["value"][0]["skuId"].as_str().unwrap());
        assert!(after["stays"][1].as_str().unwrap().starts_with(&held), "{after}");
    }
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=agent_user.sessions.revoke").await.ok(200);
    assert!(log["items"].as_array().unwrap().len() >= 4, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blueprint_that_is_being_made_is_not_made_again_when_its_maker_is_taken_back() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let effect = Effect::HoldBeforeCommit;
    let (world, acme, request) = held_in(world, "/v1.0/applications**", effect, json!({})).await;
    acme.post(PROVISION, &json!({ "template": "cfo" })).await.ok(202);
    let waits = "another identity is making the blueprint";
    until_said(&acme, "identity.provision", waits).await;
    let path = deprovision(&acme).await;
    // The other looks, and looks again, while nobody knows what becomes of the request.
    let mut looked = std::collections::BTreeSet::new();
    while looked.len() < 3 {
        let waiting = |job: &&Value| job["reason"].as_str().is_some_and(|reason| reason.contains(waits));
        let of = |jobs: &Value| jobs["items"].as_array().unwrap().iter().find(waiting).cloned();
        let jobs = acme
            .until("api/v1/orgs/acme/jobs", |jobs| {
                of(jobs).is_some_and(|job| !looked.contains(job["changed"].as_str().unwrap()))
            })
            .await;
        looked.insert(of(&jobs).unwrap()["changed"].as_str().unwrap().to_owned());
    }
    let control = world.sandbox.control();
    assert!(control.release(request));
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    // By then it would have come to light.
    clock.advance(Duration::from_secs(120));
    control.clock().advance(Duration::from_secs(120));
    acme.until("api/v1/orgs/acme/agent-identities/cfo", |seen| seen["state"] == "active").await;
    let applications = &control.state()["tenants"][&world.sandbox.ready().tenant_id]["applications"];
    let blueprints = applications.as_object().unwrap().values().filter(|one| one["kind"] == "Blueprint");
    assert_eq!(blueprints.count(), 1);
}

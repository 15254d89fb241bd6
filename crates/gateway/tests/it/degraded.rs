//! What is taken from an identity that could act is noticed, told with its remedy, and over when it is put right.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, World};

const ORG: &str = "api/v1/orgs/acme";

/// Acme, with looks that follow closely on one another.
async fn watched() -> (World, Caller) {
    let world = World::tuned(|config| config.governance.identity_look = Duration::from_millis(300)).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    (world, acme)
}

async fn provision(acme: &Caller, template: &str) {
    acme.post(&format!("{ORG}/agent-identity/provision"), &json!({ "template": template })).await.ok(202);
}

async fn until(acme: &Caller, template: &str, state: &str) -> Value {
    acme.until(&format!("{ORG}/agent-identities/{template}"), |seen| seen["state"] == state).await
}

async fn active(acme: &Caller, template: &str) -> Value {
    provision(acme, template).await;
    until(acme, template, "active").await
}

#[track_caller]
fn says(degraded: &Value, code: &str) {
    assert_eq!(degraded["trouble"]["code"], code, "{degraded}");
    assert!(degraded["trouble"]["remedy"].as_str().unwrap().len() > 20, "{degraded}");
}

async fn count(acme: &Caller, act: &str) -> usize {
    let log = acme.get(&format!("{ORG}/audit/entries?act={act}")).await.ok(200);
    log["items"].as_array().unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_disabled_is_told_and_left_to_them() {
    let (world, acme) = watched().await;
    let enable = |enabled: bool| json!({ "accountEnabled": enabled });
    let seen = active(&acme, "default").await;
    let user = format!("users/{}", seen["m365_user_id"].as_str().unwrap());
    let agent = seen["agent_identity_id"].as_str().unwrap();
    let agent = format!("servicePrincipals/microsoft.graph.agentIdentity/{agent}");
    for (nth, (object, code)) in
        [(&user, "user_disabled"), (&agent, "agent_identity_disabled")].into_iter().enumerate()
    {
        world.graph(Method::PATCH, object, Some(&enable(false))).await.ok(204);
        says(&until(&acme, "default", "degraded").await, code);
        let page = world.operator().await.page("orgs/acme/identities/default").await;
        assert!(
            page.text.contains("What to do") && page.text.contains("not as it should be"),
            "{}",
            page.text
        );
        // It may be that they want the agent to stop: nothing is enabled for them.
        provision(&acme, "default").await;
        says(&until(&acme, "default", "degraded").await, code);
        world.graph(Method::PATCH, object, Some(&enable(true))).await.ok(204);
        let well = until(&acme, "default", "active").await;
        assert!(well["trouble"].is_null(), "{well}");
        assert_eq!(count(&acme, "identity.degraded").await, nth + 1);
        assert_eq!(count(&acme, "identity.recovered").await, nth + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_deleted_is_made_again_when_it_is_provisioned_again() {
    let (world, acme) = watched().await;
    let seen = active(&acme, "default").await;
    let user = seen["m365_user_id"].as_str().unwrap();
    world.graph(Method::DELETE, &format!("users/{user}"), None).await.ok(204);
    // Whoever comes upon it first is told so, and has it looked at.
    let aliases = acme.get(&format!("{ORG}/agent-identities/default/aliases")).await;
    assert_eq!(aliases.problem(409), "user_not_found");
    says(&until(&acme, "default", "degraded").await, "user_not_found");
    let again = active(&acme, "default").await;
    assert_ne!(again["m365_user_id"], seen["m365_user_id"], "{again}");
    assert_eq!(again["agent_identity_id"], seen["agent_identity_id"], "{again}");
    assert_eq!(again["address"], seen["address"]);

    let user = again["m365_user_id"].as_str().unwrap();
    let licence =
        world.graph(Method::GET, &format!("users/{user}?$select=assignedLicenses"), None).await.ok(200);
    let none = json!({ "addLicenses": [], "removeLicenses": [licence["assignedLicenses"][0]["skuId"]] });
    world.graph(Method::POST, &format!("users/{user}/assignLicense"), Some(&none)).await.ok(200);
    says(&until(&acme, "default", "degraded").await, "licence_missing");
    active(&acme, "default").await;
    let given =
        world.graph(Method::GET, &format!("users/{user}?$select=assignedLicenses"), None).await.ok(200);
    assert_eq!(given["assignedLicenses"], licence["assignedLicenses"]);

    let agent = again["agent_identity_id"].as_str().unwrap();
    let agent = format!("servicePrincipals/microsoft.graph.agentIdentity/{agent}");
    world.graph(Method::DELETE, &agent, None).await.ok(204);
    says(&until(&acme, "default", "degraded").await, "agent_identity_not_found");
    let last = active(&acme, "default").await;
    assert_ne!(last["agent_identity_id"], again["agent_identity_id"], "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_that_is_switched_off_is_told_and_left_to_whoever_did_it() {
    let (world, acme) = watched().await;
    let seen = active(&acme, "default").await;
    let user = seen["m365_user_id"].as_str().unwrap();
    let held = world.graph(Method::GET, &format!("users/{user}/licenseDetails"), None).await.ok(200);
    let plans = held["value"][0]["servicePlans"].as_array().unwrap();
    let exchange = plans.iter().find(|plan| {
        let name = plan["servicePlanName"].as_str().unwrap();
        name.starts_with("EXCHANGE_S_") && name != "EXCHANGE_S_FOUNDATION"
    });
    let assign = async |without: &[&Value]| {
        let licence = json!({ "skuId": held["value"][0]["skuId"], "disabledPlans": without });
        let body = json!({ "addLicenses": [licence], "removeLicenses": [] });
        world.graph(Method::POST, &format!("users/{user}/assignLicense"), Some(&body)).await.ok(200);
    };
    assign(&[&exchange.unwrap()["servicePlanId"]]).await;
    says(&until(&acme, "default", "degraded").await, "mailbox_missing");
    provision(&acme, "default").await;
    says(&until(&acme, "default", "degraded").await, "mailbox_missing");
    assign(&[]).await;
    until(&acme, "default", "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_is_taken_is_given_anew_when_it_is_provisioned_again() {
    let (world, acme) = watched().await;
    active(&acme, "default").await;
    let (_, principal) = blueprint(&world).await;
    let consent = async || {
        let path = format!("oauth2PermissionGrants?$filter=clientId eq '{principal}'");
        let ours = world.graph(Method::GET, &path, None).await.ok(200);
        ours["value"][0]["id"].as_str().map(str::to_owned)
    };
    let given = consent().await.unwrap();
    world.graph(Method::DELETE, &format!("oauth2PermissionGrants/{given}"), None).await.ok(204);
    says(&until(&acme, "default", "degraded").await, "consent_missing");
    active(&acme, "default").await;
    assert!(consent().await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blueprint_whose_principal_is_disabled_degrades_its_agents_unless_we_did_it() {
    let (world, acme) = watched().await;
    let operator = world.operator().await;
    active(&acme, "default").await;
    let (cell, principal) = blueprint(&world).await;
    let principal = format!("servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal/{principal}");
    let enable = async |enabled: bool| {
        let body = json!({ "accountEnabled": enabled });
        world.graph(Method::PATCH, &principal, Some(&body)).await.ok(204);
    };
    enable(false).await;
    says(&until(&acme, "default", "degraded").await, "blueprint_disabled");
    enable(true).await;
    until(&acme, "default", "active").await;

    let path = format!("api/v1/cells/{cell}");
    operator.post(&format!("{path}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    operator.until(&path, |seen| seen["suspended"]["enforced"] == true).await;
    looked_at(&acme, 3).await;
    assert_eq!(acme.get(&format!("{ORG}/agent-identities/default")).await.ok(200)["state"], "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_blueprint_that_somebody_deleted_nobody_gets_a_seat_and_its_agents_get_others() {
    let (world, acme) = watched().await;
    let operator = world.operator().await;
    let before = active(&acme, "default").await;
    let agent = format!("servicePrincipals/{}", before["agent_identity_id"].as_str().unwrap());
    let agent = world.graph(Method::GET, &agent, None).await.ok(200);
    let blueprint = agent["agentIdentityBlueprintId"].as_str().unwrap();
    let path = format!("applications/microsoft.graph.agentIdentityBlueprint/{blueprint}");
    world.graph(Method::DELETE, &path, None).await.ok(204);
    says(&until(&acme, "default", "degraded").await, "blueprint_not_found");
    let cells = operator.get("api/v1/cells").await.ok(200);
    assert_eq!(cells["items"][0]["lost"], true, "{cells}");
    assert!(operator.page("blueprints").await.text.contains("deleted in the tenant"));

    active(&acme, "cfo").await;
    let again = active(&acme, "default").await;
    assert_ne!(again["agent_identity_id"], before["agent_identity_id"], "{again}");
    assert_eq!(again["address"], before["address"], "{again}");
    let cells = operator.get("api/v1/cells").await.ok(200);
    let mut seats: Vec<_> =
        cells["items"].as_array().unwrap().iter().map(|cell| &cell["identities"]).collect();
    seats.sort_by_key(|seats| seats.as_u64());
    assert_eq!(seats, [1, 2], "{cells}");
}

/// The one blueprint that there is: its id here, and that of its principal in the tenant.
async fn blueprint(world: &World) -> (String, String) {
    let cell = world.operator().await.get("api/v1/cells").await.ok(200)["items"][0].clone();
    let name = cell["display_name"].as_str().unwrap();
    let path = format!("servicePrincipals?$filter=displayName eq '{name}'");
    let found = world.graph(Method::GET, &path, None).await.ok(200);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&cell["id"]), text(&found["value"][0]["id"]))
}

/// Waits until the default identity has been looked at so many times more.
async fn looked_at(acme: &Caller, times: u32) {
    let jobs = format!("{ORG}/jobs");
    let looks = |jobs: &Value| {
        let jobs = jobs["items"].as_array().unwrap();
        jobs.iter().find(|job| job["kind"] == "identity.watch").map(|job| job["due"].clone())
    };
    for _ in 0..times {
        let due = looks(&acme.get(&jobs).await.ok(200));
        acme.until(&jobs, |jobs| looks(jobs) != due).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_we_stopped_is_not_degraded_and_who_is_degraded_can_be_stopped_and_taken_back() {
    let (world, acme) = watched().await;
    let seen = active(&acme, "default").await;
    let path = format!("{ORG}/agent-identities/default");
    acme.post(&format!("{path}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    acme.until(&path, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    looked_at(&acme, 3).await;
    assert_eq!(until(&acme, "default", "active").await["trouble"], Value::Null);
    acme.post(&format!("{path}/resume"), &json!({})).await.ok(202);
    acme.until(&path, |seen| seen["suspended"].is_null()).await;

    let user = seen["m365_user_id"].as_str().unwrap();
    world.graph(Method::DELETE, &format!("users/{user}"), None).await.ok(204);
    until(&acme, "default", "degraded").await;
    acme.post(&format!("{path}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    acme.until(&path, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    acme.post(&format!("{path}/deprovision"), &json!({})).await.ok(202);
    let id = seen["id"].as_str().unwrap();
    let gone =
        acme.until(&format!("{ORG}/agent-identities/{id}"), |seen| seen["state"] == "deprovisioned").await;
    assert!(gone["trouble"].is_null(), "{gone}");
}

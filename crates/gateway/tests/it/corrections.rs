//! Whoever is told to correct something and provision again can do so; what comes too late is refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::world::{Caller, World};

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const NOBODY: &str = "82fe7758-5bb3-4f0d-a43f-e555fd399c6f";

async fn acts(acme: &Caller, act: &str) -> usize {
    let log = acme.get(&format!("api/v1/orgs/acme/audit/entries?act={act}")).await.ok(200);
    log["items"].as_array().unwrap().len()
}

async fn stopped(acme: &Caller, code: &str) -> Value {
    acme.until(DEFAULT, |seen| seen["state"] == "error" && seen["trouble"]["code"] == code).await
}

async fn active(acme: &Caller) -> Value {
    acme.until(DEFAULT, |seen| seen["state"] == "active").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_was_named_wrongly_is_named_again() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let user = world.sandbox.ready().users[1].id.clone();
    let adopt = |user: &str| json!({ "method": "adopt", "user_id": user });
    operator.post(PROVISION, &adopt(NOBODY)).await.ok(202);
    stopped(&acme, "user_not_found").await;
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=identity.provisioned").await.ok(200);
    let entry = &log["items"][0];
    assert_eq!((&entry["outcome"], &entry["code"]), (&json!("failed"), &json!("user_not_found")), "{log}");
    // The users of our tenant are not the organisation's to take, at the second call either.
    assert_eq!(acme.post(PROVISION, &adopt(&user)).await.problem(403), "operators_only");
    operator.post(PROVISION, &adopt(&user)).await.ok(202);
    let adopted = active(&acme).await;
    assert_eq!(adopted["m365_user_id"], json!(user));
    assert_eq!(acts(&acme, "identity.corrected").await, 1);
    // The same again changes nothing, and another user is another identity's.
    operator.post(PROVISION, &adopt(&user)).await.ok(202);
    assert_eq!(operator.post(PROVISION, &adopt(NOBODY)).await.problem(409), "identity_differs");
    assert_eq!(active(&acme).await, adopted);
    let second = json!({ "template": "cfo", "method": "adopt", "user_id": user });
    assert_eq!(operator.post(PROVISION, &second).await.problem(409), "user_taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_is_not_there_is_made_instead() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    operator.post(PROVISION, &json!({ "method": "adopt", "user_id": NOBODY })).await.ok(202);
    stopped(&acme, "user_not_found").await;
    let made = acme.post(PROVISION, &json!({ "method": "create" })).await.ok(202);
    assert_eq!((&made["method"], &made["m365_user_id"]), (&json!("create"), &Value::Null));
    let made = active(&acme).await;
    assert_eq!(made["address"], "assistant@acme.agents.contoso.example");
    assert!(made["agent_identity_id"].is_string(), "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sponsor_who_is_not_there_and_the_names_are_corrected_before_it_is_made() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({ "sponsor": NOBODY })).await.ok(202);
    stopped(&acme, "sponsor_unknown").await;
    let elsewhere = json!({ "mode": "own_tenant" });
    assert_eq!(acme.post(PROVISION, &elsewhere).await.problem(409), "identity_differs");
    let sponsor = world.sandbox.ready().users[1].id.clone();
    let right = json!({ "sponsor": sponsor, "display_name": "Acme Scout", "aliases": ["Scout"] });
    acme.post(PROVISION, &right).await.ok(202);
    let seen = active(&acme).await;
    assert_eq!((&seen["sponsor_id"], &seen["display_name"]), (&json!(sponsor), &json!("Acme Scout")));
    assert_eq!(seen["aliases"], json!(["scout"]));
    let user = format!("users/{}?$select=displayName", seen["m365_user_id"].as_str().unwrap());
    let user = world.graph(reqwest::Method::GET, &user, None).await.ok(200);
    assert_eq!(user["displayName"], "Acme Scout");
    let agent = format!("servicePrincipals/{}/sponsors", seen["agent_identity_id"].as_str().unwrap());
    let sponsors = world.graph(reqwest::Method::GET, &agent, None).await.ok(200);
    assert_eq!(sponsors["value"][0]["id"], json!(sponsor), "{sponsors}");

    // Now it is made so, and the same request still goes on with it.
    acme.post(PROVISION, &right).await.ok(202);
    acme.post(PROVISION, &json!({})).await.ok(202);
    for late in [
        json!({ "sponsor": NOBODY }),
        json!({ "display_name": "Another" }),
        json!({ "method": "verify" }),
        json!({ "subdomain": "elsewhere" }),
        json!({ "aliases": ["cfo"] }),
    ] {
        assert_eq!(acme.post(PROVISION, &late).await.problem(409), "identity_differs");
    }
    assert_eq!(active(&acme).await, seen);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_configures_otherwise_holds_at_the_next_try() {
    let wrong = Arc::new(AtomicBool::new(true));
    let is_wrong = Arc::clone(&wrong);
    let mut world = World::tuned(move |config| {
        if is_wrong.load(Ordering::Relaxed) {
            config.hosted[0].sponsor = NOBODY.parse().unwrap();
        }
    })
    .await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    stopped(&acme, "sponsor_unknown").await;
    world.stop().await;
    wrong.store(false, Ordering::Relaxed);
    world.start().await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let seen = active(&acme).await;
    assert_eq!(seen["sponsor_id"], json!(world.operator.user));
}

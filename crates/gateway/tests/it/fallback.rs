//! An ordinary user in place of an agent user: only where the organisation chose that, and said wherever it shows.

use attache_sandbox::{Effect, Fault, Lag, LagProfile};
use serde_json::json;

use crate::entra::customer;
use crate::own_tenant::connect;
use crate::world::{World, users_named};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";

/// The tenant refuses to make blueprints, as one without Agent ID does.
fn refuse_blueprints(world: &World) {
    let body = json!({ "error": {
        "code": "AgentBlueprint_NotSupportedOnApiVersion",
        "message": "Agent Blueprints are not supported on the API version used.",
    } });
    let effect = Effect::Answer { status: 400, body: Some(body), retry_after: None };
    let fault = Fault::once("POST", "/v1.0/applications/**", effect.clone());
    world.sandbox.control().add_fault(Fault { count: None, ..fault });
    let fault = Fault::once("POST", "/v1.0/applications", effect);
    world.sandbox.control().add_fault(Fault { count: None, ..fault });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_without_agent_id_gets_an_ordinary_user_only_if_that_was_chosen() {
    let world = World::new().await;
    refuse_blueprints(&world);
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let stopped = acme.until(DEFAULT, |seen| seen["state"] == "error").await;
    assert_eq!((&stopped["method"], &stopped["trouble"]["code"]), (&json!("create"), &json!("refused")));
    assert!(users_named(&world.sandbox.control().state(), "assistant@acme.").is_empty());
    let page = operator.page("orgs/acme/settings/agent-identity").await;
    assert!(page.text.contains("Go on as an ordinary user"), "{}", page.text);

    // The organisation chooses: it is one, and says so.
    acme.post(PROVISION, &json!({ "fallback": "ordinary_user" })).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(
        (&active["method"], &active["fell_back"]["code"]),
        (&json!("ordinary_user"), &json!("refused"))
    );
    assert!(active["agent_identity_id"].is_null() && active["m365_user_id"].is_string(), "{active}");
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=identity.").await.ok(200).to_string();
    assert!(log.contains("identity.fallback_chosen") && log.contains("identity.fell_back"), "{log}");
    let page = operator.page("orgs/acme/identities/default").await;
    assert!(page.text.contains("An ordinary user"), "{}", page.text);

    // It sends, is counted, and is taken back whole.
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    acme.post(&format!("{DEFAULT}/test-send"), &to).await.ok(200);
    let bill = acme.get("api/v1/orgs/acme/licences").await.ok(200);
    assert_eq!(bill["identities"][0]["licences"][0]["name"], "O365_BUSINESS_ESSENTIALS", "{bill}");
    let plan = acme.get(&format!("{DEFAULT}/deprovision")).await.ok(200);
    assert_eq!(plan["deletes"].as_array().unwrap().len(), 2, "{plan}");
    acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    let path = format!("api/v1/orgs/acme/agent-identities/{}", active["id"].as_str().unwrap());
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    let user = format!("users/{}", active["m365_user_id"].as_str().unwrap());
    assert_eq!(world.graph(reqwest::Method::GET, &user, None).await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_user_whose_mailbox_never_comes_gives_way_to_an_ordinary_user() {
    let mut world = World::new().await;
    world.stop().await;
    world.scale = 0.0001;
    world.start().await;
    world.sandbox.control().set_lag(Lag::new(LagProfile::Never, 0.0));
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({ "fallback": "ordinary_user" })).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(
        (&active["method"], &active["fell_back"]["code"]),
        (&json!("ordinary_user"), &json!("mailbox_missing"))
    );
    // The agent user has given up its name and its seat: there is one user of that name.
    assert_eq!(active["address"], "assistant@acme.agents.contoso.example");
    let user =
        world.graph(reqwest::Method::GET, "users/assistant@acme.agents.contoso.example", None).await.ok(200);
    assert_eq!(user["id"], active["m365_user_id"]);
    let log = acme.get("api/v1/orgs/acme/audit/entries?limit=200").await.ok(200).to_string();
    for act in ["licence.reclaim", "user.delete", "agent_identity.delete", "user.create", "licence.assign"] {
        assert!(log.contains(act), "{act} in {log}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordinary_user_can_be_asked_for_from_the_beginning() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({ "method": "ordinary_user" })).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!((&active["method"], &active["fell_back"]), (&json!("ordinary_user"), &json!(null)));
}

#[tokio::test(flavor = "multi_thread")]
async fn in_a_customers_own_tenant_the_trouble_says_who_makes_the_ordinary_user() {
    let world = World::new().await;
    let (operator, theirs) = (world.operator().await, customer(&world).await);
    let acme = world.organisation(&operator, "acme").await;
    connect(&world, &operator, "acme", &theirs).await;
    let ready = world.sandbox.ready();
    let faults = format!("{}/_sandbox/tenants/{}/faults", ready.url, theirs.tenant);
    let body = json!({ "error": { "code": "Request_BadRequest", "message": "not supported here" } });
    for path in ["/v1.0/applications", "/v1.0/applications/**"] {
        let fault = json!({ "method": "POST", "path": path, "effect": { "kind": "answer", "status": 400, "body": body } });
        let request = world.browser().post(&faults).bearer_auth(&ready.control_token).json(&fault);
        let answer = request.send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    }
    acme.post(PROVISION, &json!({ "mode": "own_tenant" })).await.ok(202);
    let stopped = acme.until(DEFAULT, |seen| seen["state"] == "error").await;
    let remedy = stopped["trouble"]["remedy"].as_str().unwrap();
    assert!(remedy.contains("ordinary user") && remedy.contains("adopt"), "{stopped}");
}

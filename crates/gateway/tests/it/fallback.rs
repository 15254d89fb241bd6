//! An ordinary user in place of an agent user: only where the organisation chose that, and said wherever it shows.

use attache_graph::Graph;
use attache_sandbox::{Effect, Fault, Lag, LagProfile};
use attache_terms::ObjectId;
use serde_json::json;

use crate::entra::{Customer, customer};
use crate::own_tenant::{connect, grant, graph_of};
use crate::world::{Caller, World, users_named};

const USERS: &str = "User.ReadWrite.All";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";

/// Acme in a tenant of its own that makes no blueprints, and where its identity stopped for that.
async fn stopped_in_own_tenant(world: &World) -> (Caller, Customer) {
    let (operator, theirs) = (world.operator().await, customer(world).await);
    let acme = world.organisation(&operator, "acme").await;
    connect(world, &operator, "acme", &theirs).await;
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
    assert!(
        remedy.contains("ordinary user") && remedy.contains(USERS) && remedy.contains("adopt"),
        "{stopped}"
    );
    (acme, theirs)
}

/// Graph as the customer's administrator uses it, and the gateway's application there.
async fn application(world: &World, theirs: &Customer) -> (Graph, ObjectId) {
    let graph = graph_of(world, theirs).await;
    let ours = graph.principal_of(world.connect.parse().unwrap()).await.unwrap().value.unwrap().id;
    (graph, ours)
}

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
async fn a_customers_tenant_gets_an_ordinary_user_when_its_administrator_has_granted_that() {
    let world = World::new().await;
    let (acme, theirs) = stopped_in_own_tenant(&world).await;
    for wanted in [json!({ "fallback": "ordinary_user" }), json!({ "method": "ordinary_user" })] {
        let refused = acme.post(PROVISION, &wanted).await;
        let remedy = refused.json()["remedy"].to_string();
        assert!(remedy.contains(USERS) && remedy.contains("instructions"), "{remedy}");
        assert_eq!(refused.problem(409), "ordinary_users_not_granted");
    }
    let seen = acme.get(DEFAULT).await.ok(200);
    assert_eq!((&seen["fallback"], &seen["state"]), (&json!("none"), &json!("error")), "{seen}");
    // How it is granted stands where the refusal says; nothing was missed before it was wanted.
    let told = acme.get("api/v1/orgs/acme/tenant/instructions").await.ok(200).to_string();
    assert!(told.contains("New-MgServicePrincipalAppRoleAssignment") && told.contains(USERS), "{told}");
    let tenant = acme.get("api/v1/orgs/acme/tenant").await.ok(200);
    assert_eq!(tenant["connection"]["missing"], json!([]));
    let listed = tenant["permissions"].as_array().unwrap().iter().find(|one| one["name"] == USERS).unwrap();
    assert_eq!((&listed["needed"], &listed["granted"]), (&json!("for_fallback"), &json!(false)));
    let page = world.operator().await.page("orgs/acme/settings/agent-identity").await;
    assert!(page.text.contains("Go on as an ordinary user"), "{}", page.text);

    let (graph, ours) = application(&world, &theirs).await;
    grant(&graph, ours, USERS).await;
    acme.post(PROVISION, &json!({ "fallback": "ordinary_user" })).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!((&active["method"], &active["tenant_id"]), (&json!("ordinary_user"), &json!(theirs.tenant)));
    assert_eq!(active["fell_back"]["code"], "refused", "{active}");
    let user = graph.user(active["m365_user_id"].as_str().unwrap().parse().unwrap()).await.unwrap().value;
    assert_eq!(user.user_principal_name, format!("assistant@{}", theirs.domain));
    assert_eq!((user.identity_parent_id, user.assigned_licences.len()), (None, 1));
    let to = json!({ "to": theirs.colleague.upn });
    let sent = acme.post(&format!("{DEFAULT}/test-send"), &to).await.ok(200);
    assert_eq!(sent["from"], json!(user.user_principal_name));
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    acme.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    assert_eq!(graph.user(user.id).await.unwrap().value.account_enabled, Some(false));

    acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    let path = format!("api/v1/orgs/acme/agent-identities/{}", active["id"].as_str().unwrap());
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    assert!(graph.user(user.id).await.is_err_and(|error| error.is_not_found()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_a_customer_took_back_is_named_and_the_identity_goes_on_with_a_new_one() {
    let world = World::new().await;
    let (acme, theirs) = stopped_in_own_tenant(&world).await;
    let (graph, ours) = application(&world, &theirs).await;
    grant(&graph, ours, USERS).await;
    // It is chosen while the identity may do nothing, and taken back before it may.
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    acme.post(PROVISION, &json!({ "fallback": "ordinary_user" })).await.ok(202);
    acme.until(DEFAULT, |seen| seen["waiting"]["reason"].to_string().contains("suspended")).await;
    let resource = graph.graph_principal().await.unwrap().value.unwrap();
    let role = resource.app_roles.iter().find(|role| role.value.as_deref() == Some(USERS)).unwrap().id;
    let granted = graph.role_assignments(ours).await.unwrap().value;
    let users = granted.iter().find(|one| one.app_role_id == role).unwrap();
    graph.remove_role(ours, &users.id).await.unwrap();
    acme.until_posted(&format!("{DEFAULT}/resume"), &json!({})).await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let missed = acme.until(DEFAULT, |seen| seen["state"] == "error").await;
    assert_eq!(missed["method"], "ordinary_user", "{missed}");
    let remedy = missed["trouble"]["remedy"].as_str().unwrap();
    assert!(remedy.contains(USERS) && remedy.ends_with("provision again"), "{missed}");

    grant(&graph, ours, USERS).await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
}

//! From nothing to active, and back.

use serde_json::json;

use crate::world::{World, users_named};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_comes_to_be_acts_is_stopped_and_goes() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let asked = acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    assert_eq!(asked["state"], "pending");
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(active["address"], "assistant@acme.agents.contoso.example");
    assert!(active["agent_identity_id"].is_string() && active["m365_user_id"].is_string(), "{active}");

    // A test message leaves, and its link leads to its entry.
    let to = world.sandbox.ready().users[1].upn.clone();
    let sent = acme.post(&format!("{DEFAULT}/test-send"), &json!({ "to": to })).await.ok(200);
    assert_eq!(sent["from"], "assistant@acme.agents.contoso.example");
    let link = sent["audit"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let shown = world.anybody().page(&link).await;
    assert_eq!(shown.status, 200);
    assert!(shown.text.contains("mail.test_send") && shown.text.contains("On record"), "{}", shown.text);
    assert!(!shown.text.contains(&to), "a link does not show to whom");
    assert_eq!(shown.headers["referrer-policy"], "no-referrer");
    assert!(shown.headers["x-robots-tag"].to_str().unwrap().contains("noindex"));

    // Suspended, the tenant lets it do nothing, which is proved.
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let refused = acme.post(&format!("{DEFAULT}/test-send"), &json!({ "to": to })).await;
    assert_eq!(refused.problem(409), "suspended");
    let stopped = acme.until(DEFAULT, |seen| seen["suspended"]["proof"]["enforced"] == true).await;
    assert!(stopped["suspended"]["proof"]["hops_fail"].is_string(), "{stopped}");
    acme.post(&format!("{DEFAULT}/resume"), &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["suspended"].is_null()).await;

    // What will go is shown first; then it goes, and the record stays.
    let plan = acme.get(&format!("{DEFAULT}/deprovision")).await.ok(200);
    assert_eq!(plan["deletes"].as_array().unwrap().len(), 3, "{plan}");
    acme.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    let id = active["id"].as_str().unwrap();
    let path = format!("api/v1/orgs/acme/agent-identities/{id}");
    acme.until(&path, |seen| seen["state"] == "deprovisioned").await;
    assert_eq!(acme.get(DEFAULT).await.problem(404), "not_found");
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=identity.").await.ok(200);
    assert!(log["items"].as_array().unwrap().len() >= 4, "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_calls_at_once_make_one_identity() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    let body = json!({});
    let calls = futures_util::future::join_all((0..8).map(|_| acme.post(path, &body))).await;
    let ids: std::collections::BTreeSet<_> =
        calls.iter().map(|call| call.ok(202)["id"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let users = users_named(&world.sandbox.control().state(), "assistant@acme.");
    assert_eq!(users.len(), 1, "{users:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn identities_that_come_at_once_share_blueprints_and_double_none() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let slowly = attache_sandbox::Effect::Delay { ms: 30 };
    let slowly = attache_sandbox::Fault {
        method: None,
        count: None,
        ..attache_sandbox::Fault::once("", "/v1.0/**", slowly)
    };
    world.sandbox.control().add_fault(slowly);
    let path = "api/v1/orgs/acme/agent-identity/provision";
    // The first opens a cell, in which the others find room before its blueprint is there.
    acme.post(path, &json!({})).await.ok(202);
    let begun = |jobs: &serde_json::Value| jobs["items"][0]["state"] == "running";
    acme.until("api/v1/orgs/acme/jobs", begun).await;
    for template in ["one", "two", "three", "four", "five"] {
        acme.post(path, &json!({ "template": template })).await.ok(202);
    }
    for template in ["default", "one", "two", "three", "four", "five"] {
        let path = format!("api/v1/orgs/acme/agent-identities/{template}");
        let ended = acme.until(&path, |seen| seen["state"] == "active" || seen["state"] == "error").await;
        assert_eq!(ended["state"], "active", "{ended}");
    }
    let state = world.sandbox.control().state();
    let applications =
        state["tenants"][&world.sandbox.ready().tenant_id]["applications"].as_object().unwrap();
    let blueprints = applications.values().filter(|one| one["kind"] == "Blueprint");
    let names: Vec<&str> = blueprints.map(|one| one["display_name"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 1, "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_provisioning_goes_on_by_itself() {
    let mut world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    world.stop().await;
    world.start().await;
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_an_operator_made_is_found_or_waited_for() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    acme.post(path, &json!({ "method": "verify", "template": "cfo" })).await.ok(202);
    let waits = "api/v1/orgs/acme/agent-identities/cfo";
    let waiting = acme.until(waits, |seen| seen["state"] == "waiting_for_directory").await;
    assert!(
        waiting["waiting"]["reason"].is_string() && waiting["waiting"]["deadline"].is_string(),
        "{waiting}"
    );
    let user = &world.sandbox.ready().users[1];
    let adopt = json!({ "method": "adopt", "template": "grace", "user_id": user.id });
    assert_eq!(acme.post(path, &adopt).await.problem(403), "operators_only");
    operator.post(path, &adopt).await.ok(202);
    let adopted =
        acme.until("api/v1/orgs/acme/agent-identities/grace", |seen| seen["state"] == "active").await;
    assert_eq!(adopted["m365_user_id"], json!(user.id));
    assert_eq!(adopted["address"], json!(user.upn));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_takes_the_subdomain_of_another_organisation() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    world.organisation(&operator, "globex").await;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    for template in ["default", "cfo"] {
        let refused = acme.post(path, &json!({ "template": template, "subdomain": "globex" })).await;
        assert_eq!(refused.problem(422), "invalid");
        assert!(refused.text.contains("another organisation has it"), "{}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_that_is_suspended_before_it_is_made_is_not_made() {
    let mut world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let waits = |jobs: &serde_json::Value| {
        let jobs = jobs["items"].as_array().unwrap();
        let suspended = |job: &serde_json::Value| {
            job["reason"].as_str().is_some_and(|reason| reason.contains("suspended"))
        };
        jobs.iter().any(|job| job["kind"] == "identity.provision" && suspended(job))
    };
    acme.until("api/v1/orgs/acme/jobs", waits).await;
    let seen = acme.get(DEFAULT).await.ok(200);
    assert_ne!(seen["state"], "active");
    // Nothing of it acts later on, either: it is looked at again, and still waits.
    world.stop().await;
    world.start().await;
    acme.until("api/v1/orgs/acme/jobs", waits).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_aliases_come_with_what_an_administrator_runs() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({ "aliases": ["cfo"] })).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let aliases = acme.get(&format!("{DEFAULT}/aliases")).await.ok(200);
    assert_eq!(aliases["missing"][0]["address"], "cfo@acme.agents.contoso.example");
    assert_eq!(aliases["missing"][0]["meanwhile"], "assistant+cfo@acme.agents.contoso.example");
    assert!(aliases["commands"][1].as_str().unwrap().starts_with("Set-Mailbox"), "{aliases}");
    let many: Vec<String> = (0..13).map(|number| format!("a{number}")).collect();
    let (path, body) = (format!("{DEFAULT}/aliases"), json!({ "aliases": many }));
    assert_eq!(acme.send(reqwest::Method::PUT, &path, Some(&body)).await.problem(422), "invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_another_identity_has_is_an_error_that_says_what_to_do() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    // An identity waits for a user of this name, and does not look, since it is suspended.
    let cfo = "api/v1/orgs/acme/agent-identities/cfo";
    acme.post(path, &json!({ "method": "verify", "template": "cfo" })).await.ok(202);
    acme.post(&format!("{cfo}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let upn = "cfo@acme.agents.contoso.example";
    let planted = json!({
        "settings": { "domains": ["acme.agents.contoso.example"] },
        "users": [{ "upn": upn, "licences": ["SPE_E3"] }],
    });
    world.sandbox.control().plant(&planted.to_string()).unwrap();
    let user = users_named(&world.sandbox.control().state(), upn).pop_first().unwrap();
    let adopt = json!({ "method": "adopt", "template": "grace", "user_id": user });
    operator.post(path, &adopt).await.ok(202);
    let grace = "api/v1/orgs/acme/agent-identities/grace";
    let stopped = acme.until(grace, |seen| seen["state"] == "error").await;
    assert_eq!(stopped["trouble"]["code"], "user_taken");
    assert!(stopped["trouble"]["remedy"].as_str().unwrap().contains("another user"), "{stopped}");
    assert!(stopped["waiting"].is_null(), "{stopped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_shows_the_photo_that_it_was_given() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let path = format!("{DEFAULT}/photo");
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 2, 0x80, 0, 0, 1, 0xe0]);
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(acme.put_bytes(&path, b"GIF89a".to_vec()).await.problem(422), "invalid");
    acme.put_bytes(&path, png).await.ok(204);
    let user = active["m365_user_id"].as_str().unwrap();
    // The gateway may set photos and need not see them, so that the tenant itself is looked at.
    let state = world.sandbox.control().state();
    let tenant = &state["tenants"][&world.sandbox.ready().tenant_id];
    let photo = &tenant["workloads"]["profiles"][user]["photo"];
    assert_eq!((&photo["media"], &photo["width"]), (&json!("image/png"), &json!(640)), "{photo}");
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=identity.photo_set").await.ok(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "its intent and its outcome: {log}");
}

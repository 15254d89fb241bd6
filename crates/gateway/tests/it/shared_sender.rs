//! Organisations without a mailbox of their own: mail comes from a no-reply address that they share.

use attache_sandbox::{Effect, Fault};
use serde_json::json;

use crate::world::{Caller, World};

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

/// A gateway whose tenant has the mailbox of the shared sender, and an organisation that shares it.
async fn sharing() -> (World, Caller, Caller) {
    let world = World::new().await;
    let upn = format!("noreply@{}", world.sandbox.ready().domain);
    let planted = json!({ "users": [{ "upn": upn, "licences": ["SPE_E3"] }] });
    world.sandbox.control().plant(&planted.to_string()).unwrap();
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let shared = acme.post(PROVISION, &json!({ "mode": "shared" })).await.ok(202);
    assert_eq!((&shared["state"], &shared["address"]), (&json!("active"), &json!(upn)));
    (world, operator, acme)
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_leaves_from_the_mailbox_that_is_shared_and_the_link_in_it_tells_how_it_ended() {
    let (world, _operator, acme) = sharing().await;
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let sent = acme.post(&format!("{DEFAULT}/test-send"), &to).await;
    assert!(sent.headers.contains_key("ratelimit"), "it counts against the organisation's quota");
    let sent = sent.ok(200);
    assert_eq!(sent["from"], json!(format!("noreply@{}", world.sandbox.ready().domain)));
    let link = |sent: &serde_json::Value| {
        let link = sent["audit"].as_str().unwrap();
        link.strip_prefix(world.url.as_str()).unwrap().to_owned()
    };
    let page = world.anybody().page(&link(&sent)).await;
    assert!(page.text.contains(">sent</span>"), "{}", page.text);
    assert!(!page.text.contains("users[1]") && !page.text.contains(to["to"].as_str().unwrap()));

    // What the platform refuses is told as well, where it was kept.
    let body = json!({ "error": { "code": "ErrorAccessDenied", "message": "a fault of the test" } });
    let refuse = Effect::Answer { status: 403, body: Some(body), retry_after: None };
    world
        .sandbox
        .control()
        .add_fault(Fault { method: None, ..Fault::once("", "/v1.0/users/*/sendMail", refuse) });
    let refused = acme.post(&format!("{DEFAULT}/test-send"), &to).await;
    assert_eq!(refused.status, 502, "{}", refused.text);
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=mail.test_send").await.ok(200);
    let entries = log["items"].as_array().unwrap();
    let intent = entries.iter().find(|entry| entry["kind"] == "intent").unwrap()["id"].as_str().unwrap();
    let operator = world.operator().await;
    let made = operator.post(&format!("api/v1/orgs/acme/audit/entries/{intent}/links"), &json!({})).await;
    let address = made.ok(201)["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let page = world.anybody().page(&address).await;
    assert!(page.text.contains(">not sent</span>"), "{}", page.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shares_is_suspended_and_removed_like_others() {
    let (world, operator, acme) = sharing().await;
    let page = operator.page("orgs/acme/settings/agent-identity").await;
    assert!(page.text.contains("The sender that organisations share"), "{}", page.text);
    let aliases = json!({ "aliases": ["cfo"] });
    let refused = acme.send(reqwest::Method::PUT, &format!("{DEFAULT}/aliases"), Some(&aliases)).await;
    assert_eq!(refused.problem(422), "invalid");

    let reason = json!({ "reason": "a drill" });
    acme.post("api/v1/orgs/acme/suspend", &reason).await.ok(202);
    let stopped = acme.until("api/v1/orgs/acme/suspension", |seen| seen["enforced"] == 1).await;
    assert_eq!((&stopped["suspended"], &stopped["identities"]), (&json!(1), &json!(1)), "{stopped}");
    assert_eq!(stopped["tokens_live_seconds"], 0, "none were issued: {stopped}");
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let refused = acme.post(&format!("{DEFAULT}/test-send"), &to).await;
    assert_eq!(refused.problem(409), "organisation_suspended");
    acme.post("api/v1/orgs/acme/resume", &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["suspended"].is_null()).await;

    let id = acme.get(DEFAULT).await.ok(200)["id"].as_str().unwrap().to_owned();
    operator.post(&format!("{DEFAULT}/deprovision"), &json!({})).await.ok(202);
    acme.until(&format!("api/v1/orgs/acme/agent-identities/{id}"), |seen| seen["state"] == "deprovisioned")
        .await;
    acme.post(PROVISION, &json!({ "mode": "shared" })).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_shared_sender_the_mode_is_refused_and_without_its_mailbox_the_message() {
    let world = World::tuned(|config| config.shared_sender = None).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let refused = acme.post(PROVISION, &json!({ "mode": "shared" })).await;
    assert_eq!(refused.problem(409), "no_shared_sender");
    let page = operator.page("orgs/acme/settings/agent-identity").await;
    assert!(!page.text.contains("no-reply sender"), "{}", page.text);

    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({ "mode": "shared" })).await.ok(202);
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let refused = acme.post(&format!("{DEFAULT}/test-send"), &to).await;
    assert_eq!(refused.problem(502), "shared_sender_missing");
}

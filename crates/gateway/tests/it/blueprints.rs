//! A whole blueprint is stopped by an operator, which is proved hop by hop.

use serde_json::json;

use crate::world::World;

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";

#[tokio::test(flavor = "multi_thread")]
async fn a_suspended_blueprint_gets_no_assertion_and_its_agents_do_nothing() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let globex = world.organisation(&operator, "globex").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let cells = operator.get("api/v1/cells").await.ok(200);
    let cell = cells["items"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(cells["items"][0]["identities"], 1, "{cells}");
    let path = format!("api/v1/cells/{cell}");
    assert_eq!(acme.get(&path).await.problem(403), "operators_only");
    let (stop, go_on) = (format!("{path}/suspend"), format!("{path}/resume"));
    assert_eq!(acme.post(&stop, &json!({ "reason": "x" })).await.problem(403), "operators_only");

    operator.post(&stop, &json!({ "reason": "its key may have leaked" })).await.ok(202);
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let refused = acme.post(&format!("{DEFAULT}/test-send"), &to).await;
    assert_eq!(refused.problem(409), "blueprint_suspended");
    let stopped = operator.until(&path, |seen| seen["suspended"]["enforced"] == true).await;
    let hop_1 = stopped["suspended"]["hop_1"].as_str().unwrap();
    assert!(hop_1.contains("7000112"), "{stopped}");
    // Hop 2 was tried with an assertion that was got just before.
    assert!(stopped["suspended"]["hop_2"].is_string(), "{stopped}");
    let seconds = stopped["tokens_live_seconds"].as_i64().unwrap();
    assert!((5300..=9300).contains(&seconds), "{stopped}");
    // A new identity does not get a seat in it, but in another one.
    acme.post(PROVISION, &json!({ "template": "cfo" })).await.ok(202);
    acme.until("api/v1/orgs/acme/agent-identities/cfo", |seen| seen["state"] == "active").await;
    assert_eq!(operator.get("api/v1/cells").await.ok(200)["items"].as_array().unwrap().len(), 2);
    // The page says all of it.
    let page = operator.page("blueprints").await;
    assert!(page.text.contains("7000112") && page.text.contains("its key may have leaked"), "{}", page.text);

    operator.post(&go_on, &json!({})).await.ok(202);
    let running = |jobs: &serde_json::Value| jobs["suspended"].is_null();
    operator.until(&path, running).await;
    // Whom it concerns finds it in their own log, with the identities that it stopped.
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=cell.").await.ok(200);
    let acts: Vec<_> = log["items"].as_array().unwrap().iter().map(|entry| &entry["act"]).collect();
    assert_eq!(acts, ["cell.resumed", "cell.suspended"], "{log}");
    let identity = acme.get(DEFAULT).await.ok(200)["id"].clone();
    assert!(log["items"][1].to_string().contains(identity.as_str().unwrap()), "{log}");
    let globex = globex.get("api/v1/orgs/globex/audit/entries?act=cell.").await.ok(200);
    assert_eq!(globex["items"], json!([]), "it does not concern them");
    acme.until_posted(&format!("{DEFAULT}/test-send"), &to).await;
}

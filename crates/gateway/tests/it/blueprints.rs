//! A whole blueprint is stopped by an operator, which is proved hop by hop.

use std::sync::Arc;

use attache_sandbox::{Effect, Fault};
use attache_terms::{Clock, ManualClock, SystemClock};
use serde_json::{Value, json};

use crate::jobs::give_up;
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
    assert_eq!(acts, ["cell.resumed", "cell.suspension_proved", "cell.suspended"], "{log}");
    // What the cell showed of it is over, and stays here.
    assert_eq!(
        (&log["items"][1]["outcome"], &log["items"][1]["code"]),
        (&json!("done"), &json!("AADSTS7000112"))
    );
    assert!(log["items"][1].to_string().contains("hop_2"), "{log}");
    let identity = acme.get(DEFAULT).await.ok(200)["id"].clone();
    assert!(log["items"][2].to_string().contains(identity.as_str().unwrap()), "{log}");
    let globex = globex.get("api/v1/orgs/globex/audit/entries?act=cell.").await.ok(200);
    assert_eq!(globex["items"], json!([]), "it does not concern them");
    acme.until_posted(&format!("{DEFAULT}/test-send"), &to).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suspension_that_was_given_up_is_seen_and_taken_up_again_by_operators() {
    const JOBS: &str = "api/v1/jobs";
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let cells = operator.get("api/v1/cells").await.ok(200);
    let cell = format!("api/v1/cells/{}", cells["items"][0]["id"].as_str().unwrap());
    let effect = Effect::Answer { status: 403, body: None, retry_after: None };
    let fault = Fault::once("PATCH", "/v1.0/servicePrincipals/**", effect);
    let fault = Fault { count: None, ..fault };
    world.sandbox.control().add_fault(fault.clone());
    let why = json!({ "reason": "its key may have leaked" });
    operator.post(&format!("{cell}/suspend"), &why).await.ok(202);
    let job = give_up(&mut world, &clock, &operator, JOBS, "cell.enforce").await;
    assert!(job["organisation_id"].is_null() && job["reason"].is_string(), "{job}");
    let page = operator.page("jobs?state=dead").await.text;
    assert!(page.contains("cell.enforce") && page.contains("Do it now"), "{page}");
    assert_eq!(acme.get(JOBS).await.problem(403), "operators_only");
    let retry = format!("api/v1/jobs/{}/retry", job["id"].as_str().unwrap());
    assert_eq!(acme.post(&retry, &json!({})).await.problem(403), "operators_only");
    // Who asks for the suspension again has the tenant told again: the page has a button for it, as long as it is due.
    world.sandbox.control().clear_faults();
    assert_eq!(operator.get(&cell).await.ok(200)["suspended"]["enforced"], false);
    assert!(operator.page("blueprints").await.text.contains("Tell the tenant again"));
    let csrf = operator.csrf_of("blueprints").await;
    let fields = [("csrf", csrf.as_str()), ("reason", "its key may have leaked")];
    let form = cell.replace("api/v1/cells", "blueprints") + "/suspend";
    assert_eq!(operator.form(&form, &fields).await.status, 303);
    operator.until(&cell, |seen| seen["suspended"]["enforced"] == true).await;
    assert!(!operator.page("blueprints").await.text.contains("Tell the tenant again"));
    // And so has who does the job again.
    let all_done = |jobs: &Value| {
        let mut all = jobs["items"].as_array().unwrap().iter();
        all.all(|job| job["kind"] != "cell.enforce" || job["state"] == "done")
    };
    operator.post(&retry, &json!({})).await.ok(202);
    operator.until(JOBS, all_done).await;
    // Who lets it go on again likewise.
    world.sandbox.control().add_fault(fault);
    operator.post(&format!("{cell}/resume"), &json!({})).await.ok(202);
    give_up(&mut world, &clock, &operator, JOBS, "cell.enforce").await;
    world.sandbox.control().clear_faults();
    operator.post(&format!("{cell}/resume"), &json!({})).await.ok(202);
    operator.until(JOBS, all_done).await;
    // What is an organisation's is its own members' to do.
    let own = acme.get("api/v1/orgs/acme/jobs").await.ok(200)["items"][0]["id"].clone();
    let own = format!("api/v1/jobs/{}/retry", own.as_str().unwrap());
    assert_eq!(operator.post(&own, &json!({})).await.problem(403), "members_only");
}

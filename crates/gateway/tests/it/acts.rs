//! Acts outside: each has its outcome in the log, wherever the process ends, and none begins after a suspension.

use std::sync::Arc;
use std::time::Duration;

use attache_sandbox::{Effect, Fault};
use attache_terms::{Clock, ManualClock, SystemClock};
use serde_json::{Value, json};

use crate::world::{Ahead, Caller, World};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const SEND: &str = "api/v1/orgs/acme/agent-identities/default/test-send";

/// Acme with an active identity.
async fn active(world: &World) -> Caller {
    let acme = world.organisation(&world.operator().await, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    acme
}

/// Asks for a test message that the tenant holds, and leaves; the number by which it is let go.
async fn sending(world: &World, acme: &Caller) -> u64 {
    let control = world.sandbox.control();
    control.add_fault(Fault::once("POST", "/v1.0/me/sendMail", Effect::HoldBeforeCommit));
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    tokio::select! {
        answer = acme.post(SEND, &to) => panic!("{answer:?}"),
        held = control.wait_held() => held[0].id,
    }
}

/// The entries about test messages, the newest first.
async fn entries(acme: &Caller, act: &str) -> Vec<Value> {
    let path = format!("api/v1/orgs/acme/audit/entries?act={act}&limit=200");
    acme.get(&path).await.ok(200)["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_in_whose_middle_the_process_died_gets_its_outcome() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = active(&world).await;
    world.start_apart().await;
    let request = sending(&world, &acme).await;
    world.kill().await;
    world.sandbox.control().cut(request);
    world.start().await;
    assert_eq!(entries(&acme, "mail.test_send").await.len(), 1, "only what was meant");

    world.stop().await;
    clock.advance(Duration::from_secs(11 * 60));
    world.start().await;
    let path = "api/v1/orgs/acme/audit/entries?act=mail.test_send";
    acme.until(path, |log| log["items"].as_array().unwrap().len() == 2).await;
    assert_eq!(outcomes(&acme, "mail.test_send").await, [interrupted()]);
    assert_eq!(dangling(&world, &acme).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_came_to_an_end_leaves_nothing_open_that_its_dead_workers_left() {
    let clock = Arc::new(Ahead::default());
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    world.start_apart().await;
    let control = world.sandbox.control();
    control.add_fault(Fault::once("POST", "/v1.0/domains", Effect::HoldAfterCommit));
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    let request = control.wait_held().await[0].id;
    world.kill().await;
    control.cut(request);
    // Until the lease is over. The domain is there: the next turn does not ask for it again, and nobody can tell.
    clock.pass(Duration::from_secs(100));
    world.start().await;
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert_eq!(outcomes(&acme, "domain.add").await, [interrupted()]);
    assert_eq!(dangling(&world, &acme).await, 0);
}

/// What became of an act whose process died.
fn interrupted() -> (Value, Value) {
    (json!("unknown"), json!("interrupted"))
}

/// What became of acts of a name, the last first: the outcome and its code.
async fn outcomes(acme: &Caller, act: &str) -> Vec<(Value, Value)> {
    let entries = entries(acme, act).await;
    let ended = entries.iter().filter(|entry| entry["kind"] == "outcome");
    ended.map(|entry| (entry["outcome"].clone(), entry["code"].clone())).collect()
}

/// How many intents of Acme's log have no outcome.
async fn dangling(world: &World, acme: &Caller) -> usize {
    let export = acme.get("api/v1/orgs/acme/audit/export").await;
    std::fs::write(world.path("audit.log"), &export.text).unwrap();
    let options = attache_ledger::VerifyOptions::default();
    attache_ledger::verify(&world.path("audit.log"), &options).unwrap().dangling.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_waits_for_what_goes_on_without_whoever_asked() {
    let mut world = World::new().await;
    let acme = active(&world).await;
    let request = sending(&world, &acme).await;
    let control = world.sandbox.control();
    let releasing = async {
        // As soon as nobody is let in any more, the gateway is on its way down.
        while acme.answers().await {}
        assert!(control.release(request));
    };
    tokio::join!(world.stop(), releasing);
    world.start().await;
    assert_eq!(entries(&acme, "mail.test_send").await.len(), 2, "what was meant, and what came of it");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_after_a_suspension() {
    let world = World::new().await;
    let acme = active(&world).await;
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let sends = futures_util::future::join_all((0..24).map(|_| acme.post(SEND, &to)));
    let reason = json!({ "reason": "a drill" });
    let suspend = async {
        // In the middle of them.
        acme.until("api/v1/orgs/acme/audit/entries?act=mail.", |log| log["items"][0].is_object()).await;
        acme.post(&format!("{DEFAULT}/suspend"), &reason).await.ok(202);
    };
    tokio::join!(sends, suspend);
    let suspended = entries(&acme, "identity.suspended").await[0]["sequence"].as_u64().unwrap();
    let meant = entries(&acme, "mail.test_send").await;
    let meant = meant.iter().filter(|entry| entry["kind"] == "intent");
    assert!(meant.clone().count() > 0);
    for entry in meant {
        assert!(entry["sequence"].as_u64().unwrap() < suspended, "{entry}");
    }
    // Nor does it get another face.
    let photo = acme.put_bytes(&format!("{DEFAULT}/photo"), vec![0xff, 0xd8, 0xff, 0xe0]).await;
    assert_eq!(photo.problem(409), "suspended");
}

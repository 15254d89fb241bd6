//! Provisioning while the tenant misbehaves: it refuses, is slow, cuts connections before and after it did what was
//! asked, sends half of its answers, or shows a replica that has not heard yet. Whatever the dice say, one identity
//! comes of it, complete, and the log tells all of it.

use attache_sandbox::{Effect, Fault};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::world::{World, users_named};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

/// How many dice are tried, at the same time: each run mostly waits.
const SEEDS: u32 = 6;

/// A fault of Graph that meets so many requests at most, so that the end is in sight.
fn graph(effect: Effect, probability: f64, count: u32) -> Fault {
    Fault {
        method: None,
        count: Some(count),
        probability: Some(probability),
        ..Fault::once("", "/v1.0/**", effect)
    }
}

fn status(status: u16, retry_after: Option<u32>) -> Effect {
    let body = json!({ "error": { "code": "generalException", "message": "a fault of the test" } });
    Effect::Answer { status, body: Some(body), retry_after }
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_that_pass() {
    everywhere(|| {
        vec![
            graph(status(503, Some(1)), 0.1, 3),
            graph(status(429, Some(1)), 0.1, 3),
            graph(status(500, None), 0.1, 2),
            graph(status(504, None), 0.1, 2),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_break_and_answers_that_are_cut_short() {
    everywhere(|| {
        vec![
            graph(Effect::Delay { ms: 40 }, 0.3, 30),
            graph(Effect::ResetBeforeCommit, 0.12, 3),
            graph(Effect::ResetAfterCommit, 0.12, 3),
            graph(Effect::ResetInBody, 0.1, 2),
            graph(Effect::TruncateBody, 0.1, 2),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_that_has_not_heard_yet() {
    everywhere(|| {
        let behind = graph(Effect::StaleReplica { seconds: 3 }, 1.0, 200);
        vec![Fault { every: Some(2), ..behind }]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_at_once_and_entra_too() {
    everywhere(|| {
        let token = |effect| Fault { path: "/*/oauth2/v2.0/token".to_owned(), ..graph(effect, 0.2, 2) };
        vec![
            graph(Effect::Delay { ms: 20 }, 0.2, 30),
            graph(status(503, None), 0.06, 2),
            graph(Effect::ResetBeforeCommit, 0.06, 2),
            graph(Effect::ResetAfterCommit, 0.06, 2),
            graph(Effect::TruncateBody, 0.06, 1),
            graph(Effect::StaleReplica { seconds: 2 }, 0.3, 60),
            token(status(503, None)),
            token(Effect::ResetAfterCommit),
        ]
    })
    .await;
}

/// Provisions under these faults, once for each seed.
async fn everywhere(faults: fn() -> Vec<Fault>) {
    let mut runs = JoinSet::new();
    for seed in 1..=SEEDS {
        let faults = (0..).zip(faults()).map(move |(nth, fault)| Fault { seed: seed * 100 + nth, ..fault });
        runs.spawn(async move { (seed, run(seed, faults.collect()).await) });
    }
    let mut met = 0;
    while let Some(ended) = runs.join_next().await {
        let (_, applied) = ended.unwrap();
        met += applied;
    }
    assert!(met >= SEEDS, "only {met} requests met a fault");
}

/// One run; how many requests met a fault.
async fn run(seed: u32, faults: Vec<Fault>) -> u32 {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let control = world.sandbox.control();
    // Every replica knows what the tenant began with.
    control.clock().advance(std::time::Duration::from_secs(5));
    for fault in faults {
        control.add_fault(fault);
    }
    let ask = async || acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    ask().await;
    // What was refused for good is an error that says so; whoever reads it provisions again.
    let ended = |seen: &Value| seen["state"] == "active" || seen["state"] == "error";
    let mut active = acme.until(DEFAULT, ended).await;
    let mut asked = 1;
    while active["state"] == "error" {
        assert!(asked < 8, "seed {seed}: {active}");
        ask().await;
        asked += 1;
        active = acme.until(DEFAULT, ended).await;
    }
    let applied = control.faults().iter().map(|rule| rule.applied).sum();
    control.clear_faults();
    complete(&world, &active, seed);
    let jobs = acme.get("api/v1/orgs/acme/jobs?state=dead").await.ok(200);
    assert_eq!(jobs["items"], json!([]), "seed {seed}");
    let export = acme.get("api/v1/orgs/acme/audit/export").await;
    let path = world.path("audit.log");
    std::fs::write(&path, &export.text).unwrap();
    let report = attache_ledger::verify(&path, &attache_ledger::VerifyOptions::default()).unwrap();
    assert_eq!(report.dangling, [], "seed {seed}: an act has no outcome");
    applied
}

/// The tenant holds the identity that the gateway knows, whole, and nothing of it twice.
fn complete(world: &World, active: &Value, seed: u32) {
    let state = world.sandbox.control().state();
    let users = users_named(&state, "assistant@acme.");
    let own = active["m365_user_id"].as_str().unwrap();
    assert_eq!(users.iter().map(String::as_str).collect::<Vec<_>>(), [own], "seed {seed}");
    let tenant = &state["tenants"][&world.sandbox.ready().tenant_id];
    let all = |name: &str| tenant[name].as_object().unwrap().values().cloned().collect::<Vec<_>>();
    let is = |one: &Value, kind: &str| one["kind"] == kind || one["kind"].get(kind).is_some();
    let of = |name: &str, kind: &str| all(name).into_iter().filter(|one| is(one, kind)).collect::<Vec<_>>();
    let agents = of("service_principals", "AgentIdentity");
    assert_eq!(agents.len(), 1, "seed {seed}: {agents:?}");
    assert_eq!(agents[0]["id"], active["agent_identity_id"], "seed {seed}");
    assert_eq!(of("applications", "Blueprint").len(), 1, "seed {seed}");
    assert_eq!(of("service_principals", "BlueprintPrincipal").len(), 1, "seed {seed}");
    let user = tenant["users"].as_object().unwrap().values().find(|user| user["id"] == own).unwrap();
    assert_eq!(user["licences"].as_array().unwrap().len(), 1, "seed {seed}: {user}");
}

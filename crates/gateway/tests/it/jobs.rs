//! Jobs that fail and fail: each is given up some time, but for what is there for good, which begins again.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{Claim, GatewayScope, JobId, NewJob, NodeId, OrgId, Unit};
use attache_terms::{Clock, ManualClock, SystemClock, SystemRng};
use serde_json::{Value, json};

use crate::world::{Caller, World};

const JOBS: &str = "api/v1/orgs/acme/jobs";

/// Takes a job up and dies of it, so and so often, as a worker does that the job takes down.
pub(crate) async fn die_of(world: &World, clock: &ManualClock, kind: &'static str, times: u32) {
    let engine = world.store.engine(GatewayScope::granted());
    for _ in 0..times {
        let node = NodeId::make(clock, &SystemRng);
        let lease = Duration::from_secs(1);
        let leases = engine.claim(Claim { node, kinds: &[kind], lease, limit: 1 }).await.unwrap();
        assert_eq!(leases.len(), 1);
        clock.advance(lease * 2);
    }
}

/// Waits until a job has failed by itself, and then takes it up and dies of it until it is given up.
pub(crate) async fn give_up(
    world: &mut World,
    clock: &ManualClock,
    caller: &Caller,
    jobs: &str,
    kind: &'static str,
) -> Value {
    // Of several that were made at one moment of the clock, none is known as the newest.
    let found = |jobs: &Value, is: &dyn Fn(&Value) -> bool| {
        jobs["items"].as_array().unwrap().iter().find(|job| job["kind"] == kind && is(job)).cloned()
    };
    let failed = |job: &Value| job["state"] == "waiting" && job["failures"].as_u64() >= Some(1);
    let seen = caller.until(jobs, |seen| found(seen, &failed).is_some()).await;
    let id = found(&seen, &failed).unwrap()["id"].clone();
    world.stop().await;
    clock.advance(Duration::from_secs(3600));
    die_of(world, clock, kind, 49).await;
    world.start().await;
    let dead = |job: &Value| job["id"] == id && job["state"] == "dead";
    found(&caller.until(jobs, |seen| found(seen, &dead).is_some()).await, &dead).unwrap()
}

async fn until(acme: &Caller, kind: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let is = |job: &&Value| job["kind"] == kind && wanted(job);
    let jobs = acme.until(JOBS, |jobs| jobs["items"].as_array().unwrap().iter().any(|job| is(&job))).await;
    jobs["items"].as_array().unwrap().iter().find(is).unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_takes_its_workers_down_is_given_up() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let org: OrgId = acme.get("api/v1/orgs/acme").await.ok(200)["id"].as_str().unwrap().parse().unwrap();
    world.stop().await;
    let mut unit = Unit::new();
    unit.enqueue(NewJob::new(JobId::make(&*clock, &SystemRng), "organisation.follow", Some(org), &()));
    world.store.commit(unit).await.unwrap();
    die_of(&world, &clock, "organisation.follow", 50).await;
    world.start().await;
    // It would be done, if somebody did it.
    let given_up = until(&acme, "organisation.follow", |job| job["state"] == "dead").await;
    assert!(given_up["reason"].as_str().unwrap().contains("ended in the middle"), "{given_up}");
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=job.given_up").await.ok(200);
    let entry = log["items"][0].to_string();
    assert!(
        entry.contains(given_up["id"].as_str().unwrap()) && entry.contains("organisation.follow"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_there_for_good_begins_again() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let retention = json!({ "days": 30 });
    acme.send(reqwest::Method::PUT, "api/v1/orgs/acme/audit/retention", Some(&retention)).await.ok(200);
    let well = |job: &Value| job["state"] == "waiting" && job["reason"] == "looks again tomorrow";
    until(&acme, "audit.forget", well).await;
    world.stop().await;
    clock.advance(Duration::from_secs(25 * 3600));
    die_of(&world, &clock, "audit.forget", 10).await;
    world.start().await;
    let rests = until(&acme, "audit.forget", |job| job["state"] == "waiting" && !well(job)).await;
    assert!(rests["reason"].as_str().unwrap().contains("begins again later"), "{rests}");
    world.stop().await;
    clock.advance(Duration::from_secs(11 * 60));
    world.start().await;
    until(&acme, "audit.forget", well).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_whose_job_is_given_up_does_not_wait_for_it() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let mut world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({ "method": "verify" })).await.ok(202);
    let identity = "api/v1/orgs/acme/agent-identities/default";
    acme.until(identity, |seen| seen["state"] == "waiting_for_directory").await;
    world.stop().await;
    clock.advance(Duration::from_secs(600));
    die_of(&world, &clock, "identity.provision", 20).await;
    world.start().await;
    let stopped = acme.until(identity, |seen| seen["state"] == "error").await;
    assert_eq!(stopped["trouble"]["code"], "given_up");
    assert!(stopped["trouble"]["message"].as_str().unwrap().contains("ended in the middle"), "{stopped}");
    assert!(stopped["waiting"].is_null(), "{stopped}");
}

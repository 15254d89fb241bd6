//! Two gateways on one store: one stalls in the middle of a job for longer than its lease, and the other takes the
//! job over. What the first still had in mind is not done any more.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use attache_gateway::{Config, Gateway};
use attache_sandbox::{Effect, Fault};
use attache_terms::{Boot, Clock, Sleep, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Caller, World, users_named};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";
const AGENTS: &str = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";

/// Longer than a lease.
const STALL: Duration = Duration::from_secs(100);

/// The machine's clock, by which time is lost as it is when the machine is stopped for a while.
#[derive(Default)]
struct Losing(AtomicU64);

impl Losing {
    fn lost(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl Clock for Losing {
    fn now(&self) -> jiff::Timestamp {
        SystemClock.now().saturating_add(self.lost()).unwrap()
    }

    fn boot(&self) -> Boot {
        SystemClock.boot().after(self.lost())
    }

    fn sleep(&self, span: Duration) -> Sleep {
        SystemClock.sleep(span)
    }
}

/// Every entry of an act in Acme's log.
async fn entries(acme: &Caller, act: &str) -> Vec<Value> {
    let path = format!("api/v1/orgs/acme/audit/entries?act={act}&limit=200");
    acme.get(&path).await.ok(200)["items"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_stalls_beyond_its_lease_doubles_nothing_of_what_another_took_over() {
    let clock = Arc::new(Losing::default());
    // Its only worker has the job, so that it takes none over itself.
    let mut world = World::with(Arc::clone(&clock) as Arc<dyn Clock>, |config| config.workers = 1).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let control = world.sandbox.control();
    control.clock().advance(Duration::from_secs(5));
    // It stalls where it has seen that there is no agent identity, and is about to make one.
    control.add_fault(Fault::once("GET", AGENTS, Effect::HoldAfterCommit));
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    let held = control.wait_held().await;

    clock.0.store(STALL.as_secs(), Ordering::Relaxed);
    control.clock().advance(STALL);
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let other = Gateway::start(Config { listen, ..world.config() }, world.parts()).await.unwrap();
    let active = acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    assert!(control.release(held[0].id), "it stalls still");
    // A gateway that stops has finished its turns.
    world.stop().await;
    other.stop().await;

    world.start().await;
    assert_eq!(acme.get(DEFAULT).await.ok(200)["agent_identity_id"], active["agent_identity_id"]);
    let path = "servicePrincipals/microsoft.graph.agentIdentity";
    let agents = world.graph(Method::GET, path, None).await.ok(200);
    let agents: Vec<&Value> = agents["value"].as_array().unwrap().iter().map(|agent| &agent["id"]).collect();
    assert_eq!(agents, [&active["agent_identity_id"]]);
    assert_eq!(users_named(&control.state(), "assistant@acme.").len(), 1);
    assert_eq!(entries(&acme, "identity.provisioned").await.len(), 1);
    let told = entries(&acme, "agent_identity.create").await;
    let count = |kind: &str| told.iter().filter(|entry| entry["kind"] == kind).count();
    assert_eq!(count("intent"), count("outcome"), "{told:#?}");
    let made = told.iter().filter(|entry| entry["outcome"] == "done").count();
    assert_eq!(made, 1, "{told:#?}");
}

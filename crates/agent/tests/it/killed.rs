//! Provisioning and removal that die anywhere. The processes are real: this program again, which aborts at the
//! nth reading of its clock. The driver reads it between everything that it does: between the record and the
//! intent, the intent and the requests, the answer and the record, the record and the outcome.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use attache_agent::Agent;
use attache_ledger::VerifyOptions;
use attache_terms::{Boot, Clock, Sleep, SystemClock, SystemRng};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::world::{World, ends, settings};

/// Tells the second process where the world is, and when to die.
const VICTIM: &str = "ATTACHE_TEST_MORTAL";

#[derive(Serialize, Deserialize)]
struct Told {
    ready: serde_json::Value,
    home: PathBuf,
    readings: u32,
    removes: bool,
}

struct MortalClock {
    left: AtomicU32,
}

impl MortalClock {
    fn read(&self) {
        if self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            std::process::abort();
        }
    }
}

impl Clock for MortalClock {
    fn now(&self) -> Timestamp {
        self.read();
        SystemClock.now()
    }

    fn boot(&self) -> Boot {
        self.read();
        SystemClock.boot()
    }

    fn sleep(&self, span: Duration) -> Sleep {
        SystemClock.sleep(span)
    }
}

/// What the second process does; in the first, nothing.
#[tokio::test]
async fn the_process_that_dies() {
    let Ok(told) = std::env::var(VICTIM) else { return };
    let told: Told = serde_json::from_str(&told).unwrap();
    let mut settings = settings(&told.ready, &told.home, "ada");
    // A creation whose outcome is unknown is looked for during 0.3 s.
    settings.provision_scale = 0.0005;
    let clock = Arc::new(MortalClock { left: AtomicU32::new(told.readings) });
    let agent = Agent::open(settings, clock, Arc::new(SystemRng));
    if told.removes {
        agent.deprovision(|_| {}).await.unwrap();
    } else {
        agent.provision_now(|_| {}).await.unwrap();
    }
    // It has lived to see the end; whatever it reads from here on.
    std::process::exit(0);
}

/// Runs processes, each of which goes on where the last one died, until one lives to see the end. How many
/// died.
async fn until_one_lives(ready: serde_json::Value, home: &Path, removes: bool) -> u32 {
    // A life long enough for at least one step, and each length comes up.
    for died in 0..400 {
        let readings = 5 + (died * 5) % 23;
        let told = Told { ready: ready.clone(), home: home.to_owned(), readings, removes };
        let mut victim = Command::new(std::env::current_exe().unwrap());
        victim.args(["killed::the_process_that_dies", "--exact"]);
        victim.env(VICTIM, serde_json::to_string(&told).unwrap());
        let ended = tokio::task::spawn_blocking(move || victim.output()).await.unwrap().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!said.contains("panicked"), "{said}");
        if ended.status.success() {
            return died;
        }
    }
    panic!("none lived to see the end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_and_back_through_many_deaths_every_act_is_ended_and_nothing_made_twice() {
    let world = World::start().await;
    world.sign_in(&world.agent("ada"), 0).await.unwrap();
    let ready = serde_json::to_value(world.sandbox.ready()).unwrap();
    let died = until_one_lives(ready.clone(), world.home(), false).await;
    assert!(died > 10, "{died} deaths are too few to prove anything");

    let agent = world.agent("ada");
    let ids = agent.provision_now(|_| {}).await.unwrap();
    let tag = format!("attache:device/{}/ada-agent", world.sandbox.ready().users[0].id);
    let administrator = world.administrator();
    assert_eq!(administrator.blueprints_tagged(&tag).await.unwrap().value.len(), 1);
    assert_eq!(administrator.agent_identities_of(ids.blueprint).await.unwrap().value.len(), 1);
    assert_eq!(administrator.agent_users_of(ids.agent_identity).await.unwrap().value.len(), 1);
    assert_eq!(administrator.key_credentials(ids.blueprint).await.unwrap().value.len(), 1);
    let told = ends(&world.ledger(&agent).await);
    for act in ["blueprint.create", "agent_identity.create", "agent_user.create"] {
        let made = told.iter().filter(|end| **end == format!("{act} done")).count();
        assert!(made >= 1, "{act}: {told:?}");
    }
    assert_nothing_open(&agent);

    let died = until_one_lives(ready, world.home(), true).await;
    assert!(died > 3, "{died} deaths are too few to prove anything");
    assert!(administrator.blueprint(ids.blueprint).await.unwrap().value.is_none());
    assert!(administrator.agent_identity(ids.agent_identity).await.unwrap().value.is_none());
    assert_nothing_open(&agent);
}

fn assert_nothing_open(agent: &Agent) {
    let report =
        attache_ledger::verify(&agent.settings().profile.ledger(), &VerifyOptions::default()).unwrap();
    assert!(report.dangling.is_empty(), "{:?}", report.dangling);
}

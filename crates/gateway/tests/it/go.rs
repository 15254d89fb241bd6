//! What the gateway hands out of a log is right for the packages that Go's own checksum database is checked with: its
//! key, checkpoints, exports, and both kinds of proofs; and so it is when retention has taken entries out.

#[path = "../../../ledger/tests/it/judge.rs"]
mod judge;

use std::sync::Arc;
use std::time::Duration;

use attache_terms::{Clock, ManualClock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use self::judge::Judge;
use crate::world::{Caller, World};

const AUDIT: &str = "api/v1/orgs/acme/audit";

/// Has some more entries written.
async fn write(operator: &Caller, count: u32) {
    for number in 0..count {
        let body = json!({ "name": format!("key {number}"), "scopes": ["audit:read"] });
        operator.post("api/v1/orgs/acme/api-keys", &body).await.ok(201);
    }
}

/// Whether the verifier has nothing against the log, with the proofs of those of its entries that are still there, and
/// of all sizes from this one on; what it said.
async fn judged(world: &World, acme: &Caller, judge: &Judge, from: u64) -> String {
    let newest = acme.get(&format!("{AUDIT}/entries?limit=1")).await.ok(200);
    let size = newest["items"][0]["sequence"].as_u64().unwrap() + 1;
    let (mut inclusion, mut consistency) = (Vec::new(), Vec::new());
    for number in 0..size {
        let proved = acme.get(&format!("{AUDIT}/entries/{number}")).await.ok(200);
        if proved["leaf"].is_string() {
            inclusion.push(proved["proof"].clone());
        }
    }
    for old in from.max(1)..=size {
        let proved = acme.get(&format!("{AUDIT}/consistency?size={old}")).await.ok(200);
        consistency.push(proved["proof"].clone());
    }
    let note = acme.get(&format!("{AUDIT}/checkpoint")).await.text;
    let export = acme.get(&format!("{AUDIT}/export")).await.text;
    let path = world.path("audit.log");
    std::fs::write(&path, &export).unwrap();
    let counted = format!("{} inclusions {} consistencies\n", inclusion.len(), consistency.len());
    let proofs = json!({ "inclusion": inclusion, "consistency": consistency });
    let said = judge.judge(&path, &note, &proofs).unwrap();
    let rest = said.strip_prefix(&counted).unwrap_or_else(|| panic!("{counted}{said}")).to_owned();

    std::fs::write(&path, export.replacen("api_key.created", "api_key.revoked", 1)).unwrap();
    let refused = judge.judge(&path, &note, &proofs).unwrap_err();
    assert!(refused.contains("was signed"), "{refused}");
    rest
}

#[tokio::test(flavor = "multi_thread")]
async fn go_checks_what_the_gateway_exports_and_proves() {
    let judge = Judge::new();
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    write(&operator, 7).await;
    let whole = judged(&world, &acme, &judge, 0).await;
    let old: u64 = whole.split(' ').next().unwrap().parse().unwrap();
    assert!(old >= 9, "{whole}");

    clock.advance(Duration::from_secs(40 * 24 * 3600));
    let operator = world.operator().await;
    write(&operator, 4).await;
    let keep = json!({ "days": 30 });
    acme.send(Method::PUT, &format!("{AUDIT}/retention"), Some(&keep)).await.ok(200);
    acme.until(&format!("{AUDIT}/entries/0"), |seen| seen["entry"]["kind"] == "removed").await;
    let forgets = |jobs: &Value| {
        let mut jobs = jobs["items"].as_array().unwrap().iter();
        jobs.any(|job| job["kind"] == "audit.forget" && job["state"] == "waiting")
    };
    acme.until("api/v1/orgs/acme/jobs", forgets).await;
    let gap = judged(&world, &acme, &judge, old + 1).await;
    let size: u64 = gap.split(' ').next().unwrap().parse().unwrap();
    assert!(size > old + 4, "{gap}");
    let export = std::fs::read_to_string(world.path("audit.log")).unwrap();
    assert!(export.contains("\ngap\t0\t"), "{export}");
}

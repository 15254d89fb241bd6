//! What the log keeps: entries for as long as an organisation says, and of a person who has left, nothing that tells
//! who they were. What remains is proved as before.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Actor, Composer, Correlation, Retention, Verdict};
use attache_store::{Becomes, Change, OrgScope, Place, Unit};
use attache_terms::{Clock, ManualClock, SystemClock, SystemRng};
use reqwest::Method;
use serde_json::{Value, json};

use crate::world::{Ahead, Caller, World};

const DAY: Duration = Duration::from_secs(24 * 3600);
const RETENTION: &str = "api/v1/orgs/acme/audit/retention";

/// What the verifier finds in an export of the log.
async fn verified(world: &World, caller: &Caller) -> attache_ledger::Report {
    let export = caller.get("api/v1/orgs/acme/audit/export").await;
    let path = world.path("audit.log");
    std::fs::write(&path, &export.text).unwrap();
    attache_ledger::verify(&path, &attache_ledger::VerifyOptions::default()).unwrap()
}

/// Waits until a job of this kind is done.
async fn until_done(caller: &Caller, kind: &str) {
    let ended = |job: &Value| job["kind"] == kind && job["state"] == "done";
    caller.until("api/v1/orgs/acme/jobs", |jobs| jobs["items"].as_array().unwrap().iter().any(ended)).await;
}

/// Waits until the log was looked through, and will be again.
async fn until_looked_through(caller: &Caller) {
    let looked = |job: &Value| {
        job["kind"] == "audit.forget" && job["state"] == "waiting" && job["reason"] == "looks again tomorrow"
    };
    caller.until("api/v1/orgs/acme/jobs", |jobs| jobs["items"].as_array().unwrap().iter().any(looked)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_long_enough_loses_its_text_and_the_gap_is_proved() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    let link = acme.post("api/v1/orgs/acme/audit/entries/0/links", &json!({})).await.ok(201);
    let old = verified(&world, &acme).await.entries;
    assert_eq!(acme.get(RETENTION).await.ok(200), json!({ "days": null }));
    for days in [29, 36_501] {
        let refused = acme.send(Method::PUT, RETENTION, Some(&json!({ "days": days }))).await;
        assert_eq!(refused.problem(422), "invalid");
    }

    clock.advance(40 * DAY);
    acme.send(Method::PUT, RETENTION, Some(&json!({ "days": 60 }))).await.ok(200);
    until_looked_through(&acme).await;
    let all_there = verified(&world, &acme).await;
    assert_eq!((all_there.missing, all_there.erased), (0, 0), "nothing is old enough: {all_there:?}");

    // Told to keep less, it looks at once.
    acme.send(Method::PUT, RETENTION, Some(&json!({ "days": 30 }))).await.ok(200);
    acme.until("api/v1/orgs/acme/audit/entries/0", |seen| seen["entry"]["kind"] == "removed").await;
    until_looked_through(&acme).await;
    let report = verified(&world, &acme).await;
    assert_eq!((report.missing, report.unexplained), (old, 0), "{report:?}");
    assert_eq!(report.gaps.len(), 1, "{report:?}");
    assert_eq!(acme.get(RETENTION).await.ok(200)["days"], 30);

    // An entry that is gone is still proved to have been there; nothing finds it but its number.
    let by_operator = format!("api/v1/orgs/acme/audit/entries?by={}", world.operator.user);
    assert_eq!(acme.get(&by_operator).await.ok(200)["items"], json!([]));
    let proved = acme.get("api/v1/orgs/acme/audit/entries/0").await.ok(200);
    assert!(proved["leaf"].is_null() && proved["proof"]["path"].is_array(), "{proved}");
    let path = link["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let led = world.anybody().get(&path).await;
    assert_eq!(led.problem(410), "entry_removed");
    let lines = acme.get("api/v1/orgs/acme/audit/export?format=jsonl").await.text;
    let mut entries = lines.lines().rev().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let gap = entries.find(|entry| entry["kind"] == "retention").unwrap();
    assert!(led.text.contains(&format!("entry {} of its log", gap["sequence"])), "{}", led.text);

    // The job goes on by itself, and what it recorded of itself goes too when its time comes.
    clock.advance(31 * DAY);
    let gone = old + 1;
    acme.until(&format!("api/v1/orgs/acme/audit/entries/{gone}"), |seen| seen["entry"]["kind"] == "removed")
        .await;
    until_looked_through(&acme).await;
    let report = verified(&world, &acme).await;
    assert!(report.missing > old && report.unexplained == 0, "{report:?}");

    // For ever again: the job ends at its next look, and nothing more is removed.
    acme.send(Method::PUT, RETENTION, Some(&json!({ "days": null }))).await.ok(200);
    clock.advance(2 * DAY);
    until_done(&acme, "audit.forget").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retention_that_died_half_way_goes_on_and_announces_nothing_twice() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let id = operator.get("api/v1/orgs/acme").await.ok(200)["id"].as_str().unwrap().to_owned();
    let scope = OrgScope::granted(id.parse().unwrap());
    // What a turn leaves that dies after it has announced two entries, and before it removes them.
    let (removed, system) = (Retention { from: 0, to: 2, entries: 2 }, Actor::default());
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    let mut unit = Unit::new();
    unit.record(scope, composer.retention(removed, system, Correlation::default()));
    unit.changes.push(Change {
        kind: "audit_emptied",
        place: Place::Org(scope.org()),
        key: id.clone(),
        expects: None,
        becomes: Becomes::Body {
            body: json!({ "org": id, "announced": 2, "done": 0 }).to_string(),
            lookups: Vec::new(),
            expires: None,
        },
    });
    world.store.commit(unit).await.unwrap();

    acme.send(Method::PUT, RETENTION, Some(&json!({ "days": 3_000 }))).await.ok(200);
    acme.until("api/v1/orgs/acme/audit/entries/1", |seen| seen["entry"]["kind"] == "removed").await;
    until_looked_through(&acme).await;
    let report = verified(&world, &acme).await;
    assert_eq!((report.missing, report.unexplained), (2, 0), "{report:?}");
    let lines = acme.get("api/v1/orgs/acme/audit/export?format=jsonl").await.text;
    assert_eq!(lines.matches("\"kind\":\"retention\"").count(), 1, "{lines}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_a_wrong_clock_dates_back_takes_no_younger_one_along() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let id = operator.get("api/v1/orgs/acme").await.ok(200)["id"].as_str().unwrap().to_owned();
    let behind = ManualClock::new(SystemClock.now().saturating_sub(40 * DAY).unwrap());
    let composer = Composer::new(Arc::new(behind), Arc::new(SystemRng));
    let act = Act::new(ActName::new("test.dated_back"), Actor::default());
    let mut unit = Unit::new();
    unit.record(OrgScope::granted(id.parse().unwrap()), composer.change(act, Verdict::Done, None));
    world.store.commit(unit).await.unwrap();

    acme.send(Method::PUT, RETENTION, Some(&json!({ "days": 30 }))).await.ok(200);
    until_looked_through(&acme).await;
    assert_eq!(verified(&world, &acme).await.missing, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_programs_and_operators_did_is_not_forgotten_and_only_an_owner_has_people_forgotten() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let erasures = "api/v1/orgs/acme/audit/erasures";
    let somebody = json!({ "user_id": "0b1c2d3e-0000-4000-8000-000000000000" });
    assert_eq!(acme.post(erasures, &somebody).await.problem(403), "owners_only");
    let keys = operator.get("api/v1/orgs/acme/api-keys").await.ok(200);
    for unfit in [keys["items"][0]["id"].clone(), json!(world.operator.user.to_string())] {
        assert_eq!(operator.post(erasures, &json!({ "user_id": unfit })).await.problem(422), "invalid");
    }
    operator.post(erasures, &somebody).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_who_has_left_is_forgotten_and_every_proof_holds() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let invitation = json!({ "label": "Grace Hopper", "role": "admin" });
    let made = acme.post("api/v1/orgs/acme/invitations", &invitation).await.ok(201);
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let grace = crate::sign_in::as_user(&world, 1).await;
    let csrf = grace.csrf().await;
    assert_eq!(grace.form(&path, &[("csrf", &csrf)]).await.status, 303);
    grace
        .post("api/v1/orgs/acme/api-keys", &json!({ "name": "hers", "scopes": ["audit:read"] }))
        .await
        .ok(201);
    let user = world.sandbox.ready().users[1].id.clone();
    let earlier = acme.get("api/v1/orgs/acme/audit/checkpoint").await.text;
    let before = acme.get("api/v1/orgs/acme/audit/export?format=jsonl").await.text;
    assert!(before.contains(&user) && before.contains("Grace Hopper"), "{before}");
    let by_her = format!("api/v1/orgs/acme/audit/entries?by={user}");
    assert!(acme.get(&by_her).await.ok(200)["items"].as_array().unwrap().len() >= 2);

    // A member is not forgotten; nor is nobody.
    let erasures = "api/v1/orgs/acme/audit/erasures";
    assert_eq!(operator.post(erasures, &json!({ "user_id": user })).await.problem(409), "still_member");
    assert_eq!(operator.post(erasures, &json!({ "subject": " " })).await.problem(422), "invalid");
    let members = acme.get("api/v1/orgs/acme/members").await.ok(200);
    let hers = members["items"].as_array().unwrap().iter().find(|member| member["user_id"] == user.as_str());
    let member = hers.unwrap()["id"].as_str().unwrap();
    operator.delete(&format!("api/v1/orgs/acme/members/{member}")).await.ok(204);

    let csrf = operator.csrf().await;
    let form = [("csrf", csrf.as_str()), ("user_id", user.as_str()), ("subject", "Grace Hopper")];
    let sent = operator.form("orgs/acme/audit/erasures", &form).await;
    assert_eq!(sent.status, 303, "{}", sent.text);
    until_done(&acme, "audit.erase").await;

    let after = acme.get("api/v1/orgs/acme/audit/export?format=jsonl").await.text;
    assert!(!after.contains(&user) && !after.contains("Grace Hopper"), "{after}");
    assert_eq!(acme.get(&by_her).await.ok(200)["items"], json!([]));
    assert!(after.contains("\"erasure\"") && after.contains("audit.erasure_requested"), "{after}");
    // Others are not forgotten with her.
    assert!(after.contains(&world.operator.user.to_string()), "{after}");
    let report = verified(&world, &acme).await;
    assert!(report.erased >= 4 && report.missing == 0, "{report:?}");

    // The log of now begins with the log that was signed before, and each erased entry is still proved.
    let size = earlier.lines().nth(1).unwrap();
    let consistent = acme.get(&format!("api/v1/orgs/acme/audit/consistency?size={size}")).await.ok(200);
    assert!(consistent["proof"]["path"].is_array(), "{consistent}");
    let joined = acme.get("api/v1/orgs/acme/audit/entries?act=member.joined").await.ok(200);
    let id = joined["items"][0]["id"].as_str().unwrap();
    let proved = acme.get(&format!("api/v1/orgs/acme/audit/entries/{id}")).await.ok(200);
    assert!(proved["withheld"] == "{}" && proved["entry"]["by_id"].is_null(), "{proved}");
    let key: attache_ledger::VerifierKey = proved["key"].as_str().unwrap().parse().unwrap();
    let checkpoint = attache_ledger::Checkpoint::open(proved["checkpoint"].as_str().unwrap(), &key).unwrap();
    let proof: attache_ledger::InclusionProof = serde_json::from_value(proved["proof"].clone()).unwrap();
    proof
        .verify(attache_ledger::leaf_hash(proved["leaf"].as_str().unwrap().as_bytes()), checkpoint.root)
        .unwrap();
}

//! The log: every change, provable, exported whole, and altered by nobody unnoticed.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::Entry;
use attache_store::{EntryQuery, GatewayScope, Log, Order, Place};
use attache_terms::{Clock, ManualClock, SystemClock};
use serde_json::{Value, json};

use crate::world::{Ahead, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_verifies_and_an_altered_one_is_named() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    for number in 0..5 {
        let body = json!({ "name": format!("key {number}"), "scopes": ["audit:read"] });
        operator.post("api/v1/orgs/acme/api-keys", &body).await.ok(201);
    }
    let export = acme.get("api/v1/orgs/acme/audit/export").await;
    assert_eq!(export.status, 200);
    let path = world.path("audit.log");
    std::fs::write(&path, &export.text).unwrap();
    let report = attache_ledger::verify(&path, &attache_ledger::VerifyOptions::default()).unwrap();
    assert!(report.entries >= 7, "{report:?}");
    let altered = export.text.replacen("api_key.created", "api_key.revoked", 1);
    assert_ne!(altered, export.text);
    std::fs::write(&path, altered).unwrap();
    let error = attache_ledger::verify(&path, &attache_ledger::VerifyOptions::default()).unwrap_err();
    assert!(error.to_string().contains('1'), "{error}");
}

/// The gateway's own entries of this act, the newest first.
pub(crate) async fn own(world: &World, act: &str) -> Vec<Entry> {
    let query =
        EntryQuery { act: Some(act), order: Order::Descending, ..EntryQuery::all(Log(Place::Gateway), 100) };
    let rows = world.store.engine(GatewayScope::granted()).entries(query).await.unwrap();
    rows.iter().map(|row| row.entry().unwrap().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_note_are_entries_and_only_so_many_a_minute() {
    let clock = Arc::new(ManualClock::new(SystemClock.now()));
    let world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let entries = "api/v1/orgs/acme/audit/entries";
    let key = async |body: Value| {
        let made = operator.post("api/v1/orgs/acme/api-keys", &body).await.ok(201);
        let mut caller = world.anybody();
        caller.key = Some(made["secret"].as_str().unwrap().to_owned());
        (caller, made["id"].clone())
    };

    // A key tries what its scopes do not allow, and another from where it may not be used.
    let (reader, id) = key(json!({ "name": "reader", "scopes": ["identities:read"] })).await;
    let refused = reader.get("api/v1/orgs/acme/members").await;
    assert_eq!(refused.problem(403), "scope_missing");
    let office = json!({ "name": "o", "scopes": ["identities:read"], "allowed_from": ["192.0.2.1"] });
    let (office, _) = key(office).await;
    assert_eq!(office.get("api/v1/orgs/acme").await.problem(401), "key_address");
    let noted = acme.get(&format!("{entries}?failures=true")).await.ok(200)["items"].clone();
    assert_eq!(
        (&noted[0]["act"], &noted[0]["code"], &noted[0]["outcome"]),
        (&json!("api_key.refused"), &json!("key_address"), &json!("refused"))
    );
    assert_eq!(
        (&noted[1]["act"], &noted[1]["code"], &noted[1]["by_id"]),
        (&json!("request.refused"), &json!("scope_missing"), &id)
    );
    let request = refused.headers["x-request-id"].to_str().unwrap();
    assert_eq!(acme.get(&format!("{entries}?about={request}")).await.ok(200)["items"], json!([noted[1]]));

    // A stranger's are the gateway's: of somebody of another organisation, of an unknown key, of a sign-in.
    let beta = world.organisation(&operator, "beta").await;
    assert_eq!(beta.get("api/v1/orgs/acme").await.problem(404), "not_found");
    assert_eq!(own(&world, "request.refused").await.len(), 1);
    let mut unknown = world.anybody();
    unknown.key = Some("atk_unknown".to_owned());
    assert_eq!(unknown.get("api/v1/orgs/acme").await.problem(401), "key_unknown");
    let noted = own(&world, "api_key.refused").await;
    assert_eq!(noted[0].actor.from, Some("127.0.0.1".parse().unwrap()));
    assert_eq!(world.anybody().get("sign-in/callback?state=x&code=y").await.problem(403), "sign_in_refused");
    assert_eq!(own(&world, "person.sign_in_refused").await.len(), 1);

    // Whoever asks in vain without end makes a few entries.
    for _ in 0..30 {
        assert_eq!(reader.get("api/v1/orgs/acme/members").await.problem(403), "scope_missing");
        unknown.get("api/v1/orgs/acme").await;
    }
    let noted = acme.get(&format!("{entries}?act=request.refused&limit=200")).await.ok(200);
    assert_eq!(noted["items"].as_array().unwrap().len(), 10);
    assert_eq!(
        own(&world, "api_key.refused").await.len() + own(&world, "person.sign_in_refused").await.len(),
        10
    );
    // A minute later they are noted again.
    clock.advance(Duration::from_secs(60));
    reader.get("api/v1/orgs/acme/members").await;
    let noted = acme.get(&format!("{entries}?act=request.refused&limit=200")).await.ok(200);
    assert_eq!(noted["items"].as_array().unwrap().len(), 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_comes_with_a_proof_that_leads_to_the_signed_root() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let listed = acme.get("api/v1/orgs/acme/audit/entries?act=api_key.").await.ok(200);
    let entry = listed["items"][0].clone();
    assert_eq!(
        (&entry["act"], &entry["outcome"], &entry["by"]),
        (&json!("api_key.created"), &json!("done"), &json!("operator"))
    );
    let id = entry["id"].as_str().unwrap();
    let proved = acme.get(&format!("api/v1/orgs/acme/audit/entries/{id}")).await.ok(200);
    let key: attache_ledger::VerifierKey = proved["key"].as_str().unwrap().parse().unwrap();
    let checkpoint = attache_ledger::Checkpoint::open(proved["checkpoint"].as_str().unwrap(), &key).unwrap();
    let proof: attache_ledger::InclusionProof = serde_json::from_value(proved["proof"].clone()).unwrap();
    let leaf = attache_ledger::leaf_hash(proved["leaf"].as_str().unwrap().as_bytes());
    proof.verify(leaf, checkpoint.root).unwrap();
    let earlier = acme.get("api/v1/orgs/acme/audit/consistency?size=1").await.ok(200);
    assert!(earlier["proof"]["path"].is_array(), "{earlier}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_when_it_is_taken_back() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let made = acme.post("api/v1/orgs/acme/audit/entries/0/links", &json!({})).await.ok(201);
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    assert_eq!(world.anybody().page(&path).await.status, 200);
    let id = made["id"].as_str().unwrap();
    acme.delete(&format!("api/v1/orgs/acme/audit/links/{id}")).await.ok(204);
    assert_eq!(world.anybody().get(&path).await.problem(404), "link_gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_ends_by_itself_after_a_year() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(Arc::clone(&clock) as Arc<dyn Clock>).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let made = acme.post("api/v1/orgs/acme/audit/entries/0/links", &json!({})).await.ok(201);
    let path = made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned();
    let minute = Duration::from_secs(60);
    clock.advance(365 * 24 * 60 * minute - minute);
    assert_eq!(world.anybody().page(&path).await.status, 200, "it is good to its last minute");
    clock.advance(minute);
    assert_eq!(world.anybody().get(&path).await.problem(404), "link_gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_finds_by_act_id_actor_and_failure() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let key = operator.get("api/v1/orgs/acme/api-keys").await.ok(200)["items"][0]["id"].clone();
    let path = format!("api/v1/orgs/acme/audit/entries?about={}", key.as_str().unwrap());
    let found = acme.get(&path).await.ok(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    // What the key itself did is another question, and so is what its maker did.
    acme.post("api/v1/orgs/acme/invitations", &json!({ "label": "Grace", "role": "auditor" })).await.ok(201);
    let person = world.operator.user.to_string();
    for by in [key.as_str().unwrap(), &person] {
        let found = acme.get(&format!("api/v1/orgs/acme/audit/entries?by={by}")).await.ok(200);
        let entries = found["items"].as_array().unwrap();
        assert!(!entries.is_empty() && entries.iter().all(|entry| entry["by_id"] == by), "{found}");
        let page = operator.page(&format!("orgs/acme/audit?by={by}")).await;
        assert_eq!(page.text.matches("<time ").count(), entries.len(), "{}", page.text);
    }
    let none = acme.get("api/v1/orgs/acme/audit/entries?failures=true").await.ok(200);
    assert_eq!(none["items"], json!([]));
}

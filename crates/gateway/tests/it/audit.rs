//! The log: every change, provable, exported whole, and altered by nobody unnoticed.

use serde_json::json;

use crate::world::World;

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
async fn a_filter_finds_by_act_id_and_failure() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let key = operator.get("api/v1/orgs/acme/api-keys").await.ok(200)["items"][0]["id"].clone();
    let path = format!("api/v1/orgs/acme/audit/entries?about={}", key.as_str().unwrap());
    let found = acme.get(&path).await.ok(200);
    assert_eq!(found["items"].as_array().unwrap().len(), 1, "{found}");
    let none = acme.get("api/v1/orgs/acme/audit/entries?failures=true").await.ok(200);
    assert_eq!(none["items"], json!([]));
}

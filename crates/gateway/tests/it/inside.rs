//! What the gateway's own parts say when they fail is for its log, and for no organisation.

use attache_store::{Becomes, Change, GatewayScope, ListQuery, Page, Place, Unit, Within};
use serde_json::{Value, json};

use crate::world::World;

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

/// Damages what is kept of the blueprints, as a disk might.
async fn damage(world: &World) {
    let engine = world.store.engine(GatewayScope::granted());
    let within = Within::Place(Place::Gateway);
    let query = ListQuery { kind: "cell", within, lookup: None, page: Page::first(10) };
    let mut unit = Unit::new();
    for row in engine.list(query).await.unwrap() {
        let (kind, place, expects) = ("cell", row.place, Some(row.version));
        let body = json!({ "id": "no id" }).to_string();
        let becomes = Becomes::Body { body, lookups: Vec::new(), expires: None };
        unit.changes.push(Change { kind, place, key: row.key, expects, becomes });
    }
    assert!(!unit.changes.is_empty());
    world.store.commit(unit).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_database_says_is_told_to_no_organisation() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    damage(&world).await;

    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let refused = acme.post(&format!("{DEFAULT}/test-send"), &to).await;
    assert_eq!(refused.problem(500), "store_damaged");
    assert_eq!(refused.json()["detail"], "the gateway's database does not answer as it should");

    // Nor by the page of jobs.
    acme.post(&format!("{DEFAULT}/suspend"), &json!({ "reason": "a drill" })).await.ok(202);
    let failed = |job: &Value| job["kind"] == "identity.enforce" && job["failures"] != 0;
    let jobs = |seen: &Value| seen["items"].as_array().unwrap().iter().find(|job| failed(job)).cloned();
    let seen = acme.until("api/v1/orgs/acme/jobs", |seen| jobs(seen).is_some()).await;
    let reason = jobs(&seen).unwrap()["reason"].clone();
    assert_eq!(reason, "something of the gateway's own failed (store_damaged)");
}

//! A blueprint has 200 seats. The next one is opened ahead, nobody gets a seat that is not there, and those of
//! identities that were removed are free again when Entra has forgotten them.

use std::sync::Arc;
use std::time::Duration;

use attache_sandbox::{Effect, Fault};
use attache_store::{Becomes, Change, GatewayScope, ListQuery, Lookup, Page, Place, Unit, Within};
use serde_json::{Value, json};

use crate::world::{Ahead, Caller, World};

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";

fn path(template: &str) -> String {
    format!("api/v1/orgs/acme/agent-identities/{template}")
}

async fn provision(acme: &Caller, template: &str) {
    acme.post(PROVISION, &json!({ "template": template })).await.ok(202);
}

async fn active(acme: &Caller, template: &str) -> Value {
    provision(acme, template).await;
    acme.until(&path(template), |seen| seen["state"] == "active").await
}

/// Lets so many seats of the one cell that there is be taken.
pub(crate) async fn take(world: &World, taken: u32) {
    let within = Within::Place(Place::Gateway);
    let query = ListQuery { kind: "cell", within, lookup: None, page: Page::first(1) };
    let row = world.store.engine(GatewayScope::granted()).list(query).await.unwrap().swap_remove(0);
    let mut cell: Value = serde_json::from_str(&row.body).unwrap();
    cell["taken"] = json!(taken);
    let tenant = cell["tenant"].as_str().unwrap();
    let mut lookups = vec![Lookup::many("tenant", tenant)];
    if let Some(given) = cell["given"].as_str() {
        lookups.push(Lookup::unique_everywhere("given", format!("{tenant}/{given}")));
    } else if taken < 200 {
        lookups.push(Lookup::many("room", tenant));
    }
    let becomes = Becomes::Body { body: cell.to_string(), lookups, expires: None };
    let mut unit = Unit::new();
    unit.changes.push(Change {
        kind: "cell",
        place: row.place,
        key: row.key,
        expects: Some(row.version),
        becomes,
    });
    world.store.commit(unit).await.unwrap();
}

/// How many seats of each cell are taken, in the order in which they were opened.
fn taken(cells: &Value) -> Vec<u64> {
    let cells = cells["items"].as_array().unwrap().iter();
    let mut all: Vec<_> = cells.map(|cell| (cell["id"].to_string(), cell["identities"].as_u64())).collect();
    all.sort_unstable();
    all.into_iter().filter_map(|(_, taken)| taken).collect()
}

/// How many blueprints the tenant has.
fn blueprints(world: &World) -> usize {
    let state = world.sandbox.control().state();
    let applications = &state["tenants"][&world.sandbox.ready().tenant_id]["applications"];
    applications.as_object().unwrap().values().filter(|one| one["kind"] == "Blueprint").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_blueprint_is_made_while_the_last_seats_are_taken() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let cells = async |wanted: &[u64]| {
        operator.until("api/v1/cells", |seen| taken(seen) == wanted).await;
    };
    active(&acme, "default").await;
    take(&world, 159).await;
    active(&acme, "cfo").await;
    cells(&[160]).await;

    // 40 are left: whoever comes next makes another blueprint, which takes its time.
    take(&world, 199).await;
    let control = world.sandbox.control();
    let path = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint";
    control.add_fault(Fault::once("POST", path, Effect::HoldBeforeCommit));
    provision(&acme, "first").await;
    let held = control.wait_held().await[0].id;
    cells(&[199, 1]).await;
    // The others do not wait for it.
    active(&acme, "last").await;
    cells(&[200, 1]).await;
    assert_eq!(blueprints(&world), 1);
    // Where no seat is left, they do; nobody gets one that is not there.
    provision(&acme, "beyond").await;
    cells(&[200, 2]).await;
    control.release(held);
    for template in ["first", "beyond"] {
        acme.until(&self::path(template), |seen| seen["state"] == "active").await;
    }
    assert_eq!(blueprints(&world), 2);

    // Whoever comes now finds it made.
    active(&acme, "after").await;
    cells(&[200, 3]).await;
    assert_eq!(blueprints(&world), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_blueprint_whose_maker_was_stopped_is_made_by_whoever_comes_next() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    active(&acme, "default").await;
    take(&world, 170).await;
    let refused =
        json!({ "error": { "code": "Authorization_RequestDenied", "message": "Insufficient privileges" } });
    let refused = Effect::Answer { status: 403, body: Some(refused), retry_after: None };
    let path = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint";
    world.sandbox.control().add_fault(Fault::once("POST", path, refused));
    provision(&acme, "first").await;
    acme.until(&self::path("first"), |seen| seen["state"] == "error").await;
    active(&acme, "second").await;
    assert_eq!(blueprints(&world), 2);
    let cells = operator.get("api/v1/cells").await.ok(200);
    assert_eq!(taken(&cells), [170, 2], "{cells}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_is_free_again_when_what_was_deleted_is_purged() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(clock.clone()).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    active(&acme, "default").await;
    let gone = active(&acme, "cfo").await["id"].as_str().unwrap().to_owned();
    acme.post(&format!("{}/deprovision", path("cfo")), &json!({})).await.ok(202);
    acme.until(&path(&gone), |seen| seen["state"] == "deprovisioned").await;
    assert_eq!(taken(&operator.get("api/v1/cells").await.ok(200)), [2], "Entra counts it, too");

    clock.advance(Duration::from_secs(32 * 24 * 3600));
    let operator = world.operator().await;
    operator.until("api/v1/cells", |seen| taken(seen) == [1]).await;
}

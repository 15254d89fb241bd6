//! `/readyz` tells the truth about the keys: a gateway that cannot open what it keeps sealed does not start, and is not
//! ready. (That of the database is told where there is one that can be stopped: `attache-tests`, `nodes`.) What is about
//! to end is told before.

use std::sync::Arc;
use std::time::Duration;

use attache_gateway::Gateway;
use attache_keys::SecretName;
use attache_terms::{Clock, Explain};
use serde_json::json;

use crate::world::{Ahead, World};

#[tokio::test(flavor = "multi_thread")]
async fn without_its_keys_a_gateway_is_not_ready_and_does_not_start() {
    let mut world = World::new().await;
    let anybody = world.anybody();
    anybody.get("readyz").await.ok(200);

    let parts = world.parts();
    let name = SecretName::new("gateway", "master-key");
    let kept = parts.secrets.get(&name).await.unwrap().expect("a start makes the keys that it will need");
    parts.secrets.delete(&name).await.unwrap();
    assert_eq!(anybody.get("readyz").await.problem(503), "master_key_differs");
    assert_eq!(anybody.get("livez").await.status, 200);

    world.stop().await;
    let Err(refused) = Gateway::start(world.config(), world.parts()).await else { panic!("it started") };
    assert_eq!(refused.code(), "master_key_differs", "{refused}");
    assert!(parts.secrets.get(&name).await.unwrap().is_none(), "no other key is made in its place");

    parts.secrets.put(&name, &kept).await.unwrap();
    world.start().await;
    anybody.get("readyz").await.ok(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_of_a_blueprint_is_told_before_it_ends() {
    let clock = Arc::new(Ahead::default());
    let world = World::at(clock.clone()).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    acme.until("api/v1/orgs/acme/agent-identities/default", |seen| seen["state"] == "active").await;
    let cells = operator.get("api/v1/cells").await.ok(200);
    let ends = cells["items"][0]["certificate_ends"].as_str().unwrap();
    let ends: jiff::Timestamp = ends.parse().unwrap();
    let days = ends.duration_since(clock.now()).as_secs() / (24 * 3600);
    assert_eq!(days, 364, "{cells}");
    let health = operator.page("orgs/acme/health").await;
    assert!(health.text.contains("none ends within 60 days"), "{}", health.text);

    clock.advance(Duration::from_secs(330 * 24 * 3600));
    let operator = world.operator().await;
    let page = operator.page("blueprints").await;
    assert!(page.text.contains("ends in 34 days"), "{}", page.text);
    let health = operator.page("orgs/acme/health").await;
    assert!(health.text.contains("the first ends in 34 days, and 1 identities stop"), "{}", health.text);
    let metrics = operator.get("metrics").await.text;
    let left = metrics.lines().find_map(|line| line.strip_prefix("attache_cell_certificate_seconds "));
    let left: u64 = left.unwrap().parse().unwrap();
    assert_eq!(left / (24 * 3600), 34, "{left}");
}

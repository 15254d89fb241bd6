//! `/readyz` tells the truth about the keys: a gateway that cannot open what it keeps sealed does not start, and is not
//! ready. (That of the database is told where there is one that can be stopped: `attache-tests`, `nodes`.)

use attache_gateway::Gateway;
use attache_keys::SecretName;
use attache_terms::Explain;

use crate::world::World;

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

//! A program that acts for operators, with a key of which the configuration keeps the hash.

use attache_gateway::operator_key;
use attache_terms::SystemRng;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_key_stops_what_it_may_and_reads_nothing_of_an_organisations_own() {
    let (key, digest) = operator_key(&SystemRng);
    let world = World::tuned(move |config| config.operator_keys = vec![digest.clone()]).await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let mut program = world.anybody();
    program.key = Some(key.expose().to_owned());
    let suspended = program.post("api/v1/orgs/acme/suspend", &json!({ "reason": "abuse" })).await.ok(202);
    assert_eq!(suspended["suspended"]["by_operator"], true);
    program.get("api/v1/orgs/acme/suspension").await.ok(200);
    program.post("api/v1/orgs/acme/resume", &json!({})).await.ok(202);
    program.get("api/v1/cells").await.ok(200);
    program.get("api/v1/orgs/acme/agent-identities").await.ok(200);
    assert_eq!(program.get("api/v1/orgs/acme/audit/entries").await.problem(403), "members_only");
    assert_eq!(program.get("api/v1/orgs/globex").await.problem(404), "not_found");
    // What wants a fresh sign-in is for people.
    let invitation = json!({ "label": "x", "role": "owner" });
    assert_eq!(
        program.post("api/v1/orgs/acme/invitations", &invitation).await.problem(403),
        "operators_only"
    );
    program.key = Some(format!("{}x", key.expose()));
    assert_eq!(program.get("api/v1/cells").await.problem(401), "key_unknown");
}

//! Exchange gives each address to one mailbox: what one identity has or wants, another one does not get.

use reqwest::Method;
use serde_json::json;

use crate::world::World;

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

#[tokio::test(flavor = "multi_thread")]
async fn an_alias_and_a_specialists_address_are_never_the_same() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post(PROVISION, &json!({ "template": "cfo" })).await.ok(202);
    // At once with it, and later on.
    let refused = acme.post(PROVISION, &json!({ "aliases": ["dev", "CFO"] })).await;
    assert_eq!(refused.problem(422), "invalid");
    assert!(refused.text.contains("identity cfo has the address cfo@acme."), "{}", refused.text);
    acme.post(PROVISION, &json!({ "aliases": ["dev"] })).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let want = |names: serde_json::Value| {
        let (acme, body) = (acme.clone(), json!({ "aliases": names }));
        async move { acme.send(Method::PUT, &format!("{DEFAULT}/aliases"), Some(&body)).await }
    };
    let refused = want(json!(["dev", "cfo"])).await;
    assert_eq!(refused.problem(422), "invalid");
    assert!(refused.text.contains("leave cfo@acme."), "{}", refused.text);

    // The other way round: what is wanted as an alias is no specialist's, and no other identity's alias.
    let refused = acme.post(PROVISION, &json!({ "template": "dev" })).await;
    assert_eq!(refused.problem(422), "invalid");
    assert!(refused.text.contains("extra addresses"), "{}", refused.text);
    let refused = acme.post(PROVISION, &json!({ "template": "ops", "aliases": ["dev"] })).await;
    assert_eq!(refused.problem(422), "invalid");
    want(json!([])).await.ok(200);
    acme.post(PROVISION, &json!({ "template": "dev" })).await.ok(202);

    // Another organisation has another domain.
    let globex = world.organisation(&operator, "globex").await;
    globex
        .post("api/v1/orgs/globex/agent-identity/provision", &json!({ "aliases": ["dev", "cfo"] }))
        .await
        .ok(202);
}

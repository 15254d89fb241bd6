//! What operators may in an organisation that they do not belong to: see how its identities stand, give away a user of
//! our tenants, and no more. The pages lead nowhere else.

use attache_gateway::Operator;
use attache_sandbox::constants::{ADA_ID, GRACE_ID};
use serde_json::json;

use crate::world::World;

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_sees_how_identities_stand_gives_a_user_away_and_is_told_what_is_not_theirs() {
    let world = World::tuned(|config| {
        let Operator { tenant, .. } = config.operators[0];
        config.operators.push(Operator { tenant, user: GRACE_ID.parse().unwrap() });
    })
    .await;
    let acme = world.organisation(&world.operator().await, "acme").await;
    acme.post(PROVISION, &json!({})).await.ok(202);
    let grace = world.signed_in(GRACE_ID).await;
    let seen = grace.get("api/v1/orgs/acme/agent-identities").await.ok(200);
    assert_eq!(seen["items"].as_array().unwrap().len(), 1, "{seen}");
    grace.get("api/v1/orgs/acme/agent-identities/default").await.ok(200);

    for asked in
        [json!({ "template": "cfo" }), json!({ "template": "cfo", "mode": "shared", "user_id": ADA_ID })]
    {
        assert_eq!(grace.post(PROVISION, &asked).await.problem(403), "members_only", "{asked}");
    }
    let given = json!({ "template": "cfo", "method": "adopt", "user_id": ADA_ID });
    assert_eq!(acme.post(PROVISION, &given).await.problem(403), "operators_only");
    assert_eq!(grace.post(PROVISION, &given).await.ok(202)["m365_user_id"], ADA_ID);
    assert_eq!(grace.get("api/v1/orgs/acme/audit/entries").await.problem(403), "members_only");

    let overview = grace.page("orgs/acme").await.text;
    let links = overview.split("href=\"/").skip(1).filter_map(|rest| rest.split('"').next());
    let links: Vec<&str> = links.filter(|link| link.starts_with("orgs/acme")).collect();
    assert!(links.contains(&"orgs/acme/identities") && links.contains(&"orgs/acme/jobs"), "{links:?}");
    assert!(!links.contains(&"orgs/acme/audit"), "{links:?}");
    for link in links {
        assert_eq!(grace.page(link).await.status, 200, "{link}");
    }
}

//! What identities cost, and the alarm before seats run out.

use attache_store::{EntryQuery, GatewayScope, Log, Place};
use serde_json::{Value, json};

use crate::world::{Caller, World};

const LICENCES: &str = "api/v1/orgs/acme/licences";

/// The acts of the gateway's own log.
async fn acts(world: &World) -> Vec<String> {
    let engine = world.store.engine(GatewayScope::granted());
    let entries = engine.entries(EntryQuery::all(Log(Place::Gateway), 100)).await.unwrap();
    entries.into_iter().map(|entry| entry.act).filter(|act| act.starts_with("licence.")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_costs_its_licence_and_its_sponsors_who_is_counted_once() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let path = "api/v1/orgs/acme/agent-identity/provision";
    for template in ["default", "cfo"] {
        acme.post(path, &json!({ "template": template })).await.ok(202);
        let identity = format!("api/v1/orgs/acme/agent-identities/{template}");
        acme.until(&identity, |seen| seen["state"] == "active").await;
    }
    let bill = acme.until(LICENCES, |seen| seen["seats"][0]["free"].is_number()).await;
    assert_eq!((&bill["currency"], &bill["complete"]), (&json!("USD"), &json!(true)));
    // Two of Microsoft 365 Business Basic, and one sponsor.
    assert_eq!((&bill["total"], &bill["sponsors"]), (&json!("27.00"), &json!(1)), "{bill}");
    for identity in bill["identities"].as_array().unwrap() {
        let licence = json!([{ "name": "O365_BUSINESS_ESSENTIALS", "price": "6.00" }]);
        assert_eq!((&identity["licences"], &identity["total"]), (&licence, &json!("13.50")));
    }
    // What our tenant has bought is not the organisation's to know.
    assert!(bill["seats"][0]["products"][0]["bought"].is_null(), "{bill}");
    assert_eq!(acme.get("api/v1/licences").await.problem(403), "operators_only");
    let all = operator.get("api/v1/licences").await.ok(200);
    let products = all["items"][0]["products"].as_array().unwrap();
    let basic = products.iter().find(|one| one["part_number"] == "O365_BUSINESS_ESSENTIALS").unwrap();
    assert_eq!(basic["bought"], 25, "{all}");
    let page = operator.page("orgs/acme/settings/licences").await;
    assert!(page.text.contains("27.00 USD"), "{}", page.text);
    // An identity's own cost is in the part that is renewed while its page is open.
    let live = operator.page("orgs/acme/identities/default/chain").await;
    assert!(live.text.contains("13.50 USD a month"), "{}", live.text);
}

/// Acme where this licence is configured, with an agent and an ordinary user that have come to this state.
async fn licensed(licence: &'static str, state: &str) -> (World, Caller, [Value; 2]) {
    let world = World::tuned(move |config| config.hosted[0].licences = vec![licence.to_owned()]).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let made = async |template: &str, method: &str| {
        let body = json!({ "template": template, "method": method });
        acme.post("api/v1/orgs/acme/agent-identity/provision", &body).await.ok(202);
        let identity = format!("api/v1/orgs/acme/agent-identities/{template}");
        acme.until(&identity, |seen| seen["state"] == state).await
    };
    let both = [made("default", "create").await, made("cfo", "ordinary_user").await];
    (world, acme, both)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_is_given_the_licence_that_is_configured_by_its_part_number() {
    let (_world, acme, _) = licensed("spe_e3", "active").await;
    let bill = acme.get(LICENCES).await.ok(200);
    for identity in bill["identities"].as_array().unwrap() {
        assert_eq!(identity["licences"][0]["name"], "SPE_E3", "{bill}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_licence_that_the_tenant_does_not_have_is_an_error() {
    let (_world, _acme, both) = licensed("SPE_E9", "error").await;
    for stopped in both {
        assert_eq!(stopped["trouble"]["code"], "licence_unknown", "{stopped}");
        assert!(stopped["trouble"]["message"].as_str().unwrap().contains("SPE_E9"), "{stopped}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_told_before_seats_run_out_and_once() {
    let mut world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    let identity = "api/v1/orgs/acme/agent-identities/default";
    acme.until(identity, |seen| seen["state"] == "active").await;
    acme.until(LICENCES, |seen| seen["seats"][0]["low"] == false).await;
    assert_eq!(acts(&world).await, Vec::<String>::new());

    // The same seats are few when the alarm begins at more.
    for _ in 0..2 {
        world.stop().await;
        world.governance.seats_low = 1_000;
        world.start().await;
        acme.until(LICENCES, |seen| seen["seats"][0]["low"] == true).await;
    }
    assert_eq!(acts(&world).await, ["licence.seats_low"]);
    let health = operator.page("orgs/acme/health").await;
    assert!(
        health.text.contains("seats remain for agents") && health.text.contains("Billing"),
        "{}",
        health.text
    );
    let metrics = operator.get("metrics").await.text;
    assert!(
        metrics.contains("attache_licence_seats_low{tenant=") && metrics.contains("\"} 1\n"),
        "{metrics}"
    );

    world.stop().await;
    world.governance.seats_low = 1;
    world.start().await;
    acme.until(LICENCES, |seen| seen["seats"][0]["low"] == false).await;
    assert_eq!(acts(&world).await, ["licence.seats_low", "licence.seats_enough"]);
}

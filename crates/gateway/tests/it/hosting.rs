//! Hosted identities spread over several tenants of ours, and a subdomain is one organisation's.

use std::collections::BTreeSet;

use serde_json::json;

use crate::world::World;

fn provision(slug: &str) -> String {
    format!("api/v1/orgs/{slug}/agent-identity/provision")
}

#[tokio::test(flavor = "multi_thread")]
async fn organisations_go_to_the_least_full_tenant_once_and_for_good_until_all_are_full() {
    let mut world = World::tuned(|config| config.hosted[0].subdomains = 2).await;
    let other = world.host_in_another("agents.elsewhere.example", 1).await;
    let first = world.operator.tenant.to_string();
    let operator = world.operator().await;
    let mut keys = Vec::new();
    for (slug, tenant) in [("one", &first), ("two", &other), ("three", &first)] {
        let key = world.organisation(&operator, slug).await;
        let asked = key.post(&provision(slug), &json!({})).await.ok(202);
        assert_eq!(asked["tenant_id"], json!(tenant), "{slug}: {asked}");
        keys.push((slug, key));
    }
    for (slug, key) in &keys {
        let path = format!("api/v1/orgs/{slug}/agent-identities/default");
        let active = key.until(&path, |seen| seen["state"] == "active").await;
        let domain = if *slug == "two" { "agents.elsewhere.example" } else { "agents.contoso.example" };
        assert_eq!(active["address"], format!("assistant@{slug}.{domain}"));
    }
    let four = world.organisation(&operator, "four").await;
    let refused = four.post(&provision("four"), &json!({})).await;
    assert_eq!(refused.problem(409), "tenants_full");
    assert!(refused.text.contains("[[tenants]]"), "{}", refused.text);
    // What has its place keeps it: another identity of the same subdomain needs no more.
    let (_, two) = &keys[1];
    let asked = two.post(&provision("two"), &json!({ "template": "cfo" })).await.ok(202);
    assert_eq!(asked["tenant_id"], json!(other));
    let more = two.post(&provision("two"), &json!({ "template": "dev", "subdomain": "two-dev" })).await;
    assert_eq!(more.problem(409), "tenants_full");
}

#[tokio::test(flavor = "multi_thread")]
async fn users_who_are_there_already_are_given_away_by_operators_but_below_the_organisations_name() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    for method in ["verify", "adopt"] {
        let body = json!({ "method": method, "template": method, "subdomain": "board" });
        assert_eq!(acme.post(&provision("acme"), &body).await.problem(403), "operators_only", "{method}");
        acme.post(&provision("acme"), &json!({ "method": method, "template": method })).await.ok(202);
    }
    let body = json!({ "method": "verify", "template": "chair", "subdomain": "board" });
    operator.post(&provision("acme"), &body).await.ok(202);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_place_and_a_subdomain_go_to_one_of_those_who_want_them_at_once() {
    let world = World::tuned(|config| config.hosted[0].subdomains = 3).await;
    let operator = world.operator().await;
    let slugs = ["one", "two", "three", "four", "five", "six"];
    let mut keys = Vec::new();
    for slug in slugs {
        keys.push((slug, world.organisation(&operator, slug).await));
    }
    // All want the same name beside their own.
    let same = futures_util::future::join_all(keys.iter().map(|(slug, key)| async move {
        let body = json!({ "template": "cfo", "subdomain": "shared-name" });
        key.post(&provision(slug), &body).await.status.as_u16()
    }))
    .await;
    assert_eq!(same.iter().filter(|status| **status == 202).count(), 1, "{same:?}");
    assert_eq!(same.iter().filter(|status| **status == 422).count(), 5, "{same:?}");
    // Two places are left, and six want one for their own name.
    let own = futures_util::future::join_all(
        keys.iter().map(|(slug, key)| async move { key.post(&provision(slug), &json!({})).await }),
    )
    .await;
    let placed: BTreeSet<_> = own
        .iter()
        .filter(|answer| answer.status == 202)
        .map(|answer| answer.json()["address"].to_string())
        .collect();
    assert_eq!(placed.len(), 2, "{placed:?}");
    assert!(
        own.iter().filter(|answer| answer.status != 202).all(|answer| answer.problem(409) == "tenants_full")
    );
    // Nor can an organisation come later that is named as somebody's subdomain.
    let late = operator.post("api/v1/orgs", &json!({ "slug": "shared-name", "name": "Late" })).await;
    assert_eq!(late.problem(409), "taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_has_a_bounded_number_of_subdomains() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    for number in 1..5 {
        let body = json!({ "template": format!("agent{number}"), "subdomain": format!("acme-{number}") });
        acme.post(&provision("acme"), &body).await.ok(202);
    }
    let body = json!({ "template": "one-more", "subdomain": "acme-5" });
    assert_eq!(acme.post(&provision("acme"), &body).await.problem(409), "subdomains_used_up");
}

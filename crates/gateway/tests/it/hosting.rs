//! Hosted identities spread over several tenants of ours, and a subdomain is one organisation's.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use crate::world::{Ahead, World};

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

/// The domains of the sandbox's first tenant below ours.
fn domains(world: &World) -> Vec<String> {
    let state = world.sandbox.control().state();
    let domains = state["tenants"][&world.sandbox.ready().tenant_id]["domains"].as_array().unwrap().clone();
    let names = domains.iter().filter_map(|name| name.as_str());
    names.filter_map(|name| name.strip_suffix(".agents.contoso.example")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subdomain_that_the_last_identity_has_left_goes_when_entra_lets_it() {
    let clock = Arc::new(Ahead::default());
    let world = World::with(clock.clone(), |config| config.hosted[0].subdomains = 2).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let globex = world.organisation(&operator, "globex").await;
    let below = |path: &str| format!("api/v1/orgs/acme/agent-identities/{path}");
    for (template, subdomain) in [("dev", "acme-dev"), ("ops", "acme-dev"), ("default", "acme")] {
        let body = json!({ "template": template, "subdomain": subdomain });
        acme.post(&provision("acme"), &body).await.ok(202);
        acme.until(&below(template), |seen| seen["state"] == "active").await;
    }
    assert_eq!(domains(&world), ["acme-dev", "acme"]);
    let dev = json!({ "subdomain": "acme-dev" });
    assert_eq!(globex.post(&provision("globex"), &dev).await.problem(409), "tenants_full");

    // As long as somebody is left there it stays; with the last one it goes, which the plan says.
    let goes = |plan: &Value| {
        plan["deletes"].as_array().unwrap().last() == Some(&json!("domain acme-dev.agents.contoso.example"))
    };
    for (template, last) in [("dev", false), ("ops", true)] {
        let id = acme.get(&below(template)).await.ok(200)["id"].as_str().unwrap().to_owned();
        let plan = acme.get(&below(&format!("{template}/deprovision"))).await.ok(200);
        assert_eq!(goes(&plan), last, "{plan}");
        acme.post(&below(&format!("{template}/deprovision")), &json!({})).await.ok(202);
        acme.until(&below(&id), |seen| seen["state"] == "deprovisioned").await;
    }
    let removal = |jobs: &Value| {
        let jobs = jobs["items"].as_array().unwrap();
        jobs.iter().find(|job| job["kind"] == "subdomain.remove" && job["reason"].is_string()).cloned()
    };
    let jobs = acme.until("api/v1/orgs/acme/jobs", |jobs| removal(jobs).is_some()).await;
    let waits = removal(&jobs).unwrap().to_string();
    assert!(waits.contains("deleted users"), "{waits}");
    assert_eq!(domains(&world), ["acme-dev", "acme"], "Entra keeps it while deleted users had it");

    // They are gone for good after 30 days.
    let month = Duration::from_secs(32 * 24 * 3600);
    world.sandbox.control().clock().advance(month);
    clock.advance(month);
    let log = "api/v1/orgs/acme/audit/entries?act=domain.remove&limit=1";
    acme.until(log, |seen| seen["items"][0]["outcome"] == "done").await;
    acme.until("api/v1/orgs/acme/jobs", |jobs| removal(jobs).is_none()).await;
    assert_eq!(domains(&world), ["acme"]);
    // Its place and its name are somebody else's to take.
    globex.post(&provision("globex"), &dev).await.ok(202);
    globex.until("api/v1/orgs/globex/agent-identities/default", |seen| seen["state"] == "active").await;
    assert_eq!(domains(&world), ["acme", "acme-dev"]);
}

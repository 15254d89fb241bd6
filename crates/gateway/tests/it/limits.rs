//! Rate limits: said with every answer, and held for each key, each organisation and each person alone.

use std::num::NonZeroU32;

use attache_gateway::Limits;
use reqwest::header::HeaderName;
use serde_json::json;

use crate::world::{Answer, World};

const IDENTITIES: &str = "api/v1/orgs/acme/agent-identities";

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).unwrap_or_else(|| panic!("no {name}: {:?}", answer.headers)).to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_asks_too_often_is_told_when_to_come_back() {
    let tune = |config: &mut attache_gateway::Config| {
        config.limits = Limits { key: NonZeroU32::new(4), ..Limits::default() };
    };
    let world = World::tuned(tune).await;
    let operator = world.operator().await;
    // Two requests of the person's four.
    let acme = world.organisation(&operator, "acme").await;
    let first = acme.get(IDENTITIES).await;
    first.ok(200);
    assert_eq!(header(&first, "ratelimit-policy"), "\"key\";q=4;w=60, \"organisation\";q=6000;w=60");
    assert_eq!(header(&first, "ratelimit"), "\"key\";r=3;t=15, \"organisation\";r=5999;t=1");
    for _ in 0..3 {
        acme.get(IDENTITIES).await.ok(200);
    }
    let refused = acme.get(IDENTITIES).await;
    assert_eq!(refused.problem(429), "rate_limited");
    let wait: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((1..=15).contains(&wait), "{wait}");
    assert!(header(&refused, "ratelimit").starts_with("\"key\";r=0;t="), "{:?}", refused.headers);
    // Whoever stops it has requests of their own.
    for _ in 0..2 {
        operator.get("api/v1/orgs/acme").await.ok(200);
    }
    assert_eq!(operator.get("api/v1/orgs/acme").await.problem(429), "rate_limited");
    // Nobody is counted who has not proved who they are.
    assert!(world.anybody().get("livez").await.headers.get("ratelimit").is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_begins_only_so_many_sign_ins_and_whoever_is_known_goes_on() {
    let tune = |config: &mut attache_gateway::Config| {
        config.limits = Limits { address: NonZeroU32::new(4), ..Limits::default() };
        config.trusted_proxies = vec!["127.0.0.1".parse().unwrap()];
    };
    let world = World::tuned(tune).await;
    // Its link is one of the address's four.
    let operator = world.operator().await;
    let anybody = world.anybody();
    for _ in 0..3 {
        assert_eq!(anybody.get("sign-in").await.status, 303);
    }
    let refused = anybody.get("sign-in").await;
    assert_eq!(refused.problem(429), "rate_limited");
    assert!(
        header(&refused, "ratelimit-policy").starts_with("\"address\";q=4;w=60"),
        "{:?}",
        refused.headers
    );
    assert_eq!(anybody.get("readyz").await.problem(429), "rate_limited");
    assert_eq!(anybody.get("livez").await.status, 200);
    operator.get("api/v1/orgs").await.ok(200);
    let elsewhere = anybody.with(HeaderName::from_static("x-forwarded-for"), "192.0.2.1");
    assert_eq!(elsewhere.get("sign-in").await.status, 303);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_of_an_organisation_share_its_limit_and_no_other_organisations() {
    let tune = |config: &mut attache_gateway::Config| {
        config.limits = Limits { organisation: NonZeroU32::new(3), ..Limits::NONE };
    };
    let world = World::tuned(tune).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let globex = world.organisation(&operator, "globex").await;
    let body = json!({ "name": "second", "scopes": ["identities:read"] });
    let made = operator.post("api/v1/orgs/acme/api-keys", &body).await.ok(201);
    let mut second = world.anybody();
    second.key = Some(made["secret"].as_str().unwrap().to_owned());
    acme.get(IDENTITIES).await.ok(200);
    second.get(IDENTITIES).await.ok(200);
    // What is asked of another organisation counts for one's own.
    assert_eq!(acme.get("api/v1/orgs/globex").await.problem(404), "not_found");
    assert_eq!(second.get(IDENTITIES).await.problem(429), "rate_limited");
    assert_eq!(acme.get(IDENTITIES).await.problem(429), "rate_limited");
    globex.get("api/v1/orgs/globex").await.ok(200);
    operator.get(IDENTITIES).await.ok(200);
}

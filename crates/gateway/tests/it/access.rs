//! Problems as answers, and what stands in every one.

use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_proved_nothing_gets_a_problem_that_says_what_to_do() {
    let world = World::new().await;
    let answer = world.anybody().get("api/v1/orgs").await;
    assert_eq!(answer.problem(401), "unauthenticated");
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert!(answer.headers.contains_key("x-request-id"));
    for (name, part) in [
        ("content-security-policy", "default-src 'none'"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
    ] {
        assert!(answer.headers[name].to_str().unwrap().contains(part), "{name}");
    }
    assert!(!answer.headers["content-security-policy"].to_str().unwrap().contains("unsafe-inline"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_body_is_said() {
    let world = World::new().await;
    let operator = world.operator().await;
    for (body, code) in [
        (json!({ "slug": "a", "name": "A" }), "invalid"),
        (json!({ "slug": "acme" }), "invalid"),
        (json!({ "slug": "acme", "name": "A", "more": 1 }), "invalid"),
        (json!({ "slug": "../acme", "name": "A" }), "invalid"),
    ] {
        assert_eq!(operator.post("api/v1/orgs", &body).await.problem(422), code, "{body}");
    }
    operator.post("api/v1/orgs", &json!({ "slug": "acme", "name": "A" })).await.ok(201);
    let taken = operator.post("api/v1/orgs", &json!({ "slug": "acme", "name": "B" })).await;
    assert_eq!(taken.problem(409), "taken");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_pages_through_the_organisations() {
    let world = World::new().await;
    let operator = world.operator().await;
    for slug in ["acme", "globex", "initech"] {
        operator.post("api/v1/orgs", &json!({ "slug": slug, "name": slug })).await.ok(201);
    }
    let first = operator.get("api/v1/orgs?limit=2").await.ok(200);
    let next = format!("api/v1/orgs?limit=2&cursor={}", first["next"].as_str().unwrap());
    let second = operator.get(&next).await.ok(200);
    let items = [&first["items"], &second["items"]].map(|items| items.as_array().unwrap().clone()).concat();
    let slugs: Vec<_> = items.iter().map(|item| item["slug"].as_str().unwrap()).collect();
    assert_eq!((slugs, second.get("next")), (vec!["initech", "globex", "acme"], None));
}

#[tokio::test(flavor = "multi_thread")]
async fn ready_tells_the_truth_and_figures_name_no_organisation() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let anybody = world.anybody();
    anybody.get("readyz").await.ok(200);
    assert_eq!(anybody.get("livez").await.status, 200);
    assert_eq!(anybody.get("metrics").await.problem(401), "unauthenticated");
    let metrics = operator.get("metrics").await;
    assert!(
        metrics.text.contains("attache_http_requests_total{route=\"/api/v1/orgs\",status=\"201\"} 1"),
        "{}",
        metrics.text
    );
    assert!(!metrics.text.contains("acme"), "{}", metrics.text);
}

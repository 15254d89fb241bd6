//! Pages that follow what happens: an event for each change, which no proxy keeps back.

use reqwest::header::COOKIE;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn an_event_follows_each_change_and_no_proxy_keeps_it_back() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let url = world.url.join("orgs/acme/events").unwrap();
    let asked = world.browser().get(url).header(COOKIE, operator.cookie.as_deref().unwrap());
    let mut events = asked.send().await.unwrap().error_for_status().unwrap();
    assert_eq!(events.headers()["content-type"], "text/event-stream");
    assert_eq!(events.headers()["x-accel-buffering"], "no");
    let body = serde_json::json!({ "label": "Grace", "role": "auditor" });
    operator.post("api/v1/orgs/acme/invitations", &body).await.ok(201);
    let mut seen = String::new();
    while !seen.contains("event: changed") {
        let chunk = events.chunk().await.unwrap().expect("the stream ended");
        seen.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

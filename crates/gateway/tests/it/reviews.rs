//! Access reviews: what is to be confirmed, by whom, and when.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use crate::world::World;

const REVIEWS: &str = "api/v1/orgs/acme/access-reviews";
const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

#[tokio::test(flavor = "multi_thread")]
async fn an_identity_is_confirmed_by_an_owner_or_its_sponsor_and_by_nobody_else() {
    let mut world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let users = world.sandbox.ready().users.clone();
    let body = json!({ "sponsor": users[1].id });
    acme.post("api/v1/orgs/acme/agent-identity/provision", &body).await.ok(202);
    let id = acme.until(DEFAULT, |seen| seen["state"] == "active").await["id"].as_str().unwrap().to_owned();
    let first = acme.get(REVIEWS).await.ok(200)["items"][0].clone();
    assert_eq!((&first["sponsor_id"], &first["overdue"]), (&json!(users[1].id), &json!(false)));
    assert!(first["last_used"].is_null() && first["confirmed"].is_null(), "{first}");

    // It is used: that shows.
    let to = json!({ "to": users[0].upn });
    acme.post(&format!("{DEFAULT}/test-send"), &to).await.ok(200);
    assert!(acme.get(REVIEWS).await.ok(200)["items"][0]["last_used"].is_string());

    // The time is over: it is overdue until somebody confirms it.
    world.stop().await;
    world.governance.review = Duration::ZERO;
    world.start().await;
    assert_eq!(acme.get(REVIEWS).await.ok(200)["items"][0]["overdue"], true);
    assert!(operator.page("orgs/acme/health").await.text.contains("1 overdue"));
    world.stop().await;
    world.governance.review = Duration::from_secs(3600);
    world.start().await;

    // The sponsor does, who does not belong to the organisation; others cannot.
    let own = format!("api/v1/sponsored-identities/{id}/review");
    let stranger = world.signed_in(&users[2].id).await;
    assert_eq!(stranger.post(&own, &json!({})).await.problem(404), "not_found");
    assert_eq!(stranger.post(&format!("{DEFAULT}/review"), &json!({})).await.problem(404), "not_found");
    assert_eq!(acme.post(&own, &json!({})).await.problem(403), "people_only");
    let sponsor = world.signed_in(&users[1].id).await;
    assert_eq!(sponsor.get("api/v1/sponsored-identities").await.ok(200)["items"][0]["identity"], json!(id));
    let csrf = sponsor.csrf_of("sponsorships").await;
    let form = sponsor.form(&format!("sponsorships/{id}/confirm"), &[("csrf", &csrf)]).await;
    assert_eq!(form.status, 303, "{}", form.text);
    let confirmed = acme.get(REVIEWS).await.ok(200)["items"][0].clone();
    assert_eq!((&confirmed["confirmed_by"], &confirmed["overdue"]), (&json!("Somebody"), &json!(false)));

    // With another sponsor it is to be confirmed anew, and an owner does.
    let sponsor = json!({ "sponsor": users[2].id });
    acme.send(Method::PUT, &format!("{DEFAULT}/sponsor"), Some(&sponsor)).await.ok(200);
    stranger.post(&format!("api/v1/sponsorships/{id}/accept"), &json!({})).await.ok(202);
    acme.until(REVIEWS, |seen| seen["items"][0]["overdue"] == true).await;
    let confirmed = acme.post(&format!("{DEFAULT}/review"), &json!({})).await.ok(200);
    assert_eq!((&confirmed["confirmed_by"], &confirmed["overdue"]), (&json!("all"), &json!(false)));
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=identity.reviewed").await.ok(200);
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "{log}");
}

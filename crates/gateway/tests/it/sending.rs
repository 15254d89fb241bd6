//! The quota of mail, with a clock that is moved.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use crate::world::{Ahead, World};

const DEFAULT: &str = "api/v1/orgs/acme/agent-identities/default";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_over_the_quota_is_refused_before_it_is_sent_until_a_day_has_passed() {
    let clock = Arc::new(Ahead::default());
    let world = World::with(clock.clone(), |config| config.send_quota = 2).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    acme.post("api/v1/orgs/acme/agent-identity/provision", &json!({})).await.ok(202);
    acme.until(DEFAULT, |seen| seen["state"] == "active").await;
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let (send, sending) = (format!("{DEFAULT}/test-send"), "api/v1/orgs/acme/sending");
    for used in 1..=2 {
        acme.post(&send, &to).await.ok(200);
        assert_eq!(acme.get(sending).await.ok(200), json!({ "used": used, "quota": 2 }));
    }
    let page = operator.page("orgs/acme/settings/agent-identity").await;
    assert!(page.text.contains("2 <span class=\"note\">of 2 recipients"), "{}", page.text);

    let entries = || acme.get("api/v1/orgs/acme/audit/entries?act=mail.");
    let before = entries().await.ok(200)["items"].as_array().unwrap().len();
    let refused = acme.post(&send, &to).await;
    assert_eq!(refused.problem(429), "send_quota_used_up");
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((24 * 3600..=25 * 3600).contains(&wait), "{wait}");
    let after = entries().await.ok(200)["items"].as_array().unwrap().len();
    assert_eq!(before, after, "nothing was about to be sent");
    // Another organisation's quota is its own.
    let globex = world.organisation(&operator, "globex").await;
    assert_eq!(globex.get("api/v1/orgs/globex/sending").await.ok(200)["used"], 0);

    // The tenant's time goes with ours.
    clock.advance(Duration::from_secs(wait));
    world.sandbox.control().clock().advance(Duration::from_secs(wait));
    assert_eq!(acme.get(sending).await.ok(200)["used"], 0);
    acme.post(&send, &to).await.ok(200);
}

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
        let sent = acme.post(&send, &to).await;
        sent.ok(200);
        let remaining = 2 - used;
        let left = sent.headers["ratelimit"].to_str().unwrap().to_owned();
        assert!(left.contains(&format!("\"sending\";r={remaining};t=")), "{left}");
        let policy = sent.headers["ratelimit-policy"].to_str().unwrap();
        assert!(policy.contains("\"sending\";q=2;w=86400"), "{policy}");
        let standing = json!({ "used": used, "quota": 2, "remaining": remaining, "own": false });
        assert_eq!(acme.get(sending).await.ok(200), standing);
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

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_gives_one_organisation_another_quota() {
    let mut world = World::tuned(|config| config.send_quota = 1).await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let globex = world.organisation(&operator, "globex").await;
    let to = json!({ "to": world.sandbox.ready().users[1].upn });
    let below = |org: &str, path: &str| format!("api/v1/orgs/{org}/{path}");
    let (test, sending) = ("agent-identities/default/test-send", "sending");
    for (name, caller) in [("acme", &acme), ("globex", &globex)] {
        caller.post(&below(name, "agent-identity/provision"), &json!({})).await.ok(202);
        caller.until(&below(name, "agent-identities/default"), |seen| seen["state"] == "active").await;
        caller.post(&below(name, test), &to).await.ok(200);
        assert_eq!(caller.post(&below(name, test), &to).await.problem(429), "send_quota_used_up");
    }

    // An organisation cannot help itself; an operator can, who need not belong to it.
    let (put, path) = (reqwest::Method::PUT, below("acme", sending));
    let quota = |quota: serde_json::Value| json!({ "quota": quota });
    assert_eq!(acme.send(put.clone(), &path, Some(&quota(json!(9)))).await.problem(403), "operators_only");
    assert_eq!(operator.send(put.clone(), &path, Some(&json!({}))).await.problem(422), "invalid");
    let changed = operator.send(put.clone(), &path, Some(&quota(json!(2)))).await.ok(200);
    assert_eq!(changed, json!({ "used": 1, "quota": 2, "remaining": 1, "own": true }));
    let log = acme.get("api/v1/orgs/acme/audit/entries?act=sending.").await.ok(200).to_string();
    assert!(log.contains("sending.quota_set"), "{log}");

    // It outlasts the process, and the other organisation has what it had.
    world.stop().await;
    world.start().await;
    acme.post(&below("acme", test), &to).await.ok(200);
    assert_eq!(acme.post(&below("acme", test), &to).await.problem(429), "send_quota_used_up");
    assert_eq!(globex.post(&below("globex", test), &to).await.problem(429), "send_quota_used_up");
    let page = operator.page("orgs/acme/settings/agent-identity").await;
    assert!(page.text.contains("this organisation's own"), "{}", page.text);
    let figures = operator.get("metrics").await.text;
    assert!(figures.contains("attache_mail_recipients_total{end=\"counted\"} 1\n"), "{figures}");
    assert!(figures.contains("attache_mail_recipients_total{end=\"refused\"} 2\n"), "{figures}");

    // The gateway's again; what was sent stays counted.
    let changed = operator.send(put, &path, Some(&quota(json!(null)))).await.ok(200);
    assert_eq!(changed, json!({ "used": 2, "quota": 1, "remaining": 0, "own": false }));
}

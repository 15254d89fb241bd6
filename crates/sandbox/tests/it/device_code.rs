//! Device code: the request, the page, the polling.

use std::time::Duration;

use serde_json::Value;

use crate::support::{Reply, Tenant, claims, config, standing};

async fn begin(tenant: &Tenant) -> Reply {
    let form = [
        ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
        ("scope", "User.Read offline_access openid profile"),
    ];
    tenant.send(tenant.http.post(tenant.login("/oauth2/v2.0/devicecode")).form(&form)).await.expect(200)
}

async fn poll(tenant: &Tenant, device_code: &str) -> Reply {
    tenant
        .token(&[
            ("client_id", &tenant.sandbox.ready().apps.client.client_id),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("code", device_code),
            ("device_code", device_code),
        ])
        .await
}

async fn decide(tenant: &Tenant, begun: &Reply, decision: &str) -> Reply {
    let ada = &tenant.sandbox.ready().users[0];
    let form = [
        ("user_code", begun.text("/user_code")),
        ("username", &ada.upn),
        ("password", &ada.password),
        ("decision", decision),
    ];
    tenant.send(tenant.http.post(begun.text("/verification_uri")).form(&form)).await.expect(200)
}

#[tokio::test]
async fn a_device_waits_until_its_user_approves() {
    let tenant = Tenant::start().await;
    let begun = begin(&tenant).await;
    assert_eq!(begun.json["expires_in"], 900);
    assert_eq!(begun.json["interval"], 5);
    assert_eq!(begun.json.get("verification_uri_complete"), None::<&Value>);
    assert_eq!(begun.text("/user_code").len(), 9);
    assert!(begun.text("/message").contains(begun.text("/user_code")));
    let device_code = begun.text("/device_code");
    assert_eq!(poll(&tenant, device_code).await.error(), ("authorization_pending", 70_016));
    let page = tenant.get(begun.text("/verification_uri")).await.expect(200);
    assert!(page.text.contains("name=\"user_code\""));
    assert!(decide(&tenant, &begun, "approve").await.text.contains("signed in on your device"));
    let tokens = poll(&tenant, device_code).await.expect(200);
    assert_eq!(claims(tokens.text("/access_token"))["upn"], "ada@contoso.example");
    assert!(!tokens.text("/refresh_token").is_empty());
    assert_eq!(poll(&tenant, device_code).await.error(), ("bad_verification_code", 70_018));
}

#[tokio::test]
async fn a_declined_unknown_or_expired_device_code_says_which() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let declined = begin(&tenant).await;
    decide(&tenant, &declined, "decline").await;
    assert_eq!(poll(&tenant, declined.text("/device_code")).await.error().0, "authorization_declined");
    assert_eq!(poll(&tenant, "nonsense").await.error(), ("bad_verification_code", 70_018));
    let expired = begin(&tenant).await;
    tenant.sandbox.control().clock().advance(Duration::from_secs(900));
    assert_eq!(poll(&tenant, expired.text("/device_code")).await.error(), ("expired_token", 70_020));
    let page = decide(&tenant, &expired, "approve").await;
    assert!(page.text.contains("role=\"alert\""), "{}", page.text);
}

#[tokio::test]
async fn a_device_in_haste_is_told_to_slow_down() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let begun = begin(&tenant).await;
    let asked_after = async |seconds: u64| {
        tenant.sandbox.control().clock().advance(Duration::from_secs(seconds));
        poll(&tenant, begun.text("/device_code")).await.error().0.to_owned()
    };
    // It is to wait five seconds, and five more each time that it did not.
    for (seconds, error) in [
        (0, "authorization_pending"),
        (5, "authorization_pending"),
        (3, "slow_down"),
        (8, "slow_down"),
        (15, "authorization_pending"),
        (0, "authorization_pending"),
    ] {
        assert_eq!(asked_after(seconds).await, error, "after {seconds} s");
    }
    decide(&tenant, &begun, "approve").await;
    tenant.sandbox.control().clock().advance(Duration::from_secs(1));
    poll(&tenant, begun.text("/device_code")).await.expect(200);
}

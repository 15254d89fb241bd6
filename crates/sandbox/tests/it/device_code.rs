//! Device code: the request, the page, the polling.

use std::time::Duration;

use serde_json::Value;

use crate::cast::get;
use crate::conditional_access::require;
use crate::support::{Reply, Tenant, claims, config, standing};

/// What Microsoft's Graph command lines sign in with unless they are given an application.
const GRAPH_COMMAND_LINE: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

async fn begin(tenant: &Tenant) -> Reply {
    let client = tenant.sandbox.ready().apps.client.client_id.clone();
    begin_at(tenant, &tenant.sandbox.ready().tenant_id, &client).await.expect(200)
}

async fn begin_at(tenant: &Tenant, authority: &str, client: &str) -> Reply {
    let form = [("client_id", client), ("scope", "User.Read offline_access openid profile")];
    let url = tenant.url(&format!("/{authority}/oauth2/v2.0/devicecode"));
    tenant.send(tenant.http.post(url).form(&form)).await
}

async fn poll(tenant: &Tenant, device_code: &str) -> Reply {
    let client = tenant.sandbox.ready().apps.client.client_id.clone();
    poll_as(tenant, &client, device_code).await
}

async fn poll_as(tenant: &Tenant, client: &str, device_code: &str) -> Reply {
    tenant
        .token(&[
            ("client_id", client),
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

/// Sends the form of a page with one field of it as it stands there, and another.
async fn send(tenant: &Tenant, page: &Reply, field: &str, decision: &str) -> Reply {
    let attribute = |before: &str| {
        let rest = page.text.split_once(before).unwrap_or_else(|| panic!("no {before} in {}", page.text)).1;
        rest.split('"').next().unwrap().to_owned()
    };
    let action = attribute("<form method=\"post\" action=\"");
    let value = attribute(&format!("name=\"{field}\" value=\""));
    let form = [(field, value.as_str()), ("decision", decision)];
    tenant.send(tenant.http.post(tenant.url(&action)).form(&form)).await
}

#[tokio::test]
async fn the_page_asks_for_consent_and_microsofts_own_clients_work_at_common() {
    let tenant = Tenant::start().await;
    let own = tenant.sandbox.ready().apps.client.client_id.clone();
    assert_eq!(begin_at(&tenant, "common", &own).await.error(), ("invalid_request", 90_133));
    assert_eq!(begin_at(&tenant, "consumers", GRAPH_COMMAND_LINE).await.error(), ("invalid_request", 90_133));
    let begun = begin_at(&tenant, "common", GRAPH_COMMAND_LINE).await.expect(200);
    let device_code = begun.text("/device_code");
    let polled = poll_as(&tenant, GRAPH_COMMAND_LINE, device_code).await;
    assert_eq!(polled.error(), ("authorization_pending", 70_016));
    let consent = decide(&tenant, &begun, "approve").await;
    assert!(consent.text.contains("Microsoft Graph Command Line Tools"), "{}", consent.text);
    let done = send(&tenant, &consent, "consent", "accept").await.expect(200);
    assert!(done.text.contains("signed in on your device"), "{}", done.text);
    let tokens = poll_as(&tenant, GRAPH_COMMAND_LINE, device_code).await.expect(200);
    assert_eq!(claims(tokens.text("/access_token"))["appid"], GRAPH_COMMAND_LINE);
    let path = format!("/v1.0/servicePrincipals(appId='{GRAPH_COMMAND_LINE}')");
    let reader = crate::cast::permitted(&tenant, &["Application.Read.All"]).await;
    let principal = get(&tenant, &path, &reader).await.expect(200);
    assert_eq!(principal.json["appOwnerOrganizationId"], "f8cdef31-a31e-4b4a-93e4-5f571e91255a");

    // Who has consented is not asked again; who declines has the device told.
    let again = begin_at(&tenant, "common", GRAPH_COMMAND_LINE).await.expect(200);
    assert!(decide(&tenant, &again, "approve").await.text.contains("signed in on your device"));
    let explorer = "de8bc8b5-d9f9-48b1-a8ad-b748da725064";
    let declined = begin_at(&tenant, "organizations", explorer).await.expect(200);
    let consent = decide(&tenant, &declined, "approve").await;
    assert!(send(&tenant, &consent, "consent", "cancel").await.text.contains("AADSTS65004"));
    let polled = poll_as(&tenant, explorer, declined.text("/device_code")).await;
    assert_eq!(polled.error().0, "authorization_declined");
    let path = format!("/v1.0/servicePrincipals(appId='{explorer}')");
    get(&tenant, &path, &reader).await.expect(404);
}

#[tokio::test]
async fn the_page_asks_for_a_second_factor_which_the_tokens_then_tell_of() {
    let tenant = Tenant::start().await;
    let users = serde_json::json!({ "includeUsers": ["All"] });
    let conditions = serde_json::json!({
        "clientAppTypes": ["all"], "users": users, "applications": { "includeApplications": ["All"] },
    });
    require(&tenant, "mfa", serde_json::json!({ "conditions": conditions })).await;
    let begun = begin(&tenant).await;
    let page = decide(&tenant, &begun, "approve").await;
    let decision =
        if page.text.contains("register_authenticator") { "register_authenticator" } else { "approve" };
    let done = send(&tenant, &page, "second_factor", decision).await.expect(200);
    assert!(done.text.contains("signed in on your device"), "{}", done.text);
    let tokens = poll(&tenant, begun.text("/device_code")).await.expect(200);
    let methods = claims(tokens.text("/access_token"))["amr"].clone();
    assert!(methods.as_array().unwrap().contains(&"mfa".into()), "{methods}");
}

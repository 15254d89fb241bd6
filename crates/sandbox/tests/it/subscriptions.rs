//! Making and keeping subscriptions: the handshake, the rules, the limits (Graph reference §6.1, §6.4).

use std::time::Duration;

use attache_sandbox::Config;

use serde_json::{Value, json};

use crate::cast::{delete, get, member, patch, permitted, person, post, sign_in};
use crate::receiver::{Manner, Receiver};
use crate::support::{Reply, Tenant, config, standing};

/// A tenant whose clock stands at noon and which may post to this machine.
pub(crate) async fn tenant() -> Tenant {
    let mut config = config();
    config.clock = standing();
    config.allow_http_webhooks = true;
    Tenant::start_with(config).await
}

pub(crate) async fn chat(tenant: &Tenant, token: &str, people: &[&str]) -> String {
    let members: Vec<Value> = people.iter().map(|one| member(&person(tenant, one))).collect();
    let body = json!({ "chatType": "group", "members": members });
    post(tenant, "/v1.0/chats", token, body).await.expect(201).text("/id").to_owned()
}

/// A subscription to a chat's messages for 45 minutes, with changes.
pub(crate) async fn subscribe(
    tenant: &Tenant,
    token: &str,
    receiver: &Receiver,
    resource: &str,
    also: Value,
) -> Reply {
    let mut body = json!({
        "changeType": "created,updated,deleted", "notificationUrl": receiver.url, "resource": resource,
        "expirationDateTime": "2026-03-01T12:45:00Z", "clientState": "secret",
    });
    body.as_object_mut().unwrap().extend(also.as_object().cloned().unwrap_or_default());
    body.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    post(tenant, "/v1.0/subscriptions", token, body).await
}

#[tokio::test]
async fn an_endpoint_that_says_the_token_back_is_subscribed() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let resource = format!("/chats/{chat}/messages");
    let url = format!("{}?client=7", receiver.url);
    let made = subscribe(&tenant, &ada, &receiver, &resource, json!({ "notificationUrl": url })).await;
    let made = made.expect(201);
    let asked = receiver.next().await;
    assert!(asked.is_validation() && asked.query.starts_with("client=7&validationToken="), "{}", asked.query);
    assert_eq!((asked.path.as_str(), asked.content_type.as_str()), ("/hook", "text/plain; charset=utf-8"));
    assert!(asked.body.is_empty());

    let id = made.text("/id").to_owned();
    let path = format!("/v1.0/subscriptions/{id}");
    assert!(made.header("location").ends_with(&path), "{}", made.header("location"));
    assert_eq!(made.text("/@odata.context"), tenant.url("/v1.0/$metadata#subscriptions/$entity"));
    assert_eq!(made.text("/creatorId"), person(&tenant, "ada"));
    assert_eq!(made.text("/applicationId"), tenant.sandbox.ready().apps.client.client_id);
    assert_eq!(made.text("/changeType"), "created,updated,deleted");
    assert_eq!(made.text("/clientState"), "secret");
    assert_eq!(made.text("/latestSupportedTlsVersion"), "v1_2");
    assert_eq!(made.text("/expirationDateTime"), "2026-03-01T12:45:00Z");
    assert!(made.json["includeResourceData"].is_null() && made.json["lifecycleNotificationUrl"].is_null());

    assert_eq!(get(&tenant, &path, &ada).await.expect(200).text("/resource"), resource);
    let listed = get(&tenant, "/v1.0/subscriptions", &ada).await.expect(200);
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 1);
    let grace = sign_in(&tenant, "grace").await;
    assert_eq!(get(&tenant, &path, &grace).await.expect(404).text("/error/code"), "ResourceNotFound");
    assert_eq!(get(&tenant, "/v1.0/subscriptions", &grace).await.expect(200).json["value"], json!([]));

    let renewed = json!({ "expirationDateTime": "2026-03-01T13:00:00Z" });
    let renewed = patch(&tenant, &path, &ada, renewed).await.expect(200);
    assert_eq!(renewed.text("/expirationDateTime"), "2026-03-01T13:00:00Z");
    post(&tenant, &format!("{path}/reauthorize"), &ada, json!({})).await.expect(204);
    delete(&tenant, &path, &ada).await.expect(204);
    delete(&tenant, &path, &ada).await.expect(404);
}

#[tokio::test]
async fn an_endpoint_that_does_not_is_not() {
    let (tenant, receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    for (manner, part) in [
        (Manner::Status(404), "HTTP status code is 'NotFound'."),
        (Manner::Status(202), "Notification endpoint must respond with 200 OK to validation request."),
        (Manner::Html, "text/plain"),
        (Manner::Wrong, "Response must exactly match validationToken query parameter."),
    ] {
        receiver.be(manner);
        let refused = subscribe(&tenant, &ada, &receiver, "me/messages", json!({})).await.expect(400);
        assert_eq!(refused.text("/error/code"), "ValidationError");
        let message = refused.text("/error/message");
        assert!(
            message.starts_with("Subscription validation request failed.") && message.contains(part),
            "{message}"
        );
    }
    assert_eq!(get(&tenant, "/v1.0/subscriptions", &ada).await.json["value"], json!([]));
}

#[tokio::test]
async fn an_endpoint_has_ten_seconds_by_the_tenants_clock() {
    let (tenant, mut receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    receiver.be(Manner::Silent);
    let clock = tenant.sandbox.control().clock().clone();
    let body = json!({
        "changeType": "created", "notificationUrl": receiver.url, "resource": "me/messages",
        "expirationDateTime": "2026-03-01T12:45:00Z",
    });
    let asking = post(&tenant, "/v1.0/subscriptions", &ada, body);
    let passing = async {
        assert!(receiver.next().await.is_validation());
        clock.advance(Duration::from_secs(11));
    };
    let (refused, ()) = tokio::join!(asking, passing);
    assert_eq!(refused.expect(400).text("/error/message"), "Subscription validation request timed out.");
}

#[tokio::test]
async fn plain_http_has_to_be_allowed() {
    let mut config = config();
    config.clock = standing();
    let (tenant, receiver) = (Tenant::start_with(config).await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let refused = subscribe(&tenant, &ada, &receiver, "me/messages", json!({})).await.expect(400);
    assert!(refused.text("/error/message").contains("--allow-http-webhooks"), "{}", refused.text);
    let also = json!({ "notificationUrl": "http://192.0.2.1/hook" });
    let refused = subscribe(&tenant, &ada, &receiver, "me/messages", also).await.expect(400);
    assert!(refused.text("/error/message").contains("loopback only"), "{}", refused.text);
}

#[tokio::test]
async fn what_a_subscription_says_has_rules() {
    let (tenant, receiver) = (tenant().await, Receiver::start().await);
    let ada = sign_in(&tenant, "ada").await;
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let messages = format!("chats/{chat}/messages");
    let long = "x".repeat(129);
    for (resource, also, code, part) in [
        ("me/messages", json!({ "changeType": null }), "InvalidRequest", "changeType is a required property"),
        ("me/messages", json!({ "changeType": "read" }), "InvalidRequest", "changeType"),
        (
            "me/messages",
            json!({ "notificationUrl": null }),
            "InvalidRequest",
            "notificationUrl is a required",
        ),
        ("me/messages", json!({ "notificationUrl": "hook" }), "InvalidRequest", "not a valid URL"),
        (
            "me/messages",
            json!({ "expirationDateTime": null }),
            "InvalidRequest",
            "expirationDateTime is a required",
        ),
        (
            "me/messages",
            json!({ "expirationDateTime": "2026-03-08T12:01:00Z" }),
            "ExtensionError",
            "10080 minutes",
        ),
        (
            &messages,
            json!({ "expirationDateTime": "2026-03-04T12:01:00Z" }),
            "ExtensionError",
            "4320 minutes",
        ),
        (
            &messages,
            json!({ "expirationDateTime": "2026-03-01T13:01:00Z" }),
            "InvalidRequest",
            "'lifecycleNotificationUrl' is a required",
        ),
        ("me/messages", json!({ "clientState": long }), "InvalidRequest", "128"),
        (
            "me/messages",
            json!({ "latestSupportedTlsVersion": "v9" }),
            "InvalidRequest",
            "latestSupportedTlsVersion",
        ),
        ("me/messages", json!({ "NotificationURL": "x" }), "InvalidRequest", "Could not process"),
        ("me/nonsense", json!({}), "InvalidRequest", "not supported"),
        ("users", json!({ "includeResourceData": true }), "InvalidRequest", "not supported"),
        (
            &messages,
            json!({ "includeResourceData": true }),
            "InvalidRequest",
            "'encryptionCertificate' is a required",
        ),
        (&messages, json!({ "encryptionCertificate": "bm9uZQ==" }), "InvalidRequest", "Certificate"),
    ] {
        let refused = subscribe(&tenant, &ada, &receiver, resource, also.clone()).await;
        let refused = if resource == "users" { refused } else { refused.expect(400) };
        if refused.status.as_u16() == 403 {
            continue;
        }
        assert_eq!(refused.text("/error/code"), code, "{also}: {}", refused.text);
        assert!(refused.text("/error/message").contains(part), "{also}: {}", refused.text);
    }
    let refused = subscribe(&tenant, &ada, &receiver, "security/alerts", json!({})).await.expect(501);
    assert_eq!(refused.text("/error/code"), "sandboxNotEmulated");
    // The floor.
    let short = json!({ "expirationDateTime": "2026-03-01T12:10:00Z" });
    let made = subscribe(&tenant, &ada, &receiver, &messages, short).await.expect(201);
    assert_eq!(made.text("/expirationDateTime"), "2026-03-01T12:45:00Z");
    // One of an app to a chat.
    let again = subscribe(&tenant, &ada, &receiver, &messages, json!({})).await.expect(403);
    assert_eq!(again.text("/error/code"), "ExtensionError");
    // Without a URL for lifecycle notifications, an hour is the longest, at first and ever after.
    let path = format!("/v1.0/subscriptions/{}", made.text("/id"));
    let longer = patch(&tenant, &path, &ada, json!({ "expirationDateTime": "2026-03-01T13:00:01Z" })).await;
    assert_eq!(longer.expect(400).text("/error/code"), "ExtensionError");
    // Expired is gone, and makes room.
    tenant.sandbox.control().clock().advance(Duration::from_secs(45 * 60));
    let late = patch(&tenant, &path, &ada, json!({ "expirationDateTime": "2026-03-01T14:00:00Z" })).await;
    assert_eq!(late.expect(404).text("/error/code"), "ResourceNotFound");
    let later = json!({ "expirationDateTime": "2026-03-01T13:45:00Z" });
    subscribe(&tenant, &ada, &receiver, &messages, later).await.expect(201);
}

#[tokio::test]
async fn an_app_subscribes_to_the_directory_a_hundred_times() {
    let (tenant, receiver) = (tenant().await, Receiver::start().await);
    let token = permitted(&tenant, &["User.Read.All"]).await;
    for _ in 0..100 {
        subscribe(&tenant, &token, &receiver, "/users", json!({})).await.expect(201);
    }
    let refused = subscribe(&tenant, &token, &receiver, "/users", json!({})).await.expect(403);
    assert_eq!(refused.text("/error/code"), "ExtensionError");
    assert!(refused.text("/error/message").contains("(100)"), "{}", refused.text);
}

#[tokio::test]
async fn who_may_not_read_may_not_subscribe() {
    let (tenant, receiver) = (tenant().await, Receiver::start().await);
    let (ada, alan) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "alan").await);
    let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
    let messages = format!("chats/{chat}/messages");
    let refused = subscribe(&tenant, &alan, &receiver, &messages, json!({})).await;
    assert!(matches!(refused.status.as_u16(), 403 | 404), "{}", refused.text);
    let tenant_wide =
        subscribe(&tenant, &ada, &receiver, "chats/getAllMessages", json!({})).await.expect(403);
    assert_eq!(tenant_wide.text("/error/code"), "Forbidden");
    let app = tenant.provisioner().await;
    subscribe(&tenant, &app, &receiver, &messages, json!({})).await.expect(403);
    subscribe(&tenant, &app, &receiver, "me/messages", json!({})).await.expect(400);
    let other = format!("users/{}/messages", person(&tenant, "grace"));
    let refused = subscribe(&tenant, &ada, &receiver, &other, json!({})).await.expect(403);
    assert_eq!(refused.text("/error/code"), "ErrorAccessDenied");
}

#[tokio::test]
async fn a_private_authority_has_to_be_named() {
    let (mut receiver, authority) = Receiver::start_tls().await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority).unwrap();
    let trusting = Config { webhook_ca: Some(file.path().to_owned()), clock: standing(), ..config() };
    let stranger = Config { clock: standing(), ..config() };
    for (config, is_trusted) in [(stranger, false), (trusting, true)] {
        let tenant = Tenant::start_with(config).await;
        let ada = sign_in(&tenant, "ada").await;
        let chat = chat(&tenant, &ada, &["ada", "grace"]).await;
        let made = subscribe(&tenant, &ada, &receiver, &format!("chats/{chat}/messages"), json!({})).await;
        if is_trusted {
            made.expect(201);
            assert!(receiver.next().await.is_validation());
            let path = format!("/v1.0/chats/{chat}/messages");
            post(&tenant, &path, &ada, json!({ "body": { "content": "hello" } })).await.expect(201);
            assert_eq!(receiver.message().await["value"][0]["changeType"], "created");
        } else {
            let refused = made.expect(400);
            assert_eq!(refused.text("/error/code"), "ValidationError");
            let words = refused.text("/error/message");
            assert!(words.contains("--webhook-ca FILE"), "{words}");
        }
    }
}

//! Throttling: the documented limits of each service, by the tenant's clock, in the words of the service that
//! refuses (Graph reference §4.1, §5.4, §6.1, §7.1).

use std::time::Duration;

use attache_sandbox::{RetryAfter, Throttling};
use http::Method;
use serde_json::{Value, json};

use crate::cast::{delete, get, member, permitted, person, post, sign_in, tenant};
use crate::mail_support::mail_tenant;
use crate::support::{Reply, Tenant};

/// With the documented limits, from now on.
fn limit(tenant: &Tenant, scale: f64) {
    tenant.sandbox.control().set_throttling(Throttling { scale, ..Throttling::documented() });
}

fn advance(tenant: &Tenant, seconds: u64) {
    tenant.sandbox.control().clock().advance(Duration::from_secs(seconds));
}

async fn chat(tenant: &Tenant, token: &str) -> String {
    let members = json!([member(&person(tenant, "ada")), member(&person(tenant, "grace"))]);
    let body = json!({ "chatType": "oneOnOne", "members": members });
    post(tenant, "/v1.0/chats", token, body).await.expect(201).text("/id").to_owned()
}

async fn say(tenant: &Tenant, token: &str, chat: &str) -> Reply {
    post(tenant, &format!("/v1.0/chats/{chat}/messages"), token, json!({ "body": { "content": "hello" } }))
        .await
}

#[tokio::test]
async fn nothing_is_limited_until_somebody_says_so() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    for _ in 0..60 {
        get(&tenant, "/v1.0/me/chats", &ada).await.expect(200);
    }
    let setting = tenant.control(Method::GET, "throttling", None).await.expect(200);
    assert_eq!(setting.json, json!({ "limits": "off", "scale": 1.0, "retry_after": "documented" }));
}

#[tokio::test]
async fn a_chat_takes_one_message_a_second_from_an_app() {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let chat = chat(&tenant, &ada).await;
    limit(&tenant, 1.0);
    say(&tenant, &ada, &chat).await.expect(201);
    let refused = say(&tenant, &grace, &chat).await.expect(429);
    assert_eq!(refused.text("/error/code"), "TooManyRequests");
    assert_eq!(refused.header("retry-after"), "1");
    advance(&tenant, 1);
    say(&tenant, &grace, &chat).await.expect(201);

    let log = tenant.sandbox.control().requests();
    let reasons: Vec<_> = log.iter().filter_map(|one| one.decision.limit.as_deref()).collect();
    assert_eq!(reasons, ["1 requests in 1 s for each app and chat, channel or team"]);
}

#[tokio::test]
async fn a_second_is_a_burst_and_a_minute_takes_five_sixths_of_it() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    limit(&tenant, 1.0);
    for _ in 0..50 {
        get(&tenant, "/v1.0/me/chats", &ada).await.expect(200);
        advance(&tenant, 1);
    }
    let refused = get(&tenant, "/v1.0/me/chats", &ada).await.expect(429);
    assert_eq!(refused.header("retry-after"), "10");
    advance(&tenant, 10);
    get(&tenant, "/v1.0/me/chats", &ada).await.expect(200);
}

#[tokio::test]
async fn teams_forgets_now_and_then_to_say_how_long_to_wait() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    limit(&tenant, 1.0);
    get(&tenant, "/v1.0/me/chats", &ada).await.expect(200);
    let mut waits = Vec::new();
    for _ in 0..8 {
        let refused = get(&tenant, "/v1.0/me/chats", &ada).await.expect(429);
        waits.push(refused.header("retry-after").to_owned());
    }
    assert_eq!(waits, ["1", "1", "1", "", "1", "1", "1", ""]);
    for (say, expected) in [(RetryAfter::Always, "1"), (RetryAfter::Never, "")] {
        let throttling = Throttling { retry_after: say, ..Throttling::documented() };
        tenant.sandbox.control().set_throttling(throttling);
        get(&tenant, "/v1.0/me/chats", &ada).await.expect(200);
        for _ in 0..4 {
            assert_eq!(
                get(&tenant, "/v1.0/me/chats", &ada).await.expect(429).header("retry-after"),
                expected
            );
        }
    }
}

#[tokio::test]
async fn a_mailbox_takes_ten_thousand_requests_in_ten_minutes_from_an_app() {
    let tenant = mail_tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    limit(&tenant, 0.001);
    for path in ["/v1.0/me/messages", "/v1.0/users/ada@contoso.example/messages"].repeat(5) {
        get(&tenant, path, &ada).await.expect(200);
    }
    advance(&tenant, 60);
    let refused = get(&tenant, "/v1.0/me/messages", &ada).await.expect(429);
    assert_eq!(refused.text("/error/code"), "ApplicationThrottled");
    assert_eq!(refused.header("retry-after"), "540");
    get(&tenant, "/v1.0/me/messages", &grace).await.expect(200);
    advance(&tenant, 540);
    get(&tenant, "/v1.0/me/messages", &ada).await.expect(200);
}

#[tokio::test]
async fn a_mailbox_answers_four_requests_of_an_app_at_the_same_time() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    limit(&tenant, 1.0);
    let control = tenant.sandbox.control();
    let hold = json!({ "path": "/v1.0/me/messages", "count": 4, "effect": { "kind": "hold_before_commit" } });
    tenant.control(Method::POST, "faults", Some(hold)).await.expect(201);
    let reads = (0..4).map(|_| {
        let request = tenant.http.get(tenant.url("/v1.0/me/messages")).bearer_auth(&ada);
        tokio::spawn(request.send())
    });
    let reads: Vec<_> = reads.collect();
    while control.held().len() < 4 {
        tokio::task::yield_now().await;
    }
    let refused = get(&tenant, "/v1.0/me/messages", &ada).await.expect(429);
    assert_eq!(refused.text("/error/message"), "Application is over its MailboxConcurrency limit.");
    for held in control.held() {
        control.release(held.id);
    }
    for read in reads {
        assert_eq!(read.await.unwrap().unwrap().status(), 200);
    }
    get(&tenant, "/v1.0/me/messages", &ada).await.expect(200);
}

#[tokio::test]
async fn the_directory_counts_resource_units_and_says_what_a_request_cost() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    limit(&tenant, 1.0);
    for (path, units) in [
        ("/v1.0/users", "2"),
        ("/v1.0/users?$select=id", "1"),
        ("/v1.0/users?$select=id&$top=5", "1"),
        ("/v1.0/users?$expand=manager", "3"),
        ("/v1.0/subscribedSkus", "3"),
        ("/v1.0/organization", "1"),
    ] {
        let reply = get(&tenant, path, &token).await.expect(200);
        assert_eq!(reply.header("x-ms-resource-unit"), units, "{path}");
        assert_eq!(reply.header("x-ms-throttle-limit-percentage"), "", "{path}");
    }
    limit(&tenant, 0.001);
    get(&tenant, "/v1.0/users", &token).await.expect(200);
    let near = get(&tenant, "/v1.0/organization", &token).await.expect(200);
    assert_eq!(near.header("x-ms-throttle-limit-percentage"), "");
    let full = get(&tenant, "/v1.0/organization", &token).await.expect(200);
    assert_eq!(full.header("x-ms-throttle-limit-percentage"), "1.00");
    let refused = get(&tenant, "/v1.0/organization", &token).await.expect(429);
    let app = &tenant.sandbox.ready().apps.provisioner.client_id;
    let id = &tenant.sandbox.ready().tenant_id;
    assert_eq!(refused.header("x-ms-throttle-scope"), format!("Tenant_Application/ReadWrite/{app}/{id}"));
    assert_eq!(refused.header("x-ms-throttle-information"), "ResourceUnitLimitExceeded");
    assert_eq!(refused.header("retry-after"), "10");
}

#[tokio::test]
async fn conditional_access_takes_one_request_a_second_and_never_says_how_long_to_wait() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Policy.Read.All"]).await;
    limit(&tenant, 1.0);
    let path = "/v1.0/identity/conditionalAccess/policies";
    get(&tenant, path, &token).await.expect(200);
    for _ in 0..4 {
        assert_eq!(get(&tenant, path, &token).await.expect(429).header("retry-after"), "");
    }
    advance(&tenant, 1);
    get(&tenant, path, &token).await.expect(200);
}

#[tokio::test]
async fn subscriptions_are_listed_less_often_than_anything_else() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    limit(&tenant, 1.0);
    for _ in 0..25 {
        get(&tenant, "/v1.0/subscriptions", &ada).await.expect(200);
    }
    get(&tenant, "/v1.0/subscriptions", &ada).await.expect(429);
    delete(&tenant, "/v1.0/subscriptions/none", &ada).await.expect(404);
    advance(&tenant, 20);
    get(&tenant, "/v1.0/subscriptions", &ada).await.expect(200);
}

#[tokio::test]
async fn a_throttled_part_of_a_batch_says_so_for_itself() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    limit(&tenant, 1.0);
    let read = |id: &str| json!({ "id": id, "method": "GET", "url": "/me/chats" });
    let batch = json!({ "requests": [read("1"), read("2")] });
    let answer = post(&tenant, "/v1.0/$batch", &ada, batch).await.expect(200);
    let responses = answer.json["responses"].as_array().unwrap();
    let of = |id: &str| responses.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!((&of("1")["status"], &of("2")["status"]), (&json!(200), &json!(429)));
    assert_eq!(of("2")["headers"]["Retry-After"], "1");
}

#[tokio::test]
async fn limits_are_set_by_the_control_api_and_go_with_a_reset() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let set = |body: Value| tenant.control(Method::POST, "throttling", Some(body));
    set(json!({ "limits": "documented", "scale": 2 })).await.expect(200);
    for status in [200, 200, 429] {
        get(&tenant, "/v1.0/me/chats", &ada).await.expect(status);
    }
    set(json!({ "limits": "documented", "scale": -1 })).await.expect(400);
    set(json!({ "limits": "some" })).await.expect(400);
    tenant.control(Method::POST, "reset", None).await.expect(200);
    let setting = tenant.control(Method::GET, "throttling", None).await.expect(200);
    assert_eq!(setting.text("/limits"), "off");
}

/// Microsoft, "Avoid getting throttled or blocked in SharePoint Online": 1,200 units a minute for an app in a tenant
/// of up to a thousand licences; here twelve.
#[tokio::test]
async fn files_are_counted_in_sharepoints_units_and_the_rest_of_the_minute_is_told_near_its_end() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let root = get(&tenant, "/v1.0/me/drive/root", &ada).await.expect(200).text("/id").to_owned();
    let left = |reply: &Reply| reply.header("ratelimit-remaining").to_owned();
    // What is said once four fifths are gone tells what each request cost.
    for (method, path, body, cost) in [
        (Method::GET, "/v1.0/me/drive/root".to_owned(), None, 1),
        (Method::GET, format!("/v1.0/me/drive/items/{root}/children"), None, 2),
        (Method::GET, "/v1.0/me/drive/root/delta".to_owned(), None, 2),
        (Method::GET, "/v1.0/me/drive/root/delta?token=latest".to_owned(), None, 1),
        (
            Method::POST,
            "/v1.0/me/drive/root/children".to_owned(),
            Some(json!({ "name": "a", "folder": {} })),
            2,
        ),
        (Method::GET, format!("/v1.0/me/drive/items/{root}/permissions"), None, 5),
        (Method::GET, "/v1.0/me/drive/root?$expand=permissions".to_owned(), None, 5),
    ] {
        limit(&tenant, 0.01);
        for _ in 0..12 - cost {
            let before = get(&tenant, "/v1.0/me/drive/root", &ada).await.expect(200);
            assert!(["", "2", "1"].contains(&left(&before).as_str()), "{}", left(&before));
        }
        let reply = tenant.graph(method, &path, &ada, body).await;
        assert!(reply.status.is_success(), "{}", reply.text);
        let told = (reply.header("ratelimit-limit"), left(&reply), reply.header("ratelimit-reset"));
        assert_eq!(told, ("12", "0".to_owned(), "60"), "{path}");
    }
    advance(&tenant, 20);
    let refused = get(&tenant, "/v1.0/me/drive/root", &ada).await.expect(429);
    assert_eq!(refused.text("/error/code"), "activityLimitReached");
    assert_eq!(refused.text("/error/innerError/code"), "throttledRequest");
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-reset")), ("40", "40"));
    // The app's other resources are not SharePoint's.
    get(&tenant, "/v1.0/me", &ada).await.expect(200);
    advance(&tenant, 40);
    get(&tenant, "/v1.0/me/drive/root", &ada).await.expect(200);
}

#[tokio::test]
async fn an_application_that_keeps_no_token_is_told_to_wait_a_minute() {
    let tenant = tenant().await;
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", crate::support::GRAPH),
    ];
    limit(&tenant, 0.003);
    for _ in 0..3 {
        tenant.token(&form).await.expect(200);
    }
    let refused = tenant.token(&form).await.expect(429);
    assert_eq!(refused.error(), ("temporarily_unavailable", 90_055));
    assert!(refused.text("/error_description").starts_with("AADSTS90055: "));
    assert_eq!(refused.header("retry-after"), "60");
    // Another application, and a person, are not that one.
    let other = [("client_id", "00000000-0000-4000-8000-00000000dead"), ("grant_type", "client_credentials")];
    assert_ne!(tenant.token(&other).await.status.as_u16(), 429);
    sign_in(&tenant, "ada").await;
    let rows = tenant.sandbox.control().requests();
    assert!(rows.iter().any(|one| one.decision.aadsts == Some(90_055) && one.decision.limit.is_some()));
    advance(&tenant, 60);
    tenant.token(&form).await.expect(200);
    let throttling = Throttling { scale: 0.001, retry_after: RetryAfter::Never, ..Throttling::documented() };
    tenant.sandbox.control().set_throttling(throttling);
    tenant.token(&form).await.expect(200);
    assert_eq!(tenant.token(&form).await.expect(429).header("retry-after"), "");
}

//! Presence: sessions of apps, the user's own word, status messages (Entra reference §5.5).

use std::time::Duration;

use serde_json::{Value, json};

use crate::cast::{get, person, post, tenant};
use crate::granted::{app_with, sign_in_with};

const APP: &str = "22553876-f5ab-4529-bffb-cfe50aa89f87";

#[tokio::test]
async fn sessions_fade_expire_and_yield_to_the_user() {
    let tenant = tenant().await;
    let ada = sign_in_with(&tenant, "ada", "Presence.Read.All Presence.ReadWrite").await;
    let path = format!("/v1.0/users/{}/presence", person(&tenant, "ada"));
    let now = async || {
        let read = get(&tenant, "/v1.0/me/presence", &ada).await.expect(200);
        format!("{}/{}", read.text("/availability"), read.text("/activity"))
    };
    let set = async |action: &str, body: Value| post(&tenant, &format!("{path}/{action}"), &ada, body).await;
    let pass = |minutes: u64| tenant.sandbox.control().clock().advance(Duration::from_secs(60 * minutes));
    assert_eq!(now().await, "Offline/Offline");
    let session = json!({
        "sessionId": APP, "availability": "Available", "activity": "Available", "expirationDuration": "PT30M",
    });
    let answer = set("setPresence", session.clone()).await.expect(200);
    assert!(answer.text.is_empty());
    assert_eq!(now().await, "Available/Available");
    let preferred = json!({
        "availability": "DoNotDisturb", "activity": "DoNotDisturb", "expirationDuration": "PT3M",
    });
    set("setUserPreferredPresence", preferred.clone()).await.expect(200);
    assert_eq!(now().await, "DoNotDisturb/DoNotDisturb");
    pass(3);
    assert_eq!(now().await, "Available/Available");
    pass(2);
    assert_eq!(now().await, "AvailableIdle/AvailableInactive");
    pass(5);
    assert_eq!(now().await, "Away/Away");
    pass(20);
    assert_eq!(now().await, "Offline/Offline");

    let mut call = session.clone();
    call["availability"] = json!("Busy");
    call["activity"] = json!("InACall");
    call["sessionId"] = json!(person(&tenant, "grace"));
    set("setPresence", session.clone()).await.expect(200);
    set("setPresence", call.clone()).await.expect(200);
    assert_eq!(now().await, "Busy/InACall");
    set("clearPresence", json!({ "sessionId": call["sessionId"] })).await.expect(200);
    set("clearPresence", json!({ "sessionId": call["sessionId"] })).await.expect(404);
    assert_eq!(now().await, "Available/Available");
    set("setUserPreferredPresence", preferred).await.expect(200);
    set("clearUserPreferredPresence", json!({})).await.expect(200);
    assert_eq!(now().await, "Available/Available");
    for (name, value) in [
        ("expirationDuration", "PT4M"),
        ("expirationDuration", "PT241M"),
        ("expirationDuration", "soon"),
        ("availability", "Busy"),
        ("activity", "Busy"),
        ("sessionId", "me"),
    ] {
        let mut bad = session.clone();
        bad[name] = json!(value);
        set("setPresence", bad).await.expect(400);
    }
}

#[tokio::test]
async fn people_set_their_own_presence_and_read_that_of_others() {
    let tenant = tenant().await;
    let ada = sign_in_with(&tenant, "ada", "Presence.Read Presence.ReadWrite").await;
    let app = app_with(&tenant, &["Presence.ReadWrite.All"]).await;
    let of = |user: &str| format!("/v1.0/users/{}/presence", person(&tenant, user));
    let until = json!({ "dateTime": "2026-03-01T12:30:00", "timeZone": "UTC" });
    let status = json!({ "statusMessage": {
        "message": { "content": "At lunch", "contentType": "text" }, "expiryDateTime": until,
    } });
    post(&tenant, "/v1.0/me/presence/setStatusMessage", &ada, status.clone()).await.expect(200);
    post(&tenant, &format!("{}/setStatusMessage", of("grace")), &ada, status.clone()).await.expect(403);
    post(&tenant, &format!("{}/setStatusMessage", of("grace")), &app, status).await.expect(200);
    let read = get(&tenant, &of("grace"), &app).await.expect(200);
    assert_eq!(read.text("/statusMessage/message/content"), "At lunch");
    assert_eq!(read.text("/statusMessage/expiryDateTime/dateTime"), "2026-03-01T12:30:00.0000000");
    get(&tenant, &of("grace"), &ada).await.expect(403);
    let same = format!("/v1.0/communications/presences/{}", person(&tenant, "grace"));
    assert_eq!(get(&tenant, &same, &app).await.expect(200).json["id"], read.json["id"]);
    tenant.sandbox.control().clock().advance(Duration::from_secs(1800));
    assert_eq!(get(&tenant, &of("grace"), &app).await.expect(200).json["statusMessage"], Value::Null);

    let many = "/v1.0/communications/getPresencesByUserId";
    let nobody = "00000000-0000-4000-8000-00000000dead";
    let ids = json!({ "ids": [person(&tenant, "ada"), nobody] });
    let both = post(&tenant, many, &app, ids).await.expect(200);
    assert_eq!(both.text("/value/0/availability"), "Offline");
    assert_eq!(both.text("/value/1/availability"), "PresenceUnknown");
    for bad in [json!([]), json!(["x"]), json!(vec![nobody; 651])] {
        post(&tenant, many, &app, json!({ "ids": bad })).await.expect(400);
    }
}

//! Mail to groups: distribution lists hand it to their members, Microsoft 365 groups keep it and hand it to those
//! who subscribed.

use http::Method;
use serde_json::{Value, json};

use crate::cast::{get, patch, permitted, person, post};
use crate::mail_support::{both, consent, folder, inject, letter, mail_tenant, send};
use crate::support::Tenant;

const LISTS: &str = r#"
[[groups]]
name = "Engine"
kind = "distribution"
members = ["grace"]

[[groups]]
name = "Everybody"
kind = "distribution"
members = ["Engine", "ada", "grace"]
external = true
"#;

async fn subjects(tenant: &Tenant, token: &str) -> Vec<String> {
    let text = |message: &Value| message["subject"].as_str().unwrap().to_owned();
    folder(tenant, token, "inbox").await.iter().map(text).collect()
}

#[tokio::test]
async fn a_distribution_list_hands_mail_to_its_members_and_those_of_lists_in_it_once() {
    let tenant = mail_tenant().await;
    tenant.sandbox.control().plant(LISTS).unwrap();
    let (ada, grace) = both(&tenant).await;
    send(&tenant, &ada, letter("to all", &["everybody@contoso.example", "Engine@contoso.example"]))
        .await
        .expect(202);
    assert_eq!(subjects(&tenant, &ada).await, ["to all"]);
    assert_eq!(subjects(&tenant, &grace).await, ["to all"]);
    let arrived = &folder(&tenant, &grace, "inbox").await[0];
    assert_eq!(arrived["toRecipients"][0]["emailAddress"]["address"], "everybody@contoso.example");
    assert_eq!(arrived["toRecipients"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn who_is_outside_writes_only_to_groups_that_take_it() {
    let tenant = mail_tenant().await;
    tenant.sandbox.control().plant(LISTS).unwrap();
    let (ada, grace) = both(&tenant).await;
    let from_outside =
        |to: &str| json!({ "from": "mary@elsewhere.example", "to": to, "subject": to, "text": "hello" });
    inject(&tenant, from_outside("everybody@contoso.example")).await.expect(201);
    assert_eq!(inject(&tenant, from_outside("engine@contoso.example")).await.status.as_u16(), 422);
    assert_eq!(subjects(&tenant, &grace).await, ["everybody@contoso.example"]);
    assert_eq!(subjects(&tenant, &ada).await, ["everybody@contoso.example"]);
}

#[tokio::test]
async fn a_microsoft_365_group_hands_mail_to_members_who_subscribed() {
    let tenant = mail_tenant().await;
    consent(&tenant, &format!("{} Group.ReadWrite.All", crate::mail_support::SCOPES)).await;
    let (ada, grace) = both(&tenant).await;
    let admin = permitted(&tenant, &["Group.ReadWrite.All"]).await;
    let bind = |name: &str| format!("https://graph.microsoft.com/v1.0/users/{}", person(&tenant, name));
    let body = json!({
        "displayName": "Notes", "mailNickname": "notes", "mailEnabled": true, "securityEnabled": false,
        "groupTypes": ["Unified"], "members@odata.bind": [bind("ada"), bind("grace")],
    });
    let made = post(&tenant, "/v1.0/groups", &admin, body).await.expect(201);
    let path = format!("/v1.0/groups/{}", made.text("/id"));
    let write = async |subject: &str| {
        send(&tenant, &ada, letter(subject, &["notes@contoso.example"])).await.expect(202);
    };
    write("nobody subscribed").await;
    assert!(subjects(&tenant, &grace).await.is_empty());

    post(&tenant, &format!("{path}/subscribeByMail"), &grace, Value::Null).await.expect(204);
    let select = format!("{path}?$select=id,isSubscribedByMail,autoSubscribeNewMembers,allowExternalSenders");
    let shown = get(&tenant, &select, &grace).await.expect(200);
    assert_eq!(
        (&shown.json["isSubscribedByMail"], &shown.json["autoSubscribeNewMembers"]),
        (&json!(true), &json!(false))
    );
    write("grace subscribed").await;
    assert_eq!(subjects(&tenant, &grace).await, ["grace subscribed"]);
    assert!(subjects(&tenant, &ada).await.is_empty());

    patch(&tenant, &path, &admin, json!({ "autoSubscribeNewMembers": true })).await.expect(204);
    post(&tenant, &format!("{path}/unsubscribeByMail"), &grace, Value::Null).await.expect(204);
    write("everybody else").await;
    assert_eq!(subjects(&tenant, &grace).await, ["grace subscribed"]);
    assert_eq!(subjects(&tenant, &ada).await, ["everybody else"]);
}

#[tokio::test]
async fn a_group_for_members_only_sends_a_report_to_anybody_else() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let admin = permitted(&tenant, &["Group.ReadWrite.All"]).await;
    let body = json!({
        "displayName": "Closed", "mailNickname": "closed", "mailEnabled": true, "securityEnabled": false,
        "groupTypes": ["Unified"],
        "resourceBehaviorOptions": ["AllowOnlyMembersToPost", "SubscribeNewGroupMembers"],
        "members@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{}", person(&tenant, "grace"))],
    });
    tenant.graph(Method::POST, "/v1.0/groups", &admin, Some(body)).await.expect(201);
    send(&tenant, &ada, letter("let me in", &["closed@contoso.example"])).await.expect(202);
    let report = &folder(&tenant, &ada, "inbox").await[0];
    assert_eq!(report["subject"], "Undeliverable: let me in");
    assert!(report["body"]["content"].as_str().unwrap().contains("5.7.124"), "{report}");
    send(&tenant, &grace, letter("one of us", &["closed@contoso.example"])).await.expect(202);
    assert_eq!(subjects(&tenant, &grace).await, ["one of us"]);
}

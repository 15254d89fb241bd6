//! Delivery on the clock: rates, lag, reports of non-delivery, mailboxes that are not there (Graph reference §4.1).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::cast::{get, patch, person, post, sign_in};
use crate::granted::app_with;
use crate::mail_support::{folder, header, letter, mail_tenant, send, spool, to};

#[tokio::test]
async fn the_thirty_first_message_of_a_minute_leaves_in_the_next() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    for at in 0..32 {
        send(&tenant, &ada, letter(&format!("n{at}"), &["out@outside.example"])).await.expect(202);
    }
    assert_eq!(spool(&tenant).await.len(), 30);
    assert_eq!(folder(&tenant, &ada, "sentitems").await.len(), 30);
    let draft =
        post(&tenant, "/v1.0/me/messages", &ada, letter("late", &["out@outside.example"])).await.expect(201);
    post(&tenant, &format!("/v1.0/me/messages/{}/send", draft.text("/id")), &ada, json!({}))
        .await
        .expect(202);
    assert_eq!(folder(&tenant, &ada, "outbox").await.len(), 1);
    tenant.sandbox.control().clock().advance(Duration::from_secs(60));
    assert_eq!(spool(&tenant).await.len(), 33);
    assert_eq!(folder(&tenant, &ada, "outbox").await.len(), 0);
}

#[tokio::test]
async fn a_days_recipients_are_counted() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let many: Vec<String> = (0..500).map(|at| format!("u{at}@outside.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for _ in 0..20 {
        send(&tenant, &ada, letter("x", &many)).await.expect(202);
    }
    let refused = send(&tenant, &ada, letter("x", &["a@outside.example"])).await.expect(403);
    assert_eq!(refused.text("/error/code"), "ErrorExceededMessageLimit");
    tenant.sandbox.control().clock().advance(Duration::from_secs(24 * 3600 + 1));
    let ada = sign_in(&tenant, "ada").await;
    send(&tenant, &ada, letter("x", &["a@outside.example"])).await.expect(202);
}

#[tokio::test]
async fn mail_to_nobody_comes_back_as_a_report_after_its_lag() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    tenant
        .control(Method::POST, "lag", Some(json!({ "profile": "typical", "scale": 1.0 })))
        .await
        .expect(200);
    send(&tenant, &ada, letter("Lost", &["nobody@contoso.example"])).await.expect(202);
    assert_eq!(folder(&tenant, &ada, "sentitems").await.len(), 0, "it is still on its way");
    tenant.sandbox.control().clock().advance(Duration::from_secs(2));
    assert_eq!(folder(&tenant, &ada, "sentitems").await.len(), 1);
    assert_eq!(folder(&tenant, &ada, "inbox").await.len(), 0);
    tenant.sandbox.control().clock().advance(Duration::from_secs(5));
    let report = folder(&tenant, &ada, "inbox").await[0].clone();
    let sent = folder(&tenant, &ada, "sentitems").await[0].clone();
    assert_eq!(report["subject"], "Undeliverable: Lost");
    assert_eq!(report["from"]["emailAddress"]["name"], "Microsoft Outlook");
    assert!(header(&report, "Content-Type").unwrap().starts_with("multipart/report"));
    assert_eq!(header(&report, "In-Reply-To"), sent["internetMessageId"].as_str());
    assert_eq!(report["conversationId"], sent["conversationId"]);
    assert!(report["body"]["content"].as_str().unwrap().contains("550 5.1.10"));
    let path = format!("/v1.0/me/messages/{}", report["id"].as_str().unwrap());
    let mime = get(&tenant, &format!("{path}/$value"), &ada).await.expect(200);
    for part in [
        "report-type=\"delivery-status\"",
        "Final-Recipient: rfc822;nobody@contoso.example",
        "Status: 5.1.10",
    ] {
        assert!(mime.text.contains(part), "{part} in {}", mime.text);
    }
    let attached = get(&tenant, &format!("{path}/attachments"), &ada).await.expect(200);
    assert_eq!(attached.text("/value/0/@odata.type"), "#microsoft.graph.itemAttachment");
    assert_eq!(attached.text("/value/0/name"), "Lost");

    // Nobody has set what kind of message it is, and clients ask for it.
    let of_class = async |id: &str, class: &str| {
        let id = format!("ep/id eq '{id}' and ep/value eq '{class}'");
        let query = format!("$filter=singleValueExtendedProperties/any(ep: {id})&$select=subject");
        let found = get(&tenant, &format!("/v1.0/me/messages?{query}"), &ada).await.expect(200);
        let subjects = found.json["value"].as_array().unwrap().iter().map(|one| one["subject"].clone());
        subjects.collect::<Vec<Value>>()
    };
    assert_eq!(of_class("String 0x001A", "IPM.Note").await, ["Lost"]);
    assert_eq!(of_class("String 0x1a", "REPORT.IPM.Note.NDR").await, ["Undeliverable: Lost"]);
    let expand = "$expand=singleValueExtendedProperties($filter=id eq 'String 0x001a')";
    let shown = get(&tenant, &format!("{path}?{expand}"), &ada).await.expect(200);
    assert_eq!(shown.text("/singleValueExtendedProperties/0/value"), "REPORT.IPM.Note.NDR");
}

#[tokio::test]
async fn a_mailbox_is_there_once_it_is_licensed() {
    let tenant = mail_tenant().await;
    let app = app_with(&tenant, &["Mail.Send", "Mail.ReadWrite", "User.ReadWrite.All"]).await;
    let body = json!({
        "accountEnabled": true, "displayName": "New", "mailNickname": "new", "usageLocation": "DE",
        "userPrincipalName": "new@contoso.example", "passwordProfile": { "password": "A-long-password-1!" },
    });
    let id = post(&tenant, "/v1.0/users", &app, body).await.expect(201).text("/id").to_owned();
    let path = format!("/v1.0/users/{id}/messages");
    let refused = get(&tenant, &path, &app).await.expect(404);
    assert_eq!(refused.text("/error/code"), "MailboxNotEnabledForRESTAPI");
    assert_eq!(
        refused.text("/error/message"),
        "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
    );
    let licence = json!({ "addLicenses": [{ "skuId": crate::cast::BUSINESS_BASIC }], "removeLicenses": [] });
    post(&tenant, &format!("/v1.0/users/{id}/assignLicense"), &app, licence).await.expect(200);
    get(&tenant, &path, &app).await.expect(200);
    let from = format!("/v1.0/users/{}/sendMail", person(&tenant, "ada"));
    let message = json!({ "message": { "subject": "x", "toRecipients": to(&["new@contoso.example"]) } });
    post(&tenant, &from, &app, message).await.expect(202);
    assert_eq!(get(&tenant, &path, &app).await.expect(200).json["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_mailbox_takes_a_third_of_its_hour_from_one_sender() {
    let tenant = mail_tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let inject = async |from: &str| {
        let letter =
            json!({ "from": from, "to": "grace@contoso.example", "subject": "Again", "text": "again" });
        tenant.control(Method::POST, "mail", Some(letter)).await
    };
    for _ in 0..1_200 {
        inject("loud@outside.example").await.expect(201);
    }
    let refused = inject("loud@outside.example").await.expect(422);
    assert!(refused.text.contains("5.2.121"), "{}", refused.text);
    inject("quiet@outside.example").await.expect(201);
    // A colleague is somebody else still, and the next hour is another.
    send(&tenant, &ada, letter("Hello", &["grace@contoso.example"])).await.expect(202);
    let path = "/v1.0/me/mailFolders/inbox/messages?$filter=subject eq 'Hello'";
    assert_eq!(get(&tenant, path, &grace).await.expect(200).json["value"].as_array().unwrap().len(), 1);
    tenant.sandbox.control().clock().advance(Duration::from_secs(3_600));
    inject("loud@outside.example").await.expect(201);
}

#[tokio::test]
async fn who_writes_to_too_many_outside_gets_a_report() {
    let tenant = mail_tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let outside =
        |count: usize| -> Vec<String> { (0..count).map(|at| format!("u{at}@outside.example")).collect() };
    let write = async |token: &str, count: usize| {
        let outside = outside(count);
        let outside: Vec<&str> = outside.iter().map(String::as_str).collect();
        send(&tenant, token, letter("News", &outside)).await.expect(202);
    };
    // Three licences: 500 × 3^0.7 + 9,500 recipients a day.
    for _ in 0..20 {
        write(&ada, 500).await;
    }
    write(&grace, 500).await;
    write(&grace, 78).await;
    assert!(folder(&tenant, &grace, "inbox").await.is_empty());
    write(&grace, 1).await;
    let report = folder(&tenant, &grace, "inbox").await[0].clone();
    assert_eq!(report["subject"], "Undeliverable: News");
    assert!(report["body"]["content"].as_str().unwrap().contains("5.7.233"), "{report}");
    tenant.sandbox.control().clock().advance(Duration::from_secs(24 * 3600 + 1));
    let grace = sign_in(&tenant, "grace").await;
    write(&grace, 1).await;
    assert_eq!(folder(&tenant, &grace, "inbox").await.len(), 1, "the next day it goes");

    // Whoever writes from the initial domain has a hundred.
    let admin = app_with(&tenant, &["User.ReadWrite.All"]).await;
    let path = format!("/v1.0/users/{}", person(&tenant, "grace"));
    let renamed = json!({ "userPrincipalName": "grace@contoso.onmicrosoft.com", "mail": "grace@contoso.onmicrosoft.com" });
    patch(&tenant, &path, &admin, renamed).await.expect(204);
    write(&grace, 99).await;
    assert_eq!(folder(&tenant, &grace, "inbox").await.len(), 1);
    write(&grace, 1).await;
    let report = folder(&tenant, &grace, "inbox").await[0].clone();
    assert!(report["body"]["content"].as_str().unwrap().contains("5.7.236"), "{report}");
}

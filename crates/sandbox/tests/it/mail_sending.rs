//! Sending: as JSON and as MIME, drafts, answers, forwards, and who may be in `from` (Graph reference §4.1, §4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

use crate::cast::{get, patch, person, post, sign_in};
use crate::granted::app_with;
use crate::mail_support::{both, folder, header, letter, mail_tenant, send, spool, to};
use crate::support::{Reply, Tenant};

async fn mime(tenant: &Tenant, path: &str, token: &str, body: &str) -> Reply {
    let request = tenant.http.post(tenant.url(path)).bearer_auth(token).header("content-type", "text/plain");
    tenant.send(request.body(body.to_owned())).await
}

#[tokio::test]
async fn what_is_sent_is_accepted_kept_and_delivered() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let mut message = letter("Plans", &["grace@contoso.example"]);
    message["bccRecipients"] = to(&["alan@contoso.example"]);
    message["internetMessageHeaders"] = json!([{ "name": "x-run", "value": "7" }]);
    message["importance"] = json!("High");
    let sent = send(&tenant, &ada, message).await.expect(202);
    assert_eq!((sent.text.as_str(), sent.header("content-length")), ("", "0"));

    let mine = &folder(&tenant, &ada, "sentitems").await[0];
    assert_eq!(mine["bccRecipients"][0]["emailAddress"]["address"], "alan@contoso.example");
    assert_eq!((&mine["isRead"], &mine["isDraft"]), (&json!(true), &json!(false)));
    let theirs = &folder(&tenant, &grace, "inbox").await[0];
    assert_eq!(
        theirs["from"]["emailAddress"],
        json!({ "name": "Ada Lovelace", "address": "ada@contoso.example" })
    );
    assert_eq!(theirs["toRecipients"][0]["emailAddress"]["name"], "Grace Hopper");
    assert_eq!(theirs["bccRecipients"], json!([]));
    assert_eq!((&theirs["isRead"], &theirs["importance"]), (&json!(false), &json!("high")));
    assert_eq!(theirs["bodyPreview"], "hello");
    assert_eq!(theirs["internetMessageId"], mine["internetMessageId"]);
    assert_eq!(header(theirs, "x-run"), Some("7"));
    assert_eq!(header(theirs, "X-MS-Exchange-Organization-AuthAs"), Some("Internal"));
    assert_eq!(header(theirs, "Message-ID"), theirs["internetMessageId"].as_str());
    let alan = sign_in(&tenant, "alan").await;
    assert_eq!(folder(&tenant, &alan, "inbox").await.len(), 1);

    // Names of parameters are read in any case, and nothing is kept on request.
    let body =
        json!({ "Message": letter("Quiet", &["grace+tag@contoso.example"]), "SaveToSentItems": "false" });
    post(&tenant, "/v1.0/me/microsoft.graph.sendMail", &ada, body).await.expect(202);
    assert_eq!(folder(&tenant, &ada, "sentitems").await.len(), 1);
    let inbox = folder(&tenant, &grace, "inbox").await;
    assert_eq!(inbox.len(), 2);
    assert!(
        inbox
            .iter()
            .any(|one| one["toRecipients"][0]["emailAddress"]["address"] == "grace+tag@contoso.example")
    );
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_in_exchanges_words() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let with = |name: &str, value: serde_json::Value| {
        let mut message = letter("x", &["grace@contoso.example"]);
        message[name] = value;
        message
    };
    let headers = |count: usize| -> serde_json::Value {
        (0..count).map(|at| json!({ "name": format!("x-{at}"), "value": "1" })).collect()
    };
    let many: Vec<String> = (0..501).map(|at| format!("u{at}@outside.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (message, code) in [
        (letter("x", &[]), "ErrorInvalidRecipients"),
        (letter("x", &["nonsense"]), "ErrorInvalidRecipients"),
        (letter("x", &many), "ErrorInvalidRecipients"),
        (
            with("internetMessageHeaders", json!([{ "name": "In-Reply-To", "value": "x" }])),
            "InvalidInternetMessageHeader",
        ),
        (with("internetMessageHeaders", headers(6)), "InvalidInternetMessageHeaderCollection"),
        (with("importance", json!("huge")), "RequestBodyRead"),
        (with("body", json!({ "contentType": "rtf", "content": "x" })), "RequestBodyRead"),
        (with("nonsense", json!(1)), "RequestBodyRead"),
    ] {
        let refused = send(&tenant, &ada, message).await.expect(400);
        assert_eq!(refused.text("/error/code"), code, "{}", refused.text);
    }
    send(&tenant, &ada, with("internetMessageHeaders", headers(5))).await.expect(202);
    post(&tenant, "/v1.0/me/sendMail", &ada, json!({})).await.expect(400);
    let refused = mime(&tenant, "/v1.0/me/sendMail", &ada, "%%%").await.expect(400);
    assert_eq!(refused.text("/error/code"), "ErrorMimeContentInvalidBase64String");
    assert_eq!(refused.text("/error/message"), "Invalid base64 string for MIME content.");
}

#[tokio::test]
async fn mime_is_sent_as_it_is() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let text = "From: Ada <ada@contoso.example>\r\nTo: grace@contoso.example\r\nBcc: out@outside.example\r\n\
        Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\nX-Own: 1\r\nMIME-Version: 1.0\r\nContent-Type: multipart/alternative; \
        boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n\
        <p>rich</p>\r\n--b--\r\n";
    mime(&tenant, "/v1.0/me/sendMail", &ada, &STANDARD.encode(text)).await.expect(202);
    let got = &folder(&tenant, &grace, "inbox").await[0];
    assert_eq!((got["subject"].as_str(), header(got, "x-own")), (Some("Grüße"), Some("1")));
    assert_eq!(got["body"]["contentType"], "html");
    let path = format!("/v1.0/me/messages/{}/$value", got["id"].as_str().unwrap());
    let value = get(&tenant, &path, &grace).await.expect(200);
    assert!(value.text.contains("X-Own: 1\r\n") && value.text.contains("--b--"), "{}", value.text);
    assert!(!value.text.contains("out@outside.example"), "{}", value.text);
    let outside = &spool(&tenant).await[0];
    assert_eq!(outside["to"], json!(["out@outside.example"]));

    // A draft may be MIME too.
    let draft = mime(&tenant, "/v1.0/me/messages", &ada, &STANDARD.encode(text)).await.expect(201);
    assert_eq!((draft.text("/subject"), &draft.json["isDraft"]), ("Grüße", &json!(true)));
}

#[tokio::test]
async fn a_draft_is_changed_and_sent() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let draft = post(&tenant, "/v1.0/me/messages", &ada, letter("First", &["grace@contoso.example"]))
        .await
        .expect(201);
    assert_eq!(draft.text("/body/contentType"), "text");
    assert!(draft.header("location").contains("/messages/"));
    let path = format!("/v1.0/me/messages/{}", draft.text("/id"));
    let changed = patch(&tenant, &path, &ada, json!({ "subject": "Second", "categories": ["Red category"] }))
        .await
        .expect(200);
    assert_eq!((changed.text("/subject"), changed.text("/categories/0")), ("Second", "Red category"));
    assert_ne!(changed.text("/changeKey"), draft.text("/changeKey"));
    assert_eq!(changed.text("/@odata.etag"), format!("W/\"{}\"", changed.text("/changeKey")));

    let stale =
        tenant.http.patch(tenant.url(&path)).bearer_auth(&ada).header("if-match", draft.text("/@odata.etag"));
    let refused = tenant.send(stale.json(&json!({ "subject": "x" }))).await.expect(412);
    assert_eq!(refused.text("/error/code"), "ErrorIrresolvableConflict");

    let sent = post(&tenant, &format!("{path}/send"), &ada, json!({})).await.expect(202);
    assert_eq!(sent.text, "");
    assert_eq!(folder(&tenant, &ada, "drafts").await.len(), 0);
    let kept = &folder(&tenant, &ada, "sentitems").await[0];
    assert_eq!((&kept["subject"], &kept["isDraft"]), (&json!("Second"), &json!(false)));
    assert_ne!(kept["id"], draft.json["id"], "an ordinary id names the place");
    get(&tenant, &path, &ada).await.expect(404);
    assert_eq!(
        folder(&tenant, &grace, "inbox").await[0]["internetMessageId"],
        draft.json["internetMessageId"]
    );
    let again = format!("/v1.0/me/messages/{}/send", kept["id"].as_str().unwrap());
    post(&tenant, &again, &ada, json!({})).await.expect(400);
    let refused =
        patch(&tenant, &again.replace("/send", ""), &ada, json!({ "toRecipients": [] })).await.expect(400);
    assert_eq!(refused.text("/error/code"), "ErrorInvalidPropertySet");
}

#[tokio::test]
async fn answers_stay_in_the_thread() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let mut message = letter("Plans", &["grace@contoso.example", "alan@contoso.example"]);
    message["ccRecipients"] = to(&["out@outside.example"]);
    send(&tenant, &ada, message).await.expect(202);
    let got = folder(&tenant, &grace, "inbox").await[0].clone();
    let path = format!("/v1.0/me/messages/{}", got["id"].as_str().unwrap());

    let both = json!({ "comment": "a", "message": { "body": { "contentType": "text", "content": "b" } } });
    post(&tenant, &format!("{path}/reply"), &grace, both).await.expect(400);
    post(&tenant, &format!("{path}/reply"), &grace, json!({ "comment": "Fine" })).await.expect(202);
    let reply = &folder(&tenant, &ada, "inbox").await[0];
    assert_eq!(reply["subject"], "RE: Plans");
    assert_eq!(header(reply, "In-Reply-To"), got["internetMessageId"].as_str());
    assert!(header(reply, "References").unwrap().contains(got["internetMessageId"].as_str().unwrap()));
    let sent = &folder(&tenant, &ada, "sentitems").await[0];
    assert_eq!(reply["conversationId"], sent["conversationId"]);
    assert!(
        reply["conversationIndex"].as_str().unwrap().len()
            > sent["conversationIndex"].as_str().unwrap().len()
    );
    assert!(reply["body"]["content"].as_str().unwrap().contains("hello"));
    assert!(reply["uniqueBody"]["content"].as_str().unwrap().contains("Fine"));
    assert!(!reply["uniqueBody"]["content"].as_str().unwrap().contains("Subject"));

    let all = post(&tenant, &format!("{path}/createReplyAll"), &grace, json!({})).await.expect(201);
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array()
            .unwrap()
            .iter()
            .map(|one| one["emailAddress"]["address"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&all.json["toRecipients"]), ["ada@contoso.example", "alan@contoso.example"]);
    assert_eq!(names(&all.json["ccRecipients"]), ["out@outside.example"]);
    assert_eq!(all.json["isDraft"], true);

    let body = json!({ "comment": "See", "toRecipients": to(&["alan@contoso.example"]) });
    post(&tenant, &format!("{path}/forward"), &grace, body).await.expect(202);
    let alan = sign_in(&tenant, "alan").await;
    assert_eq!(
        folder(&tenant, &alan, "inbox").await.iter().filter(|one| one["subject"] == "FW: Plans").count(),
        1
    );
    let twice =
        json!({ "toRecipients": to(&["a@b.example"]), "message": { "toRecipients": to(&["a@b.example"]) } });
    post(&tenant, &format!("{path}/forward"), &grace, twice).await.expect(400);
    post(&tenant, &format!("{path}/forward"), &grace, json!({ "comment": "nobody" })).await.expect(400);
}

#[tokio::test]
async fn only_who_has_the_right_sends_as_another() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let from = |address: &str| {
        let mut message = letter("x", &["alan@contoso.example"]);
        message["from"] = json!({ "emailAddress": { "address": address } });
        message
    };
    for other in ["grace@contoso.example", "someone@outside.example", "nobody@contoso.example"] {
        let refused = send(&tenant, &ada, from(other)).await.expect(403);
        assert_eq!(refused.text("/error/code"), "ErrorSendAsDenied", "{other}");
    }
    send(&tenant, &ada, from("ADA@contoso.example")).await.expect(202);
    let grace_id = person(&tenant, "grace");
    let theirs = format!("/v1.0/users/{grace_id}/sendMail");
    let refused =
        post(&tenant, &theirs, &ada, json!({ "message": letter("x", &["a@b.example"]) })).await.expect(403);
    assert_eq!(refused.text("/error/code"), "ErrorAccessDenied");

    let right = |access: &str| json!({ "mailbox": "grace@contoso.example", "delegate": "ada@contoso.example", "access": access });
    tenant.control(Method::POST, "mail/rights", Some(right("sendOnBehalf"))).await.expect(201);
    send(&tenant, &ada, from("grace@contoso.example")).await.expect(202);
    let alan = sign_in(&tenant, "alan").await;
    let addresses = async || {
        let got = &folder(&tenant, &alan, "inbox").await;
        let newest = got.iter().max_by_key(|one| one["id"].as_str().unwrap().to_owned()).unwrap().clone();
        (
            newest["from"]["emailAddress"]["address"].clone(),
            newest["sender"]["emailAddress"]["address"].clone(),
        )
    };
    assert_eq!(addresses().await, (json!("grace@contoso.example"), json!("ada@contoso.example")));
    tenant.control(Method::POST, "mail/rights", Some(right("sendAs"))).await.expect(201);
    post(&tenant, &theirs, &ada, json!({ "message": letter("x", &["alan@contoso.example"]) }))
        .await
        .expect(202);
    assert_eq!(addresses().await, (json!("grace@contoso.example"), json!("grace@contoso.example")));
    assert_eq!(folder(&tenant, &grace, "sentitems").await.len(), 1, "it is kept where the path says");

    // An app may use any mailbox, and no other name in it.
    let app = app_with(&tenant, &["Mail.Send"]).await;
    post(&tenant, &theirs, &app, json!({ "message": letter("x", &["alan@contoso.example"]) }))
        .await
        .expect(202);
    let body = json!({ "message": from("ada@contoso.example") });
    assert_eq!(post(&tenant, &theirs, &app, body).await.expect(403).text("/error/code"), "ErrorSendAsDenied");
}

#[tokio::test]
async fn large_files_come_in_pieces() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let draft =
        post(&tenant, "/v1.0/me/messages", &ada, letter("Big", &["grace@contoso.example"])).await.expect(201);
    let path = format!("/v1.0/me/messages/{}/attachments", draft.text("/id"));
    let small = json!({ "AttachmentItem": { "attachmentType": "file", "name": "a", "size": 10 } });
    let refused = post(&tenant, &format!("{path}/createUploadSession"), &ada, small).await.expect(400);
    assert_eq!(refused.text("/error/code"), "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize");

    let bytes: Vec<u8> = (0..3_500_000_u32).map(|at| (at % 251) as u8).collect();
    let item = json!({ "AttachmentItem": { "attachmentType": "file", "name": "big.bin", "size": bytes.len(), "contentType": "application/x-big" } });
    let session = post(&tenant, &format!("{path}/createUploadSession"), &ada, item).await.expect(201);
    assert_eq!(session.json["nextExpectedRanges"], json!(["0-"]));
    let url = session.text("/uploadUrl").to_owned();
    let put = async |from: usize, to: usize| {
        let range = format!("bytes {from}-{}/{}", to - 1, bytes.len());
        // A token that comes along is not looked at.
        let put = tenant.http.put(&url).bearer_auth("x").header("content-range", range);
        tenant.send(put.body(bytes[from..to].to_vec())).await
    };
    put(5, 10).await.expect(416);
    let more = put(0, 2_000_000).await.expect(200);
    assert_eq!(more.json["nextExpectedRanges"], json!(["2000000-"]));
    let done = put(2_000_000, bytes.len()).await.expect(201);
    assert!(done.header("location").contains("/Attachments('"), "{}", done.header("location"));
    put(0, 10).await.expect(404);

    let listed = get(&tenant, &format!("{path}?$select=id,name,size"), &ada).await.expect(200);
    assert_eq!(listed.json["value"][0]["name"], "big.bin");
    assert_eq!(listed.json["value"][0]["size"], bytes.len());
    let value = format!("{path}/{}/$value", listed.text("/value/0/id"));
    let got =
        tenant.http.get(tenant.url(&value)).bearer_auth(&ada).send().await.unwrap().bytes().await.unwrap();
    assert!(got == bytes, "the file is whole");
}

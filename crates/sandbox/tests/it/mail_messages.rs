//! Reading and arranging mail: lists with Exchange's restrictions, folders, ids, attachments, delta, settings
//! (Graph reference §4.3).

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::cast::{delete, get, patch, person, post, sign_in};
use crate::mail_support::{both, consent, folder, inject, letter, mail_tenant, send};
use crate::support::{Reply, Tenant};

async fn preferring(tenant: &Tenant, path: &str, token: &str, prefer: &str) -> Reply {
    let url = if path.starts_with("https") { path.to_owned() } else { tenant.url(path) };
    tenant.send(tenant.http.get(url).bearer_auth(token).header("prefer", prefer)).await
}

async fn filled(tenant: &Tenant, count: usize) -> String {
    let ada = sign_in(tenant, "ada").await;
    for at in 0..count {
        let letter = json!({
            "from": format!("p{}@outside.example", at % 2), "to": "ada@contoso.example",
            "subject": format!("Number {at}"), "text": format!("word{at} <tag> & more"),
        });
        inject(tenant, letter).await.expect(201);
        tenant.sandbox.control().clock().advance(Duration::from_secs(60));
    }
    ada
}

#[tokio::test]
async fn lists_page_count_filter_sort_and_search() {
    let tenant = mail_tenant().await;
    let ada = filled(&tenant, 13).await;
    let list = async |query: &str| get(&tenant, &format!("/v1.0/me/messages?{query}"), &ada).await;
    let subjects = |reply: &Reply| -> Vec<String> {
        reply.json["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["subject"].as_str().unwrap().to_owned())
            .collect()
    };
    let first = list("$count=true").await.expect(200);
    assert_eq!(
        (first.json["value"].as_array().unwrap().len(), &first.json["@odata.count"]),
        (10, &json!(13))
    );
    assert_eq!(first.text("/value/0/subject"), "Number 12");
    let rest =
        tenant.send(tenant.http.get(first.text("/@odata.nextLink")).bearer_auth(&ada)).await.expect(200);
    assert_eq!(subjects(&rest), ["Number 2", "Number 1", "Number 0"]);
    assert!(rest.json.get("@odata.nextLink").is_none());

    // The size that the client prefers, unless it asks for less; and a count of its own.
    let preferring = |query: &str| {
        let url = tenant.url(&format!("/v1.0/me/messages?{query}"));
        tenant.send(tenant.http.get(url).bearer_auth(&ada).header("prefer", "odata.maxpagesize=12"))
    };
    let preferred = preferring("").await.expect(200);
    assert_eq!(preferred.json["value"].as_array().unwrap().len(), 12);
    assert_eq!(preferred.header("preference-applied"), "odata.maxpagesize=12");
    assert_eq!(preferring("$top=2").await.expect(200).json["value"].as_array().unwrap().len(), 2);
    assert_eq!(get(&tenant, "/v1.0/me/messages/$count", &ada).await.expect(200).text, "13");
    let folders = get(&tenant, "/v1.0/me/mailFolders?$top=100", &ada).await.expect(200);
    let count = folders.json["value"].as_array().unwrap().len().to_string();
    assert_eq!(get(&tenant, "/v1.0/me/mailFolders/$count", &ada).await.expect(200).text, count);
    let midnight = list("$filter=receivedDateTime%20ge%202017-04-01&$top=1").await.expect(200);
    assert_eq!(subjects(&midnight), ["Number 12"]);

    let narrow = list("$select=subject&$top=1").await.expect(200);
    let keys: Vec<&str> = narrow.json["value"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["@odata.etag", "id", "subject"]);
    let time = first.text("/value/2/receivedDateTime");
    let newer =
        list(&format!("$filter=receivedDateTime%20ge%20{time}&$orderby=receivedDateTime")).await.expect(200);
    assert_eq!(subjects(&newer), ["Number 10", "Number 11", "Number 12"]);
    let from = list(
        "$filter=from/emailAddress/address%20eq%20'p1@outside.example'%20and%20isRead%20eq%20false&$top=2",
    )
    .await
    .expect(200);
    assert_eq!(subjects(&from), ["Number 11", "Number 9"]);
    let found = list("$search=%22subject:Number%20AND%20word7%22").await.expect(200);
    assert_eq!(subjects(&found), ["Number 7"]);
    let counted = get(&tenant, "/v1.0/me/mailFolders/inbox/messages/$count", &ada).await.expect(200);
    assert_eq!(counted.text, "13");

    for (query, code) in [
        ("$filter=isRead%20eq%20false&$orderby=receivedDateTime", "InefficientFilter"),
        (
            "$filter=isRead%20eq%20false%20and%20receivedDateTime%20ge%202020-01-01T00:00:00Z&$orderby=receivedDateTime",
            "InefficientFilter",
        ),
        ("$search=%22x%22&$filter=isRead%20eq%20true", "SearchWithFilter"),
        ("$search=%22x%22&$orderby=receivedDateTime", "SearchWithOrderBy"),
        ("$filter=toRecipients/any(r:r/emailAddress/address%20eq%20'x')", "ErrorInvalidUrlQueryFilter"),
        ("$filter=nonsense%20eq%201", "RequestBroker--ParseUri"),
        ("$select=nonsense", "RequestBroker--ParseUri"),
        ("$top=1001", "ErrorInvalidUrlQuery"),
    ] {
        assert_eq!(list(query).await.expect(400).text("/error/code"), code, "{query}");
    }
    list("$apply=aggregate(x)").await.expect(501);
}

#[tokio::test]
async fn bodies_come_as_the_client_prefers_and_not_to_basic_readers() {
    let tenant = mail_tenant().await;
    let ada = filled(&tenant, 1).await;
    let id = folder(&tenant, &ada, "inbox").await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1.0/me/messages/{id}");
    let html = get(&tenant, &path, &ada).await.expect(200);
    assert_eq!(html.text("/body/contentType"), "html");
    assert!(html.text("/body/content").contains("word0 &lt;tag&gt; &amp; more"));
    let text = preferring(&tenant, &path, &ada, "outlook.body-content-type=\"text\", IdType=\"ImmutableId\"")
        .await
        .expect(200);
    assert_eq!(text.text("/body/contentType"), "text");
    assert_eq!(text.text("/body/content").trim(), "word0 <tag> & more");
    assert_eq!(
        text.header("preference-applied"),
        "outlook.body-content-type=\"text\", IdType=\"ImmutableId\""
    );
    assert_ne!(text.text("/id"), id);

    consent(&tenant, "User.Read Mail.ReadBasic").await;
    let basic = sign_in(&tenant, "ada").await;
    let seen = get(&tenant, &path, &basic).await.expect(200);
    for hidden in ["body", "bodyPreview", "uniqueBody"] {
        assert!(seen.json.get(hidden).is_none(), "{hidden}");
    }
    assert_eq!(seen.text("/subject"), "Number 0");
    get(&tenant, &format!("{path}/attachments"), &basic).await.expect(403);
    get(&tenant, &format!("{path}/$value"), &basic).await.expect(403);
    delete(&tenant, &path, &basic).await.expect(403);
}

#[tokio::test]
async fn messages_move_and_immutable_ids_stay() {
    let tenant = mail_tenant().await;
    let ada = filled(&tenant, 2).await;
    let immutable = "IdType=\"ImmutableId\"";
    let lasting =
        preferring(&tenant, "/v1.0/me/mailFolders/inbox/messages", &ada, immutable).await.expect(200);
    let lasting = lasting.text("/value/0/id").to_owned();
    let id = folder(&tenant, &ada, "inbox").await[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v1.0/me/messages/{id}");
    let moved =
        post(&tenant, &format!("{path}/move"), &ada, json!({ "destinationId": "archive" })).await.expect(201);
    assert_ne!(moved.text("/id"), id);
    assert_eq!(get(&tenant, &path, &ada).await.expect(404).text("/error/code"), "ErrorItemNotFound");
    let same =
        preferring(&tenant, &format!("/v1.0/me/messages/{lasting}"), &ada, immutable).await.expect(200);
    assert_eq!(same.text("/id"), lasting);
    assert_eq!(same.text("/parentFolderId"), moved.text("/parentFolderId"));

    let now = format!("/v1.0/me/messages/{}", moved.text("/id"));
    let copied =
        post(&tenant, &format!("{now}/copy"), &ada, json!({ "DestinationId": "inbox" })).await.expect(201);
    assert_eq!(copied.text("/internetMessageId"), moved.text("/internetMessageId"));
    delete(&tenant, &now, &ada).await.expect(204);
    let deleted = folder(&tenant, &ada, "deleteditems").await;
    assert_eq!(deleted.len(), 1);
    let path = format!("/v1.0/me/messages/{}", deleted[0]["id"].as_str().unwrap());
    delete(&tenant, &path, &ada).await.expect(204);
    assert_eq!(folder(&tenant, &ada, "recoverableitemsdeletions").await.len(), 1);
    assert_eq!(get(&tenant, "/v1.0/me/messages?$count=true", &ada).await.expect(200).json["@odata.count"], 2);
    let gone = format!("/v1.0/me/messages/{}/permanentDelete", copied.text("/id"));
    post(&tenant, &gone, &ada, json!({})).await.expect(204);

    for (bad, status, code) in [("nonsense", 400, "ErrorInvalidIdMalformed"), (&id, 404, "ErrorItemNotFound")]
    {
        let refused = get(&tenant, &format!("/v1.0/me/messages/{bad}"), &ada).await.expect(status);
        assert_eq!(refused.text("/error/code"), code);
    }
    let grace = sign_in(&tenant, "grace").await;
    let refused = get(&tenant, &format!("/v1.0/me/messages/{id}"), &grace).await.expect(400);
    assert_eq!(refused.text("/error/code"), "ErrorInvalidMailboxItemId");
    let unknown = get(&tenant, "/v1.0/users/nobody@contoso.example/messages", &grace).await.expect(404);
    assert_eq!(unknown.text("/error/code"), "ErrorInvalidUser");
    let others = format!("/v1.0/users/{}/messages", person(&tenant, "ada"));
    assert_eq!(get(&tenant, &others, &grace).await.expect(403).text("/error/code"), "ErrorAccessDenied");
    let right = json!({ "mailbox": "ada@contoso.example", "delegate": "grace@contoso.example", "access": "fullAccess" });
    tenant.control(Method::POST, "mail/rights", Some(right)).await.expect(201);
    get(&tenant, &others, &grace).await.expect(200);
}

#[tokio::test]
async fn folders_are_made_moved_counted_and_deleted() {
    let tenant = mail_tenant().await;
    let ada = filled(&tenant, 3).await;
    let all = get(&tenant, "/v1.0/me/mailFolders", &ada).await.expect(200);
    let names: Vec<&str> = all.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "Archive",
            "Conversation History",
            "Deleted Items",
            "Drafts",
            "Inbox",
            "Junk Email",
            "Outbox",
            "Sent Items"
        ]
    );
    let inbox = get(&tenant, "/v1.0/me/mailFolders/Inbox", &ada).await.expect(200);
    assert_eq!((&inbox.json["totalItemCount"], &inbox.json["unreadItemCount"]), (&json!(3), &json!(3)));
    let made =
        post(&tenant, "/v1.0/me/mailFolders/inbox/childFolders", &ada, json!({ "displayName": "Work" }))
            .await
            .expect(201);
    let again =
        post(&tenant, "/v1.0/me/mailFolders/inbox/childFolders", &ada, json!({ "displayName": "work" }))
            .await
            .expect(409);
    assert_eq!(again.text("/error/code"), "ErrorFolderExists");
    let path = format!("/v1.0/me/mailFolders/{}", made.text("/id"));
    assert_eq!(
        patch(&tenant, &path, &ada, json!({ "displayName": "Play" })).await.expect(200).text("/displayName"),
        "Play"
    );
    let id = folder(&tenant, &ada, "inbox").await[0]["id"].as_str().unwrap().to_owned();
    post(
        &tenant,
        &format!("/v1.0/me/messages/{id}/move"),
        &ada,
        json!({ "destinationId": made.text("/id") }),
    )
    .await
    .expect(201);
    let moved = post(&tenant, &format!("{path}/move"), &ada, json!({ "destinationId": "msgfolderroot" }))
        .await
        .expect(201);
    assert_eq!(moved.text("/id"), made.text("/id"), "a folder's id stays");
    let copy =
        post(&tenant, &format!("{path}/copy"), &ada, json!({ "destinationId": "archive" })).await.expect(201);
    assert_eq!(copy.json["totalItemCount"], 1);
    let found =
        get(&tenant, "/v1.0/me/mailFolders?$filter=displayName%20eq%20'Play'&$expand=childFolders", &ada)
            .await
            .expect(200);
    assert_eq!(found.text("/value/0/id"), made.text("/id"));
    delete(&tenant, &path, &ada).await.expect(204);
    let below = get(&tenant, "/v1.0/me/mailFolders/deleteditems/childFolders", &ada).await.expect(200);
    assert_eq!(below.text("/value/0/displayName"), "Play");
    delete(&tenant, &path, &ada).await.expect(204);
    get(&tenant, &path, &ada).await.expect(404);
    delete(&tenant, "/v1.0/me/mailFolders/inbox", &ada).await.expect(400);
    let hidden =
        get(&tenant, "/v1.0/me/mailFolders?includeHiddenFolders=true&$top=100", &ada).await.expect(200);
    assert!(hidden.json["value"].as_array().unwrap().iter().any(|one| one["isHidden"] == true));
}

#[tokio::test]
async fn attachments_of_each_kind_are_kept() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let mut message = letter("Files", &["grace@contoso.example"]);
    message["attachments"] = json!([
        { "@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt", "contentType": "text/plain", "contentBytes": "SGk=" },
        { "@odata.type": "#microsoft.graph.fileAttachment", "name": "logo.png", "contentBytes": "iVBO", "isInline": true, "contentId": "logo" },
        { "@odata.type": "#microsoft.graph.itemAttachment", "name": "Old", "item": { "@odata.type": "microsoft.graph.message", "subject": "Inner" } },
    ]);
    send(&tenant, &ada, message).await.expect(202);
    let got = &folder(&tenant, &grace, "inbox").await[0];
    assert_eq!(got["hasAttachments"], true);
    let path = format!("/v1.0/me/messages/{}", got["id"].as_str().unwrap());
    let listed = get(&tenant, &format!("{path}/attachments"), &grace).await.expect(200);
    let files = listed.json["value"].as_array().unwrap();
    assert_eq!(files.len(), 3);
    assert_eq!((&files[0]["contentBytes"], &files[0]["size"]), (&json!("SGk="), &json!(2)));
    assert_eq!((&files[1]["isInline"], &files[1]["contentId"]), (&json!(true), &json!("logo")));
    let item = format!("{path}/attachments/{}", files[2]["id"].as_str().unwrap());
    let whole = get(&tenant, &format!("{item}?$expand=microsoft.graph.itemattachment/item"), &grace)
        .await
        .expect(200);
    assert_eq!(whole.text("/item/subject"), "Inner");
    // Raw: the bytes of a file, the MIME of an item, by each address of the message.
    let (message, file) = (got["id"].as_str().unwrap(), files[0]["id"].as_str().unwrap());
    let user = person(&tenant, "grace");
    for address in [
        format!("/v1.0/me/messages/{message}"),
        format!("/v1.0/users/{user}/messages/{message}"),
        format!("/v1.0/me/mailFolders/inbox/messages/{message}"),
        format!("/v1.0/users/{user}/mailFolders/inbox/messages/{message}"),
    ] {
        let raw = get(&tenant, &format!("{address}/attachments/{file}/$value"), &grace).await.expect(200);
        assert_eq!((raw.text.as_str(), raw.header("content-type")), ("Hi", "text/plain"), "{address}");
    }
    let raw = get(&tenant, &format!("{item}/$value"), &grace).await.expect(200);
    assert!(raw.text.contains("Subject: Inner"), "{}", raw.text);
    let expanded =
        get(&tenant, &format!("{path}?$expand=attachments&$select=subject"), &grace).await.expect(200);
    assert_eq!(expanded.json["attachments"].as_array().unwrap().len(), 3);
    let value = get(&tenant, &format!("{path}/$value"), &grace).await.expect(200);
    assert!(value.text.contains("multipart/mixed") && value.text.contains("SGk="), "{}", value.text);

    let draft = post(&tenant, "/v1.0/me/messages", &ada, letter("D", &[])).await.expect(201);
    let path = format!("/v1.0/me/messages/{}/attachments", draft.text("/id"));
    let file =
        json!({ "@odata.type": "#microsoft.graph.fileAttachment", "name": "b", "contentBytes": "Yg==" });
    let added = post(&tenant, &path, &ada, file).await.expect(201);
    post(&tenant, &path, &ada, json!({ "name": "b" })).await.expect(400);
    delete(&tenant, &format!("{path}/{}", added.text("/id")), &ada).await.expect(204);
    assert_eq!(get(&tenant, &path, &ada).await.expect(200).json["value"], json!([]));
}

/// Follows a round of delta to its end; what it said by id, and the link to the next round.
async fn follow(tenant: &Tenant, start: &str, token: &str) -> (BTreeMap<String, Value>, String) {
    let (mut seen, mut next) = (BTreeMap::new(), start.to_owned());
    loop {
        let page = preferring(tenant, &next, token, "odata.maxpagesize=2").await.expect(200);
        let items = page.json["value"].as_array().unwrap();
        assert!(items.len() <= 2);
        for item in items {
            seen.insert(item["id"].as_str().unwrap().to_owned(), item.clone());
        }
        match page.json.get("@odata.nextLink") {
            Some(link) => next = link.as_str().unwrap().to_owned(),
            None => return (seen, page.text("/@odata.deltaLink").to_owned()),
        }
    }
}

#[tokio::test]
async fn delta_tells_what_came_changed_and_went() {
    let tenant = mail_tenant().await;
    let ada = filled(&tenant, 5).await;
    let start = tenant.url("/v1.0/me/mailFolders/inbox/messages/delta?$select=subject,isRead");
    let (all, link) = follow(&tenant, &start, &ada).await;
    assert_eq!(all.len(), 5);
    let (nothing, link) = follow(&tenant, &link, &ada).await;
    assert!(nothing.is_empty());

    let ids: Vec<&String> = all.keys().collect();
    patch(&tenant, &format!("/v1.0/me/messages/{}", ids[0]), &ada, json!({ "isRead": true }))
        .await
        .expect(200);
    delete(&tenant, &format!("/v1.0/me/messages/{}", ids[1]), &ada).await.expect(204);
    let letter =
        json!({ "from": "x@outside.example", "to": "ada@contoso.example", "subject": "New", "text": "n" });
    inject(&tenant, letter).await.expect(201);
    let (changed, next) = follow(&tenant, &link, &ada).await;
    assert_eq!(changed.len(), 3);
    assert_eq!(changed[ids[0]]["isRead"], true);
    assert_eq!(changed[ids[1]]["@removed"], json!({ "reason": "deleted" }));
    assert!(changed.values().any(|one| one["subject"] == "New"));
    assert!(follow(&tenant, &next, &ada).await.0.is_empty());

    let created = tenant.url("/v1.0/me/mailFolders/inbox/messages/delta?changeType=deleted");
    assert!(follow(&tenant, &created, &ada).await.0.is_empty());
    let bad =
        get(&tenant, "/v1.0/me/mailFolders/inbox/messages/delta?$filter=isRead%20eq%20true", &ada).await;
    bad.expect(400);
    let path = "/v1.0/me/mailFolders/inbox/messages/delta";
    let forged = get(&tenant, &format!("{path}?$deltatoken=nonsense"), &ada).await.expect(410);
    assert_eq!(forged.text("/error/code"), "syncStateNotFound");
    assert_eq!(forged.text("/error/innerError/code"), "resyncChangesApplyDifferences");
    assert_eq!(forged.header("location"), tenant.url(path));
    tenant.sandbox.control().clock().advance(Duration::from_secs(31 * 24 * 3600));
    let ada = sign_in(&tenant, "ada").await;
    let old = tenant.send(tenant.http.get(&next).bearer_auth(&ada)).await.expect(410);
    assert_eq!(old.text("/error/code"), "syncStateNotFound");

    let (folders, link) = follow(&tenant, &tenant.url("/v1.0/me/mailFolders/delta"), &ada).await;
    assert_eq!(folders.len(), 8);
    let made = post(&tenant, "/v1.0/me/mailFolders", &ada, json!({ "displayName": "New" })).await.expect(201);
    let (changed, link) = follow(&tenant, &link, &ada).await;
    assert_eq!(changed[made.text("/id")]["displayName"], "New");
    post(&tenant, &format!("/v1.0/me/mailFolders/{}/permanentDelete", made.text("/id")), &ada, json!({}))
        .await
        .expect(204);
    assert!(follow(&tenant, &link, &ada).await.0[made.text("/id")].get("@removed").is_some());
}

#[tokio::test]
async fn settings_and_categories_are_kept() {
    let tenant = mail_tenant().await;
    let (ada, grace) = both(&tenant).await;
    let settings = get(&tenant, "/v1.0/me/mailboxSettings", &ada).await.expect(200);
    assert_eq!(
        (settings.text("/timeZone"), settings.text("/automaticRepliesSetting/status")),
        ("UTC", "disabled")
    );
    let body = json!({
        "timeZone": "W. Europe Standard Time", "language": { "locale": "de-DE" },
        "automaticRepliesSetting": { "status": "alwaysEnabled", "internalReplyMessage": "<p>away</p>", "externalReplyMessage": "out" },
    });
    patch(&tenant, "/v1.0/me/mailboxSettings", &ada, body).await.expect(200);
    let zone = get(&tenant, "/v1.0/me/mailboxSettings/timeZone", &ada).await.expect(200);
    assert_eq!(zone.text("/value"), "W. Europe Standard Time");
    let bad = json!({ "automaticRepliesSetting": { "status": "maybe" } });
    patch(&tenant, "/v1.0/me/mailboxSettings", &ada, bad).await.expect(400);
    let selected = get(&tenant, "/v1.0/me?$select=id,mailboxSettings", &ada).await.expect(200);
    assert_eq!(selected.text("/mailboxSettings/timeZone"), "W. Europe Standard Time");
    let part = get(&tenant, "/v1.0/users/ada@contoso.example?$select=mailboxSettings/timeZone", &ada).await;
    assert_eq!(part.expect(200).text("/mailboxSettings/timeZone"), "W. Europe Standard Time");
    let all = get(&tenant, "/v1.0/users?$select=mailboxSettings", &ada).await.expect(400);
    assert_eq!(all.text("/error/code"), "ExplicitTargetMailboxIdShouldNotBeNullOrWhiteSpace");

    for _ in 0..2 {
        send(&tenant, &grace, letter("Lunch", &["ada@contoso.example"])).await.expect(202);
    }
    let answers = folder(&tenant, &grace, "inbox").await;
    assert_eq!(answers.len(), 1, "once to each sender");
    assert_eq!(
        (&answers[0]["subject"], &answers[0]["bodyPreview"]),
        (&json!("Automatic reply: Lunch"), &json!("away"))
    );

    let categories = get(&tenant, "/v1.0/me/outlook/masterCategories", &ada).await.expect(200);
    assert_eq!(categories.text("/value/0/displayName"), "Red category");
    let made = post(
        &tenant,
        "/v1.0/me/outlook/masterCategories",
        &ada,
        json!({ "displayName": "Mine", "color": "preset9" }),
    )
    .await
    .expect(201);
    post(&tenant, "/v1.0/me/outlook/masterCategories", &ada, json!({ "displayName": "mine" }))
        .await
        .expect(409);
    delete(&tenant, &format!("/v1.0/me/outlook/masterCategories/{}", made.text("/id")), &ada)
        .await
        .expect(204);
    for path in ["/v1.0/me/events", "/v1.0/me/contacts", "/v1.0/me/calendar"] {
        get(&tenant, path, &ada).await.expect(501);
    }
}

#[tokio::test]
async fn settings_are_selected_by_those_who_may_read_them() {
    let tenant = mail_tenant().await;
    consent(&tenant, "User.Read Mail.Read").await;
    let ada = sign_in(&tenant, "ada").await;
    let refused = get(&tenant, "/v1.0/me?$select=mailboxSettings", &ada).await.expect(403);
    assert_eq!(refused.text("/error/code"), "ErrorAccessDenied");
    get(&tenant, "/v1.0/me?$select=id", &ada).await.expect(200);
}

#[tokio::test]
async fn ids_are_translated_between_the_kinds_that_clients_hold() {
    let tenant = mail_tenant().await;
    let ada = filled(&tenant, 2).await;
    let listed = get(&tenant, "/v1.0/me/messages?$select=id", &ada).await.expect(200);
    let (id, other) = (listed.text("/value/0/id").to_owned(), listed.text("/value/1/id").to_owned());
    let translate = async |ids: Value, from: &str, to: &str| {
        let body = json!({ "inputIds": ids, "sourceIdType": from, "targetIdType": to });
        post(&tenant, "/v1.0/me/translateExchangeIds", &ada, body).await
    };
    let one = async |id: &str, from: &str, to: &str| {
        let answer = translate(json!([id]), from, to).await.expect(200);
        assert_eq!(answer.text("/value/0/sourceId"), id);
        answer.text("/value/0/targetId").to_owned()
    };
    let lasting = one(&id, "restId", "restImmutableEntryId").await;
    let preferred = preferring(&tenant, "/v1.0/me/messages?$select=id", &ada, "IdType=\"ImmutableId\"").await;
    assert_eq!(preferred.text("/value/0/id"), lasting);
    for kind in ["entryId", "ewsId", "immutableEntryId", "restImmutableEntryId"] {
        let text = one(&id, "restId", kind).await;
        assert_eq!(one(&text, kind, "restId").await, id, "{kind}");
        assert_eq!(one(&text, kind, "restImmutableEntryId").await, lasting, "{kind}");
    }
    // It still finds the message where it went; the id of the old place is nobody's.
    let moved = json!({ "destinationId": "archive" });
    post(&tenant, &format!("/v1.0/me/messages/{id}/move"), &ada, moved).await.expect(201);
    assert_ne!(one(&lasting, "restImmutableEntryId", "restId").await, id);
    let several = translate(json!([id, other, "nonsense"]), "restId", "ewsId").await.expect(200);
    assert_eq!(several.text("/value/0/errorDetails/code"), "ErrorItemNotFound");
    assert!(several.json["value"][1]["targetId"].is_string());
    assert_eq!(several.text("/value/2/errorDetails/code"), "ErrorInvalidIdMalformed");
    let named = format!("/v1.0/users/{}/translateExchangeIds", person(&tenant, "ada"));
    let body = json!({ "inputIds": [other], "sourceIdType": "restId", "targetIdType": "ewsId" });
    let same = post(&tenant, &named, &ada, body).await.expect(200);
    assert_eq!(same.json["value"][0], several.json["value"][1]);
    translate(json!([]), "restId", "ewsId").await.expect(400);
    translate(json!(vec![other; 1001]), "restId", "ewsId").await.expect(400);
    translate(json!(["x"]), "restId", "nonsense").await.expect(400);
}

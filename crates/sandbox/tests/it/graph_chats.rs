//! Chats, members and messages (Entra reference §5.1–§5.3, §13).

use std::time::Duration;

use serde_json::{Value, json};

use crate::cast::{delete, get, member, patch, person, post, sign_in, tenant};
use crate::support::{Reply, Tenant};

/// What people said, the system's notes of events left out.
fn said(reply: &Reply) -> Vec<&Value> {
    reply.json["value"].as_array().unwrap().iter().filter(|one| one["messageType"] == "message").collect()
}

async fn chat(tenant: &Tenant, token: &str, kind: &str, people: &[&str]) -> Reply {
    let members: Vec<Value> = people.iter().map(|one| member(&person(tenant, one))).collect();
    post(tenant, "/v1.0/chats", token, json!({ "chatType": kind, "members": members })).await
}

async fn say(tenant: &Tenant, token: &str, chat: &str, text: &str) -> String {
    let body = json!({ "body": { "content": text } });
    post(tenant, &format!("/v1.0/chats/{chat}/messages"), token, body)
        .await
        .expect(201)
        .text("/id")
        .to_owned()
}

#[tokio::test]
async fn a_one_on_one_chat_is_the_same_one_and_a_group_is_new() {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let first = chat(&tenant, &ada, "oneOnOne", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    let again = chat(&tenant, &grace, "oneOnOne", &["grace", "ada"]).await.expect(201).text("/id").to_owned();
    assert_eq!(first, again);
    let mut both = [person(&tenant, "ada"), person(&tenant, "grace")];
    both.sort();
    assert_eq!(first, format!("19:{}_{}@unq.gbl.spaces", both[0], both[1]));
    let one = chat(&tenant, &ada, "group", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    let two = chat(&tenant, &ada, "group", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    assert_ne!(one, two);
    assert!(one.starts_with("19:") && one.ends_with("@thread.v2"));

    for (kind, people) in [
        ("oneOnOne", &["ada", "ada"][..]),
        ("oneOnOne", &["ada"]),
        ("oneOnOne", &["ada", "grace", "alan"]),
        ("oneOnOne", &["grace", "alan"]),
        ("group", &["ada", "ada", "grace"]),
        ("meeting", &["ada", "grace"]),
    ] {
        assert_eq!(chat(&tenant, &ada, kind, people).await.status.as_u16(), 400, "{kind} {people:?}");
    }
    // The list knows the members and the last message, and nothing of other people's chats.
    say(&tenant, &ada, &first, "hello").await;
    let listed =
        get(&tenant, "/v1.0/me/chats?$expand=members,lastMessagePreview&$top=50", &grace).await.expect(200);
    let chats = listed.json["value"].as_array().unwrap();
    assert_eq!(chats.len(), 3);
    assert_eq!(
        chats.iter().filter(|chat| chat["lastMessagePreview"]["body"]["content"] == "hello").count(),
        1
    );
    assert!(chats.iter().all(|chat| chat["members"].as_array().unwrap().len() == 2));
    let alan = sign_in(&tenant, "alan").await;
    assert_eq!(get(&tenant, "/v1.0/me/chats", &alan).await.expect(200).json["value"], json!([]));
    let plain = get(&tenant, "/v1.0/me/chats?$filter=chatType%20eq%20'group'", &ada).await.expect(200);
    assert_eq!(plain.json["value"].as_array().unwrap().len(), 2);
    assert!(plain.json["value"][0].get("members").is_none());
    // CLI for Microsoft 365 selects what it has expanded; a relation that is not expanded is not shown.
    let selected = "/v1.0/me/chats?$filter=chatType%20eq%20'group'&$select=id,topic,members";
    for (expand, shows) in [("&$expand=members", true), ("", false)] {
        let listed = get(&tenant, &format!("{selected}{expand}"), &ada).await.expect(200);
        let one = &listed.json["value"][0];
        assert_eq!((one.get("members").is_some(), one.get("webUrl")), (shows, None), "{one}");
        assert!(one["id"].is_string(), "{one}");
    }
    for bad in ["$select=nonsense", "$filter=webUrl%20eq%20'x'"] {
        get(&tenant, &format!("/v1.0/me/chats?{bad}"), &ada).await.expect(400);
    }
}

#[tokio::test]
async fn messages_page_newest_first_and_filter_by_the_time_that_orders_them() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let id = chat(&tenant, &ada, "group", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    let mut ids = Vec::new();
    for index in 0..7 {
        ids.push(say(&tenant, &ada, &id, &format!("message {index}")).await);
        // Some within one millisecond, some later: ids grow all the same.
        tenant.sandbox.control().clock().advance(Duration::from_millis(index % 3));
    }
    let numbers: Vec<i64> = ids.iter().map(|id| id.parse().unwrap()).collect();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");

    let mut seen = Vec::new();
    let mut next = tenant.url(&format!("/v1.0/chats/{id}/messages?$top=3"));
    loop {
        let page = tenant.send(tenant.http.get(&next).bearer_auth(&ada)).await.expect(200);
        seen.extend(said(&page).iter().map(|one| one["id"].as_str().unwrap().to_owned()));
        match page.json.get("@odata.nextLink") {
            Some(link) => next = link.as_str().unwrap().to_owned(),
            None => break,
        }
    }
    ids.reverse();
    assert_eq!(seen, ids);

    let pivot = get(&tenant, &format!("/v1.0/chats/{id}/messages/{}", ids[2]), &ada).await.expect(200);
    let time = pivot.text("/lastModifiedDateTime");
    let list = async |query: &str| get(&tenant, &format!("/v1.0/chats/{id}/messages?{query}"), &ada).await;
    let order = "$orderby=lastModifiedDateTime%20desc";
    let newer = list(&format!("{order}&$filter=lastModifiedDateTime%20gt%20{time}")).await.expect(200);
    let newer: Vec<&str> = said(&newer).iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(newer, [&ids[0], &ids[1]]);
    for bad in [
        "$top=51".to_owned(),
        "$select=id".to_owned(),
        "$count=true".to_owned(),
        "$search=x".to_owned(),
        "$orderby=lastModifiedDateTime%20asc".to_owned(),
        "$orderby=createdDateTime".to_owned(),
        format!("{order}&$filter=createdDateTime%20lt%20{time}"),
        format!("$orderby=createdDateTime%20desc&$filter=createdDateTime%20gt%20{time}"),
        format!("$filter=lastModifiedDateTime%20eq%20{time}"),
    ] {
        assert_eq!(list(&bad).await.expect(400).text("/error/code"), "BadRequest", "{bad}");
    }
}

#[tokio::test]
async fn notes_to_oneself_are_each_persons_own() {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    assert_eq!(
        get(&tenant, "/v1.0/me/chats/48:notes/messages", &ada).await.expect(200).json["value"],
        json!([])
    );
    let id = say(&tenant, &ada, "48:notes", "remember").await;
    let read = get(&tenant, &format!("/v1.0/chats/48:notes/messages/{id}"), &ada).await.expect(200);
    assert_eq!(read.text("/chatId"), "48:notes");
    assert_eq!(read.text("/from/user/id"), person(&tenant, "ada"));
    assert_eq!(
        get(&tenant, "/v1.0/chats/48%3Anotes/messages", &grace).await.expect(200).json["value"],
        json!([])
    );
    let chats = get(&tenant, "/v1.0/me/chats", &ada).await.expect(200);
    assert_eq!(chats.json["value"], json!([]));
}

#[tokio::test]
async fn only_members_see_a_chat_and_bad_ids_go_nowhere() {
    let tenant = tenant().await;
    let (ada, alan) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "alan").await);
    let id = chat(&tenant, &ada, "group", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    let first = say(&tenant, &ada, &id, "before").await;
    let messages = format!("/v1.0/chats/{id}/messages");
    assert!(
        get(&tenant, &messages, &alan).await.expect(403).text("/error/message").starts_with("AclCheckFailed")
    );
    let body = json!({ "body": { "content": "x" } });
    post(&tenant, &messages, &alan, body.clone()).await.expect(403);
    for (bad, status) in [
        ("19:00000000000000000000000000000000@thread.v2", 404),
        ("19:x@thread.v2%3Fx=", 400),
        ("..%2Fme", 400),
        ("nonsense", 400),
        ("48:notes%00", 400),
    ] {
        let path = format!("/v1.0/chats/{bad}/messages");
        assert_eq!(post(&tenant, &path, &ada, body.clone()).await.status.as_u16(), status, "{bad}");
    }

    // A new member sees what comes, or all of it if the inviter says so.
    tenant.sandbox.control().clock().advance(Duration::from_secs(1));
    let members = format!("/v1.0/chats/{id}/members");
    let added = post(&tenant, &members, &ada, member(&person(&tenant, "alan"))).await.expect(201);
    assert!(added.text.is_empty());
    let location = added.header("location").to_owned();
    assert!(location.starts_with(&tenant.url(&members)));
    post(&tenant, &members, &ada, member(&person(&tenant, "alan"))).await.expect(400);
    let second = say(&tenant, &ada, &id, "after").await;
    let seen = get(&tenant, &messages, &alan).await.expect(200);
    assert_eq!(said(&seen).len(), 1);
    assert_eq!(seen.text("/value/0/id"), second);
    get(&tenant, &format!("{messages}/{first}"), &alan).await.expect(404);
    let membership = location.rsplit('/').next().unwrap();
    delete(&tenant, &format!("{members}/{membership}"), &ada).await.expect(204);
    get(&tenant, &messages, &alan).await.expect(403);
    let mut everything = member(&person(&tenant, "alan"));
    everything["visibleHistoryStartDateTime"] = json!("0001-01-01T00:00:00Z");
    post(&tenant, &members, &ada, everything).await.expect(201);
    assert_eq!(said(&get(&tenant, &messages, &alan).await.expect(200)).len(), 2);
    let pair = chat(&tenant, &ada, "oneOnOne", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    let path = format!("/v1.0/chats/{pair}/members");
    post(&tenant, &path, &ada, member(&person(&tenant, "alan"))).await.expect(400);
}

#[tokio::test]
async fn a_message_is_edited_deleted_and_reacted_to() {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let id = chat(&tenant, &ada, "oneOnOne", &["ada", "grace"]).await.expect(201).text("/id").to_owned();
    let message = say(&tenant, &ada, &id, "one").await;
    let path = format!("/v1.0/chats/{id}/messages/{message}");
    let read = async || get(&tenant, &path, &grace).await.expect(200);
    let before = read().await;
    let body = json!({ "body": { "contentType": "html", "content": "<b>two</b>" } });
    patch(&tenant, &path, &grace, body.clone()).await.expect(403);
    patch(&tenant, &path, &ada, body).await.expect(204);
    let edited = read().await;
    assert_eq!(edited.text("/body/content"), "<b>two</b>");
    assert!(edited.json["lastEditedDateTime"].is_string() && edited.text("/etag") != before.text("/etag"));
    post(&tenant, &format!("{path}/setReaction"), &grace, json!({ "reactionType": "💘" })).await.expect(204);
    assert_eq!(read().await.text("/reactions/0/user/user/id"), person(&tenant, "grace"));
    post(&tenant, &format!("{path}/unsetReaction"), &grace, json!({ "reactionType": "💘" }))
        .await
        .expect(204);
    assert_eq!(read().await.json["reactions"], json!([]));
    let mine = |action: &str| format!("/v1.0/me/chats/{id}/messages/{message}/{action}");
    post(&tenant, &mine("softDelete"), &ada, json!({})).await.expect(204);
    let gone = read().await;
    assert!(gone.json["deletedDateTime"].is_string());
    assert_eq!(gone.text("/body/content"), "");
    post(&tenant, &mine("undoSoftDelete"), &ada, json!({})).await.expect(204);
    assert_eq!(read().await.text("/body/content"), "<b>two</b>");

    let messages = format!("/v1.0/chats/{id}/messages");
    for bad in [
        json!({}),
        json!({ "body": {} }),
        json!({ "body": { "content": "" } }),
        json!({ "body": { "content": "x", "contentType": "markdown" } }),
        json!({ "body": { "content": "x" }, "mentions": [{ "id": 0, "mentionText": "A", "mentioned": {} }] }),
    ] {
        post(&tenant, &messages, &ada, bad).await.expect(400);
    }
    let long = json!({ "body": { "content": "x".repeat(102_401) } });
    post(&tenant, &messages, &ada, long).await.expect(413);
    let app = tenant.provisioner().await;
    let refused = post(&tenant, &messages, &app, json!({ "body": { "content": "x" } })).await.expect(403);
    assert_eq!(refused.text("/error/code"), "Forbidden");
}

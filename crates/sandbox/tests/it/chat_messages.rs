//! What messages say: quotes, mentions, cards, images, reactions, events (Entra reference §5.3).

use std::time::Duration;

use serde_json::{Value, json};

use crate::cast::{delete, get, member, patch, person, post, sign_in, tenant};
use crate::granted::app_with;
use crate::support::{Reply, Tenant};

struct Chat {
    tenant: Tenant,
    ada: String,
    grace: String,
    id: String,
}

async fn start(kind: &str) -> Chat {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let members = [member(&person(&tenant, "ada")), member(&person(&tenant, "grace"))];
    let body = json!({ "chatType": kind, "members": members });
    let id = post(&tenant, "/v1.0/chats", &ada, body).await.expect(201).text("/id").to_owned();
    Chat { tenant, ada, grace, id }
}

impl Chat {
    fn path(&self, rest: &str) -> String {
        format!("/v1.0/chats/{}{rest}", self.id)
    }

    async fn send(&self, body: Value) -> Reply {
        post(&self.tenant, &self.path("/messages"), &self.ada, body).await
    }

    async fn say(&self, text: &str) -> String {
        self.send(json!({ "body": { "content": text } })).await.expect(201).text("/id").to_owned()
    }

    async fn read(&self, message: &str) -> Reply {
        get(&self.tenant, &self.path(&format!("/messages/{message}")), &self.grace).await.expect(200)
    }

    /// The list with later members of enumerations, newest first.
    async fn all(&self) -> Vec<Value> {
        let request = self.tenant.http.get(self.tenant.url(&self.path("/messages?$top=50")));
        let request = request.bearer_auth(&self.grace).header("prefer", "include-unknown-enum-members");
        self.tenant.send(request).await.expect(200).json["value"].as_array().unwrap().clone()
    }
}

#[tokio::test]
async fn a_message_has_every_property_of_the_published_shape() {
    let chat = start("oneOnOne").await;
    let sent = chat.send(json!({ "body": { "content": "hello" }, "importance": "high" })).await.expect(201);
    let ada = person(&chat.tenant, "ada");
    let id = sent.text("/id");
    let expected = json!({
        "@odata.context": sent.json["@odata.context"],
        "id": id, "replyToId": null, "etag": id, "messageType": "message",
        "createdDateTime": "2026-03-01T12:00:00.000Z", "lastModifiedDateTime": "2026-03-01T12:00:00.000Z",
        "lastEditedDateTime": null, "deletedDateTime": null, "subject": null, "summary": null,
        "chatId": chat.id, "importance": "high", "locale": "en-us", "webUrl": null,
        "channelIdentity": null, "policyViolation": null, "eventDetail": null,
        "from": { "application": null, "device": null, "user": {
            "@odata.type": "#microsoft.graph.teamworkUserIdentity", "id": ada, "displayName": "Ada Lovelace",
            "userIdentityType": "aadUser", "tenantId": chat.tenant.sandbox.ready().tenant_id,
        } },
        "body": { "contentType": "text", "content": "hello" },
        "attachments": [], "mentions": [], "reactions": [], "messageHistory": [],
    });
    assert_eq!(sent.json, expected);
    assert!(sent.text("/@odata.context").ends_with("/messages/$entity"));
    assert!(sent.header("location").ends_with(&format!("/messages/{id}")));
}

#[tokio::test]
async fn a_reply_quotes_what_it_answers() {
    let chat = start("oneOnOne").await;
    let first = chat.say("the <first> one").await;
    let path = chat.path("/messages/replyWithQuote");
    let reply = json!({ "messageIds": [first], "replyMessage": { "body": { "content": "a & b" } } });
    let sent = post(&chat.tenant, &path, &chat.grace, reply).await.expect(201);
    assert_eq!(
        sent.text("/body/content"),
        format!("<attachment id=\"{first}\"></attachment><p>a &amp; b</p>")
    );
    assert_eq!(sent.text("/attachments/0/contentType"), "messageReference");
    let quoted: Value = serde_json::from_str(sent.text("/attachments/0/content")).unwrap();
    assert_eq!(quoted["messageId"], first.as_str());
    assert_eq!(quoted["messagePreview"], "the <first> one");
    assert_eq!(quoted["messageSender"]["user"]["id"], person(&chat.tenant, "ada").as_str());
    for (ids, status) in [(json!([]), 400), (json!(["1"]), 404), (json!(vec!["1"; 11]), 400)] {
        let bad = json!({ "messageIds": ids, "replyMessage": { "body": { "content": "x" } } });
        post(&chat.tenant, &path, &chat.grace, bad).await.expect(status);
    }
}

#[tokio::test]
async fn mentions_of_people_and_of_everyone_need_their_markers() {
    let chat = start("group").await;
    let grace = person(&chat.tenant, "grace");
    let everyone = json!({
        "id": 1, "mentionText": "Everyone",
        "mentioned": { "conversation": { "id": chat.id, "displayName": "Everyone", "conversationIdentityType": "chat" } },
    });
    let someone = json!({
        "id": 0, "mentionText": "Grace",
        "mentioned": { "user": { "id": grace, "displayName": "Grace", "userIdentityType": "aadUser" } },
    });
    let html = "<div><at id=\"0\">Grace</at> and <at id=\"1\">Everyone</at></div>";
    let body = json!({ "contentType": "html", "content": html });
    let sent = chat.send(json!({ "body": body, "mentions": [someone, everyone] })).await.expect(201);
    assert_eq!(sent.text("/mentions/0/mentioned/user/@odata.type"), "#microsoft.graph.teamworkUserIdentity");
    assert_eq!(sent.text("/mentions/1/mentioned/conversation/conversationIdentityType"), "chat");
    assert_eq!(sent.json["mentions"][1]["mentioned"]["user"], Value::Null);
    for bad in [
        json!({ "body": { "content": "Grace" }, "mentions": [someone] }),
        json!({ "body": { "contentType": "html", "content": "<at id=\"2\">Grace</at>" }, "mentions": [someone] }),
        json!({ "body": body, "mentions": [{ "id": 0, "mentionText": "Grace", "mentioned": { "user": {} } }] }),
        json!({ "body": body, "mentions": [{ "id": 0, "mentionText": "Grace",
            "mentioned": { "user": { "id": grace, "userIdentityType": "robot" } } }] }),
    ] {
        chat.send(bad).await.expect(400);
    }
}

#[tokio::test]
async fn cards_and_files_need_their_markers_and_their_content() {
    let chat = start("oneOnOne").await;
    let card = json!({ "type": "AdaptiveCard", "version": "1.5", "body": [] }).to_string();
    let attachment = |kind: &str, content: Value, url: Value| json!({ "id": "A", "contentType": kind, "content": content, "contentUrl": url });
    let adaptive = "application/vnd.microsoft.card.adaptive";
    let html = json!({ "contentType": "html", "content": "<attachment id=\"A\"></attachment>" });
    let sent = chat
        .send(json!({ "body": html, "attachments": [attachment(adaptive, json!(card), Value::Null)] }))
        .await
        .expect(201);
    assert_eq!(
        sent.json["attachments"][0],
        json!({ "id": "A", "contentType": adaptive, "contentUrl": null, "content": card, "name": null,
            "thumbnailUrl": null, "teamsAppId": null })
    );
    let file = attachment("reference", Value::Null, json!("https://contoso.sharepoint.com/x.docx"));
    chat.send(json!({ "body": html, "attachments": [file] })).await.expect(201);
    let plain = json!({ "contentType": "html", "content": "<p>no marker</p>" });
    for (body, attachments) in [
        (&plain, json!([attachment(adaptive, json!(card), Value::Null)])),
        (&html, json!([])),
        (&html, json!([attachment(adaptive, json!("{"), Value::Null)])),
        (&html, json!([attachment(adaptive, json!("{\"type\":\"Card\"}"), Value::Null)])),
        (&html, json!([attachment(adaptive, json!({}), Value::Null)])),
        (&html, json!([attachment("reference", Value::Null, Value::Null)])),
        (&html, json!([{ "contentType": "reference", "contentUrl": "https://x" }])),
    ] {
        chat.send(json!({ "body": body, "attachments": attachments })).await.expect(400);
    }
    let large = json!({ "type": "AdaptiveCard", "body": "x".repeat(102_400) }).to_string();
    let large = attachment(adaptive, json!(large), Value::Null);
    chat.send(json!({ "body": html, "attachments": [large] })).await.expect(413);
}

#[tokio::test]
async fn an_image_in_the_text_is_read_back_from_where_the_body_says() {
    let chat = start("oneOnOne").await;
    let message = json!({
        "body": { "contentType": "html", "content": "<img src=\"../hostedContents/1/$value\" alt=\"dot\">" },
        "hostedContents": [{
            "@microsoft.graph.temporaryId": "1", "contentBytes": "iVBORw0KGgo=", "contentType": "image/png",
        }],
    });
    let sent = chat.send(message.clone()).await.expect(201);
    let url = sent.text("/body/content").split('"').nth(1).unwrap().to_owned();
    assert!(url.starts_with(&chat.tenant.url("/v1.0/chats/")) && url.ends_with("/$value"), "{url}");
    let image = chat.tenant.http.get(&url).bearer_auth(&chat.grace).send().await.unwrap();
    assert_eq!(image.headers()["content-type"], "image/png");
    assert_eq!(&image.bytes().await.unwrap()[..], b"\x89PNG\r\n\x1a\n");
    let path = chat.path(&format!("/messages/{}/hostedContents", sent.text("/id")));
    let listed = get(&chat.tenant, &path, &chat.grace).await.expect(200);
    assert_eq!(listed.text("/value/0/contentType"), "image/png");
    assert_eq!(listed.json["value"][0]["contentBytes"], Value::Null);
    let id = listed.text("/value/0/id");
    let one = get(&chat.tenant, &format!("{path}/{id}"), &chat.grace).await.expect(200);
    assert_eq!((one.text("/id"), one.text("/contentType")), (id, "image/png"));
    for (name, value) in [("@microsoft.graph.temporaryId", "2"), ("contentBytes", "%"), ("contentType", "")] {
        let mut bad = message.clone();
        bad["hostedContents"][0][name] = json!(value);
        chat.send(bad).await.expect(400);
    }
}

#[tokio::test]
async fn reactions_leave_a_history() {
    let chat = start("oneOnOne").await;
    let message = chat.say("one").await;
    let path = |action: &str| chat.path(&format!("/messages/{message}/{action}"));
    let react = async |action: &str, kind: &str| {
        post(&chat.tenant, &path(action), &chat.grace, json!({ "reactionType": kind })).await
    };
    react("setReaction", "like").await.expect(204);
    react("setReaction", "like").await.expect(204);
    react("setReaction", "💘").await.expect(204);
    let both = chat.read(&message).await;
    assert_eq!(both.json["reactions"].as_array().unwrap().len(), 2);
    assert_eq!(both.text("/reactions/0/displayName"), "Like");
    react("unsetReaction", "like").await.expect(204);
    let one = chat.read(&message).await;
    assert_eq!(one.text("/reactions/0/reactionType"), "💘");
    assert!(one.text("/etag") > both.text("/etag"));
    assert_eq!(one.json["lastEditedDateTime"], Value::Null);
    let actions: Vec<&str> = one.json["messageHistory"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["actions"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["reactionAdded", "reactionAdded", "reactionRemoved"]);
    for bad in ["", "fine", "two words"] {
        react("setReaction", bad).await.expect(400);
    }
}

#[tokio::test]
async fn events_stand_among_the_messages_and_nobody_says_them() {
    let chat = start("group").await;
    let (ada, alan) = (person(&chat.tenant, "ada"), person(&chat.tenant, "alan"));
    patch(&chat.tenant, &chat.path(""), &chat.ada, json!({ "topic": "Plans" })).await.expect(200);
    patch(&chat.tenant, &chat.path(""), &chat.ada, json!({ "topic": "a:b" })).await.expect(400);
    let added = post(&chat.tenant, &chat.path("/members"), &chat.ada, member(&alan)).await.expect(201);
    let membership = added.header("location").rsplit('/').next().unwrap().to_owned();
    delete(&chat.tenant, &chat.path(&format!("/members/{membership}")), &chat.ada).await.expect(204);
    let events = chat.all().await;
    let kinds: Vec<&str> =
        events.iter().rev().map(|event| event["eventDetail"]["@odata.type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds,
        ["membersAdded", "chatRenamed", "membersAdded", "membersDeleted"]
            .map(|kind| format!("#microsoft.graph.{kind}EventMessageDetail"))
    );
    for event in &events {
        assert_eq!(event["messageType"], "systemEventMessage");
        assert_eq!(event["from"], Value::Null);
        assert_eq!(event["body"]["content"], "<systemEventMessage/>");
        assert_eq!(event["eventDetail"]["initiator"]["user"]["id"], ada.as_str());
    }
    assert_eq!(events[1]["eventDetail"]["members"][0]["id"], alan.as_str());
    assert_eq!(events[2]["eventDetail"]["chatDisplayName"], "Plans");
    // Who does not ask for later members of the enumeration gets the one that stands for them.
    let plain = get(&chat.tenant, &chat.path("/messages"), &chat.grace).await.expect(200);
    assert_eq!(plain.text("/value/0/messageType"), "unknownFutureValue");
    let id = events[0]["id"].as_str().unwrap();
    let path = chat.path(&format!("/messages/{id}"));
    patch(&chat.tenant, &path, &chat.ada, json!({ "body": { "content": "x" } })).await.expect(403);
}

#[tokio::test]
async fn an_edit_changes_what_it_names_and_nothing_else() {
    let chat = start("oneOnOne").await;
    let message = chat.say("one").await;
    let path = chat.path(&format!("/messages/{message}"));
    patch(&chat.tenant, &path, &chat.ada, json!({ "importance": "urgent" })).await.expect(204);
    let read = chat.read(&message).await;
    assert_eq!((read.text("/importance"), read.text("/body/content")), ("urgent", "one"));
    for (bad, status) in [
        (json!({ "from": { "user": { "id": "x" } } }), 400),
        (json!({ "createdDateTime": "2020-01-01T00:00:00Z" }), 400),
        (json!({ "colour": "red" }), 400),
        (json!({ "importance": "low" }), 400),
        (json!({ "policyViolation": { "dlpAction": "blockAccess" } }), 403),
    ] {
        patch(&chat.tenant, &path, &chat.ada, bad).await.expect(status);
    }
    assert_eq!(chat.read(&message).await.text("/etag"), read.text("/etag"));
}

#[tokio::test]
async fn each_member_has_their_own_view_of_a_chat() {
    let chat = start("group").await;
    let tenant_id = chat.tenant.sandbox.ready().tenant_id.clone();
    let user = |name: &str| json!({ "user": { "id": person(&chat.tenant, name), "tenantId": tenant_id } });
    let act = async |action: &str, token: &str, body: Value| {
        post(&chat.tenant, &chat.path(&format!("/{action}")), token, body).await
    };
    let view = async |token: &str| {
        get(&chat.tenant, &chat.path(""), token).await.expect(200).json["viewpoint"].clone()
    };
    chat.tenant.sandbox.control().clock().advance(Duration::from_secs(1));
    chat.say("one").await;
    let never = "0001-01-01T00:00:00Z";
    assert_eq!(view(&chat.grace).await, json!({ "isHidden": false, "lastMessageReadDateTime": never }));
    let read = json!({ "isHidden": false, "lastMessageReadDateTime": "2026-03-01T12:00:01.000Z" });
    assert_eq!(view(&chat.ada).await, read);
    act("markChatReadForUser", &chat.grace, user("grace")).await.expect(204);
    assert_eq!(view(&chat.grace).await, read);
    act("hideForUser", &chat.grace, user("grace")).await.expect(204);
    assert_eq!(view(&chat.grace).await["isHidden"], true);
    assert_eq!(view(&chat.ada).await["isHidden"], false);
    let mut unread = user("grace");
    unread["lastMessageReadDateTime"] = json!("2026-03-01T11:00:00Z");
    act("markChatUnreadForUser", &chat.grace, unread).await.expect(204);
    assert_eq!(view(&chat.grace).await["lastMessageReadDateTime"], "2026-03-01T11:00:00.000Z");
    chat.say("two").await;
    assert_eq!(view(&chat.grace).await["isHidden"], false);
    act("hideForUser", &chat.grace, user("ada")).await.expect(403);
    act("hideForUser", &chat.grace, json!({})).await.expect(400);
}

#[tokio::test]
async fn messages_are_pinned_and_members_come_in_bulk() {
    let chat = start("group").await;
    let message = chat.say("one").await;
    let bind = format!("https://graph.microsoft.com/v1.0/chats/{}/messages/{message}", chat.id);
    let pins = chat.path("/pinnedMessages");
    let pinned =
        post(&chat.tenant, &pins, &chat.ada, json!({ "message@odata.bind": bind })).await.expect(201);
    assert_eq!(pinned.text("/id"), message);
    let listed = get(&chat.tenant, &format!("{pins}?$expand=message"), &chat.grace).await.expect(200);
    assert_eq!(listed.text("/value/0/message/body/content"), "one");
    delete(&chat.tenant, &format!("{pins}/{message}"), &chat.ada).await.expect(204);
    delete(&chat.tenant, &format!("{pins}/{message}"), &chat.ada).await.expect(404);
    let elsewhere =
        json!({ "message@odata.bind": "https://graph.microsoft.com/v1.0/chats/48:notes/messages/1" });
    post(&chat.tenant, &pins, &chat.ada, elsewhere).await.expect(400);

    let values =
        json!({ "values": [member(&person(&chat.tenant, "alan")), member(&person(&chat.tenant, "ada"))] });
    let added = post(&chat.tenant, &chat.path("/members/add"), &chat.ada, values).await.expect(207);
    assert_eq!(added.text("/value/0/userId"), person(&chat.tenant, "alan"));
    assert_eq!(added.text("/value/1/error/code"), "BadRequest");
    let members = get(&chat.tenant, &chat.path("/members"), &chat.ada).await.expect(200);
    assert_eq!(members.json["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_member_of_another_tenant_is_known_by_both_ids() {
    let chat = start("group").await;
    let (user, home) = ("82af01c5-f7cc-4a2e-a728-3a5df21afd9d", "4dc1fe35-8ac6-4f0d-904a-7ebcd364bea1");
    let mut federated = member(user);
    post(&chat.tenant, &chat.path("/members"), &chat.ada, federated.clone()).await.expect(404);
    federated["tenantId"] = json!(home);
    post(&chat.tenant, &chat.path("/members"), &chat.ada, federated.clone()).await.expect(201);
    post(&chat.tenant, &chat.path("/members"), &chat.ada, federated).await.expect(400);
    let members = get(&chat.tenant, &chat.path("/members"), &chat.ada).await.expect(200);
    let last = &members.json["value"][2];
    assert_eq!((last["userId"].as_str(), last["tenantId"].as_str()), (Some(user), Some(home)));
    assert_eq!(last["displayName"], Value::Null);
}

#[tokio::test]
async fn an_administrator_deletes_a_chat_and_takes_it_back() {
    let chat = start("group").await;
    let message = chat.say("one").await;
    let app = app_with(&chat.tenant, &["Chat.ManageDeletion.All"]).await;
    let undo = format!("/v1.0/teamwork/deletedChats/{}/undoDelete", chat.id);
    post(&chat.tenant, &undo, &app, json!({})).await.expect(404);
    delete(&chat.tenant, &chat.path(""), &chat.ada).await.expect(403);
    delete(&chat.tenant, &chat.path(""), &app).await.expect(204);
    get(&chat.tenant, &chat.path("/messages"), &chat.ada).await.expect(404);
    let deleted = format!("/v1.0/teamwork/deletedChats/{}", chat.id);
    assert_eq!(get(&chat.tenant, &deleted, &app).await.expect(200).text("/id"), chat.id);
    post(&chat.tenant, &undo, &app, json!({})).await.expect(204);
    assert_eq!(chat.read(&message).await.text("/body/content"), "one");
    get(&chat.tenant, &deleted, &app).await.expect(404);
}

#[tokio::test]
async fn an_app_may_only_flag_a_message() {
    let chat = start("oneOnOne").await;
    let message = chat.say("one").await;
    let app = app_with(&chat.tenant, &["Chat.UpdatePolicyViolation.All"]).await;
    let path = chat.path(&format!("/messages/{message}"));
    let violation = json!({ "dlpAction": "blockAccess", "policyTip": { "generalText": "Not here." } });
    patch(&chat.tenant, &path, &app, json!({ "body": { "content": "x" } })).await.expect(403);
    patch(&chat.tenant, &path, &app, json!({ "policyViolation": violation })).await.expect(204);
    let read = chat.read(&message).await;
    assert_eq!(read.json["policyViolation"], violation);
    assert_eq!(read.json["lastEditedDateTime"], Value::Null);
}

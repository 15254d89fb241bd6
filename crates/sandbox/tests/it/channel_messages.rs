//! Messages of channels as those of chats: reactions, images, deleted replies; and who is in a channel (Entra
//! reference §5.3, §5.4).

use serde_json::{Value, json};

use crate::cast::{get, person, post, tenant};
use crate::granted::app_with;
use crate::support::{Reply, Tenant};
use crate::teams::team;

/// A channel's message of Ada's with an image, a reply of Grace's with another, and their paths.
struct Conversation {
    tenant: Tenant,
    ada: String,
    grace: String,
    team: String,
    channel: String,
    root: String,
    reply: String,
}

fn picture() -> Value {
    json!({
        "body": { "contentType": "html", "content": "<img src=\"../hostedContents/1/$value\" alt=\"dot\">" },
        "hostedContents": [{
            "@microsoft.graph.temporaryId": "1", "contentBytes": "iVBORw0KGgo=", "contentType": "image/png",
        }],
    })
}

async fn conversation() -> Conversation {
    let tenant = tenant().await;
    let (ada, grace, team) = team(&tenant).await;
    let general =
        get(&tenant, &format!("{team}/primaryChannel"), &ada).await.expect(200).text("/id").to_owned();
    let channel = format!("{team}/channels/{general}");
    let root = post(&tenant, &format!("{channel}/messages"), &ada, picture()).await.expect(201);
    let root = format!("{channel}/messages/{}", root.text("/id"));
    let reply = post(&tenant, &format!("{root}/replies"), &grace, picture()).await.expect(201);
    let reply = format!("{root}/replies/{}", reply.text("/id"));
    Conversation { tenant, ada, grace, team, channel, root, reply }
}

impl Conversation {
    async fn read(&self, path: &str) -> Reply {
        get(&self.tenant, path, &self.ada).await.expect(200)
    }
}

#[tokio::test]
async fn images_of_messages_and_replies_are_read_from_where_the_body_says() {
    let all = conversation().await;
    for message in [&all.root, &all.reply] {
        let said = all.read(message).await;
        let url = said.text("/body/content").split('"').nth(1).unwrap().to_owned();
        assert_eq!(url.split("/hostedContents/").next().unwrap(), all.tenant.url(message));
        let image = all.tenant.http.get(&url).bearer_auth(&all.ada).send().await.unwrap();
        assert_eq!(
            (image.status().as_u16(), &image.headers()["content-type"]),
            (200, &"image/png".parse().unwrap())
        );
        assert_eq!(&image.bytes().await.unwrap()[..], b"\x89PNG\r\n\x1a\n");
        let listed = all.read(&format!("{message}/hostedContents")).await;
        let id = listed.text("/value/0/id");
        let one = all.read(&format!("{message}/hostedContents/{id}")).await;
        assert_eq!((one.text("/id"), one.text("/contentType")), (id, "image/png"));
        get(&all.tenant, &format!("{message}/hostedContents/nothing"), &all.ada).await.expect(404);
    }
}

#[tokio::test]
async fn reactions_come_and_go_on_messages_and_replies() {
    let all = conversation().await;
    for message in [&all.root, &all.reply] {
        let react = async |action: &str| {
            let body = json!({ "reactionType": "👍" });
            post(&all.tenant, &format!("{message}/{action}"), &all.grace, body).await.expect(204);
            all.read(message).await.json["reactions"].as_array().unwrap().clone()
        };
        let set = react("setReaction").await;
        assert_eq!((set.len(), &set[0]["user"]["user"]["id"]), (1, &json!(person(&all.tenant, "grace"))));
        assert_eq!(react("unsetReaction").await, [Value::Null; 0]);
    }
}

#[tokio::test]
async fn a_reply_is_deleted_and_taken_back_by_who_wrote_it() {
    let all = conversation().await;
    let act = async |action: &str, token: &str| {
        post(&all.tenant, &format!("{}/{action}", all.reply), token, json!({})).await
    };
    act("softDelete", &all.ada).await.expect(403);
    act("softDelete", &all.grace).await.expect(204);
    let gone = all.read(&all.reply).await;
    assert!(gone.json["deletedDateTime"].is_string());
    assert_eq!(gone.text("/body/content"), "");
    act("undoSoftDelete", &all.ada).await.expect(403);
    act("undoSoftDelete", &all.grace).await.expect(204);
    let back = all.read(&all.reply).await;
    assert_eq!(back.json["deletedDateTime"], Value::Null);
    assert!(back.text("/body/content").contains("/hostedContents/"));
}

#[tokio::test]
async fn a_teams_members_are_those_of_its_channels_and_an_app_hears_what_is_said() {
    let all = conversation().await;
    let app =
        app_with(&all.tenant, &["ChannelMember.Read.All", "Team.ReadBasic.All", "ChannelMessage.Read.All"])
            .await;
    let read = async |path: &str| get(&all.tenant, path, &app).await.expect(200);
    let members = read(&format!("{}/members", all.channel)).await;
    let people: Vec<&Value> =
        members.json["value"].as_array().unwrap().iter().map(|one| &one["userId"]).collect();
    assert_eq!(people, [&json!(person(&all.tenant, "ada")), &json!(person(&all.tenant, "grace"))]);
    let grace = members.text("/value/1/id");
    let one = read(&format!("{}/members/{grace}", all.channel)).await;
    assert_eq!(one.text("/displayName"), "Grace Hopper");
    let one = all.read(&format!("{}/members/{grace}", all.team)).await;
    assert_eq!((one.text("/displayName"), &one.json["roles"]), ("Grace Hopper", &json!([])));
    get(&all.tenant, &format!("{}/members/nobody", all.team), &all.ada).await.expect(404);
    let teams = read("/v1.0/teams").await;
    assert_eq!(format!("/v1.0/teams/{}", teams.text("/value/0/id")), all.team);

    let first = read(&format!("{}/channels/getAllMessages/delta", all.team)).await;
    assert_eq!(first.json["value"].as_array().unwrap().len(), 2);
    let link = first.text("/@odata.deltaLink").to_owned();
    post(
        &all.tenant,
        &format!("{}/messages", all.channel),
        &all.ada,
        json!({ "body": { "content": "late" } }),
    )
    .await
    .expect(201);
    let later = all.tenant.send(all.tenant.http.get(link).bearer_auth(&app)).await.expect(200);
    assert_eq!(later.json["value"].as_array().unwrap().len(), 1);
    assert_eq!(later.text("/value/0/body/content"), "late");
}

#[tokio::test]
async fn somebody_in_a_team_or_chat_is_told_of_an_activity() {
    let all = conversation().await;
    let app = app_with(&all.tenant, &["TeamsActivity.Send"]).await;
    let grace = person(&all.tenant, "grace");
    let members = [crate::cast::member(&person(&all.tenant, "ada")), crate::cast::member(&grace)];
    let ada = crate::cast::sign_in(&all.tenant, "ada").await;
    let chat = json!({ "chatType": "oneOnOne", "members": members });
    let chat = post(&all.tenant, "/v1.0/chats", &ada, chat).await.expect(201).text("/id").to_owned();
    for (path, kind) in [(all.team.clone(), "ofTeam"), (format!("/v1.0/chats/{chat}"), "ofChat")] {
        let body = json!({
            "topic": { "source": "text", "value": "Loop", "webUrl": "https://teams.microsoft.com/l/entity/x" },
            "activityType": kind, "previewText": { "content": "New" },
            "recipient": { "@odata.type": "microsoft.graph.aadUserNotificationRecipient", "userId": grace },
        });
        let path = format!("{path}/sendActivityNotification");
        post(&all.tenant, &path, &app, body.clone()).await.expect(204);
        let state = all.tenant.control(http::Method::GET, "state", None).await.expect(200);
        assert!(state.text.contains(kind), "{kind}");
        let mut nobody = body;
        nobody.as_object_mut().unwrap().remove("recipient");
        post(&all.tenant, &path, &app, nobody).await.expect(400);
    }
}

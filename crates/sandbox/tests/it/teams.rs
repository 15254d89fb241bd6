//! Teams and channels, as far as it takes to send and read there (Entra reference §5.3).

use http::Method;
use serde_json::{Value, json};

use crate::cast::{delete, get, member, patch, permitted, person, post, sign_in, tenant};
use crate::granted::{app_with, sign_in_with};
use crate::support::Tenant;

const SCOPES: &str = "Team.Create Team.ReadBasic.All TeamMember.ReadWrite.All Channel.Create \
    Channel.ReadBasic.All Channel.Delete.All ChannelSettings.ReadWrite.All ChannelMessage.Send \
    ChannelMessage.Read.All ChannelMessage.ReadWrite";

fn new_team(name: &str) -> Value {
    json!({
        "template@odata.bind": "https://graph.microsoft.com/v1.0/teamsTemplates('standard')",
        "displayName": name, "description": "Plans and such",
    })
}

/// A team of Ada's, with Grace in it: Ada's token, Grace's, and the path of the team.
pub(crate) async fn team(tenant: &Tenant) -> (String, String, String) {
    let ada = sign_in_with(tenant, "ada", SCOPES).await;
    let grace = sign_in_with(tenant, "grace", SCOPES).await;
    let made = post(tenant, "/v1.0/teams", &ada, new_team("Engines")).await.expect(202);
    let operation = get(tenant, &format!("/v1.0{}", made.header("location")), &ada).await.expect(200);
    assert_eq!(operation.text("/status"), "succeeded");
    let path = format!("/v1.0/teams/{}", operation.text("/targetResourceId"));
    let mut newcomer = member(&person(tenant, "grace"));
    newcomer["roles"] = json!([]);
    let added = post(tenant, &format!("{path}/members"), &ada, newcomer).await.expect(201);
    assert_eq!(added.json["roles"], json!([]));
    (ada, grace, path)
}

#[tokio::test]
async fn a_team_begins_with_general_and_takes_channels() {
    let tenant = tenant().await;
    let (ada, grace, path) = team(&tenant).await;
    let shown = get(&tenant, &path, &grace).await.expect(200);
    assert_eq!((shown.text("/displayName"), shown.text("/visibility")), ("Engines", "public"));
    let joined = get(&tenant, "/v1.0/me/joinedTeams", &grace).await.expect(200);
    assert_eq!(joined.text("/value/0/id"), shown.text("/id"));
    let channels = format!("{path}/channels");
    let general = get(&tenant, &format!("{path}/primaryChannel"), &ada).await.expect(200);
    assert_eq!(general.text("/displayName"), "General");
    let body = json!({ "displayName": "Pistons", "membershipType": "standard" });
    let made = post(&tenant, &channels, &ada, body.clone()).await.expect(201);
    assert!(made.text("/id").starts_with("19:") && made.text("/id").ends_with("@thread.tacv2"));
    post(&tenant, &channels, &ada, body).await.expect(400);
    let private = json!({ "displayName": "Secret", "membershipType": "private" });
    post(&tenant, &channels, &ada, private).await.expect(501);
    let one = format!("{channels}/{}", made.text("/id"));
    patch(&tenant, &one, &ada, json!({ "displayName": "Valves" })).await.expect(204);
    assert_eq!(get(&tenant, &one, &grace).await.expect(200).text("/displayName"), "Valves");
    let listed = get(&tenant, &channels, &grace).await.expect(200);
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 2);
    delete(&tenant, &one, &ada).await.expect(204);
    get(&tenant, &one, &ada).await.expect(404);
    delete(&tenant, &format!("{channels}/{}", general.text("/id")), &ada).await.expect(400);

    let alan = sign_in_with(&tenant, "alan", SCOPES).await;
    get(&tenant, &path, &alan).await.expect(403);
    assert_eq!(get(&tenant, "/v1.0/me/joinedTeams", &alan).await.expect(200).json["value"], json!([]));
    get(&tenant, "/v1.0/teams/nonsense", &ada).await.expect(400);
    get(&tenant, "/v1.0/teams/00000000-0000-4000-8000-00000000dead", &ada).await.expect(404);
    post(&tenant, "/v1.0/teams", &ada, json!({ "displayName": "x" })).await.expect(400);
    let members = get(&tenant, &format!("{path}/members"), &ada).await.expect(200);
    let owner = members.text("/value/0/id").to_owned();
    delete(&tenant, &format!("{path}/members/{owner}"), &ada).await.expect(400);
    let other = members.text("/value/1/id").to_owned();
    delete(&tenant, &format!("{path}/members/{other}"), &ada).await.expect(204);
    get(&tenant, &path, &grace).await.expect(403);
}

#[tokio::test]
async fn conversations_in_a_channel_have_replies() {
    let tenant = tenant().await;
    let (ada, grace, path) = team(&tenant).await;
    let general =
        get(&tenant, &format!("{path}/primaryChannel"), &ada).await.expect(200).text("/id").to_owned();
    let messages = format!("{path}/channels/{general}/messages");
    let body = json!({ "subject": "Steam", "body": { "content": "How much?" } });
    let root = post(&tenant, &messages, &ada, body).await.expect(201);
    assert_eq!(root.text("/subject"), "Steam");
    assert_eq!(root.json["chatId"], Value::Null);
    assert_eq!(root.text("/channelIdentity/channelId"), general);
    assert!(root.text("/webUrl").contains("/l/message/"));
    let replies = format!("{messages}/{}/replies", root.text("/id"));
    let reply = post(&tenant, &replies, &grace, json!({ "body": { "content": "A lot." } })).await.expect(201);
    assert_eq!(reply.text("/replyToId"), root.text("/id"));
    post(&tenant, &format!("{messages}/1/replies"), &grace, json!({ "body": { "content": "x" } }))
        .await
        .expect(404);

    let listed = get(&tenant, &format!("{messages}?$expand=replies&$top=50"), &grace).await.expect(200);
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 1);
    assert_eq!(listed.text("/value/0/replies/0/id"), reply.text("/id"));
    let listed = get(&tenant, &replies, &ada).await.expect(200);
    assert_eq!(listed.text("/value/0/body/content"), "A lot.");
    get(&tenant, &format!("{messages}?$filter=createdDateTime%20lt%202026-01-01T00:00:00Z"), &ada)
        .await
        .expect(400);

    let one = format!("{replies}/{}", reply.text("/id"));
    post(&tenant, &format!("{one}/setReaction"), &ada, json!({ "reactionType": "👍" })).await.expect(204);
    patch(&tenant, &one, &ada, json!({ "body": { "content": "x" } })).await.expect(403);
    patch(&tenant, &one, &grace, json!({ "body": { "content": "Plenty." } })).await.expect(204);
    let read = get(&tenant, &one, &ada).await.expect(200);
    assert_eq!((read.text("/body/content"), read.text("/reactions/0/reactionType")), ("Plenty.", "👍"));
    let mine = format!("{messages}/{}", root.text("/id"));
    post(&tenant, &format!("{mine}/softDelete"), &grace, json!({})).await.expect(403);
    post(&tenant, &format!("{mine}/softDelete"), &ada, json!({})).await.expect(204);
    let gone = get(&tenant, &mine, &grace).await.expect(200);
    assert!(gone.json["deletedDateTime"].is_string());
    get(&tenant, &format!("{messages}/{}", reply.text("/id")), &ada).await.expect(404);

    let reader = sign_in(&tenant, "grace").await;
    let body = json!({ "body": { "content": "x" } });
    post(&tenant, &messages, &app_with(&tenant, &["Teamwork.Migrate.All"]).await, body).await.expect(403);
    assert_eq!(get(&tenant, &messages, &reader).await.status.as_u16(), 200);
}

#[tokio::test]
async fn the_delta_of_a_channel_tells_what_changed_since() {
    let tenant = tenant().await;
    let (ada, _, path) = team(&tenant).await;
    let general =
        get(&tenant, &format!("{path}/primaryChannel"), &ada).await.expect(200).text("/id").to_owned();
    let messages = format!("{path}/channels/{general}/messages");
    let mut said = Vec::new();
    for text in ["one", "two", "three"] {
        let body = json!({ "body": { "content": text } });
        said.push(post(&tenant, &messages, &ada, body).await.expect(201).text("/id").to_owned());
    }
    let follow = async |url: &str| tenant.send(tenant.http.get(url).bearer_auth(&ada)).await.expect(200);
    let ids = |page: &Value| -> Vec<String> {
        let items = page["value"].as_array().unwrap().iter();
        items.map(|one| one["id"].as_str().unwrap().to_owned()).collect()
    };
    let first = follow(&tenant.url(&format!("{messages}/delta?$top=2"))).await;
    assert_eq!(ids(&first.json), said[..2]);
    let second = follow(first.text("/@odata.nextLink")).await;
    assert_eq!(ids(&second.json), said[2..]);
    let link = second.text("/@odata.deltaLink");
    assert_eq!(follow(link).await.json["value"], json!([]));
    let edited = format!("{messages}/{}", said[0]);
    patch(&tenant, &edited, &ada, json!({ "body": { "content": "edited" } })).await.expect(204);
    let reply = json!({ "body": { "content": "no conversation of its own" } });
    post(&tenant, &format!("{edited}/replies"), &ada, reply).await.expect(201);
    let third = follow(link).await;
    assert_eq!(ids(&third.json), said[..1]);
    assert_eq!(third.text("/value/0/body/content"), "edited");
    get(&tenant, &format!("{messages}/delta?$deltatoken=x"), &ada).await.expect(400);
    let app = app_with(&tenant, &["ChannelMessage.Read.All"]).await;
    let all = get(&tenant, &format!("{path}/channels/getAllMessages?$top=50"), &app).await.expect(200);
    assert_eq!(all.json["value"].as_array().unwrap().len(), 4);
    let refused = tenant.graph(Method::GET, &format!("{path}/channels/getAllMessages"), &ada, None).await;
    refused.expect(403);
}

#[tokio::test]
async fn activity_notifications_are_taken_if_they_say_enough() {
    let tenant = tenant().await;
    let app = app_with(&tenant, &["TeamsActivity.Send"]).await;
    let path = format!("/v1.0/users/{}/teamwork/sendActivityNotification", person(&tenant, "ada"));
    let good = json!({
        "topic": { "source": "text", "value": "Loop", "webUrl": "https://teams.microsoft.com/l/entity/x" },
        "activityType": "taskCreated", "previewText": { "content": "New task" },
    });
    post(&tenant, &path, &app, good.clone()).await.expect(204);
    let state = tenant.control(Method::GET, "state", None).await.expect(200);
    assert!(state.text.contains("taskCreated"));
    for name in ["topic", "activityType"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(name);
        post(&tenant, &path, &app, bad).await.expect(400);
    }
    post(&tenant, "/v1.0/users/nobody/teamwork/sendActivityNotification", &app, good).await.expect(404);
}

#[tokio::test]
async fn a_team_is_a_group_and_a_group_gets_a_team() {
    let tenant = tenant().await;
    let (ada, grace, path) = team(&tenant).await;
    let admin = permitted(&tenant, &["Group.Read.All", "Group.ReadWrite.All", "Directory.Read.All"]).await;
    let id = path.rsplit('/').next().unwrap().to_owned();
    let group = format!("/v1.0/groups/{id}");
    let shown = get(&tenant, &group, &admin).await.expect(200);
    assert_eq!(shown.json["groupTypes"], json!(["Unified"]));
    assert_eq!(shown.json["resourceProvisioningOptions"], json!(["Team"]));
    assert_eq!((shown.text("/displayName"), shown.text("/description")), ("Engines", "Plans and such"));
    assert_eq!(shown.text("/mail"), "Engines@contoso.example");
    let found = "/v1.0/groups?$filter=resourceProvisioningOptions/Any(x:x%20eq%20'Team')";
    assert_eq!(get(&tenant, found, &admin).await.expect(200).text("/value/0/id"), id);
    let of_grace = format!("/v1.0/users/{}/memberOf", person(&tenant, "grace"));
    assert_eq!(get(&tenant, &of_grace, &admin).await.expect(200).text("/value/0/id"), id);
    let owners = get(&tenant, &format!("{group}/owners"), &admin).await.expect(200);
    assert_eq!(owners.text("/value/0/id"), person(&tenant, "ada"));

    // Who comes into the group is in the team; what the group is called, the team is called.
    let alan = person(&tenant, "alan");
    let reference = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{alan}") });
    post(&tenant, &format!("{group}/members/$ref"), &admin, reference).await.expect(204);
    let members = get(&tenant, &format!("{path}/members"), &grace).await.expect(200);
    assert_eq!(members.json["value"].as_array().unwrap().len(), 3);
    patch(&tenant, &group, &admin, json!({ "displayName": "Machines" })).await.expect(204);
    assert_eq!(get(&tenant, &path, &ada).await.expect(200).text("/displayName"), "Machines");
    // A group that is deleted has no team, until it is restored.
    delete(&tenant, &group, &admin).await.expect(204);
    get(&tenant, &path, &ada).await.expect(404);
    post(&tenant, &format!("/v1.0/directory/deletedItems/{id}/restore"), &admin, json!({})).await.expect(200);
    get(&tenant, &path, &ada).await.expect(200);

    let kind = |unified: bool| {
        json!({
            "displayName": "Boilers", "mailNickname": format!("boilers-{unified}"), "mailEnabled": unified,
            "securityEnabled": !unified, "groupTypes": if unified { json!(["Unified"]) } else { json!([]) },
            "owners@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{alan}")],
        })
    };
    let made = post(&tenant, "/v1.0/groups", &admin, kind(true)).await.expect(201);
    let boilers = format!("/v1.0/groups/{}", made.text("/id"));
    let put = async |group: &str, body: Value| {
        tenant.graph(Method::PUT, &format!("{group}/team"), &admin, Some(body)).await
    };
    get(&tenant, &format!("{boilers}/team"), &admin).await.expect(404);
    let body = json!({ "memberSettings": { "allowCreateUpdateChannels": true } });
    let team = put(&boilers, body.clone()).await.expect(201);
    assert_eq!((team.text("/id"), team.text("/displayName")), (made.text("/id"), "Boilers"));
    assert_eq!(team.json["summary"]["ownersCount"], 1);
    assert_eq!(
        get(&tenant, &format!("{boilers}/team"), &admin).await.expect(200).json["id"],
        team.json["id"]
    );
    put(&boilers, body.clone()).await.expect(409);
    let plain = post(&tenant, "/v1.0/groups", &admin, kind(false)).await.expect(201);
    put(&format!("/v1.0/groups/{}", plain.text("/id")), body).await.expect(400);

    let mut bare = kind(true);
    bare["mailNickname"] = json!("pipes");
    bare["owners@odata.bind"] =
        json!([format!("https://graph.microsoft.com/v1.0/users/{}", person(&tenant, "ada"))]);
    let pipes = post(&tenant, "/v1.0/groups", &admin, bare).await.expect(201).text("/id").to_owned();
    let bound = json!({
        "template@odata.bind": "https://graph.microsoft.com/v1.0/teamsTemplates('standard')",
        "group@odata.bind": format!("https://graph.microsoft.com/v1.0/groups('{pipes}')"),
    });
    let asked = post(&tenant, "/v1.0/teams", &ada, bound.clone()).await.expect(202);
    assert_eq!(asked.header("content-location"), format!("/teams('{pipes}')"));
    get(&tenant, &format!("/v1.0/teams/{pipes}"), &ada).await.expect(200);
    post(&tenant, "/v1.0/teams", &grace, bound).await.expect(403);
}

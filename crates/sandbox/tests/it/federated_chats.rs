//! Chats between people of two tenants of one sandbox (Entra reference §5.1, §13).

use http::Method;
use serde_json::{Value, json};

use crate::cast::{get, member, patch, person, post, sign_in, tenant};
use crate::support::{GRAPH, Tenant};

/// The first person of the other tenant, with a token.
struct Guest {
    tenant_id: String,
    id: String,
    token: String,
}

async fn guest(tenant: &Tenant) -> Guest {
    let body = json!({ "clock": { "pace": 0, "now": "2026-03-01T12:00:00Z" } });
    let other = tenant.control(Method::POST, "tenants", Some(body)).await.expect(201);
    let form = [
        ("client_id", other.text("/apps/client/client_id")),
        ("grant_type", "password"),
        ("username", other.text("/users/0/upn")),
        ("password", other.text("/users/0/password")),
        ("scope", GRAPH),
    ];
    let url = tenant.url(&format!("/{}/oauth2/v2.0/token", other.text("/tenant_id")));
    let token = tenant.send(tenant.http.post(url).form(&form)).await.expect(200);
    Guest {
        tenant_id: other.text("/tenant_id").to_owned(),
        id: other.text("/users/0/id").to_owned(),
        token: token.text("/access_token").to_owned(),
    }
}

#[tokio::test]
async fn what_one_says_the_other_reads_in_their_own_tenant() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let guest = guest(&tenant).await;
    let mut abroad = member(&guest.id);
    abroad["tenantId"] = json!(guest.tenant_id);
    let members = json!([member(&person(&tenant, "ada")), abroad]);
    let body = json!({ "chatType": "oneOnOne", "members": members });
    let chat = post(&tenant, "/v1.0/chats", &ada, body.clone()).await.expect(201).text("/id").to_owned();
    assert_eq!(post(&tenant, "/v1.0/chats", &ada, body).await.expect(201).text("/id"), chat);

    let theirs = get(&tenant, "/v1.0/me/chats?$expand=members", &guest.token).await.expect(200);
    assert_eq!(theirs.text("/value/0/id"), chat);
    assert_eq!(theirs.text("/value/0/members/0/tenantId"), tenant.sandbox.ready().tenant_id);
    assert_eq!(theirs.text("/value/0/members/0/displayName"), "Ada Lovelace");
    let messages = format!("/v1.0/chats/{chat}/messages");
    let said = post(&tenant, &messages, &ada, json!({ "body": { "content": "hello" } })).await.expect(201);
    let path = format!("{messages}/{}", said.text("/id"));
    let read = get(&tenant, &path, &guest.token).await.expect(200);
    assert_eq!(read.text("/from/user/tenantId"), tenant.sandbox.ready().tenant_id);
    patch(&tenant, &path, &ada, json!({ "body": { "content": "hello you" } })).await.expect(204);
    let read = get(&tenant, &path, &guest.token).await.expect(200);
    assert_eq!(read.text("/body/content"), "hello you");

    let answer = json!({ "body": { "content": "hello yourself" } });
    post(&tenant, &messages, &guest.token, answer).await.expect(201);
    let all = get(&tenant, &messages, &ada).await.expect(200);
    assert_eq!(all.json["value"].as_array().unwrap().len(), 2);
    let answered = all.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["from"]["user"]["id"] == guest.id.as_str());
    assert_eq!(answered.unwrap()["body"]["content"], "hello yourself");
    assert_eq!(answered.unwrap()["from"]["user"]["tenantId"], guest.tenant_id.as_str());
}

#[tokio::test]
async fn nobody_is_invited_who_is_not_there() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let guest = guest(&tenant).await;
    let invite = async |id: &str, home: Value| {
        let mut abroad = member(id);
        abroad["tenantId"] = home;
        let members = json!([member(&person(&tenant, "ada")), abroad]);
        post(&tenant, "/v1.0/chats", &ada, json!({ "chatType": "group", "members": members })).await
    };
    let home = json!(guest.tenant_id);
    invite("00000000-0000-4000-8000-00000000dead", home.clone()).await.expect(404);
    invite("nobody@fabrikam.example", json!("00000000-0000-4000-8000-00000000beef")).await.expect(400);
    invite(&guest.id, json!("fabrikam")).await.expect(400);
    invite(&guest.id, json!(7)).await.expect(400);
    invite(&guest.id, home).await.expect(201);
}

//! `getAllMessages` and its delta: applications only (Entra reference §5.3, §13).

use serde_json::{Value, json};

use crate::cast::{get, member, patch, person, post, sign_in, tenant};
use crate::granted::app_with;
use crate::support::Tenant;

async fn say(tenant: &Tenant, token: &str, chat: &str, text: &str) -> String {
    let body = json!({ "body": { "content": text } });
    let path = format!("/v1.0/chats/{chat}/messages");
    post(tenant, &path, token, body).await.expect(201).text("/id").to_owned()
}

async fn chat(tenant: &Tenant, token: &str, people: [&str; 2]) -> String {
    let members = people.map(|one| member(&person(tenant, one)));
    let body = json!({ "chatType": "oneOnOne", "members": members });
    post(tenant, "/v1.0/chats", token, body).await.expect(201).text("/id").to_owned()
}

#[tokio::test]
async fn an_app_reads_all_chats_of_a_user_and_what_changes_in_them() {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let (mine, others) =
        (chat(&tenant, &ada, ["ada", "grace"]).await, chat(&tenant, &grace, ["grace", "alan"]).await);
    // The clock stands: messages of two chats have the same ids, and still one order.
    let first = say(&tenant, &ada, &mine, "one").await;
    say(&tenant, &grace, &others, "two").await;
    say(&tenant, &grace, &mine, "three").await;
    let app = app_with(&tenant, &["Chat.Read.All"]).await;
    let of = |user: &str| format!("/v1.0/users/{}/chats/getAllMessages", person(&tenant, user));
    let follow = async |url: &str| tenant.send(tenant.http.get(url).bearer_auth(&app)).await.expect(200);
    let texts = |page: &Value| -> Vec<String> {
        let items = page["value"].as_array().unwrap().iter();
        items.map(|one| one["body"]["content"].as_str().unwrap().to_owned()).collect()
    };
    let all = get(&tenant, &format!("{}?model=A", of("grace")), &app).await.expect(200);
    assert_eq!(texts(&all.json), ["one", "two", "three"]);
    let page = get(&tenant, &format!("{}/delta?$top=2", of("grace")), &app).await.expect(200);
    assert_eq!(texts(&page.json), ["one", "two"]);
    let page = follow(page.text("/@odata.nextLink")).await;
    assert_eq!(texts(&page.json), ["three"]);
    let link = page.text("/@odata.deltaLink").to_owned();
    let path = format!("/v1.0/chats/{mine}/messages/{first}");
    patch(&tenant, &path, &ada, json!({ "body": { "content": "changed" } })).await.expect(204);
    say(&tenant, &grace, &others, "four").await;
    assert_eq!(texts(&follow(&link).await.json), ["changed", "four"]);
    let of_ada = get(&tenant, &format!("{}/delta()", of("ada")), &app).await.expect(200);
    assert_eq!(texts(&of_ada.json), ["three", "changed"]);

    let later = "$filter=lastModifiedDateTime%20gt%202026-03-02T00:00:00Z";
    let none = get(&tenant, &format!("{}?{later}", of("ada")), &app).await.expect(200);
    assert_eq!(none.json["value"], json!([]));
    for bad in ["model=C", "$top=51", "$orderby=createdDateTime", "$filter=lastModifiedDateTime%20eq%20null"]
    {
        get(&tenant, &format!("{}?{bad}", of("ada")), &app).await.expect(400);
    }
    // In a user's name there is no such thing.
    for path in
        [of("ada"), "/v1.0/me/chats/getAllMessages".into(), "/v1.0/me/chats/getAllMessages/delta".into()]
    {
        get(&tenant, &path, &ada).await.expect(403);
    }
    get(&tenant, &format!("{}/delta", of("ada")), &ada).await.expect(403);
}

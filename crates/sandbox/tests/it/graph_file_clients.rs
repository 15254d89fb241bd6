//! What clients of OneDrive ask for in their own way: Debian's `onedrive`, msgraphfs (Microsoft's pages on
//! `driveItem`).

use serde_json::{Value, json};

use crate::cast::{get, post, sign_in, tenant};
use crate::support::{Reply, Tenant};

async fn put(tenant: &Tenant, path: &str, token: &str, text: &'static str) -> Reply {
    tenant
        .send(tenant.http.put(tenant.url(&format!("/v1.0/me/drive/{path}"))).bearer_auth(token).body(text))
        .await
}

fn names(reply: &Reply) -> Vec<&str> {
    let items = reply.json["value"].as_array().unwrap();
    items.iter().map(|item| item["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_path_may_say_that_it_stays_where_it_is() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let made = put(&tenant, "root:/docs/a.txt:/content", &ada, "a").await.expect(201);
    let (file, docs) = (made.text("/id"), made.text("/parentReference/id"));
    for (path, id) in
        [("root:/.%2Fdocs", docs), ("root:/docs%2F.%2Fa.txt", file), ("root:/.%2Fdocs%2F%2Fa.txt:", file)]
    {
        let found = get(&tenant, &format!("/v1.0/me/drive/{path}"), &ada).await.expect(200);
        assert_eq!(found.text("/id"), id, "{path}");
    }
    let more = put(&tenant, "root:/.%2Fdocs%2F.%2Fb.txt:/content", &ada, "b").await.expect(201);
    assert_eq!((more.text("/name"), more.text("/parentReference/id")), ("b.txt", docs));
}

#[tokio::test]
async fn what_becomes_of_a_name_that_is_taken_has_an_older_name_too() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    put(&tenant, "root:/docs/a.txt:/content", &ada, "a").await.expect(201);
    let taken = put(&tenant, "root:/docs/a.txt:/content?@name.conflictBehavior=fail", &ada, "b").await;
    assert_eq!(taken.expect(409).text("/error/code"), "nameAlreadyExists");
    let folder = json!({ "name": "docs", "folder": {}, "@name.conflictBehavior": "rename" });
    let renamed = post(&tenant, "/v1.0/me/drive/root/children", &ada, folder).await.expect(201);
    assert_eq!(renamed.text("/name"), "docs 1");
    let session = "/v1.0/me/drive/root:/docs/a.txt:/createUploadSession";
    let item = json!({ "item": { "@name.conflictBehavior": "replace", "name": "a.txt" } });
    post(&tenant, session, &ada, item).await.expect(200);
}

#[tokio::test]
async fn what_is_deleted_for_good_is_gone() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let id = get(&tenant, "/v1.0/me/drive", &ada).await.expect(200).text("/id").to_owned();
    for name in ["a", "b"] {
        let path = format!("root:/{name}.txt:");
        let made = put(&tenant, &format!("{path}/content"), &ada, "a").await.expect(201);
        let item = format!("/v1.0/drives/{id}/items/{}", made.text("/id"));
        let at = if name == "a" { item.clone() } else { format!("/v1.0/me/drive/{path}") };
        post(&tenant, &format!("{at}/permanentDelete"), &ada, Value::Null).await.expect(204);
        get(&tenant, &item, &ada).await.expect(404);
    }
}

#[tokio::test]
async fn delta_tells_the_folders_around_what_changed_first() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    put(&tenant, "root:/outer/inner/a.txt:/content", &ada, "a").await.expect(201);
    let first = get(&tenant, "/v1.0/me/drive/root/delta", &ada).await.expect(200);
    assert_eq!(names(&first), ["root", "outer", "inner", "a.txt"]);
    let link = first.text("/@odata.deltaLink");
    put(&tenant, "root:/outer/inner/a.txt:/content", &ada, "b").await.expect(200);
    let since = tenant.send(tenant.http.get(link).bearer_auth(&ada)).await.expect(200);
    assert_eq!(names(&since), ["root", "outer", "inner", "a.txt"]);
    let alone = tenant.http.get(link).bearer_auth(&ada).header("prefer", "deltaExcludeParent");
    assert_eq!(names(&tenant.send(alone).await.expect(200)), ["a.txt"]);
    // Of a folder, from that folder on.
    let inner = get(&tenant, "/v1.0/me/drive/root:/outer/inner:/delta?token=latest", &ada).await.expect(200);
    put(&tenant, "root:/outer/inner/b.txt:/content", &ada, "b").await.expect(201);
    let since = tenant.http.get(inner.text("/@odata.deltaLink")).bearer_auth(&ada);
    assert_eq!(names(&tenant.send(since).await.expect(200)), ["inner", "b.txt"]);
}

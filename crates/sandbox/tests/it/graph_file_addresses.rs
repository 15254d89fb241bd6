//! A file by each address of its drive: one's own, a person's, the drive's id, a share (Microsoft's pages on
//! `driveItem`, `permission` and `shares`).

use serde_json::{Value, json};

use crate::cast::{delete, get, patch, person, post, sign_in, tenant};
use crate::mail_support::consent;
use crate::support::{Reply, Tenant};

/// Ada's drive with `Team/plan.txt` in it.
struct Drive {
    tenant: Tenant,
    ada: String,
    grace: String,
    /// The beginnings of its addresses.
    addresses: [String; 3],
    file: String,
    folder: String,
}

async fn put(tenant: &Tenant, path: &str, token: &str, text: &'static str) -> Reply {
    tenant.send(tenant.http.put(tenant.url(path)).bearer_auth(token).body(text)).await
}

async fn drive() -> Drive {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let made = put(&tenant, "/v1.0/me/drive/root:/Team/plan.txt:/content", &ada, "plan").await.expect(201);
    let id = get(&tenant, "/v1.0/me/drive", &ada).await.expect(200).text("/id").to_owned();
    let addresses = [
        "/v1.0/me/drive".to_owned(),
        format!("/v1.0/users/{}/drive", person(&tenant, "ada")),
        format!("/v1.0/drives/{id}"),
    ];
    let (file, folder) = (made.text("/id").to_owned(), made.text("/parentReference/id").to_owned());
    Drive { tenant, ada, grace, addresses, file, folder }
}

impl Drive {
    async fn read(&self, path: &str) -> Reply {
        get(&self.tenant, path, &self.ada).await.expect(200)
    }

    async fn content(&self, path: &str, token: &str) -> String {
        let sent = get(&self.tenant, path, token).await.expect(302);
        self.tenant.get(sent.header("location")).await.expect(200).text
    }
}

#[tokio::test]
async fn who_may_open_it_is_read_widened_and_withdrawn_by_every_address() {
    let all = drive().await;
    for at in &all.addresses {
        let item = format!("{at}/items/{}", all.file);
        let body = json!({ "recipients": [{ "email": "grace@contoso.example" }], "requireSignIn": true,
            "sendInvitation": false, "roles": ["read"] });
        let granted = post(&all.tenant, &format!("{item}/invite"), &all.ada, body).await.expect(200);
        let permission = format!("{item}/permissions/{}", granted.text("/value/0/id"));
        let read = all.read(&permission).await;
        assert_eq!(
            (read.text("/grantedToV2/user/id"), &read.json["roles"]),
            (&*person(&all.tenant, "grace"), &json!(["read"]))
        );
        let by_id = format!("{}/items/{}", all.addresses[2], all.file);
        let write =
            async || put(&all.tenant, &format!("{by_id}/content"), &all.grace, "plan").await.status.as_u16();
        assert_eq!(write().await, 403, "{at}");
        let wider =
            patch(&all.tenant, &permission, &all.ada, json!({ "roles": ["write"] })).await.expect(200);
        assert_eq!(wider.json["roles"], json!(["write"]));
        assert_eq!(write().await, 200, "{at}");
        delete(&all.tenant, &permission, &all.ada).await.expect(204);
        get(&all.tenant, &permission, &all.ada).await.expect(404);
        get(&all.tenant, &by_id, &all.grace).await.expect(403);
    }
}

#[tokio::test]
async fn a_link_opens_what_it_was_made_for() {
    let all = drive().await;
    for (at, kind) in all.addresses.iter().zip(["view", "edit", "view"]) {
        let body = json!({ "type": kind, "scope": "organization" });
        let link = post(&all.tenant, &format!("{at}/items/{}/createLink", all.folder), &all.ada, body).await;
        let share = format!("/v1.0/shares/{}", link.text("/shareId"));
        let open =
            async |rest: &str| get(&all.tenant, &format!("{share}{rest}"), &all.grace).await.expect(200);
        assert_eq!(link.text("/link/type"), kind);
        assert_eq!(open("/root").await.text("/id"), all.folder);
        assert_eq!(open("/driveItem/children").await.text("/value/0/id"), all.file);
        assert_eq!(open("/permission").await.text("/link/type"), kind);
    }
}

#[tokio::test]
async fn versions_copies_and_uploads_go_by_every_address() {
    let all = drive().await;
    for (round, at) in all.addresses.iter().enumerate() {
        let item = format!("{at}/items/{}", all.file);
        put(&all.tenant, &format!("{item}/content"), &all.ada, "plan").await.expect(200);
        put(&all.tenant, &format!("{item}/content"), &all.ada, "changed").await.expect(200);
        let versions = all.read(&format!("{item}/versions")).await;
        let older = format!("{item}/versions/{}", versions.text("/value/1/id"));
        assert_eq!(all.read(&older).await.json["size"], 4);
        assert_eq!(all.content(&format!("{older}/content"), &all.ada).await, "plan");
        post(&all.tenant, &format!("{older}/restoreVersion"), &all.ada, json!({})).await.expect(204);
        assert_eq!(all.content(&format!("{item}/content"), &all.ada).await, "plan");

        let name = format!("copy {round}.txt");
        let copied =
            post(&all.tenant, &format!("{item}/copy"), &all.ada, json!({ "name": name })).await.expect(202);
        let progress = all.tenant.get(copied.header("location")).await.expect(200);
        let copy = all.read(&format!("{at}/items/{}", progress.text("/resourceId"))).await;
        assert_eq!((copy.text("/name"), copy.text("/parentReference/id")), (&*name, &*all.folder));

        let begun =
            post(&all.tenant, &format!("{item}/createUploadSession"), &all.ada, json!({})).await.expect(200);
        let upload = all.tenant.http.put(begun.text("/uploadUrl")).header("content-range", "bytes 0-4/5");
        assert_eq!(all.tenant.send(upload.body("whole")).await.expect(200).text("/id"), all.file);
        assert_eq!(all.content(&format!("{item}/content"), &all.ada).await, "whole");
    }
}

#[tokio::test]
async fn changes_and_searches_go_by_every_address() {
    let all = drive().await;
    let names = |reply: &Reply| -> Vec<String> {
        let items = reply.json["value"].as_array().unwrap().iter();
        items.filter_map(|one| one["name"].as_str().map(str::to_owned)).collect()
    };
    for (round, at) in all.addresses.iter().enumerate() {
        // The function with its token in the path, as Graph writes it in links of older clients.
        let latest = all.read(&format!("{at}/items/{}/delta(token='latest')", all.folder)).await;
        assert_eq!(latest.json["value"], json!([]));
        let link = latest.text("/@odata.deltaLink").to_owned();
        let path = format!("/v1.0/me/drive/items/{}:/new{round}.txt:/content", all.folder);
        put(&all.tenant, &path, &all.ada, "fresh").await.expect(201);
        let page = all.tenant.send(all.tenant.http.get(&link).bearer_auth(&all.ada)).await.expect(200);
        assert!(names(&page).contains(&format!("new{round}.txt")), "{}", page.text);
        let found = all.read(&format!("{at}/root/search(q='new{round}')")).await;
        assert_eq!(names(&found), [format!("new{round}.txt")]);
    }
    let found = all.read(&format!("{}/search(q='plan')", all.addresses[2])).await;
    assert_eq!(names(&found), ["plan.txt"]);
    let refused = get(&all.tenant, &format!("{}/search(q='plan')", all.addresses[2]), &all.grace).await;
    assert_ne!(refused.status.as_u16(), 200);
    assert_eq!(all.read(&all.addresses[0]).await.json["driveType"], Value::from("business"));
}

#[tokio::test]
async fn special_folders_are_made_by_those_who_may_write_and_found_by_their_names() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let special = "/v1.0/me/drive/special";
    put(&tenant, &format!("{special}/approot:/state.json:/content"), &ada, "{}").await.expect(201);
    let root = get(&tenant, &format!("{special}/approot"), &ada).await.expect(200);
    assert_eq!(root.text("/specialFolder/name"), "approot");
    assert!(root.text("/parentReference/path").ends_with("/root:/Apps"), "{}", root.text);
    let files = get(&tenant, &format!("{special}/AppRoot/children"), &ada).await.expect(200);
    assert_eq!(files.text("/value/0/name"), "state.json");
    let session = format!("{special}/documents:/a/b.bin:/createUploadSession");
    post(&tenant, &session, &ada, json!({})).await.expect(200);
    let by_path = get(&tenant, "/v1.0/me/drive/root:/Documents", &ada).await.expect(200);
    let by_name = get(&tenant, &format!("{special}/documents?$select=id"), &ada).await.expect(200);
    assert_eq!(by_path.json["id"], by_name.json["id"]);
    get(&tenant, &format!("{special}/nonsense"), &ada).await.expect(404);
    get(&tenant, special, &ada).await.expect(501);

    consent(&tenant, "User.Read Files.Read").await;
    let reader = sign_in(&tenant, "ada").await;
    get(&tenant, &format!("{special}/documents"), &reader).await.expect(200);
    let none = get(&tenant, &format!("{special}/music"), &reader).await.expect(403);
    assert_eq!(none.text("/error/code"), "accessDenied");
    get(&tenant, "/v1.0/me/drive/root:/Music", &ada).await.expect(404);
}

//! Short and empty pages that carry a link, which Graph sends and clients have to follow (Graph reference §7.5).

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::cast::{get, member, person, post, sign_in, tenant};
use crate::mail_support::{letter, mail_tenant, send};
use crate::support::Tenant;

/// After so many, two pages of the list are that short.
async fn shorten(tenant: &Tenant, path: &str, items: u32, skip: u32) {
    let rule = json!({
        "path": path, "skip": skip, "count": 2, "effect": { "kind": "short_page", "items": items },
    });
    tenant.control(Method::POST, "faults", Some(rule)).await.expect(201);
}

/// Follows a list to its end: how many items each page had, and the ids of all.
async fn follow(tenant: &Tenant, path: &str, token: &str) -> (Vec<usize>, Vec<String>) {
    let (mut sizes, mut ids, mut path) = (Vec::new(), Vec::new(), path.to_owned());
    for _ in 0..100 {
        let page = get(tenant, &path, token).await.expect(200);
        let items = page.json["value"].as_array().unwrap();
        sizes.push(items.len());
        ids.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page.json["@odata.nextLink"].as_str() else { return (sizes, ids) };
        next.split_once("/v1.0").unwrap().1.clone_into(&mut path);
        path.insert_str(0, "/v1.0");
    }
    panic!("no end in {sizes:?}");
}

/// The pages of a list, short and whole, hold what the whole list holds, each item once.
async fn short_pages_hold_the_same(tenant: &Tenant, path: &str, token: &str) {
    tenant.control(Method::DELETE, "faults", None).await.expect(204);
    let (_, whole) = follow(tenant, path, token).await;
    let bare = path.split('?').next().unwrap();
    for (items, skip) in [(0, 0), (1, 0), (0, 1)] {
        tenant.control(Method::DELETE, "faults", None).await.expect(204);
        shorten(tenant, bare, items, skip).await;
        let (sizes, ids) = follow(tenant, path, token).await;
        assert_eq!(ids, whole, "{path} {sizes:?}");
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{path} {sizes:?}");
        if skip == 0 {
            assert_eq!(sizes[..2], [items as usize; 2], "{path} {sizes:?}");
        }
    }
}

#[tokio::test]
async fn directory_lists_lose_nothing_over_short_and_empty_pages() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    short_pages_hold_the_same(&tenant, "/v1.0/users?$top=2", &token).await;
    short_pages_hold_the_same(&tenant, "/v1.0/servicePrincipals", &token).await;
}

#[tokio::test]
async fn chats_and_mail_lose_nothing_over_short_and_empty_pages() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    for number in 0..5 {
        let subject = format!("number {number}");
        send(&tenant, &ada, letter(&subject, &["ada@contoso.example"])).await.expect(202);
    }
    short_pages_hold_the_same(&tenant, "/v1.0/me/mailFolders/inbox/messages?$top=3", &ada).await;
    short_pages_hold_the_same(&tenant, "/v1.0/me/mailFolders/inbox/messages/delta", &ada).await;
    short_pages_hold_the_same(&tenant, "/v1.0/me/mailFolders/delta", &ada).await;

    let tenant = crate::cast::tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let members = json!([member(&person(&tenant, "ada")), member(&person(&tenant, "grace"))]);
    let chat =
        post(&tenant, "/v1.0/chats", &ada, json!({ "chatType": "oneOnOne", "members": members })).await;
    let path = format!("/v1.0/chats/{}/messages", chat.text("/id"));
    for number in 0..5 {
        let body: Value = json!({ "body": { "content": format!("number {number}") } });
        post(&tenant, &path, &ada, body).await.expect(201);
    }
    short_pages_hold_the_same(&tenant, &format!("{path}?$top=2"), &ada).await;
}

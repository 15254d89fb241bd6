//! What a client of a drive's delta hears of between two rounds (Microsoft's page on `driveItem: delta`).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::cast::{delete, get, patch, sign_in, tenant};
use crate::support::{Reply, Tenant};

const ROOT: &str = "/v1.0/me/drive/root";

async fn put(tenant: &Tenant, path: &str, token: &str, text: &'static str) -> Reply {
    let url = tenant.url(&format!("{ROOT}:/{path}:/content"));
    tenant.send(tenant.http.put(url).bearer_auth(token).body(text)).await
}

/// The names that a page tells, in order; a dash before what is gone, which has none.
fn told(page: &Reply) -> Vec<String> {
    let name = |item: &Value| {
        let is_gone = item["deleted"].is_object();
        if is_gone { "-".to_owned() } else { item["name"].as_str().unwrap().to_owned() }
    };
    page.json["value"].as_array().unwrap().iter().map(name).collect()
}

/// Where the next round begins.
fn link(tenant: &Tenant, page: &Reply) -> String {
    page.text("/@odata.deltaLink").strip_prefix(&tenant.sandbox.ready().url).unwrap().to_owned()
}

#[tokio::test]
async fn a_change_is_told_after_the_folders_that_it_is_in_from_the_root_down() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    put(&tenant, "a/b/c.txt", &ada, "c").await.expect(201);
    put(&tenant, "a/d.txt", &ada, "d").await.expect(201);
    let first = get(&tenant, &format!("{ROOT}/delta"), &ada).await.expect(200);
    assert_eq!(told(&first), ["root", "a", "b", "c.txt", "d.txt"]);
    let at = link(&tenant, &first);
    assert_eq!(told(&get(&tenant, &at, &ada).await.expect(200)), [""; 0]);

    put(&tenant, "a/b/c.txt", &ada, "more").await.expect(200);
    let changed = get(&tenant, &at, &ada).await.expect(200);
    assert_eq!(told(&changed), ["root", "a", "b", "c.txt"]);
    assert_eq!(changed.json["value"][0]["root"], json!({}));
    // The folder that is asked about is the root of its own delta.
    let inside = at.replace("/root/", "/root:/a/b:/");
    assert_eq!(told(&get(&tenant, &inside, &ada).await.expect(200)), ["b", "c.txt"]);
    // Each folder once, and before what is in it, though it changed later.
    patch(&tenant, &format!("{ROOT}:/a"), &ada, json!({ "name": "z" })).await.expect(200);
    put(&tenant, "z/d.txt", &ada, "more").await.expect(200);
    assert_eq!(told(&get(&tenant, &at, &ada).await.expect(200)), ["root", "z", "b", "c.txt", "d.txt"]);
    // What is gone had folders, too.
    let at = link(&tenant, &get(&tenant, &at, &ada).await.expect(200));
    delete(&tenant, &format!("{ROOT}:/z/b"), &ada).await.expect(204);
    assert_eq!(told(&get(&tenant, &at, &ada).await.expect(200)), ["root", "z", "-", "-"]);
}

#[tokio::test]
async fn who_excludes_parents_is_told_of_changes_alone() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    put(&tenant, "a/b/c.txt", &ada, "c").await.expect(201);
    let at = link(&tenant, &get(&tenant, &format!("{ROOT}/delta"), &ada).await.expect(200));
    put(&tenant, "a/b/c.txt", &ada, "more").await.expect(200);
    let request = tenant.http.request(Method::GET, tenant.url(&at)).bearer_auth(&ada);
    let bare = tenant.send(request.header("deltaExcludeParent", "true")).await.expect(200);
    assert_eq!(told(&bare), ["c.txt"]);
}

/// Example 4 of the page.
#[tokio::test]
async fn a_time_in_place_of_a_token_tells_what_changed_since() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let control = tenant.sandbox.control();
    let clock = control.clock();
    let since = async |time: String| {
        let time: String = form_urlencoded::byte_serialize(time.as_bytes()).collect();
        get(&tenant, &format!("{ROOT}/delta?token={time}"), &ada).await
    };
    put(&tenant, "a/old.txt", &ada, "old").await.expect(201);
    put(&tenant, "a/gone.txt", &ada, "gone").await.expect(201);
    let known = clock.now();
    clock.advance(Duration::from_secs(60));
    put(&tenant, "a/new.txt", &ada, "new").await.expect(201);
    delete(&tenant, &format!("{ROOT}:/a/gone.txt"), &ada).await.expect(204);

    let page = since(known.to_string()).await.expect(200);
    assert_eq!(told(&page), ["root", "a", "new.txt", "-"]);
    let hours = format!("{}+8:00", (known + jiff::SignedDuration::from_hours(8)).strftime("%FT%T%.f"));
    assert_eq!(told(&since(hours).await.expect(200)), told(&page));
    assert_eq!(told(&since(clock.now().to_string()).await.expect(200)), [""; 0]);
    assert_eq!(told(&since("2021-09-29T20:00:00Z".to_owned()).await.expect(200)).len(), 5);
    // From there it goes on by tokens.
    put(&tenant, "a/old.txt", &ada, "older").await.expect(200);
    assert_eq!(told(&get(&tenant, &link(&tenant, &page), &ada).await.expect(200)), ["root", "a", "old.txt"]);
    since("yesterday".to_owned()).await.expect(410);
}

//! OneDrive: items, content, upload sessions, sharing and delta (Microsoft's pages on `driveItem`).

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};

use crate::cast::{blueprint, delete, get, patch, person, post, sign_in, tenant};
use crate::support::{Reply, Tenant, config, standing};

const UNIT: usize = 320 * 1024;

async fn put(tenant: &Tenant, path: &str, token: &str, bytes: impl Into<reqwest::Body>) -> Reply {
    let request = tenant.http.put(tenant.url(path)).bearer_auth(token).body(bytes);
    tenant.send(request).await
}

/// Reads a file as a client does: Graph sends to another address, which gets no token.
async fn read(tenant: &Tenant, path: &str, token: &str) -> Vec<u8> {
    let sent = get(tenant, path, token).await.expect(302);
    let response = tenant.http.get(sent.header("location")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.bytes().await.unwrap().to_vec()
}

async fn folder(tenant: &Tenant, token: &str, parent: &str, name: &str) -> Reply {
    let body = json!({ "name": name, "folder": {} });
    post(tenant, &format!("/v1.0/me/drive/{parent}/children"), token, body).await
}

async fn fragment(tenant: &Tenant, url: &str, range: &str, bytes: Vec<u8>) -> Reply {
    tenant.send(tenant.http.put(url).header("content-range", range).body(bytes)).await
}

async fn session(tenant: &Tenant, token: &str, path: &str, body: Value) -> Reply {
    post(tenant, &format!("/v1.0/me/drive/{path}/createUploadSession"), token, body).await
}

#[tokio::test]
async fn a_drive_is_found_by_each_of_its_names_and_comes_with_the_licence() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let ada = sign_in(&tenant, "ada").await;
    let id = person(&tenant, "ada");
    let mine = get(&tenant, "/v1.0/me/drive", &ada).await.expect(200);
    assert_eq!(mine.text("/driveType"), "business");
    assert_eq!(mine.text("/owner/user/id"), id);
    assert_eq!(mine.json["quota"]["used"], 0);
    let drive = mine.text("/id").to_owned();
    for path in [
        format!("/v1.0/drives/{drive}"),
        format!("/v1.0/users/{id}/drive"),
        "/v1.0/users/ada@contoso.example/drive".to_owned(),
    ] {
        assert_eq!(get(&tenant, &path, &ada).await.expect(200).text("/id"), drive, "{path}");
    }
    let root = get(&tenant, "/v1.0/me/drive/root", &ada).await.expect(200);
    assert_eq!(root.json["root"], json!({}));
    for path in ["/v1.0/me/drive/items/root", "/v1.0/me/drive/root:/", "/v1.0/me/drive/items/root:"] {
        assert_eq!(get(&tenant, path, &ada).await.expect(200).text("/id"), root.text("/id"), "{path}");
    }
    get(&tenant, "/v1.0/drives/b!nothing", &ada).await.expect(404);

    // An agent user has none until its licence has worked.
    let blueprint = blueprint(&tenant, "Files.ReadWrite User.Read").await;
    let agent = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &agent, "scout").await.expect(201).text("/id").to_owned();
    let (own, place) = (blueprint.token(&tenant).await, json!({ "usageLocation": "de" }));
    patch(&tenant, &format!("/v1.0/users/{user}"), &own, place).await.expect(204);
    tenant.sandbox.control().set_lag(attache_sandbox::Lag::new(attache_sandbox::LagProfile::Typical, 1.0));
    let token =
        async || blueprint.hops(&tenant, &agent, &user).await.expect(200).text("/access_token").to_owned();
    let none = get(&tenant, "/v1.0/me/drive", &token().await).await.expect(404);
    assert_eq!(none.text("/error/code"), "ResourceNotFound");
    blueprint.assign(&tenant, &user).await.expect(200);
    get(&tenant, "/v1.0/me/drive", &token().await).await.expect(404);
    tenant.sandbox.control().clock().advance(Duration::from_secs(600));
    assert_eq!(get(&tenant, "/v1.0/me/drive", &token().await).await.expect(200).text("/owner/user/id"), user);
}

#[tokio::test]
async fn folders_and_small_files_are_made_found_changed_and_deleted() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let made = folder(&tenant, &ada, "root", "Reports").await.expect(201);
    assert_eq!(made.json["folder"]["childCount"], 0);
    let id = made.text("/id").to_owned();
    let again = folder(&tenant, &ada, "root", "reports").await.expect(409);
    assert_eq!(again.text("/error/code"), "nameAlreadyExists");
    let renamed = json!({ "name": "Reports", "folder": {}, "@microsoft.graph.conflictBehavior": "rename" });
    let renamed = post(&tenant, "/v1.0/me/drive/root/children", &ada, renamed).await.expect(201);
    assert_eq!(renamed.text("/name"), "Reports 1");

    // By path, folders on the way are made; by id of the parent; and replaced by the item's own id.
    let path = "/v1.0/me/drive/root:/Reports/2026/first%20half.txt:/content";
    let new = put(&tenant, path, &ada, "hello").await.expect(201);
    assert_eq!(new.text("/name"), "first half.txt");
    assert_eq!(new.text("/file/mimeType"), "text/plain");
    assert_eq!(new.json["size"], 5);
    assert_eq!(new.text("/file/hashes/quickXorHash"), "aCgDG9jwBgAAAAAABQAAAAAAAAA=");
    assert!(new.text("/parentReference/path").ends_with("/root:/Reports/2026"), "{}", new.text);
    let file = new.text("/id").to_owned();
    assert_eq!(read(&tenant, path, &ada).await, b"hello");
    let replaced = put(&tenant, &format!("/v1.0/me/drive/items/{file}/content"), &ada, "hello again").await;
    assert_eq!(replaced.expect(200).text("/id"), file);
    let other = format!("/v1.0/me/drive/items/{id}:/notes.md:/content");
    put(&tenant, &other, &ada, "# notes").await.expect(201);
    let kept = format!("{other}?@microsoft.graph.conflictBehavior=fail");
    assert_eq!(put(&tenant, &kept, &ada, "x").await.expect(409).text("/error/code"), "nameAlreadyExists");
    let second = format!("{other}?@microsoft.graph.conflictBehavior=rename");
    assert_eq!(put(&tenant, &second, &ada, "x").await.expect(201).text("/name"), "notes 1.md");

    let listed = get(&tenant, &format!("/v1.0/me/drive/items/{id}/children?$select=name,size"), &ada).await;
    let listed = listed.expect(200);
    let names: Vec<&str> =
        listed.json["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["2026", "notes 1.md", "notes.md"]);
    assert_eq!(listed.json["value"][0]["size"], 11);
    let by_path = get(&tenant, "/v1.0/me/drive/root:/reports:/children?$top=2", &ada).await.expect(200);
    assert_eq!(
        get(&tenant, &next(&tenant, &by_path), &ada).await.expect(200).json["value"][0]["name"],
        "notes.md"
    );

    // Rename and move, each by PATCH; the eTag guards.
    let at = format!("/v1.0/me/drive/items/{file}");
    let before = get(&tenant, &at, &ada).await.expect(200);
    let moved = json!({ "name": "half.txt", "parentReference": { "id": id } });
    let guarded = tenant.http.patch(tenant.url(&at)).bearer_auth(&ada).json(&moved);
    let refused =
        tenant.send(guarded.header("if-match", "\"{00000000-0000-0000-0000-000000000000},1\"")).await;
    assert_eq!(refused.expect(412).text("/error/code"), "resourceModified");
    let guarded = tenant.http.patch(tenant.url(&at)).bearer_auth(&ada).json(&moved);
    let after = tenant.send(guarded.header("if-match", before.text("/eTag"))).await.expect(200);
    assert_ne!(after.text("/eTag"), before.text("/eTag"));
    assert_eq!(after.text("/cTag"), before.text("/cTag"));
    assert_eq!(read(&tenant, "/v1.0/me/drive/root:/Reports/half.txt:/content", &ada).await, b"hello again");
    let same =
        tenant.http.get(tenant.url(&at)).bearer_auth(&ada).header("if-none-match", after.text("/eTag"));
    tenant.send(same).await.expect(304);
    let into_itself = json!({ "parentReference": { "path": "/drive/root:/Reports/2026" } });
    patch(&tenant, &format!("/v1.0/me/drive/items/{id}"), &ada, into_itself).await.expect(400);

    // Versions: the content before is still there and comes back.
    let versions = get(&tenant, &format!("{at}/versions"), &ada).await.expect(200);
    assert_eq!(versions.json["value"][1]["size"], 5);
    let old = versions.text("/value/1/id").to_owned();
    assert_eq!(read(&tenant, &format!("{at}/versions/{old}/content"), &ada).await, b"hello");
    post(&tenant, &format!("{at}/versions/{old}/restoreVersion"), &ada, json!({})).await.expect(204);
    assert_eq!(read(&tenant, &format!("{at}/content"), &ada).await, b"hello");

    for name in ["a/b", "a:b", "", " a", "con", "."] {
        assert_eq!(
            folder(&tenant, &ada, "root", name).await.expect(400).text("/error/code"),
            "invalidRequest"
        );
    }
    delete(&tenant, &format!("/v1.0/me/drive/items/{id}"), &ada).await.expect(204);
    assert_eq!(get(&tenant, &at, &ada).await.expect(404).text("/error/code"), "itemNotFound");
}

#[tokio::test]
async fn nothing_has_thumbnails() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let made = folder(&tenant, &ada, "root", "Tides").await.expect(201);
    let user = format!("users/{}/drive", person(&tenant, "ada"));
    let drive = format!("drives/{}", get(&tenant, "/v1.0/me/drive", &ada).await.expect(200).text("/id"));
    for drive in ["me/drive", &user, &drive] {
        let path = format!("/v1.0/{drive}/items/{}/thumbnails", made.text("/id"));
        assert_eq!(get(&tenant, &path, &ada).await.expect(200).json["value"], json!([]));
    }
    get(&tenant, "/v1.0/me/drive/items/nobody/thumbnails", &ada).await.expect(404);
    let item = get(&tenant, "/v1.0/me/drive/root:/Tides?$expand=thumbnails", &ada).await.expect(200);
    assert_eq!(item.json["thumbnails"], json!([]));
    for list in ["root/children", "recent", "sharedWithMe", "root/search(q='Tides')"] {
        let listed =
            get(&tenant, &format!("/v1.0/me/drive/{list}?$expand=thumbnails"), &ada).await.expect(200);
        let mut items = listed.json["value"].as_array().unwrap().iter();
        assert!(items.all(|item| item["thumbnails"] == json!([])), "{}", listed.text);
    }
}

fn next(tenant: &Tenant, reply: &Reply) -> String {
    let link = reply.json["@odata.nextLink"].as_str().unwrap_or_else(|| panic!("no link in {}", reply.text));
    link.strip_prefix(&tenant.sandbox.ready().url).unwrap().to_owned()
}

#[tokio::test]
async fn a_download_address_needs_no_token_takes_ranges_and_ends_by_the_clock() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let made = put(&tenant, "/v1.0/me/drive/root:/ten.bin:/content", &ada, "0123456789").await.expect(201);
    let shown = get(&tenant, &format!("/v1.0/me/drive/items/{}", made.text("/id")), &ada).await.expect(200);
    let url = shown.json["@microsoft.graph.downloadUrl"].as_str().unwrap().to_owned();
    assert!(url.starts_with(&tenant.sandbox.ready().url), "{url}");
    let range = async |range: &str| tenant.send(tenant.http.get(&url).header("range", range)).await;
    let part = range("bytes=2-4").await.expect(206);
    assert_eq!((part.text.as_str(), part.header("content-range")), ("234", "bytes 2-4/10"));
    assert_eq!(range("bytes=-3").await.expect(206).text, "789");
    assert_eq!(range("bytes=10-").await.expect(416).header("content-range"), "bytes */10");
    let whole = range("bytes=0-1,4-5").await.expect(200);
    assert_eq!((whole.text.as_str(), whole.header("accept-ranges")), ("0123456789", "bytes"));
    assert_eq!(whole.header("content-type"), "application/octet-stream");
    // A token that comes along is no matter, a bad one neither; a changed address is.
    tenant.send(tenant.http.get(&url).bearer_auth("nonsense")).await.expect(200);
    tenant.get(&format!("{url}x")).await.expect(401);
    tenant.get(&url.replace("tempauth", "other")).await.expect(401);
    tenant.sandbox.control().clock().advance(Duration::from_secs(3_601));
    assert_eq!(tenant.get(&url).await.expect(401).text("/error/code"), "unauthenticated");
}

#[tokio::test]
async fn an_upload_session_takes_fragments_in_order_until_the_file_is_whole() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let content: Vec<u8> = (0..UNIT * 2 + 1_000).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect();
    let total = content.len();
    let body = json!({ "item": { "@microsoft.graph.conflictBehavior": "fail", "fileSystemInfo": {
        "createdDateTime": "2020-01-01T00:00:00Z", "lastModifiedDateTime": "2020-02-01T00:00:00Z" } } });
    let begun = session(&tenant, &ada, "root:/big/file.bin:", body.clone()).await.expect(200);
    assert_eq!(begun.json["nextExpectedRanges"], json!(["0-"]));
    let url = begun.text("/uploadUrl").to_owned();
    let part = |from: usize, to: usize| content[from..to].to_vec();
    let range = |from: usize, to: usize| format!("bytes {from}-{}/{total}", to - 1);

    // Too early, too odd, wrongly said.
    let early = fragment(&tenant, &url, &range(UNIT, UNIT * 2), part(UNIT, UNIT * 2)).await.expect(416);
    assert_eq!(early.text("/error/innerError/code"), "fragmentOutOfOrder");
    let odd = fragment(&tenant, &url, &range(0, 1_000), part(0, 1_000)).await.expect(400);
    assert_eq!(odd.text("/error/code"), "invalidRequest");
    fragment(&tenant, &url, &range(0, UNIT), part(0, 10)).await.expect(400);
    fragment(&tenant, &url, "bytes 0-", part(0, UNIT)).await.expect(400);

    let first = fragment(&tenant, &url, &range(0, UNIT), part(0, UNIT)).await.expect(202);
    assert_eq!(first.json["nextExpectedRanges"], json!([format!("{UNIT}-{}", total - 1)]));
    let twice = fragment(&tenant, &url, &range(0, UNIT), part(0, UNIT)).await.expect(416);
    assert_eq!(twice.text("/error/innerError/code"), "fragmentOverlap");
    let other =
        fragment(&tenant, &url, &format!("bytes {UNIT}-{}/{}", 2 * UNIT - 1, total + 1), part(0, UNIT)).await;
    assert_eq!(other.expect(400).text("/error/code"), "invalidRange");
    assert_eq!(tenant.get(&url).await.expect(200).json, first.json);
    // Nothing is there before the last byte.
    get(&tenant, "/v1.0/me/drive/root:/big/file.bin", &ada).await.expect(404);
    fragment(&tenant, &url, &range(UNIT, UNIT * 2), part(UNIT, UNIT * 2)).await.expect(202);
    let done = fragment(&tenant, &url, &range(UNIT * 2, total), part(UNIT * 2, total)).await.expect(201);
    assert_eq!(done.json["size"], total);
    assert_eq!(done.text("/fileSystemInfo/createdDateTime"), "2020-01-01T00:00:00Z");
    assert_eq!(read(&tenant, "/v1.0/me/drive/root:/big/file.bin:/content", &ada).await, content);
    tenant.get(&url).await.expect(404);

    // The name is taken now; replaced when asked for.
    let taken = session(&tenant, &ada, "root:/big/file.bin:", body).await.expect(409);
    assert_eq!(taken.text("/error/code"), "nameAlreadyExists");
    let replace = json!({ "item": { "@microsoft.graph.conflictBehavior": "replace" } });
    let url = session(&tenant, &ada, "root:/big/file.bin:", replace)
        .await
        .expect(200)
        .text("/uploadUrl")
        .to_owned();
    let replaced = fragment(&tenant, &url, "bytes 0-3/4", b"tiny".to_vec()).await.expect(200);
    assert_eq!(replaced.text("/id"), done.text("/id"));

    // Cancelled, expired, without room.
    let begun = session(&tenant, &ada, "root:/gone.bin:", json!({})).await.expect(200);
    let url = begun.text("/uploadUrl");
    tenant.send(tenant.http.delete(url)).await.expect(204);
    fragment(&tenant, url, "bytes 0-3/4", b"tiny".to_vec()).await.expect(404);
    let begun = session(&tenant, &ada, "root:/late.bin:", json!({})).await.expect(200);
    tenant.sandbox.control().clock().advance(Duration::from_secs(86_401));
    fragment(&tenant, begun.text("/uploadUrl"), "bytes 0-3/4", b"tiny".to_vec()).await.expect(404);
    let ada = sign_in(&tenant, "ada").await;
    let huge = json!({ "item": { "fileSize": 2_u64 << 40 } });
    let full = session(&tenant, &ada, "root:/huge.bin:", huge).await.expect(507);
    assert_eq!(full.text("/error/code"), "quotaLimitReached");
}

/// Whatever fragments a client cuts a file into, and wherever it asks again, the file is what it was.
#[test]
fn any_sequence_of_fragments_reassembles_the_file() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (tenant, ada) = runtime.block_on(async {
        let tenant = tenant().await;
        let ada = sign_in(&tenant, "ada").await;
        (tenant, ada)
    });
    let fragments = prop::collection::vec((1_usize..3, any::<bool>()), 0..4);
    let cases = (fragments, 1_usize..UNIT, any::<u8>());
    TestRunner::new(Cases { cases: 12, failure_persistence: None, ..Cases::default() })
        .run(&cases, |(fragments, last, seed)| {
            let size = fragments.iter().map(|(units, _)| units * UNIT).sum::<usize>() + last;
            let content: Vec<u8> =
                (0..size).map(|at| u8::try_from((at / 3 + usize::from(seed)) % 256).unwrap()).collect();
            let read = runtime.block_on(async {
                let replace = json!({ "item": { "@microsoft.graph.conflictBehavior": "replace" } });
                let begun = session(&tenant, &ada, "root:/any.bin:", replace).await.expect(200);
                let url = begun.text("/uploadUrl").to_owned();
                let mut at = 0;
                for (units, retries) in fragments.iter().copied().chain([(0, false)]) {
                    let end = if units == 0 { size } else { at + units * UNIT };
                    let range = format!("bytes {at}-{}/{size}", end - 1);
                    let sent = fragment(&tenant, &url, &range, content[at..end].to_vec()).await;
                    assert!(sent.status.is_success(), "{}", sent.text);
                    if retries {
                        fragment(&tenant, &url, &range, content[at..end].to_vec()).await.expect(416);
                        let expected = tenant.get(&url).await.expect(200);
                        let next = format!("{end}-{}", size - 1);
                        assert_eq!(expected.json["nextExpectedRanges"], json!([next]));
                    }
                    at = end;
                }
                read(&tenant, "/v1.0/me/drive/root:/any.bin:/content", &ada).await
            });
            prop_assert_eq!(read, content);
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn what_is_shared_opens_for_those_it_is_shared_with_and_nobody_else() {
    let tenant = tenant().await;
    let (ada, grace, alan) =
        (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await, sign_in(&tenant, "alan").await);
    let drive = get(&tenant, "/v1.0/me/drive", &ada).await.expect(200).text("/id").to_owned();
    let made = put(&tenant, "/v1.0/me/drive/root:/Team/plan.txt:/content", &ada, "plan").await.expect(201);
    let (file, team) = (made.text("/id").to_owned(), made.text("/parentReference/id").to_owned());
    let at = format!("/v1.0/drives/{drive}/items/{file}");
    for token in [&grace, &alan] {
        assert_eq!(get(&tenant, &at, token).await.expect(403).text("/error/code"), "accessDenied");
    }
    get(&tenant, &format!("/v1.0/drives/{drive}"), &grace).await.expect(403);

    let invitation = json!({ "recipients": [{ "email": "grace@contoso.example" }], "requireSignIn": true,
        "sendInvitation": false, "roles": ["read"] });
    let invite = format!("/v1.0/me/drive/items/{team}/invite");
    let granted = post(&tenant, &invite, &ada, invitation).await.expect(200);
    assert_eq!(granted.text("/value/0/grantedToV2/user/id"), person(&tenant, "grace"));
    let permission = granted.text("/value/0/id").to_owned();
    get(&tenant, &at, &grace).await.expect(200);
    get(&tenant, &format!("/v1.0/drives/{drive}"), &grace).await.expect(200);
    get(&tenant, &at, &alan).await.expect(403);
    put(&tenant, &format!("{at}/content"), &grace, "mine").await.expect(403);
    let shared = get(&tenant, "/v1.0/me/drive/sharedWithMe", &grace).await.expect(200);
    assert_eq!(shared.text("/value/0/remoteItem/id"), team);
    assert_eq!(shared.text("/value/0/remoteItem/parentReference/driveId"), drive);

    let listed = get(&tenant, &format!("{at}/permissions"), &ada).await.expect(200);
    let roles: Vec<&Value> =
        listed.json["value"].as_array().unwrap().iter().map(|one| &one["roles"][0]).collect();
    assert_eq!(roles, ["owner", "read"]);
    assert_eq!(listed.text("/value/1/inheritedFrom/id"), team);
    patch(&tenant, &format!("{at}/permissions/{permission}"), &ada, json!({ "roles": ["write"] }))
        .await
        .expect(400);
    let of_team = format!("/v1.0/me/drive/items/{team}/permissions/{permission}");
    let wider = patch(&tenant, &of_team, &ada, json!({ "roles": ["write"] })).await.expect(200);
    assert_eq!(wider.json["roles"], json!(["write"]));
    put(&tenant, &format!("{at}/content"), &grace, "ours").await.expect(200);
    delete(&tenant, &of_team, &ada).await.expect(204);
    get(&tenant, &at, &grace).await.expect(403);

    // A link opens by itself; redeemed, it opens the item for good.
    let body = json!({ "type": "view", "scope": "organization" });
    let link = post(&tenant, &format!("{at}/createLink"), &ada, body.clone()).await.expect(201);
    let same = post(&tenant, &format!("{at}/createLink"), &ada, body).await.expect(200);
    assert_eq!(link.text("/link/webUrl"), same.text("/link/webUrl"));
    let share = format!("/v1.0/shares/{}", link.text("/shareId"));
    assert_eq!(get(&tenant, &format!("{share}/driveItem"), &alan).await.expect(200).text("/id"), file);
    assert_eq!(read(&tenant, &format!("{share}/driveItem/content"), &alan).await, b"ours");
    get(&tenant, &at, &alan).await.expect(403);
    let redeem = tenant.http.get(tenant.url(&share)).bearer_auth(&alan).header("prefer", "redeemSharingLink");
    assert_eq!(tenant.send(redeem).await.expect(200).text("/name"), "plan.txt");
    get(&tenant, &at, &alan).await.expect(200);
    get(&tenant, "/v1.0/shares/u!bm9uc2Vuc2U", &alan).await.expect(404);

    // Who is invited by mail reads it in the mailbox, inside and outside.
    let body = json!({ "recipients": [{ "email": "alan@contoso.example" }, { "email": "x@outside.example" }],
        "message": "Have a look.", "sendInvitation": true, "requireSignIn": true, "roles": ["read"] });
    post(&tenant, &invite, &ada, body).await.expect(200);
    for (query, subject) in
        [("mail?to=alan@contoso.example&wait=10s", "/value/0/subject"), ("mail/outgoing", "/value/0/subject")]
    {
        let told = tenant.control(Method::GET, query, None).await.expect(200);
        assert_eq!(told.text(subject), "Ada Lovelace shared \"Team\" with you", "{query}");
    }

    // Whoever has only Files.Read reads no drive but their own: an app reads them all.
    let unknown = json!({ "recipients": [{ "email": "nobody@contoso.example" }], "roles": ["read"] });
    assert_eq!(post(&tenant, &invite, &ada, unknown).await.expect(400).text("/error/code"), "sharingFailed");
}

#[tokio::test]
async fn copies_searches_and_recent_files() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    put(&tenant, "/v1.0/me/drive/root:/A/one.txt:/content", &ada, "first words").await.expect(201);
    tenant.sandbox.control().clock().advance(Duration::from_secs(60));
    put(&tenant, "/v1.0/me/drive/root:/A/deep/two.txt:/content", &ada, "second words").await.expect(201);
    folder(&tenant, &ada, "root", "B").await.expect(201);
    let target = get(&tenant, "/v1.0/me/drive/root:/B", &ada).await.expect(200).text("/id").to_owned();
    let body = json!({ "name": "A copied", "parentReference": { "id": target } });
    let copied = post(&tenant, "/v1.0/me/drive/root:/A:/copy", &ada, body.clone()).await.expect(202);
    assert_eq!(copied.text, "");
    let progress = tenant.get(copied.header("location")).await.expect(200);
    assert_eq!(progress.text("/status"), "completed");
    let there =
        get(&tenant, "/v1.0/me/drive/root:/B/A copied".replace(' ', "%20").as_str(), &ada).await.expect(200);
    assert_eq!(there.text("/id"), progress.text("/resourceId"));
    assert_eq!(
        read(&tenant, "/v1.0/me/drive/root:/B/A%20copied/deep/two.txt:/content", &ada).await,
        b"second words"
    );
    post(&tenant, "/v1.0/me/drive/root:/A:/copy", &ada, body).await.expect(409);

    let names = |reply: &Reply| -> Vec<String> {
        let mut names: Vec<String> = reply.json["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort();
        names
    };
    let found = get(&tenant, "/v1.0/me/drive/root/search(q='TWO')", &ada).await.expect(200);
    assert_eq!(names(&found), ["two.txt", "two.txt"]);
    let inside = get(&tenant, "/v1.0/me/drive/root:/A:/search(q='words')", &ada).await.expect(200);
    assert_eq!(names(&inside), ["one.txt", "two.txt"]);
    let recent = get(&tenant, "/v1.0/me/drive/recent", &ada).await.expect(200);
    assert_eq!(recent.json["value"].as_array().unwrap().len(), 4);
}

/// What a client keeps up to date by delta is the drive.
#[tokio::test]
async fn a_client_that_follows_delta_has_the_drive() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let mut known: BTreeMap<String, (String, Option<String>)> = BTreeMap::new();
    let mut link = "/v1.0/me/drive/root/delta?$top=2".to_owned();
    for round in 0..6 {
        match round {
            0 => {
                for name in ["a", "b", "c"] {
                    put(&tenant, &format!("/v1.0/me/drive/root:/x/{name}.txt:/content"), &ada, name)
                        .await
                        .expect(201);
                }
            }
            1 => {
                put(&tenant, "/v1.0/me/drive/root:/x/a.txt:/content", &ada, "more").await.expect(200);
            }
            2 => {
                patch(&tenant, "/v1.0/me/drive/root:/x/b.txt", &ada, json!({ "name": "z.txt" }))
                    .await
                    .expect(200);
            }
            3 => {
                delete(&tenant, "/v1.0/me/drive/root:/x/c.txt", &ada).await.expect(204);
            }
            4 => {
                folder(&tenant, &ada, "root", "y").await.expect(201);
                delete(&tenant, "/v1.0/me/drive/root:/x", &ada).await.expect(204);
            }
            _ => {}
        }
        loop {
            let page = get(&tenant, &link, &ada).await.expect(200);
            for item in page.json["value"].as_array().unwrap() {
                let id = item["id"].as_str().unwrap().to_owned();
                if item["deleted"].is_object() {
                    known.remove(&id);
                } else {
                    let parent = item["parentReference"]["id"].as_str().map(str::to_owned);
                    known.insert(id, (item["name"].as_str().unwrap().to_owned(), parent));
                }
            }
            let of = |name: &str| {
                page.json[name]
                    .as_str()
                    .map(|link| link.strip_prefix(&tenant.sandbox.ready().url).unwrap().to_owned())
            };
            if let Some(last) = of("@odata.deltaLink") {
                link = last;
                break;
            }
            link = of("@odata.nextLink").unwrap();
        }
        assert_eq!(known, whole(&tenant, &ada).await, "round {round}");
    }
    let latest = get(&tenant, "/v1.0/me/drive/root/delta?token=latest", &ada).await.expect(200);
    assert_eq!(latest.json["value"], json!([]));
    let expired = get(&tenant, "/v1.0/me/drive/root/delta?token=nonsense", &ada).await.expect(410);
    assert_eq!(expired.text("/error/code"), "resyncRequired");
    assert!(expired.header("location").contains("/delta?token="));
}

/// The drive by walking through it.
async fn whole(tenant: &Tenant, token: &str) -> BTreeMap<String, (String, Option<String>)> {
    let root = get(tenant, "/v1.0/me/drive/root", token).await.expect(200).text("/id").to_owned();
    let mut found = BTreeMap::from([(root.clone(), ("root".to_owned(), None))]);
    let mut open = vec![root];
    while let Some(folder) = open.pop() {
        let path = format!("/v1.0/me/drive/items/{folder}/children");
        let children = get(tenant, &path, token).await.expect(200);
        for item in children.json["value"].as_array().unwrap() {
            let id = item["id"].as_str().unwrap().to_owned();
            found.insert(id.clone(), (item["name"].as_str().unwrap().to_owned(), Some(folder.clone())));
            if item["folder"].is_object() {
                open.push(id);
            }
        }
    }
    found
}

#[tokio::test]
async fn a_file_outlives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let start = async || {
        let mut config = config();
        config.clock = standing();
        config.data = Some(folder.path().to_owned());
        Tenant::start_with(config).await
    };
    let first = start().await;
    let ada = sign_in(&first, "ada").await;
    let made = put(&first, "/v1.0/me/drive/root:/kept.txt:/content", &ada, "kept").await.expect(201);
    let begun = session(&first, &ada, "root:/half.bin:", json!({})).await.expect(200);
    let url = begun.text("/uploadUrl").to_owned();
    fragment(&first, &url, &format!("bytes 0-{}/{}", UNIT - 1, UNIT + 4), vec![7; UNIT]).await.expect(202);
    let old = first.sandbox.ready().url.clone();
    first.sandbox.shutdown().await;
    let second = start().await;
    let url = url.replace(&old, &second.sandbox.ready().url);
    fragment(&second, &url, &format!("bytes {UNIT}-{}/{}", UNIT + 3, UNIT + 4), b"last".to_vec())
        .await
        .expect(201);
    let ada = sign_in(&second, "ada").await;
    let path = format!("/v1.0/me/drive/items/{}/content", made.text("/id"));
    assert_eq!(read(&second, &path, &ada).await, b"kept");
    let drive = second.graph(Method::GET, "/v1.0/me/drive", &ada, None).await.expect(200);
    assert_eq!(drive.json["quota"]["used"], UNIT + 8);
}

//! What every route of Graph keeps to: batches, preflights, media types, compression, what there is and what
//! there is not (Graph reference §7.2, §7.3, §7.4).

use std::io::Read as _;

use flate2::read::GzDecoder;
use http::Method;
use serde_json::{Value, json};

use crate::browser::administrator;
use crate::cast::{delete, get, patch, permitted, person, post, sign_in, tenant};
use crate::mail_support::{letter, mail_tenant};
use crate::support::{client, reply};

#[tokio::test]
async fn a_batch_answers_each_request_as_if_it_had_come_alone() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let json_type = json!({ "Content-Type": "application/json" });
    let batch = json!({ "requests": [
        { "id": "1", "method": "GET", "url": "/me?$select=id" },
        { "id": "2", "method": "GET", "url": "users/nobody@contoso.example" },
        { "id": "3", "method": "PATCH", "url": "/me/chats/x", "headers": json_type, "body": {} },
    ] });
    let answer = post(&tenant, "/v1.0/$batch", &ada, batch).await.expect(200);
    let responses = answer.json["responses"].as_array().unwrap();
    let of = |id: &str| responses.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!((responses.len(), of("1")["status"].as_u64()), (3, Some(200)));
    assert_eq!(of("1")["body"]["id"], person(&tenant, "ada"));
    assert!(of("1")["headers"]["Content-Type"].as_str().unwrap().starts_with("application/json"));
    assert_eq!(of("2")["status"], 404);
    assert_eq!(of("2")["body"]["error"]["code"], "Request_ResourceNotFound");

    let serial = json!({ "requests": [
        { "id": "a", "method": "GET", "url": "/users/nobody" },
        { "id": "b", "method": "GET", "url": "/me", "dependsOn": ["a"] },
        { "id": "c", "method": "GET", "url": "/me", "dependsOn": ["B"] },
    ] });
    let answer = post(&tenant, "/v1.0/$batch", &ada, serial).await.expect(200);
    let statuses: Vec<u64> = answer.json["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["status"].as_u64().unwrap())
        .collect();
    assert_eq!(statuses, [404, 424, 424]);
}

#[tokio::test]
async fn a_part_of_a_batch_may_ask_for_what_holds_a_scheme() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let urls = ["/users?$filter=proxyAddresses/any(x:x eq 'sip://ada')&$select=id", "users?$search=a://b"];
    for (url, status) in urls.into_iter().zip([200, 400]) {
        let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": url }] });
        let answer = post(&tenant, "/v1.0/$batch", &ada, batch).await.expect(200);
        assert_eq!(answer.json["responses"][0]["status"], status, "{url}");
    }
}

#[tokio::test]
async fn the_callers_tenant_may_be_named_in_front_of_any_path() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Group.ReadWrite.All", "User.Read.All"]).await;
    let ada = person(&tenant, "ada");
    let group = json!({
        "displayName": "prefix", "mailNickname": "prefix", "mailEnabled": false, "securityEnabled": true,
        "owners@odata.bind": [format!("https://graph.microsoft.com/v1.0/myorganization/users/{ada}")],
    });
    let group = post(&tenant, "/v1.0/myorganization/groups", &token, group).await.expect(201);
    let members = format!("/beta/myOrganization/groups/{}/members", group.text("/id"));
    let reference = format!("https://graph.microsoft.com/v1.0/myOrganization/directoryObjects/{ada}");
    let member = json!({ "@odata.id": reference });
    post(&tenant, &format!("{members}/$ref"), &token, member).await.expect(204);
    let batch = json!({ "requests": [
        { "id": "1", "method": "GET", "url": &members["/beta".len()..] },
        { "id": "2", "method": "GET", "url": format!("MyOrganization/groups/{}/owners", group.text("/id")) },
    ] });
    let answer = post(&tenant, "/v1.0/myorganization/$batch", &token, batch).await.expect(200);
    for part in answer.json["responses"].as_array().unwrap() {
        assert_eq!(part["body"]["value"][0]["id"], ada, "{part}");
    }
    let page = get(&tenant, "/v1.0/myorganization/users?$top=1", &token).await.expect(200);
    let next = page.text("/@odata.nextLink").strip_prefix(&tenant.url("")).unwrap();
    get(&tenant, next, &token).await.expect(200);
    get(&tenant, "/v1.0/users/myorganization", &token).await.expect(404);
}

#[tokio::test]
async fn ids_of_a_batch_may_be_numbers() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let batch = json!({ "requests": [
        { "id": 1, "method": "GET", "url": "/users/nobody" },
        { "id": 2, "method": "GET", "url": "/me", "dependsOn": [1] },
    ] });
    let answer = post(&tenant, "/v1.0/$batch", &ada, batch).await.expect(200);
    for (index, (id, status)) in [("1", 404), ("2", 424)].into_iter().enumerate() {
        let part = &answer.json["responses"][index];
        assert_eq!((&part["id"], &part["status"]), (&json!(id), &json!(status)));
    }
}

#[tokio::test]
async fn a_batch_that_cannot_be_read_fails_as_a_whole() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let me = |id: &str| json!({ "id": id, "method": "GET", "url": "/me" });
    let many: Vec<Value> = (0..21).map(|id| me(&id.to_string())).collect();
    for requests in [
        json!(many),
        json!([]),
        json!([me("1"), me("1")]),
        json!([me("1"), { "id": 1, "method": "GET", "url": "/me" }]),
        json!([{ "id": true, "method": "GET", "url": "/me" }]),
        json!([{ "id": "1", "method": "GET", "url": "/me", "dependsOn": [null] }]),
        json!([{ "id": "1", "url": "/me" }]),
        json!([{ "id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/me" }]),
        json!([{ "id": "1", "method": "GET", "url": "https://graph.microsoft.com/v1.0/me?$select=id" }]),
        json!([{ "id": "1", "method": "GET", "url": "/me", "dependsOn": ["2"] }]),
        json!([{ "id": "1", "method": "POST", "url": "/me/sendMail", "body": {} }]),
    ] {
        let refused = post(&tenant, "/v1.0/$batch", &ada, json!({ "requests": requests })).await;
        assert_eq!(refused.expect(400).text("/error/code"), "BadRequest");
    }
    post(&tenant, "/v1.0/$batch", "none", json!({ "requests": [me("1")] })).await.expect(401);
}

#[tokio::test]
async fn what_graph_has_is_told_from_what_it_has_not() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let missing = get(&tenant, "/v1.0/planner/plans/x", &ada).await.expect(501);
    assert_eq!(missing.text("/error/code"), "sandboxNotEmulated");
    let unknown = get(&tenant, "/v1.0/nonsense", &ada).await.expect(400);
    assert_eq!(unknown.text("/error/code"), "BadRequest");
    assert_eq!(unknown.text("/error/message"), "Resource not found for the segment 'nonsense'.");
    let unknown = get(&tenant, "/v1.0/me/nonsense", &ada).await.expect(400);
    assert_eq!(unknown.text("/error/message"), "Resource not found for the segment 'nonsense'.");
    for path in ["/v1.0/channels/19%3Aab%40thread.tacv2/messages", "/v1.0//channels/x/$count"] {
        let unknown = post(&tenant, path, &ada, json!({})).await.expect(400);
        assert_eq!(unknown.text("/error/message"), "Resource not found for the segment 'channels'.");
    }
    let refused = tenant.graph(Method::PUT, "/v1.0/users", &ada, Some(json!({}))).await.expect(405);
    assert_eq!(refused.header("allow"), "GET, POST");
    get(&tenant, "/beta/nonsense", &ada).await.expect(501);
    for function in ["/me/reminderView(startDateTime='a',endDateTime='b')", "/directoryObjects/delta"] {
        let missing = get(&tenant, &format!("/v1.0{function}"), &ada).await.expect(501);
        assert_eq!(missing.text("/error/code"), "sandboxNotEmulated");
    }
    for path in ["/me/messages/delta".to_owned(), format!("/users/{}/messages/delta", person(&tenant, "ada"))]
    {
        let refused = get(&tenant, &format!("/v1.0{path}"), &ada).await.expect(400);
        assert_eq!(
            refused.text("/error/message"),
            "Unsupported request: Change tracking is not supported against 'microsoft.graph.message'."
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_in_words_and_stands_in_the_log() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let large = vec![b' '; 9 * 1024 * 1024];
    let build = || client(&tenant.sandbox);
    for http in [build().http1_only().build().unwrap(), build().build().unwrap()] {
        for path in ["/v1.0/$batch", "/v1.0/me/sendMail"] {
            let sent =
                http.post(tenant.url(path)).bearer_auth(&ada).header("content-type", "application/json");
            let refused = tenant.send(sent.body(large.clone())).await.expect(413);
            assert_eq!(refused.text("/error/code"), "BadRequest");
            assert_eq!(refused.text("/error/message"), "The maximum request length supported is 4MB.");
            assert_eq!(refused.header("request-id"), refused.text("/error/innerError/request-id"));
            let log = tenant.sandbox.control().requests();
            let last = log.last().unwrap();
            assert_eq!((last.path.as_str(), last.status), (path, Some(413)));
            assert_eq!(last.request_id.as_deref(), Some(refused.header("request-id")));
        }
        let sent = http.post(tenant.login("/oauth2/v2.0/token")).body(large.clone());
        let refused = tenant.send(sent).await.expect(413);
        assert_eq!(refused.json["error_codes"], json!([9_002_313]));
        let sent = http.post(tenant.url("/_sandbox/reset")).body(large.clone());
        tenant.send(sent).await.expect(413);
    }
}

#[tokio::test]
async fn browsers_and_careful_clients_are_served() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let me = tenant.url("/v1.0/me");
    let preflight = tenant
        .http
        .request(Method::OPTIONS, &me)
        .header("origin", "https://spa.example")
        .header("access-control-request-headers", "authorization");
    let answer = tenant.send(preflight).await.expect(200);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-headers"), "authorization");
    let answer =
        tenant.send(tenant.http.get(&me).bearer_auth(&ada).header("origin", "https://spa.example")).await;
    assert!(answer.expect(200).header("access-control-expose-headers").contains("Location"));
    let answer = reply(tenant.http.head(&me).bearer_auth(&ada).send().await.unwrap()).await;
    assert_eq!((answer.status.as_u16(), answer.text.as_str()), (200, ""));
    get(&tenant, "/v1.0/me?$format=json", &ada).await.expect(200);
    get(&tenant, "/v1.0/me?$format=atom", &ada).await.expect(406);
    let form = tenant.http.post(tenant.url("/v1.0/chats")).bearer_auth(&ada).form(&[("a", "b")]);
    tenant.send(form).await.expect(415);
    let metadata = tenant.get(&tenant.url("/v1.0/$metadata")).await.expect(200);
    assert_eq!(metadata.header("content-type"), "application/xml");
    assert!(metadata.text.contains("<EntitySet Name=\"users\" EntityType=\"microsoft.graph.user\""));
    assert!(metadata.text.contains("<Property Name=\"aboutMe\" Type=\"Edm.String\" />"));
    assert!(metadata.text.contains("<Action Name=\"sendMail\" IsBound=\"true\""));
}

#[tokio::test]
async fn answers_are_compressed_for_who_takes_that_and_requests_are_not_taken_compressed() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let http = client(&tenant.sandbox).no_gzip().build().unwrap();
    let read = |coding: &'static str| {
        http.get(tenant.url("/v1.0/me")).bearer_auth(&ada).header("accept-encoding", coding).send()
    };
    let plain = read("identity").await.unwrap();
    assert!(plain.headers().get("content-encoding").is_none());
    let plain: Value = plain.json().await.unwrap();
    let answer = read("br, gzip;q=0.8").await.unwrap();
    assert_eq!(answer.headers()["content-encoding"], "gzip");
    assert_eq!(answer.headers()["vary"], "Accept-Encoding");
    let compressed = answer.bytes().await.unwrap();
    let mut text = String::new();
    GzDecoder::new(&*compressed).read_to_string(&mut text).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), plain);

    let compressed = tenant
        .http
        .post(tenant.url("/v1.0/chats"))
        .bearer_auth(&ada)
        .header("content-type", "application/json")
        .header("content-encoding", "gzip")
        .body(compressed);
    assert_eq!(tenant.send(compressed).await.expect(415).text("/error/code"), "UnsupportedMediaType");
}

#[tokio::test]
async fn what_has_a_tag_is_not_sent_again_and_not_changed_behind_ones_back() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let made = post(&tenant, "/v1.0/me/messages", &ada, letter("draft", &["grace@contoso.example"])).await;
    let made = made.expect(201);
    let path = format!("/v1.0/me/messages/{}", made.text("/id"));
    let tag = made.text("/@odata.etag").to_owned();
    assert_eq!(made.header("etag"), tag);
    let read = async |tag: &str| {
        let request = tenant.http.get(tenant.url(&path)).bearer_auth(&ada).header("if-none-match", tag);
        tenant.send(request).await
    };
    for known in [tag.as_str(), "*", &format!("\"other\", {tag}")] {
        let unchanged = read(known).await.expect(304);
        assert_eq!((unchanged.text.as_str(), unchanged.header("etag")), ("", tag.as_str()));
    }
    let batch = json!({ "requests": [
        { "id": "1", "method": "GET", "url": &path["/v1.0".len()..], "headers": { "If-None-Match": tag } },
    ] });
    let answer = post(&tenant, "/v1.0/$batch", &ada, batch).await.expect(200);
    assert_eq!(answer.json["responses"][0]["status"], 304);

    let changed = patch(&tenant, &path, &ada, json!({ "subject": "changed" })).await.expect(200);
    assert_ne!(changed.header("etag"), tag);
    assert_eq!(read(&tag).await.expect(200).text("/subject"), "changed");
    for method in [Method::PATCH, Method::DELETE] {
        let request =
            tenant.http.request(method, tenant.url(&path)).bearer_auth(&ada).header("if-match", &tag);
        let refused = tenant.send(request.json(&json!({ "subject": "late" }))).await.expect(412);
        assert_eq!(refused.text("/error/code"), "ErrorIrresolvableConflict");
    }
    let request =
        tenant.http.patch(tenant.url(&path)).bearer_auth(&ada).header("if-match", changed.header("etag"));
    tenant.send(request.json(&json!({ "subject": "in time" }))).await.expect(200);
    delete(&tenant, &path, &ada).await.expect(204);
}

#[tokio::test]
async fn who_prefers_little_is_not_told_what_was_made() {
    let tenant = tenant().await;
    let admin = administrator(&tenant, "Group.ReadWrite.All").await;
    let ask = async |prefer: &str, name: &str| {
        let body = json!({
            "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true,
        });
        let request =
            tenant.http.post(tenant.url("/v1.0/groups")).bearer_auth(&admin).header("prefer", prefer);
        tenant.send(request.json(&body)).await
    };
    let little = ask("respond-async, return=minimal", "little").await.expect(204);
    assert_eq!((little.text.as_str(), little.header("preference-applied")), ("", "return=minimal"));
    let made = little.header("location").to_owned();
    assert_eq!(little.header("odata-entityid"), made);
    let read = tenant.send(tenant.http.get(&made).bearer_auth(&admin)).await.expect(200);
    assert_eq!(read.text("/displayName"), "little");
    let all = ask("return=representation", "all").await.expect(201);
    assert_eq!(all.text("/displayName"), "all");
}

#[tokio::test]
async fn hundreds_of_tenants_stand_side_by_side_in_one_process() {
    let starting: Vec<_> = (0..200).map(|_| tokio::spawn(attache_sandbox::Tenant::start())).collect();
    let mut tenants = Vec::new();
    for one in starting {
        tenants.push(one.await.unwrap().unwrap());
    }
    let urls: std::collections::BTreeSet<&str> = tenants.iter().map(|one| one.ready().url.as_str()).collect();
    assert_eq!(urls.len(), 200, "each has a port of its own");
    for one in &tenants {
        let http = client(one).build().unwrap();
        let ready = one.ready();
        let url = format!("{}/{}/oauth2/v2.0/token", ready.url, ready.tenant_id);
        let form = [
            ("client_id", ready.apps.provisioner.client_id.as_str()),
            ("client_secret", &ready.apps.provisioner.client_secret),
            ("grant_type", "client_credentials"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let answer = http.post(url).form(&form).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
}

#[tokio::test]
async fn quotation_marks_and_angle_brackets_may_stand_raw_in_a_query() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let asked = async |path: &str| {
        let (url, token) = (tenant.url(path), ada.clone());
        let ca = tenant.sandbox.ready().ca.clone();
        let run = move || {
            std::process::Command::new("curl")
                .args(["--http1.1", "--silent", "--globoff", "--noproxy", "*", "--cacert"])
                .arg(ca)
                .args(["-H", &format!("Authorization: Bearer {token}"), "-H", "ConsistencyLevel: eventual"])
                .args([&url, &url])
                .output()
                .unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // The same twice on one connection.
    let found = asked("/v1.0/users?$select=displayName&$search=\"displayName:gra\"").await;
    assert_eq!(found.matches("Grace Hopper").count(), 2, "{found}");
    let filtered = asked("/v1.0/me/messages?$filter=internetMessageId%20eq%20'<x@y>'").await;
    assert_eq!(filtered.matches("\"value\":[]").count(), 2, "{filtered}");
    let log = tenant.sandbox.control().requests();
    assert!(log.last().unwrap().query.contains("'%3Cx@y%3E'"), "{:?}", log.last());
}

#[tokio::test]
async fn a_version_that_graph_does_not_have_is_refused_in_its_words() {
    let tenant = tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    for path in ["/v1.1/me", "/beta2/me", "/v2.0/users"] {
        let refused = get(&tenant, path, &ada).await.expect(400);
        assert_eq!(refused.text("/error/code"), "BadRequest");
        assert!(refused.text("/error/message").starts_with("Invalid version"), "{}", refused.text);
        assert_eq!(refused.header("request-id"), refused.text("/error/innerError/request-id"));
    }
}

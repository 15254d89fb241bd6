//! What pages of other origins may do (Graph reference §7.4; Microsoft: "Download a file", "Upload large files").

use http::Method;
use serde_json::json;

use crate::cast::{get, post, sign_in};
use crate::mail_support::{SCOPES, consent, letter, mail_tenant};
use crate::support::Reply;

const PAGE: &str = "https://spa.example";

fn is_readable(reply: &Reply) -> bool {
    reply.header("access-control-allow-origin") == "*"
        && reply.header("access-control-expose-headers").contains("Content-Range")
}

#[tokio::test]
async fn a_page_loads_and_sends_files() {
    let tenant = mail_tenant().await;
    consent(&tenant, &format!("{SCOPES} Files.ReadWrite")).await;
    let ada = sign_in(&tenant, "ada").await;
    let file = tenant.url("/v1.0/me/drive/root:/a.txt:/content");
    let made = tenant.send(tenant.http.put(file).bearer_auth(&ada).body("a text")).await.expect(201);
    let item = get(&tenant, &format!("/v1.0/me/drive/items/{}", made.text("/id")), &ada).await.expect(200);
    let download = item.json["@microsoft.graph.downloadUrl"].as_str().unwrap().to_owned();
    let session = "/v1.0/me/drive/root:/b.txt:/createUploadSession";
    let upload = post(&tenant, session, &ada, json!({})).await.expect(200).text("/uploadUrl").to_owned();
    let draft = post(&tenant, "/v1.0/me/messages", &ada, letter("big", &[])).await.expect(201);
    let attach = format!("/v1.0/me/messages/{}/attachments/createUploadSession", draft.text("/id"));
    let size = 3_500_000;
    let large = json!({ "AttachmentItem": { "attachmentType": "file", "name": "a", "size": size } });
    let attach = post(&tenant, &attach, &ada, large).await.expect(201).text("/uploadUrl").to_owned();

    for url in [&download, &upload, &attach] {
        let preflight = tenant
            .http
            .request(Method::OPTIONS, url)
            .header("origin", PAGE)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-range");
        let allowed = tenant.send(preflight).await.expect(200);
        assert_eq!(allowed.header("access-control-allow-origin"), "*", "{url}");
        assert!(allowed.header("access-control-allow-methods").contains("PUT"), "{url}");
        assert_eq!(allowed.header("access-control-allow-headers"), "content-range", "{url}");
    }
    let ask = |method: Method, url: &str| tenant.http.request(method, url).header("origin", PAGE);
    let loaded = tenant.send(ask(Method::GET, &download).header("range", "bytes=0-0")).await.expect(206);
    assert!(is_readable(&loaded));
    let range = format!("bytes 0-0/{size}");
    for (url, status) in [(&upload, 202), (&attach, 200)] {
        let sent = ask(Method::PUT, url).header("content-range", &range).body("a");
        assert!(is_readable(&tenant.send(sent).await.expect(status)), "{url}");
        assert!(is_readable(&tenant.send(ask(Method::DELETE, url)).await.expect(204)), "{url}");
        let gone = tenant.send(ask(Method::GET, url)).await;
        assert!(gone.status.is_client_error() && is_readable(&gone), "{url}");
    }
}

#[tokio::test]
async fn a_page_reads_that_it_was_refused_before_graph_looked() {
    let tenant = mail_tenant().await;
    let ada = sign_in(&tenant, "ada").await;
    let busy = json!({ "path": "/v1.0/me", "effect": { "kind": "answer", "status": 429, "retry_after": 7 } });
    tenant.control(Method::POST, "faults", Some(busy)).await.expect(201);
    let asked = tenant.http.get(tenant.url("/v1.0/me")).bearer_auth(&ada).header("origin", PAGE);
    let refused = tenant.send(asked).await.expect(429);
    assert!(is_readable(&refused));
    assert!(refused.header("access-control-expose-headers").contains("Retry-After"));
}

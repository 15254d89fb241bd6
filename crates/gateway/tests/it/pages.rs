//! Pages: each shows, for whom it is meant, and refuses the rest as a page.

use attache_gateway::page_paths;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_page_of_an_organisation_shows() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let shared = serde_json::json!({ "mode": "shared" });
    acme.post("api/v1/orgs/acme/agent-identity/provision", &shared).await.ok(202);
    for path in [
        "",
        "/identities",
        "/identities/default",
        "/identities/default/sponsor",
        "/identities/default/appearance",
        "/audit",
        "/audit/0",
        "/jobs",
        "/reviews",
        "/settings/licences",
        "/settings/agent-identity",
        "/settings/specialist",
        "/settings/suspension",
        "/settings/members",
        "/settings/api-keys",
        "/health",
    ] {
        let page = operator.page(&format!("orgs/acme{path}")).await;
        assert_eq!(page.status, 200, "{path}: {}", page.text);
        assert!(page.text.contains("<main id=\"main\""), "{path}");
        assert!(!page.text.contains("style=\"") && !page.text.contains("<style"), "{path}: inline style");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_says_that_it_is_a_sandboxs_and_none_of_a_real_gateway_does() {
    for sandbox in [true, false] {
        let world = World::tuned(move |config| config.sandbox = sandbox).await;
        let operator = world.operator().await;
        let acme = world.organisation(&operator, "acme").await;
        let shared = json!({ "mode": "shared" });
        acme.post("api/v1/orgs/acme/agent-identity/provision", &shared).await.ok(202);
        let link = acme.post("api/v1/orgs/acme/audit/entries/0/links", &json!({})).await.ok(201);
        let invited = json!({ "label": "Grace", "role": "auditor" });
        let invited = acme.post("api/v1/orgs/acme/invitations", &invited).await.ok(201);
        let path_of = |made: &serde_json::Value| {
            made["link"].as_str().unwrap().strip_prefix(world.url.as_str()).unwrap().to_owned()
        };
        let sign_in = world.link(world.operator, "Ada").await;
        let mut shown = 0;
        // The stream of events is no page, and does not end.
        for path in page_paths().iter().filter(|path| !path.ends_with("/events")) {
            let path = match path.as_str() {
                "/a/{secret}" => path_of(&link),
                "/invitations/{secret}" => path_of(&invited),
                "/sign-in/link/{secret}" => sign_in.clone(),
                other => other[1..]
                    .replace("{org}", "acme")
                    .replace("{identity}", "default")
                    .replace("{entry}", "0"),
            };
            let page = operator.page(&path).await;
            // A part of a page is fetched into one, and an answer without any leads to one.
            if page.text.contains("<html") {
                assert_eq!(page.text.contains("Sandbox: everything here"), sandbox, "{path}: {}", page.text);
                shown += usize::from(page.status == 200);
            }
        }
        assert!(shown > 25, "{shown} shown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_a_page_for_people() {
    let world = World::new().await;
    let page = world.anybody().page("orgs/acme").await;
    assert_eq!(page.status, 401);
    assert!(page.text.contains("Please sign in") && page.text.contains("/sign-in"), "{}", page.text);
    let operator = world.operator().await;
    let missing = operator.page("orgs/nobody").await;
    assert_eq!(missing.status, 404);
    assert!(missing.text.contains("There is nothing here"), "{}", missing.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_shown_as_text() {
    let world = World::new().await;
    let operator = world.operator().await;
    let body = serde_json::json!({ "slug": "acme", "name": "<script>alert(1)</script>" });
    operator.post("api/v1/orgs", &body).await.ok(201);
    let page = operator.page("orgs/acme").await;
    assert!(!page.text.contains("<script>alert"), "{}", page.text);
    assert!(
        page.text.contains("&#60;script&#62;alert") || page.text.contains("&lt;script&gt;"),
        "{}",
        page.text
    );
}

//! Pages: each shows, for whom it is meant, and refuses the rest as a page.

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

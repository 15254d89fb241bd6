//! What people do on pages that programs do by the API: they page and look for things, and fill in forms.

use serde_json::json;

use crate::world::World;

const PROVISION: &str = "api/v1/orgs/acme/agent-identity/provision";
const KEYS: &str = "orgs/acme/settings/api-keys";

/// The way to the next part of a list.
fn next(page: &str) -> Option<String> {
    let (before, _) = page.split_once("\">More</a>")?;
    Some(before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&").replace("&#38;", "&"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_comes_in_parts() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    world.organisation(&operator, "globex").await;
    for template in ["default", "cfo"] {
        acme.post(PROVISION, &json!({ "mode": "shared", "template": template })).await.ok(202);
    }
    operator
        .post("api/v1/orgs/acme/api-keys", &json!({ "name": "two", "scopes": ["jobs:read"] }))
        .await
        .ok(201);
    for (list, first, second) in [
        ("orgs/acme/identities", "identities/default\"", "identities/cfo\""),
        (KEYS, "<td>two<br>", "<td>all<br>"),
        ("", "orgs/globex\"", "orgs/acme\""),
    ] {
        let page = operator.page(&format!("{list}?limit=1")).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let (_, shown) = page.text.split_once("<table>").unwrap();
        assert!(shown.contains(first) && !shown.contains(second), "{list}: {shown}");
        let next = next(&page.text).expect("a way to the rest");
        let page = operator.page(&format!("{list}{next}")).await;
        let (_, shown) = page.text.split_once("<table>").unwrap();
        assert!(!shown.contains(first) && shown.contains(second), "{list}: {shown}");
    }
    let jobs = operator.page("orgs/acme/jobs?state=done&limit=1").await;
    assert!(jobs.text.contains("value=\"done\" selected"), "{}", jobs.text);
    let dead = operator.page("orgs/acme/jobs?state=dead").await;
    assert!(!dead.text.contains("<table>"), "none was given up: {}", dead.text);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_finds_an_organisation_by_a_part_of_its_name_or_its_id() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "globex").await;
    for slug in ["acme", "initech"] {
        operator.post("api/v1/orgs", &json!({ "slug": slug, "name": format!("{slug} Corp") })).await.ok(201);
    }
    let id = operator.get("api/v1/orgs/initech").await.ok(200)["id"].as_str().unwrap().to_owned();
    for sought in ["INITECH+co", "nitec", &id] {
        let page = operator.page(&format!("?q={sought}")).await;
        let (_, table) = page.text.split_once("<table>").unwrap();
        assert!(table.contains("/orgs/initech") && !table.contains("/orgs/acme"), "{table}");
    }
    assert!(operator.page("?q=umbrella").await.text.contains("None has that"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_given_an_end_addresses_and_ticked_scopes() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let csrf = operator.csrf_of(KEYS).await;
    let mut fields = vec![
        ("csrf", &*csrf),
        ("name", "nightly"),
        ("scope identities:read", "on"),
        ("scope jobs:read", "on"),
        ("expires", "2100-01-31"),
        ("allowed_from", "192.0.2.1, 2001:db8::1"),
    ];
    assert_eq!(operator.form(KEYS, &fields).await.status, 200);
    let keys = acme.get("api/v1/orgs/acme/api-keys").await.ok(200);
    let key = keys["items"].as_array().unwrap().iter().find(|key| key["name"] == "nightly").unwrap();
    assert_eq!(key["scopes"], json!(["identities:read", "jobs:read"]));
    assert_eq!(key["expires"], "2100-02-01T00:00:00Z", "it works on its last day");
    assert_eq!(key["allowed_from"], json!(["192.0.2.1", "2001:db8::1"]));
    let page = operator.page(KEYS).await.text;
    assert!(page.contains("from 192.0.2.1, 2001:db8::1"), "{page}");
    fields[5].1 = "somewhere";
    assert_eq!(operator.form(KEYS, &fields).await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_specialist_is_provisioned_and_gets_a_photo_by_page() {
    let world = World::new().await;
    let operator = world.operator().await;
    let acme = world.organisation(&operator, "acme").await;
    let path = "orgs/acme/settings/specialist";
    let csrf = operator.csrf_of(path).await;
    let fields = [
        ("csrf", &*csrf),
        ("template", "cfo"),
        ("mode", "hosted"),
        ("method", "create"),
        ("subdomain", "acme"),
        ("display_name", ""),
        ("job_title", "Controller"),
        ("department", ""),
    ];
    let made = operator.form(path, &fields).await;
    assert_eq!(made.status, 303, "{}", made.text);
    let page = operator.page(&made.location()[1..]).await;
    assert!(page.text.contains("acme Corporation Assistant (cfo)"), "{}", page.text);
    let cfo = "api/v1/orgs/acme/agent-identities/cfo";
    let active = acme.until(cfo, |seen| seen["state"] == "active").await;
    assert_eq!((&active["job_title"], &active["department"]), (&json!("Controller"), &json!("AI Workforce")));

    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 2, 0x80, 0, 0, 1, 0xe0]);
    let path = "orgs/acme/identities/cfo/photo";
    assert_eq!(operator.upload(path, "not ours", &png).await.status, 403);
    assert_eq!(operator.upload(path, &csrf, b"GIF89a").await.status, 422);
    assert_eq!(operator.upload(path, &csrf, &vec![0; 5 << 20]).await.status, 413);
    let set = operator.upload(path, &csrf, &png).await;
    assert_eq!(set.status, 303, "{}", set.text);
    let state = world.sandbox.control().state();
    let tenant = &state["tenants"][&world.sandbox.ready().tenant_id];
    let photo = &tenant["workloads"]["profiles"][active["m365_user_id"].as_str().unwrap()]["photo"];
    assert_eq!(photo["width"], json!(640), "{photo}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_from_one_day_to_another() {
    let world = World::new().await;
    let operator = world.operator().await;
    world.organisation(&operator, "acme").await;
    let page = async |query: &str| operator.page(&format!("orgs/acme/audit?{query}")).await;
    let all = page("act=&about=&since=2000-01-01&until=2100-01-01").await;
    assert!(all.text.contains("organisation.created") && all.text.contains("value=\"2000-01-01\""));
    for none in ["since=2100-01-01&until=", "since=&until=2000-01-01"] {
        assert!(page(none).await.text.contains("Nothing fits"), "{none}");
    }
    assert_eq!(page("since=yesterday").await.status, 422);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_document_names_the_cookie_as_browsers_have_it() {
    let world = World::new().await;
    let operator = world.operator().await;
    let document = operator.get("api/openapi.json").await.ok(200);
    let name = document["components"]["securitySchemes"]["session"]["name"].as_str().unwrap();
    assert!(operator.cookie.as_deref().unwrap().starts_with(&format!("{name}=")), "{name}");
}

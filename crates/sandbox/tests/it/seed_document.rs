//! A tenant from a document.

use attache_sandbox::constants;
use http::Method;
use serde_json::{Value, json};

use crate::support::Tenant;

const DOCUMENT: &str = r#"
[settings]
lag = { profile = "typical", scale = 0.5 }
seats = { SPE_E3 = 12000 }

[[users]]
upn = "mary"
name = "Mary Somerville"
password = "Sandbox-Mary-1780"
licences = ["SPE_E3"]

[[apps]]
name = "Reader"
web = ["https://localhost/reader"]
roles = ["User.Read.All"]
scopes = ["User.Read"]

[[agents]]
name = "Clerk"
sponsor = "ada"
upn = "clerk@contoso.example"
licences = ["O365_BUSINESS_ESSENTIALS"]

[[chats]]
topic = "Tides"
members = ["mary", "ada", "grace"]
messages = [{ from = "mary", text = "Shall we begin?" }, { from = "ada", text = "We shall." }]
"#;

#[tokio::test]
async fn what_a_document_describes_is_there_and_reset_comes_back_to_it() {
    let tenant = Tenant::start().await;
    let control = tenant.sandbox.control();
    control.plant(DOCUMENT).unwrap();
    assert!((control.lag().scale - 0.5).abs() < f64::EPSILON);
    for reset in [false, true] {
        if reset {
            tenant.control(Method::POST, "reset", None).await.expect(200);
        }
        let token = tenant.provisioner().await;
        let mary =
            tenant.graph(Method::GET, "/v1.0/users/mary@contoso.example", &token, None).await.expect(200);
        assert_eq!(mary.text("/displayName"), "Mary Somerville");
        let skus = tenant.graph(Method::GET, "/v1.0/subscribedSkus", &token, None).await.expect(200);
        let skus = skus.json["value"].as_array().unwrap();
        let e3 = skus.iter().find(|sku| sku["skuPartNumber"] == "SPE_E3").unwrap();
        assert_eq!(e3["prepaidUnits"]["enabled"], 12_000);
        tenant.graph(Method::GET, "/v1.0/users/clerk@contoso.example", &token, None).await.expect(200);
        let said = tenant.control(Method::GET, "chats/messages", None).await.expect(200);
        let texts: Vec<&str> = said.json["value"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|message| message["messageType"] == "message")
            .map(|message| message["body"]["content"].as_str().unwrap())
            .collect();
        assert_eq!(texts, ["Shall we begin?", "We shall."]);
        let ready = tenant.control(Method::GET, "ready", None).await.expect(200);
        let people = ready.json["users"].as_array().unwrap();
        assert!(people.iter().any(|one| one["password"] == "Sandbox-Mary-1780"), "{}", ready.text);
    }
}

#[tokio::test]
async fn every_problem_is_told_and_then_nothing_stands() {
    let tenant = Tenant::start().await;
    let before = tenant.sandbox.control().state();
    let document = json!({
        "settings": { "seats": { "SPE_E9": 1 } },
        "users": [{ "upn": "mary" }, { "upn": constants::ADA_UPN }],
        "chats": [{ "members": ["mary", "nobody"] }],
        "apps": [{ "name": "Reader", "roles": ["Nothing.Read"] }],
    });
    let refused = tenant.control(Method::POST, "seed", Some(document)).await.expect(422);
    let message = refused.text("/error/message");
    for problem in [
        "settings.seats: the tenant has no subscription \"SPE_E9\"",
        "users[1] (ada@contoso.example)",
        "chats[0]: there is no user \"nobody\"",
        "Nothing.Read",
    ] {
        assert!(message.contains(problem), "{message}");
    }
    let shape = |state: &Value| {
        let tenant = &state["tenants"][constants::TENANT_ID];
        ["users", "applications", "service_principals"].map(|name| tenant[name].as_object().unwrap().len())
    };
    assert_eq!(shape(&tenant.sandbox.control().state()), shape(&before));
    tenant.control(Method::POST, "seed", Some(json!({ "people": [] }))).await.expect(400);
}

#[tokio::test]
async fn a_tenant_for_a_test_starts_with_one_call() {
    let (one, two) = tokio::join!(attache_sandbox::Tenant::start(), attache_sandbox::Tenant::start());
    assert_ne!(one.unwrap().address().port(), two.unwrap().address().port());
}

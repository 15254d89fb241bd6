//! A tenant from a document.

use attache_sandbox::constants;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::{Value, json};

use crate::cast::permitted;
use crate::support::{Certificate, Tenant};

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
async fn applications_are_known_beforehand_or_told_and_work_at_once() {
    const API: &str = "a11ce000-0000-4000-8000-000000000001";
    const CLIENT: &str = "a11ce000-0000-4000-8000-000000000002";
    let tenant = Tenant::start().await;
    let body = STANDARD.encode(Certificate::new().der);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let document = json!({
        "apps": [
            { "name": "API", "client_id": API, "exposes": ["access", "manage"], "preauthorizes": [CLIENT] },
            {
                "name": "Client", "client_id": CLIENT, "secret": "known-beforehand", "implicit": ["id_token"],
                "web": ["https://localhost/client"], "certificate": pem,
                "federated": [{ "issuer": "https://tokens.example", "subject": "repo:main" }],
            },
            { "name": "Other" },
        ],
        "agents": [{ "name": "Clerk", "sponsor": "ada", "upn": "clerk" }],
        "groups": [{ "name": "Readers", "members": ["ada"] }],
        "chats": [{ "topic": "Tides", "members": ["ada", "grace", "alan"] }],
    });
    let planted = tenant.control(Method::POST, "seed", Some(document)).await.expect(200);
    assert_eq!(planted.text("/event"), "ready");
    let made = planted.json["made"].as_array().unwrap();
    let kinds: Vec<&str> = made.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    let pair = ["application", "service_principal"];
    let agent = ["blueprint", "blueprint_principal", "agent_identity", "agent_user"];
    assert_eq!(kinds, [&pair[..], &pair, &pair, &agent, &["group", "chat"]].concat());
    assert_eq!(made[2]["app_id"], CLIENT);
    assert_eq!(made[9]["name"], "clerk@contoso.example");

    let reader = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let read = async |path: &str| tenant.graph(Method::GET, path, &reader, None).await.expect(200);
    let other = read(&format!("/v1.0/applications/{}", made[4]["id"].as_str().unwrap())).await;
    assert_eq!(other.json["appId"], made[4]["app_id"]);
    let api = read(&format!("/v1.0/applications(appId='{API}')")).await;
    assert_eq!(api.json["identifierUris"], json!([format!("api://{API}")]));
    assert_eq!(api.json["api"]["preAuthorizedApplications"][0]["appId"], CLIENT);
    let client = read(&format!("/v1.0/applications/{}", made[2]["id"].as_str().unwrap())).await;
    assert_eq!(client.json["web"]["implicitGrantSettings"]["enableIdTokenIssuance"], true);
    assert_eq!(client.json["keyCredentials"].as_array().unwrap().len(), 1);
    let path = format!("/v1.0/applications/{}/federatedIdentityCredentials", client.text("/id"));
    assert_eq!(read(&path).await.json["value"][0]["subject"], "repo:main");
    let scope = format!("api://{API}/.default");
    let form = [
        ("client_id", CLIENT),
        ("client_secret", "known-beforehand"),
        ("grant_type", "client_credentials"),
        ("scope", &scope),
    ];
    tenant.token(&form).await.expect(200);

    let again = json!({ "apps": [
        { "name": "Twin", "client_id": CLIENT }, { "name": "Odd", "client_id": "mine" },
        { "name": "Empty", "preauthorizes": [CLIENT] },
    ] });
    let refused = tenant.control(Method::POST, "seed", Some(again)).await.expect(422);
    for problem in [
        "apps[0] (Twin): client_id a11ce000-0000-4000-8000-000000000002 is another application's",
        "apps[1] (Odd): client_id \"mine\" is no GUID",
        "apps[2] (Empty): preauthorizes wants a permission in exposes",
    ] {
        assert!(refused.text("/error/message").contains(problem), "{}", refused.text);
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

//! Many tenants in one sandbox: each is by itself, and each request finds its own.

use http::Method;
use serde_json::{Value, json};

use crate::support::{GRAPH, Reply, Tenant, claims, config, standing};

/// Another tenant of the same sandbox, as its ready line tells of it.
struct Second(Value);

impl Second {
    async fn add(tenant: &Tenant, body: Value) -> Self {
        Self(tenant.control(Method::POST, "tenants", Some(body)).await.expect(201).json)
    }

    fn text(&self, pointer: &str) -> &str {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap()
    }

    async fn token(&self, tenant: &Tenant, name: &str) -> Reply {
        let form = [
            ("client_id", self.text("/apps/provisioner/client_id")),
            ("client_secret", self.text("/apps/provisioner/client_secret")),
            ("grant_type", "client_credentials"),
            ("scope", GRAPH),
        ];
        let url = tenant.url(&format!("/{name}/oauth2/v2.0/token"));
        tenant.send(tenant.http.post(url).form(&form)).await
    }

    async fn control(&self, tenant: &Tenant, method: Method, path: &str, body: Option<Value>) -> Reply {
        tenant.graph(method, &format!("/_sandbox/{path}"), self.text("/control_token"), body).await
    }
}

#[tokio::test]
async fn each_tenant_has_ids_and_tokens_of_its_own_and_one_signing_key() {
    let tenant = Tenant::start().await;
    let second = Second::add(&tenant, json!({})).await;
    let home = tenant.sandbox.ready();
    assert_ne!(second.text("/tenant_id"), home.tenant_id);
    assert_ne!(second.text("/domain"), home.domain);
    assert_eq!(second.text("/url"), home.url);
    let by_id = second.token(&tenant, second.text("/tenant_id")).await.expect(200);
    let by_domain = second.token(&tenant, second.text("/domain")).await.expect(200);
    let token = by_domain.text("/access_token");
    assert_eq!(claims(token)["tid"], second.text("/tenant_id"));
    for (token, id) in [
        (by_id.text("/access_token"), second.text("/tenant_id")),
        (&tenant.provisioner().await, &home.tenant_id),
    ] {
        let answer = tenant.graph(Method::GET, "/v1.0/organization", token, None).await.expect(200);
        assert_eq!(answer.text("/value/0/id"), id);
    }
    // The first one's client is unknown there, and a user of the one is none of the other.
    let unknown = second.token(&tenant, &home.tenant_id).await.expect(400);
    assert_eq!(unknown.error().1, 700_016);
    let ada = format!("/v1.0/users/{}", home.users[0].id);
    tenant.graph(Method::GET, &ada, token, None).await.expect(404);
    let keys = |id: &str| tenant.url(&format!("/{id}/discovery/v2.0/keys"));
    let (ours, theirs) =
        (tenant.get(&keys(&home.tenant_id)).await, tenant.get(&keys(second.text("/tenant_id"))).await);
    assert_eq!(ours.json["keys"][0]["kid"], theirs.json["keys"][0]["kid"]);
}

#[tokio::test]
async fn clock_lag_faults_and_log_are_the_tenants_own() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let second = Second::add(&tenant, json!({ "clock": { "pace": 0, "now": "2030-01-01T00:00:00Z" } })).await;
    second.control(&tenant, Method::POST, "clock", Some(json!({ "advance_seconds": 60 }))).await.expect(200);
    let lag = json!({ "profile": "worst", "scale": 2.0 });
    second.control(&tenant, Method::POST, "lag", Some(lag.clone())).await.expect(200);
    let fault = json!({ "path": "/v1.0/**", "effect": { "kind": "answer", "status": 503 } });
    second.control(&tenant, Method::POST, "faults", Some(fault)).await.expect(201);

    let token = second.token(&tenant, second.text("/tenant_id")).await.expect(200);
    assert_eq!(token.header("date"), "Tue, 01 Jan 2030 00:01:00 GMT");
    let refused = tenant.graph(Method::GET, "/v1.0/users", token.text("/access_token"), None).await;
    refused.expect(503);
    assert_eq!(second.control(&tenant, Method::GET, "lag", None).await.json, lag);
    let log = second.control(&tenant, Method::GET, "requests", None).await.expect(200);
    assert_eq!(log.json["value"].as_array().unwrap().len(), 2);

    let control = tenant.sandbox.control();
    assert!(control.requests().is_empty() && control.faults().is_empty());
    assert_eq!(control.clock().now().to_string(), "2026-03-01T12:00:00Z");
    assert_ne!(serde_json::to_value(control.lag()).unwrap(), lag);
}

#[tokio::test]
async fn the_main_token_steers_every_tenant_and_another_only_its_own() {
    let tenant = Tenant::start().await;
    let id = tenant.sandbox.ready().tenant_id.clone();
    let second = Second::add(&tenant, json!({ "seed": 7 })).await;
    let its_id = second.text("/tenant_id");
    for path in [format!("tenants/{its_id}/ready"), format!("ready?tenant={its_id}")] {
        let ready = tenant.control(Method::GET, &path, None).await.expect(200);
        assert_eq!(ready.json, second.0);
    }
    second.control(&tenant, Method::GET, "ready", None).await.expect(200);
    second.control(&tenant, Method::GET, &format!("tenants/{id}/ready"), None).await.expect(401);
    second.control(&tenant, Method::GET, &format!("ready?tenant={id}"), None).await.expect(401);
    tenant.control(Method::POST, "tenants", Some(json!({ "seed": 7 }))).await.expect(409);
    tenant.control(Method::GET, "ready?tenant=nobody.example", None).await.expect(404);

    tenant.control(Method::DELETE, &format!("tenants/{id}"), None).await.expect(404);
    tenant.control(Method::DELETE, &format!("tenants/{its_id}"), None).await.expect(204);
    tenant.control(Method::DELETE, &format!("tenants/{its_id}"), None).await.expect(404);
    second.control(&tenant, Method::GET, "ready", None).await.expect(401);
    let gone = second.token(&tenant, its_id).await.expect(400);
    assert_eq!(gone.error().1, 90_002);
    let again = Second::add(&tenant, json!({ "seed": 7 })).await;
    assert_eq!(again.0, second.0, "the same number makes the same tenant");
}

#[tokio::test]
async fn at_organizations_the_users_domain_decides_and_the_code_finds_its_tenant() {
    let tenant = Tenant::start().await;
    let second = Second::add(&tenant, json!({})).await;
    let upn = second.text("/users/0/upn");
    let app = json!({
        "name": "Everywhere", "public": ["http://localhost"], "scopes": ["User.Read"], "multi_tenant": true,
    });
    second.control(&tenant, Method::POST, "seed", Some(json!({ "apps": [app] }))).await.expect(200);
    let token = second.token(&tenant, second.text("/tenant_id")).await.expect(200);
    let path = "/v1.0/applications?$filter=displayName%20eq%20'Everywhere'";
    let found = tenant.graph(Method::GET, path, token.text("/access_token"), None).await.expect(200);
    let client = found.text("/value/0/appId");
    let authorize =
        format!("client_id={client}&response_type=code&redirect_uri=http%3A%2F%2Flocalhost&scope=User.Read");
    let login = tenant.url(&format!("/{}/login", second.text("/tenant_id")));
    let page = tenant.get(&tenant.url(&format!("/organizations/oauth2/v2.0/authorize?{authorize}"))).await;
    assert!(page.expect(200).text.contains(second.text("/tenant_id")), "the client is registered there");
    let form =
        [("request", authorize.as_str()), ("username", upn), ("password", second.text("/users/0/password"))];
    let back = tenant.send(tenant.http.post(login).form(&form)).await.expect(302);
    let location = url_query(back.header("location"));
    let code = location.iter().find(|(name, _)| name == "code").unwrap();
    let form = [
        ("client_id", client),
        ("grant_type", "authorization_code"),
        ("code", &code.1),
        ("redirect_uri", "http://localhost"),
    ];
    let url = tenant.url("/common/oauth2/v2.0/token");
    let token = tenant.send(tenant.http.post(url).form(&form)).await.expect(200);
    assert_eq!(claims(token.text("/access_token"))["tid"], second.text("/tenant_id"));
}

fn url_query(url: &str) -> Vec<(String, String)> {
    reqwest::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

#[tokio::test]
async fn every_tenant_persists_in_a_file_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data = Some(folder.path().to_owned());
    let first = Tenant::start_with(config.clone()).await;
    let [kept, deleted] = [7, 8].map(|seed| json!({ "seed": seed }));
    let kept = Second::add(&first, kept).await;
    let deleted = Second::add(&first, deleted).await;
    first.control(Method::DELETE, &format!("tenants/{}", deleted.text("/tenant_id")), None).await.expect(204);
    first.sandbox.shutdown().await;

    let second = Tenant::start_with(config).await;
    let tenants = second.control(Method::GET, "tenants", None).await.expect(200);
    let ids: Vec<&str> = tenants.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["tenant_id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 2);
    assert!(ids.contains(&kept.text("/tenant_id")));
    kept.token(&second, kept.text("/domain")).await.expect(200);
}

//! Client assertions signed with a certificate of the application.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::support::{BEARER, Certificate, GRAPH, Reply, Tenant, config, standing};

/// A blueprint with its principal and a certificate; the answer is its client id.
pub(crate) async fn blueprint(tenant: &Tenant, certificate: &Certificate) -> String {
    let token = tenant.provisioner().await;
    let sponsor = format!("https://graph.microsoft.com/v1.0/users/{}", tenant.sandbox.ready().users[0].id);
    let body = json!({ "displayName": "Blueprint", "sponsors@odata.bind": [sponsor] });
    let path = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint";
    let made = tenant.graph(Method::POST, path, &token, Some(body)).await.expect(201);
    let id = made.text("/appId").to_owned();
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal";
    tenant.graph(Method::POST, path, &token, Some(json!({ "appId": id }))).await.expect(201);
    let path = format!("/v1.0/applications/{id}");
    let body = json!({ "keyCredentials": [certificate.credential()] });
    tenant.graph(Method::PATCH, &path, &token, Some(body)).await.expect(204);
    id
}

pub(crate) fn assertion(tenant: &Tenant, client_id: &str) -> Value {
    let now = tenant.sandbox.control().clock().now().as_second();
    json!({
        "aud": tenant.login("/oauth2/v2.0/token"), "iss": client_id, "sub": client_id,
        "jti": uuid::Uuid::new_v4(), "nbf": now, "exp": now + 600,
    })
}

pub(crate) async fn with_assertion(tenant: &Tenant, client_id: &str, assertion: &str, scope: &str) -> Reply {
    tenant
        .token(&[
            ("client_id", client_id),
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_assertion_type", BEARER),
            ("client_assertion", assertion),
        ])
        .await
}

/// As it stands in a PEM file, which is how Azure CLI sends it.
#[tokio::test]
async fn a_certificate_may_come_in_lines() {
    let tenant = Tenant::start().await;
    let certificate = Certificate::new();
    let id = blueprint(&tenant, &certificate).await;
    let mut credential = Certificate::new().credential();
    let key = credential["key"].as_str().unwrap().to_owned();
    let lines: Vec<&str> = key.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    credential["key"] = json!(format!("{}\r\n", lines.join("\n")));
    let token = tenant.provisioner().await;
    let path = format!("/v1.0/applications/{id}?$select=keyCredentials");
    let body = json!({ "keyCredentials": [credential] });
    tenant.graph(Method::PATCH, &path, &token, Some(body)).await.expect(204);
    let shown = tenant.graph(Method::GET, &path, &token, None).await.expect(200);
    assert_eq!(shown.text("/keyCredentials/0/key"), key);
}

#[tokio::test]
async fn a_certificate_signs_in_with_ps256_or_rs256() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let certificate = Certificate::new();
    let id = blueprint(&tenant, &certificate).await;
    let claims = assertion(&tenant, &id);
    for jwt in [certificate.ps256(&claims), certificate.rs256(&claims)] {
        let answer = with_assertion(&tenant, &id, &jwt, GRAPH).await.expect(200);
        let claims = crate::support::claims(answer.text("/access_token"));
        assert_eq!(claims["appidacr"], "2");
        assert!(claims["xms_acd"].is_i64());
        assert_eq!(claims["roles"], json!(["AgentIdentity.CreateAsManager"]));
        assert_eq!(crate::support::facets(&claims, "xms_act_fct"), [3, 9]);
    }
    // Audiences that are taken: any name of the host, of the tenant, endpoint or issuer.
    for audience in [
        format!("https://login.microsoftonline.com/{}/v2.0", tenant.sandbox.ready().tenant_id),
        tenant.url("/contoso.example/oauth2/v2.0/token"),
    ] {
        let mut claims = claims.clone();
        claims["aud"] = json!(audience);
        with_assertion(&tenant, &id, &certificate.ps256(&claims), GRAPH).await.expect(200);
    }
}

#[tokio::test]
async fn a_bad_assertion_is_refused_with_its_own_code() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let (certificate, stranger) = (Certificate::new(), Certificate::new());
    let id = blueprint(&tenant, &certificate).await;
    let claims = assertion(&tenant, &id);
    let now = tenant.sandbox.control().clock().now().as_second();
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        certificate.ps256(&claims)
    };
    let forged = {
        let mut jwt = stranger.ps256(&claims);
        let thumbprint = certificate.thumbprint(&aws_lc_rs::digest::SHA256);
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint });
        jwt = stranger.sign(&header, &claims, &aws_lc_rs::signature::RSA_PSS_SHA256).replace(&jwt, "");
        jwt
    };
    for (jwt, code) in [
        (stranger.ps256(&claims), 700_027),
        (forged, 700_027),
        (with("aud", json!("https://evil.example/oauth2/v2.0/token")), 700_023),
        (with("aud", json!(tenant.login("/oauth2/token"))), 700_023),
        (with("aud", json!(tenant.url("/323626f5-1bfe-48cd-8902-ddfdfd44e1ce/v2.0"))), 700_023),
        (with("sub", json!("another")), 700_021),
        (with("iss", json!("another")), 700_021),
        (with("exp", json!(now - 301)), 700_024),
        (with("nbf", json!(now + 301)), 700_024),
        ("nonsense".to_owned(), 50_027),
    ] {
        let answer = with_assertion(&tenant, &id, &jwt, GRAPH).await.expect(401);
        assert_eq!(answer.error(), ("invalid_client", code), "{}", answer.text);
    }
    let resource =
        with_assertion(&tenant, &id, &certificate.ps256(&claims), &format!("api://{id}/.default")).await;
    assert_eq!(resource.error(), ("unauthorized_client", 82_001));
    tenant.sandbox.control().clock().advance(Duration::from_secs(900));
    let answer = with_assertion(&tenant, &id, &certificate.ps256(&claims), GRAPH).await;
    assert_eq!(answer.error().1, 700_024);
}

//! Tokens of other issuers, and of Entra's own, as client assertions.

use aws_lc_rs::signature::RSA_PKCS1_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use super::Seen;
use crate::browser::{App, administrator};
use crate::cast;
use crate::certificates::with_assertion;
use crate::support::{Certificate, EXCHANGE, GRAPH, Tenant};

const ISSUER: &str = "https://token.actions.example";
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// The JWKS of a certificate's key.
pub(crate) fn jwks(certificate: &Certificate, kid: &str) -> Value {
    let (_, parsed) = x509_parser::parse_x509_certificate(&certificate.der).unwrap();
    let Ok(x509_parser::public_key::PublicKey::RSA(key)) = parsed.public_key().parsed() else {
        panic!("an RSA key");
    };
    let bare = |number: &[u8]| -> Vec<u8> { number.iter().copied().skip_while(|byte| *byte == 0).collect() };
    json!({ "keys": [{
        "kty": "RSA", "use": "sig", "kid": kid,
        "n": URL_SAFE_NO_PAD.encode(bare(key.modulus)), "e": URL_SAFE_NO_PAD.encode(bare(key.exponent)),
    }] })
}

/// A token of an issuer.
pub(crate) fn token(tenant: &Tenant, key: &Certificate, kid: &str, changes: &[(&str, Value)]) -> String {
    let now = tenant.sandbox.control().clock().now().as_second();
    let mut claims = json!({
        "iss": ISSUER, "sub": "repo:contoso/agent:ref:main", "aud": AUDIENCE, "nbf": now, "exp": now + 300,
    });
    for (name, value) in changes {
        claims[*name] = value.clone();
    }
    key.sign(&json!({ "alg": "RS256", "typ": "JWT", "kid": kid }), &claims, &RSA_PKCS1_SHA256)
}

/// Names an issuer's tokens as a credential of the application.
pub(crate) async fn trust(tenant: &Tenant, admin: &str, app: &App, name: &str, issuer: &str, subject: &str) {
    let path = format!("/v1.0/applications/{}/federatedIdentityCredentials", app.object_id);
    let body = json!({ "name": name, "issuer": issuer, "subject": subject, "audiences": [AUDIENCE] });
    tenant.graph(Method::POST, &path, admin, Some(body)).await.expect(201);
}

pub(super) async fn cause(seen: &mut Seen) {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, "Application.ReadWrite.All").await;
    let (key, stranger) = (Certificate::new(), Certificate::new());
    let app = App::register(&tenant, &admin, json!({ "displayName": "Workload" })).await;
    let ask = async |jwt: &str, scope| with_assertion(&tenant, &app.app_id, jwt, scope).await;

    let own =
        app.token(&tenant, &[("grant_type", "client_credentials"), ("scope", EXCHANGE)]).await.expect(200);
    seen.answer(&ask(own.text("/access_token"), GRAPH).await);
    seen.answer(&ask(&token(&tenant, &key, "k", &[]), GRAPH).await);

    trust(&tenant, &admin, &app, "main", ISSUER, "repo:contoso/agent:ref:main").await;
    let jwks = json!({ "issuer": ISSUER, "jwks": jwks(&key, "k") });
    tenant.control(Method::POST, "issuers", Some(jwks)).await.expect(204);
    let good = ask(&token(&tenant, &key, "k", &[]), GRAPH).await.expect(200);
    assert_eq!(crate::support::claims(good.text("/access_token"))["appidacr"], "2");
    for changes in [
        [("iss", json!("https://token.actions.example/"))],
        [("aud", json!("api://azureadtokenexchange"))],
        [("sub", json!("repo:contoso/agent:ref:other"))],
        [("sub", json!("repo:contoso/Agent:ref:main"))],
        [("exp", json!(1_000_000))],
    ] {
        seen.answer(&ask(&token(&tenant, &key, "k", &changes), GRAPH).await);
    }
    seen.answer(&ask(&token(&tenant, &key, "unknown", &[]), GRAPH).await);
    seen.answer(&ask(&token(&tenant, &stranger, "k", &[]), GRAPH).await);

    // An exchange token of this tenant, named as a credential, is one.
    let issuer = tenant.login("/v2.0");
    trust(&tenant, &admin, &app, "self", &issuer, &app.principal).await;
    ask(own.text("/access_token"), GRAPH).await.expect(200);
}

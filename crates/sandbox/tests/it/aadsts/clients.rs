//! The client, its proof and the request's form.

use std::time::Duration;

use aws_lc_rs::signature::RSA_PSS_SHA256;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use serde_json::json;

use super::Seen;
use crate::browser::{App, administrator};
use crate::cast;
use crate::certificates::{assertion, blueprint, with_assertion};
use crate::support::{Certificate, GRAPH, Tenant};

pub(super) async fn cause(seen: &mut Seen) {
    let tenant = cast::tenant().await;
    forms(seen, &tenant).await;
    assertions(seen, &tenant).await;
    principals(seen, &tenant).await;
}

async fn forms(seen: &mut Seen, tenant: &Tenant) {
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let with = |changes: &[(&str, &str)]| {
        let mut form = vec![
            ("client_id".to_owned(), app.client_id.clone()),
            ("client_secret".to_owned(), app.client_secret.clone()),
            ("grant_type".to_owned(), "client_credentials".to_owned()),
            ("scope".to_owned(), GRAPH.to_owned()),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        form
    };
    let exchange = "urn:ietf:params:oauth:grant-type:token-exchange";
    for change in [
        ("client_secret", "wrong"),
        ("client_secret", ""),
        ("client_id", "00000000-0000-0000-0000-00000000dead"),
        ("client_id", ""),
        ("grant_type", exchange),
        ("scope", "User.Read"),
        ("scope", "api://nobody/.default"),
        ("resource", "https://graph.microsoft.com"),
        ("client_assertion", "x.y.z"),
        ("fmi_path", "x"),
    ] {
        let request = tenant.http.post(tenant.login("/oauth2/v2.0/token")).form(&with(&[change]));
        seen.answer(&tenant.send(request).await);
    }
    for name in ["nonsense", "unknown.example", "common"] {
        let url = tenant.url(&format!("/{name}/oauth2/v2.0/token"));
        seen.answer(&tenant.send(tenant.http.post(url).form(&with(&[]))).await);
    }
    seen.answer(&tenant.get(&tenant.login("/oauth2/v2.0/token")).await);
    let url = tenant.url("/common/oauth2/v2.0/devicecode");
    seen.answer(&tenant.send(tenant.http.post(url).form(&with(&[]))).await);
}

async fn assertions(seen: &mut Seen, tenant: &Tenant) {
    let (certificate, stranger) = (Certificate::new(), Certificate::new());
    let id = blueprint(tenant, &certificate).await;
    let claims = assertion(tenant, &id);
    let mut late = claims.clone();
    late["exp"] = json!(claims["nbf"].as_i64().unwrap() - 600);
    let chained = |x5c: &str| {
        let header = json!({ "alg": "PS256", "typ": "JWT", "x5c": [x5c] });
        stranger.sign(&header, &claims, &RSA_PSS_SHA256)
    };
    for jwt in [
        stranger.ps256(&claims),
        certificate.ps256(&late),
        "nonsense".to_owned(),
        chained(&STANDARD.encode(&stranger.der)),
        chained("bm90IGEgY2VydGlmaWNhdGU="),
    ] {
        seen.answer(&with_assertion(tenant, &id, &jwt, GRAPH).await);
    }
    // A certificate of the application may stand in `x5c` alone.
    let header = json!({ "alg": "PS256", "typ": "JWT", "x5c": [STANDARD.encode(&certificate.der)] });
    let jwt = certificate.sign(&header, &claims, &RSA_PSS_SHA256);
    with_assertion(tenant, &id, &jwt, GRAPH).await.expect(200);
}

async fn principals(seen: &mut Seen, tenant: &Tenant) {
    let admin = administrator(tenant, "Application.ReadWrite.All").await;
    let form = [("grant_type", "client_credentials"), ("scope", GRAPH)];
    let app = App::register(tenant, &admin, json!({ "displayName": "Confidential" })).await;
    app.token(tenant, &form).await.expect(200);
    let by_password = [
        ("client_id", app.app_id.as_str()),
        ("grant_type", "password"),
        ("username", "x"),
        ("password", "y"),
        ("scope", "User.Read"),
    ];
    seen.answer(&tenant.token(&by_password).await);
    let path = format!("/v1.0/servicePrincipals/{}", app.principal);
    let off = json!({ "accountEnabled": false });
    tenant.graph(Method::PATCH, &path, &admin, Some(off)).await.expect(204);
    seen.answer(&app.token(tenant, &form).await);
    tenant.graph(Method::DELETE, &path, &admin, None).await.expect(204);
    seen.answer(&app.token(tenant, &form).await);

    let other = App::register(tenant, &admin, json!({ "displayName": "Old" })).await;
    tenant.sandbox.control().clock().advance(Duration::from_secs(3 * 366 * 86_400));
    seen.answer(&other.token(tenant, &form).await);
}

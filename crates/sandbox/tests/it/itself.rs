//! A person's token for the very application that asks: nobody has to permit it, as long as the application calls
//! itself by its app id (Microsoft: AADSTS90009).

use serde_json::{Value, json};

use crate::aadsts::{by_password, password};
use crate::browser::{App, Browser, REDIRECT, VERIFIER, administrator, sent};
use crate::cast;
use crate::support::{Reply, Tenant, claims};

/// A public client with no permission at all; with `api`, one that publishes `access` for v2 tokens.
async fn registered(tenant: &Tenant, with_api: bool) -> App {
    let admin = administrator(tenant, "Application.ReadWrite.All").await;
    let app = match with_api {
        true => App::api(tenant, &admin, "Page and API").await,
        false => App::register(tenant, &admin, json!({ "displayName": "Page" })).await,
    };
    let body = json!({ "isFallbackPublicClient": true, "publicClient": { "redirectUris": [REDIRECT] } });
    app.patch(tenant, &admin, body).await;
    app
}

async fn signed_in(tenant: &Tenant, app: &App, scope: &str) -> Reply {
    let mut browser = Browser::new(tenant);
    let page = browser.authorize(&[("client_id", &app.app_id), ("scope", scope)]).await;
    let code = sent(&browser.sign_in(&page, "grace").await)["code"].clone();
    let form = [
        ("client_id", app.app_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code.as_str().unwrap_or_else(|| panic!("no code for {scope}"))),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    tenant.token(&form).await
}

async fn refreshed(tenant: &Tenant, app: &App, token: &Reply, scope: &str) -> Reply {
    let form = [
        ("client_id", app.app_id.as_str()),
        ("grant_type", "refresh_token"),
        ("refresh_token", token.text("/refresh_token")),
        ("scope", scope),
    ];
    tenant.token(&form).await
}

fn audience_and_scopes(token: &Reply) -> (Value, Value) {
    let claims = claims(token.text("/access_token"));
    (claims["aud"].clone(), claims["scp"].clone())
}

#[tokio::test]
async fn an_application_needs_no_permission_and_no_consent_for_itself() {
    let tenant = cast::tenant().await;
    let app = registered(&tenant, true).await;
    let own = (json!(app.app_id), json!("access"));
    for name in ["/.default", "/access"].map(|name| format!("{}{name}", app.app_id)) {
        let scope = format!("{name} openid offline_access");
        let token = signed_in(&tenant, &app, &scope).await.expect(200);
        assert_eq!(audience_and_scopes(&token), own, "{name}");
        assert!(token.text("/scope").contains(&format!("{}/access", app.app_id)));
        let again = refreshed(&tenant, &app, &token, &name).await.expect(200);
        assert_eq!(audience_and_scopes(&again), own, "{name}");
        let changes = [("client_id", app.app_id.as_str()), ("scope", &name)];
        let grace = password(&tenant, "grace");
        let token = by_password(&tenant, "grace@contoso.example", &grace, &changes).await.expect(200);
        assert_eq!(audience_and_scopes(&token), own, "{name}");
    }
}

#[tokio::test]
async fn one_that_publishes_nothing_gets_a_token_that_names_no_scope() {
    let tenant = cast::tenant().await;
    let app = registered(&tenant, false).await;
    let own = (json!(app.app_id), Value::Null);
    let token = signed_in(&tenant, &app, &format!("{}/.default openid", app.app_id)).await.expect(200);
    assert_eq!(audience_and_scopes(&token), own);
    // The first generation, as clients of AD FS ask.
    let form = [
        ("client_id", app.app_id.as_str()),
        ("grant_type", "password"),
        ("username", "grace@contoso.example"),
        ("password", &password(&tenant, "grace")),
        ("resource", &app.app_id),
    ];
    let token = tenant.send(tenant.http.post(tenant.login("/oauth2/token")).form(&form)).await.expect(200);
    assert_eq!(audience_and_scopes(&token), own);
    assert_eq!(token.text("/resource"), app.app_id);
}

#[tokio::test]
async fn by_its_uri_it_may_name_itself_in_a_browser_only() {
    let tenant = cast::tenant().await;
    let app = registered(&tenant, true).await;
    let by_uri = format!("api://{}/access", app.app_id);
    let token = signed_in(&tenant, &app, &format!("{by_uri} openid offline_access")).await.expect(200);
    assert_eq!(audience_and_scopes(&token), (json!(app.app_id), json!("access")));
    let refused = refreshed(&tenant, &app, &token, &by_uri).await.expect(400);
    assert_eq!(refused.error(), ("invalid_request", 90_009));
    assert!(refused.text("/error_description").contains(&format!("'{}'(Page and API)", app.app_id)));
    refreshed(&tenant, &app, &token, &format!("{}/access", app.app_id)).await.expect(200);
    // For its own token, any name will do.
    let admin = administrator(&tenant, "Application.ReadWrite.All").await;
    app.patch(&tenant, &admin, json!({ "isFallbackPublicClient": false })).await;
    let scope = format!("api://{}/.default", app.app_id);
    app.token(&tenant, &[("grant_type", "client_credentials"), ("scope", &scope)]).await.expect(200);
}

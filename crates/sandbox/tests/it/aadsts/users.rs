//! People: passwords, policies, consent, codes, refresh tokens, devices.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use super::Seen;
use crate::browser::{App, Browser, REDIRECT, VERIFIER, administrator, consent, redeem, sent, tokens};
use crate::cast::{self, person};
use crate::conditional_access::{remove, require};
use crate::consent::conflict;
use crate::support::{Reply, Tenant};

const DAY: Duration = Duration::from_secs(86_400);

pub(super) async fn cause(seen: &mut Seen) {
    let tenant = cast::tenant().await;
    passwords(seen, &tenant).await;
    policies(seen, &tenant).await;
    second_factors(seen, &tenant).await;
    seen.redirect(&conflict(&cast::tenant().await).await);
    requests(seen, &tenant).await;
    codes(seen, &tenant).await;
    devices(seen, &tenant).await;
    on_behalf(seen, &tenant).await;
    refreshes(seen, &tenant).await;
}

/// `grant_type=password` of the client app.
pub(crate) async fn by_password(
    tenant: &Tenant,
    upn: &str,
    password: &str,
    changes: &[(&str, &str)],
) -> Reply {
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let mut form = vec![
        ("client_id", client_id.as_str()),
        ("grant_type", "password"),
        ("username", upn),
        ("password", password),
        ("scope", "User.Read openid profile offline_access"),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    tenant.token(&form).await
}

/// The password of somebody.
pub(crate) fn password(tenant: &Tenant, upn: &str) -> String {
    let users = &tenant.sandbox.ready().users;
    users.iter().find(|user| user.upn.starts_with(upn)).unwrap().password.clone()
}

async fn passwords(seen: &mut Seen, tenant: &Tenant) {
    let admin =
        administrator(tenant, "User.ReadWrite.All Policy.ReadWrite.SecurityDefaults Policy.Read.All").await;
    let grace = password(tenant, "grace");
    by_password(tenant, "grace@contoso.example", &grace, &[]).await.expect(200);
    seen.answer(&by_password(tenant, "grace@contoso.example", &grace, &[("client_secret", "x")]).await);
    seen.answer(&by_password(tenant, "grace@contoso.example", "", &[]).await);
    seen.answer(&by_password(tenant, "nobody@contoso.example", "x", &[]).await);
    let client_id = tenant.sandbox.ready().apps.client.client_id.as_str();
    let form = [
        ("client_id", client_id),
        ("grant_type", "password"),
        ("username", "grace@contoso.example"),
        ("password", &grace),
        ("scope", "User.Read"),
    ];
    let at = async |path: &str, form: &[(&str, &str)]| {
        tenant.send(tenant.http.post(tenant.url(path)).form(form)).await
    };
    seen.answer(&at("/common/oauth2/v2.0/token", &form).await);
    at("/organizations/oauth2/v2.0/token", &form).await.expect(200);
    let mut first_generation = form;
    first_generation[4] = ("resource", "https://graph.microsoft.com");
    at("/common/oauth2/token", &first_generation).await.expect(200);
    let client = [("scope", "https://graph.microsoft.com/.default")];
    by_password(tenant, "grace@contoso.example", &grace, &client).await.expect(200);

    for _ in 0..9 {
        seen.answer(&by_password(tenant, "alan@contoso.example", "wrong", &[]).await);
    }
    seen.answer(&by_password(tenant, "alan@contoso.example", "wrong", &[]).await);
    let alan = password(tenant, "alan");
    let locked = by_password(tenant, "alan@contoso.example", &alan, &[]).await;
    assert_eq!(locked.error().1, 50_053, "the right one helps no more");
    tenant.sandbox.control().clock().advance(Duration::from_secs(61));
    by_password(tenant, "alan@contoso.example", &alan, &[]).await.expect(200);

    let path = format!("/v1.0/users/{}", person(tenant, "alan"));
    let profile =
        json!({ "passwordProfile": { "password": "Temporary-1", "forceChangePasswordNextSignIn": true } });
    tenant.graph(Method::PATCH, &path, &admin, Some(profile)).await.expect(204);
    tenant.sandbox.control().clock().advance(Duration::from_secs(2));
    seen.answer(&by_password(tenant, "alan@contoso.example", "Temporary-1", &[]).await);
    // On the page a new one is chosen.
    let mut browser = Browser::new(tenant);
    let page = browser.authorize(&[]).await;
    let fields = [("username", "alan@contoso.example"), ("password", "Temporary-1")];
    let page = browser.fill(&page, &fields).await;
    assert!(page.text.contains("Update your password"), "{}", page.text);
    let page = browser.fill(&page, &[("new_password", "Temporary-1")]).await;
    assert!(page.text.contains("role=\"alert\""), "{}", page.text);
    assert!(sent(&browser.fill(&page, &[("new_password", "Chosen-by-Alan-2")]).await)["code"].is_string());
    by_password(tenant, "alan@contoso.example", "Chosen-by-Alan-2", &[]).await.expect(200);

    let path = "/v1.0/policies/identitySecurityDefaultsEnforcementPolicy";
    for (is_enabled, is_blocked) in [(true, true), (false, false)] {
        let body = json!({ "isEnabled": is_enabled });
        tenant.graph(Method::PATCH, path, &admin, Some(body)).await.expect(204);
        let shown = tenant.graph(Method::GET, path, &admin, None).await.expect(200);
        assert_eq!(shown.json["isEnabled"], is_enabled);
        let reply = by_password(tenant, "grace@contoso.example", &grace, &[]).await;
        if is_blocked { seen.answer(&reply) } else { drop(reply.expect(200)) }
    }
}

async fn policies(seen: &mut Seen, tenant: &Tenant) {
    let grace = password(tenant, "grace");
    for control in ["mfa", "compliantDevice", "domainJoinedDevice", "block"] {
        let policy = require(tenant, control, json!({})).await;
        seen.answer(&by_password(tenant, "grace@contoso.example", &grace, &[]).await);
        remove(tenant, &policy).await;
    }
}

/// Grace goes away from the page that asks for a second factor; then she has none; then she registers one.
async fn second_factors(seen: &mut Seen, tenant: &Tenant) {
    let grace = password(tenant, "grace");
    let policy = require(tenant, "mfa", json!({})).await;
    let asked = async || {
        let mut browser = Browser::new(tenant);
        let page = browser.authorize(&[]).await;
        (browser.sign_in(&page, "grace").await, browser)
    };
    let (page, mut browser) = asked().await;
    let gone = sent(&browser.fill(&page, &[("decision", "cancel")]).await);
    assert!(gone["claims"].as_str().unwrap().contains(&policy));
    seen.redirect(&gone);

    let admin = administrator(tenant, "UserAuthenticationMethod.ReadWrite.All").await;
    let methods = format!("/v1.0/users/{}/authentication", person(tenant, "grace"));
    let apps =
        cast::get(tenant, &format!("{methods}/microsoftAuthenticatorMethods"), &admin).await.expect(200);
    let app = format!("{methods}/microsoftAuthenticatorMethods/{}", apps.text("/value/0/id"));
    tenant.graph(Method::DELETE, &app, &admin, None).await.expect(204);
    let refused = by_password(tenant, "grace@contoso.example", &grace, &[]).await;
    assert!(refused.text("/error_description").contains("'00000003-0000-0000-c000-000000000000'"));
    seen.answer(&refused);
    let (page, mut browser) = asked().await;
    assert!(page.text.contains("More information required"), "{}", page.text);
    assert!(browser.fill(&page, &[("decision", "approve")]).await.expect(400).text.contains("AADSTS500121"));
    seen.redirect(&sent(&browser.fill(&page, &[("decision", "cancel")]).await));
    let answer = sent(&browser.fill(&page, &[("decision", "register_security_key")]).await);
    assert!(answer["code"].is_string(), "{answer}");
    assert!(asked().await.0.text.contains("Approve your sign-in"), "now there is one to ask for");
    remove(tenant, &policy).await;
}

async fn requests(seen: &mut Seen, tenant: &Tenant) {
    let mut browser = Browser::new(tenant);
    seen.page(&browser.authorize(&[("redirect_uri", "https://evil.example/")]).await);
    seen.redirect(&sent(&browser.authorize(&[("prompt", "none")]).await));
    let hints = [("sid", "0f1e2d3c"), ("login_hint", "grace@contoso.example")];
    seen.redirect(&sent(&browser.authorize(&hints).await));
    let query = crate::browser::query(tenant, &[]);
    for word in ["common", "organizations"] {
        let url = tenant.url(&format!("/{word}/oauth2/v2.0/authorize?{query}"));
        let refused = sent(&tenant.get(&url).await);
        assert!(refused["error_description"].as_str().unwrap().starts_with("AADSTS50194: "), "{refused}");
    }
    for scope in
        ["User.Read/", "User.Read api://fb60f99c-7a34-4190-8149-302f77469936/x", "User.Read .default"]
    {
        seen.redirect(&sent(&browser.authorize(&[("scope", scope)]).await));
    }
    let page = browser.authorize(&[("scope", "Calendars.Read")]).await;
    let page = browser.sign_in(&page, "ada").await;
    seen.redirect(&sent(&browser.fill(&page, &[("decision", "cancel")]).await));

    let admin = administrator(tenant, "Application.ReadWrite.All").await;
    let orphan = App::api(tenant, &admin, "Orphan").await;
    let path = format!("/v1.0/servicePrincipals/{}", orphan.principal);
    tenant.graph(Method::DELETE, &path, &admin, None).await.expect(204);
    let scope = format!("api://{}/access", orphan.app_id);
    seen.redirect(&sent(&browser.authorize(&[("scope", &scope)]).await));

    let body = json!({
        "displayName": "Assigned", "isFallbackPublicClient": true,
        "publicClient": { "redirectUris": ["http://localhost"] },
    });
    let assigned = App::register(tenant, &admin, body).await;
    let path = format!("/v1.0/servicePrincipals/{}", assigned.principal);
    let body = json!({ "appRoleAssignmentRequired": true });
    tenant.graph(Method::PATCH, &path, &admin, Some(body)).await.expect(204);
    let page = browser.authorize(&[("client_id", &assigned.app_id), ("prompt", "login")]).await;
    seen.page(&browser.sign_in(&page, "ada").await);

    let listed = async |access: Value| {
        let body = json!({
            "displayName": "Listed", "isFallbackPublicClient": true, "requiredResourceAccess": access,
        });
        let app = App::register(tenant, &admin, body).await;
        let changes = [("client_id", app.app_id.as_str()), ("scope", "https://graph.microsoft.com/.default")];
        by_password(tenant, "grace@contoso.example", &password(tenant, "grace"), &changes).await
    };
    seen.answer(&listed(json!([])).await);
    let itself = App::api(tenant, &admin, "Itself").await;
    itself.patch(tenant, &admin, json!({ "isFallbackPublicClient": true })).await;
    let scope = format!("api://{}/access", itself.app_id);
    let changes = [("client_id", itself.app_id.as_str()), ("scope", &scope)];
    seen.answer(&by_password(tenant, "grace@contoso.example", &password(tenant, "grace"), &changes).await);
    let other = json!([{
        "resourceAppId": "fb60f99c-7a34-4190-8149-302f77469936",
        "resourceAccess": [{ "id": uuid::Uuid::new_v4(), "type": "Scope" }],
    }]);
    seen.answer(&listed(other).await);
}

async fn code(tenant: &Tenant) -> Value {
    let mut browser = Browser::new(tenant);
    let page = browser.authorize(&[]).await;
    sent(&browser.sign_in(&page, "grace").await)["code"].clone()
}

async fn codes(seen: &mut Seen, tenant: &Tenant) {
    let first = code(tenant).await;
    for changes in [
        [("code_verifier", "another-verifier-that-is-long-enough-to-be-one-0")],
        [("code_verifier", "")],
        [("code", "1.nonsense")],
    ] {
        seen.answer(&redeem(tenant, &first, &changes).await);
    }
    redeem(tenant, &first, &[]).await.expect(200);
    seen.answer(&redeem(tenant, &first, &[]).await);
    for scope in [" ", "User.Read/"] {
        seen.answer(&redeem(tenant, &code(tenant).await, &[("scope", scope)]).await);
    }
    let late = code(tenant).await;
    tenant.sandbox.control().clock().advance(Duration::from_secs(601));
    seen.answer(&redeem(tenant, &late, &[]).await);
}

async fn devices(seen: &mut Seen, tenant: &Tenant) {
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let form = [("client_id", client_id.as_str()), ("scope", "User.Read")];
    let begun = tenant.send(tenant.http.post(tenant.login("/oauth2/v2.0/devicecode")).form(&form)).await;
    let begun = begun.expect(200);
    let poll = async |code: &str| {
        let form = [
            ("client_id", client_id.as_str()),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", code),
        ];
        tenant.token(&form).await
    };
    seen.answer(&poll(begun.text("/device_code")).await);
    seen.answer(&poll("nonsense").await);
    tenant.sandbox.control().clock().advance(Duration::from_secs(901));
    seen.answer(&poll(begun.text("/device_code")).await);
    let password = password(tenant, "grace");
    let form = [
        ("user_code", begun.text("/user_code")),
        ("username", "grace@contoso.example"),
        ("password", &password),
        ("decision", "approve"),
    ];
    let page = tenant.send(tenant.http.post(tenant.url("/devicelogin")).form(&form)).await.expect(200);
    assert!(page.text.contains("Verification code expired"), "{}", page.text);
    seen.0.insert(70_019, (String::new(), "page".to_owned()));
}

async fn on_behalf(seen: &mut Seen, tenant: &Tenant) {
    let admin =
        administrator(tenant, "Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All").await;
    let api = App::api(tenant, &admin, "Middle tier").await;
    let client = &tenant.sandbox.ready().apps.client.client_id;
    let client = cast::get(tenant, &format!("/v1.0/servicePrincipals(appId='{client}')"), &admin).await;
    consent(tenant, &admin, client.text("/id"), &api.principal, "access").await;
    let scope = format!("api://{}/access", api.app_id);
    let token = tokens(tenant, "grace", &scope, &[]).await.expect(200).text("/access_token").to_owned();
    tenant.sandbox.control().clock().advance(Duration::from_secs(7_200));
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", token.as_str()),
        ("scope", "https://graph.microsoft.com/User.Read"),
    ];
    seen.answer(&api.token(tenant, &form).await);
}

async fn refreshes(seen: &mut Seen, tenant: &Tenant) {
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let refresh = async |client: &str, token: &str| {
        let form = [("client_id", client), ("grant_type", "refresh_token"), ("refresh_token", token)];
        tenant.token(&form).await
    };
    let signed_in = async || {
        let tokens = tokens(tenant, "grace", "User.Read offline_access", &[]).await.expect(200);
        tokens.text("/refresh_token").to_owned()
    };
    let token = signed_in().await;
    for _ in 0..100 {
        refresh(&client_id, &token).await.expect(200);
    }
    seen.answer(&refresh(&client_id, &token).await);

    let old = signed_in().await;
    let frequency = json!({ "signInFrequency": { "value": 1, "type": "hours", "isEnabled": true } });
    tenant.sandbox.control().clock().advance(Duration::from_secs(3_700));
    let policy = require(tenant, "", json!({ "sessionControls": frequency })).await;
    seen.answer(&refresh(&client_id, &old).await);
    remove(tenant, &policy).await;
    refresh(&client_id, &old).await.expect(200);

    let revoked = signed_in().await;
    let admin = administrator(tenant, "User.RevokeSessions.All").await;
    let path = format!("/v1.0/users/{}/revokeSignInSessions", person(tenant, "grace"));
    tenant.graph(Method::POST, &path, &admin, None).await.expect(200);
    seen.answer(&refresh(&client_id, &revoked).await);
    tenant.sandbox.control().clock().advance(Duration::from_secs(2));

    let admin = administrator(tenant, "Application.ReadWrite.All").await;
    let body = json!({ "displayName": "Page", "spa": { "redirectUris": [REDIRECT] } });
    let spa = App::register(tenant, &admin, body).await;
    let mut browser = Browser::new(tenant);
    let scope = [("client_id", spa.app_id.as_str()), ("scope", "User.Read offline_access")];
    let page = browser.authorize(&scope).await;
    let page = browser.sign_in(&page, "ada").await;
    let answer = sent(&browser.fill(&page, &[("decision", "accept")]).await);
    let form = [
        ("client_id", spa.app_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str().unwrap()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let request =
        tenant.http.post(tenant.login("/oauth2/v2.0/token")).header("origin", "http://localhost:53214");
    let redeemed = tenant.send(request.form(&form)).await.expect(200);
    assert_eq!(redeemed.header("access-control-allow-origin"), "*");
    let idle = signed_in().await;
    tenant.sandbox.control().clock().advance(DAY);
    seen.answer(&refresh(&spa.app_id, redeemed.text("/refresh_token")).await);
    tenant.sandbox.control().clock().advance(90 * DAY);
    seen.answer(&refresh(&client_id, &idle).await);
}

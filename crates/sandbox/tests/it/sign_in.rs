//! Signing in as a person: the page, PKCE, response modes, consent, refresh.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::Method;
use serde_json::json;

use crate::support::{Reply, Tenant, claims, config, standing};

const REDIRECT: &str = "http://localhost:53214/";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// The authorize request of a native client with PKCE, changed as told.
fn request(tenant: &Tenant, changes: &[(&str, &str)]) -> String {
    let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let mut query = vec![
        ("client_id", client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "User.Read Chat.Create offline_access openid profile"),
        ("state", "st&te"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        query.retain(|(known, _)| known != name);
        query.push((name, value));
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}

/// What a browser does: open the page, fill the form in that it shows, send it.
async fn fill_in(tenant: &Tenant, query: &str, username: &str, password: &str) -> Reply {
    let page = tenant.get(&tenant.login(&format!("/oauth2/v2.0/authorize?{query}"))).await.expect(200);
    assert!(page.text.contains("<html lang=\"en\">") && page.text.contains("<label for=\"username\">"));
    let action = attribute(&page.text, "<form method=\"post\" action=\"");
    let hidden = attribute(&page.text, "name=\"request\" value=\"");
    let form = [("request", hidden.as_str()), ("username", username), ("password", password)];
    tenant.send(tenant.http.post(tenant.url(&action)).form(&form)).await
}

fn attribute(page: &str, before: &str) -> String {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    let value = rest.split('"').next().unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&").replace("&#x26;", "&")
}

fn answer(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status.as_u16(), 302, "{}", reply.text);
    let location = reply.header("location");
    assert!(location.starts_with(REDIRECT), "{location}");
    let url = url::Url::parse(location).unwrap();
    url.query_pairs().into_owned().collect()
}

fn value(answer: &[(String, String)], name: &str) -> String {
    answer.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

async fn ada_signs_in(tenant: &Tenant, query: &str) -> Reply {
    let ada = tenant.sandbox.ready().users[0].clone();
    fill_in(tenant, query, &ada.upn, &ada.password).await
}

async fn redeem(tenant: &Tenant, code: &str, changes: &[(&str, &str)]) -> Reply {
    redeem_at(tenant, tenant.http.post(tenant.login("/oauth2/v2.0/token")), code, changes).await
}

async fn redeem_at(
    tenant: &Tenant,
    at: reqwest::RequestBuilder,
    code: &str,
    changes: &[(&str, &str)],
) -> Reply {
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let mut form = vec![
        ("client_id", client_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_info", "1"),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    tenant.send(at.form(&form)).await
}

async fn code(tenant: &Tenant) -> String {
    value(&answer(&ada_signs_in(tenant, &request(tenant, &[])).await), "code")
}

#[tokio::test]
async fn a_person_signs_in_with_pkce_and_uses_graph() {
    let tenant = Tenant::start().await;
    let ada = tenant.sandbox.ready().users[0].clone();
    let sent = answer(&ada_signs_in(&tenant, &request(&tenant, &[])).await);
    assert_eq!(value(&sent, "state"), "st&te");
    assert!(!value(&sent, "session_state").is_empty());
    let tokens = redeem(&tenant, &value(&sent, "code"), &[]).await.expect(200);

    assert_eq!(tokens.json["token_type"], "Bearer");
    assert!(tokens.text("/scope").contains("Chat.ReadWrite"), "{}", tokens.text("/scope"));
    let access = claims(tokens.text("/access_token"));
    assert_eq!(access["oid"], ada.id);
    assert_eq!(access["upn"], ada.upn);
    assert_eq!(access["ver"], "1.0");
    assert_eq!(access["idtyp"], "user");
    assert_eq!(access["appidacr"], "0");
    assert!(access["scp"].as_str().unwrap().contains("ChatMessage.Send"));
    let id = claims(tokens.text("/id_token"));
    assert_eq!(id["aud"], tenant.sandbox.ready().apps.client.client_id);
    assert_eq!(id["nonce"], "n-0S6_WzA2Mj");
    assert_eq!(id["iss"], tenant.login("/v2.0"));
    assert_eq!(id["preferred_username"], ada.upn);
    let info = URL_SAFE_NO_PAD.decode(tokens.text("/client_info")).unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info).unwrap();
    assert_eq!(info, json!({ "uid": ada.id, "utid": tenant.sandbox.ready().tenant_id }));
    tenant.graph(Method::GET, "/v1.0/organization", tokens.text("/access_token"), None).await.expect(200);

    let refreshed = tenant
        .token(&[
            ("client_id", &tenant.sandbox.ready().apps.client.client_id),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.text("/refresh_token")),
        ])
        .await
        .expect(200);
    assert_ne!(refreshed.text("/refresh_token"), tokens.text("/refresh_token"));
    assert_eq!(claims(refreshed.text("/access_token"))["oid"], ada.id);
}

#[tokio::test]
async fn a_code_works_once_for_its_client_redirect_and_verifier_only() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let first = code(&tenant).await;
    for (changes, expected) in [
        (vec![("code_verifier", "another-verifier-that-is-long-enough-to-be-one-0")], 501_481),
        (vec![("code_verifier", "")], 50_147),
        (vec![("redirect_uri", "http://localhost:53215/")], 500_112),
        (vec![("client_secret", "x")], 700_025),
        (vec![("code", "1.nonsense")], 70_000),
    ] {
        assert_eq!(redeem(&tenant, &first, &changes).await.error().1, expected, "{changes:?}");
    }
    redeem(&tenant, &first, &[]).await.expect(200);
    assert_eq!(redeem(&tenant, &first, &[]).await.error(), ("invalid_grant", 54_005));

    let second = code(&tenant).await;
    tenant.sandbox.control().clock().advance(Duration::from_secs(601));
    assert_eq!(redeem(&tenant, &second, &[]).await.error(), ("invalid_grant", 70_008));
}

#[tokio::test]
async fn a_code_of_no_single_page_application_is_not_redeemed_across_origins_and_paths_have_no_case() {
    let tenant = Tenant::start().await;
    let code = code(&tenant).await;
    let token = tenant.http.post(tenant.login("/oauth2/v2.0/token")).header("origin", "https://app.example");
    let refused = redeem_at(&tenant, token, &code, &[]).await;
    assert_eq!(refused.error(), ("invalid_request", 9_002_326));
    assert!(refused.text("/error_description").contains("Request origin: 'https://app.example'"));
    let token = tenant.http.post(tenant.login("/OAuth2/V2.0/Token"));
    redeem_at(&tenant, token, &code, &[]).await.expect(200);
    tenant.get(&tenant.login("/v2.0/.Well-Known/OpenID-Configuration")).await.expect(200);
}

#[tokio::test]
async fn a_bad_client_or_redirect_shows_a_page_and_never_redirects() {
    let tenant = Tenant::start().await;
    let blueprintless = "00000000-0000-0000-0000-00000000dead";
    for (changes, code) in [
        (vec![("redirect_uri", "https://evil.example/")], "AADSTS50011"),
        (vec![("redirect_uri", "http://localhost:53214/elsewhere")], "AADSTS50011"),
        (vec![("client_id", blueprintless)], "AADSTS700016"),
    ] {
        let url = tenant.login(&format!("/oauth2/v2.0/authorize?{}", request(&tenant, &changes)));
        let page = tenant.get(&url).await.expect(400);
        assert!(page.text.contains(code), "{}", page.text);
    }
    for (changes, error) in [
        (vec![("response_type", "mystery")], "unsupported_response_type"),
        (vec![("prompt", "none")], "login_required"),
        (vec![("scope", "")], "invalid_request"),
        (vec![("code_challenge", "short")], "invalid_grant"),
    ] {
        let url = tenant.login(&format!("/oauth2/v2.0/authorize?{}", request(&tenant, &changes)));
        let sent = answer(&tenant.get(&url).await);
        assert_eq!(value(&sent, "error"), error, "{changes:?}");
        assert_eq!(value(&sent, "state"), "st&te");
    }
}

#[tokio::test]
async fn a_wrong_password_shows_the_form_again_escaped_and_the_right_one_goes_on() {
    let tenant = Tenant::start().await;
    let query = request(&tenant, &[]);
    let page = fill_in(&tenant, &query, "\"><script>x</script>@contoso.example", "wrong").await.expect(200);
    assert!(page.text.contains("role=\"alert\"") && page.text.contains("invalid username or password"));
    assert!(!page.text.contains("<script>"));
    let ada = tenant.sandbox.ready().users[0].clone();
    let form = [
        ("request", attribute(&page.text, "name=\"request\" value=\"")),
        ("username", ada.upn.to_uppercase()),
        ("password", ada.password),
    ];
    let action = attribute(&page.text, "<form method=\"post\" action=\"");
    let sent = answer(&tenant.send(tenant.http.post(tenant.url(&action)).form(&form)).await);
    assert!(!value(&sent, "code").is_empty());
}

#[tokio::test]
async fn answers_travel_by_query_fragment_or_form_post() {
    let tenant = Tenant::start().await;
    let reply = ada_signs_in(&tenant, &request(&tenant, &[("response_mode", "fragment")])).await;
    assert!(reply.header("location").starts_with(&format!("{REDIRECT}#code=")));
    let reply = ada_signs_in(&tenant, &request(&tenant, &[("response_mode", "form_post")])).await.expect(200);
    assert_eq!(attribute(&reply.text, "<form method=\"post\" action=\""), REDIRECT);
    assert_eq!(attribute(&reply.text, "name=\"state\" value=\""), "st&te");
    let code = attribute(&reply.text, "name=\"code\" value=\"");
    redeem(&tenant, &code, &[]).await.expect(200);
}

#[tokio::test]
async fn a_session_signs_in_silently_until_it_ends() {
    let tenant = Tenant::start().await;
    let signed_in = ada_signs_in(&tenant, &request(&tenant, &[])).await;
    let cookie = signed_in.header("set-cookie").split(';').next().unwrap().to_owned();
    let silent = async |prompt: &str| {
        let url =
            tenant.login(&format!("/oauth2/v2.0/authorize?{}", request(&tenant, &[("prompt", prompt)])));
        tenant.send(tenant.http.get(url).header("cookie", &cookie)).await
    };
    assert!(!value(&answer(&silent("none").await), "code").is_empty());
    silent("login").await.expect(200);
    let out = tenant.get(&tenant.login("/oauth2/v2.0/logout")).await.expect(200);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
}

#[tokio::test]
async fn what_nobody_consented_to_needs_consent_and_some_of_it_an_administrator() {
    let tenant = Tenant::start().await;
    let grace =
        tenant.sandbox.ready().users.iter().find(|user| user.upn.starts_with("grace")).unwrap().clone();
    let guarded = request(&tenant, &[("scope", "Mail.Send")]);
    let page = fill_in(&tenant, &guarded, &grace.upn, &grace.password).await.expect(200);
    assert!(page.text.contains("AADSTS90094"), "{}", page.text);
    let unknown = request(&tenant, &[("scope", "No.Such.Scope")]);
    let sent = answer(&fill_in(&tenant, &unknown, &grace.upn, &grace.password).await);
    assert!(value(&sent, "error_description").starts_with("AADSTS650053"));

    let page = ada_signs_in(&tenant, &guarded).await.expect(200);
    let consent = attribute(&page.text, "name=\"consent\" value=\"");
    let action = tenant.url(&attribute(&page.text, "<form method=\"post\" action=\""));
    let decide = async |decision: &str| {
        tenant
            .send(tenant.http.post(&action).form(&[("consent", consent.as_str()), ("decision", decision)]))
            .await
    };
    assert_eq!(value(&answer(&decide("cancel").await), "error"), "access_denied");
    let sent = answer(&decide("accept_for_organisation").await);
    let tokens = redeem(&tenant, &value(&sent, "code"), &[]).await.expect(200);
    assert!(claims(tokens.text("/access_token"))["scp"].as_str().unwrap().contains("Mail.Send"));
    // It holds for everybody now.
    let sent = answer(&fill_in(&tenant, &guarded, &grace.upn, &grace.password).await);
    assert!(!value(&sent, "code").is_empty());
}

#[tokio::test]
async fn a_refresh_token_is_one_clients_and_ends_with_disuse() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let tokens = redeem(&tenant, &code(&tenant).await, &[]).await.expect(200);
    let ready = tenant.sandbox.ready();
    let refresh = async |client: &str, secret: &str, token: &str| {
        tenant
            .token(&[
                ("client_id", client),
                ("client_secret", secret),
                ("grant_type", "refresh_token"),
                ("refresh_token", token),
            ])
            .await
    };
    let client = ready.apps.client.client_id.as_str();
    let token = tokens.text("/refresh_token");
    assert_eq!(refresh(&ready.apps.provisioner.client_id, "", token).await.error().1, 70_000);
    assert_eq!(refresh(client, "", "1.Anonsense").await.error().1, 70_000);
    let day = Duration::from_secs(24 * 3600);
    tenant.sandbox.control().clock().advance(89 * day);
    let second = refresh(client, "", token).await.expect(200);
    tenant.sandbox.control().clock().advance(2 * day);
    assert_eq!(refresh(client, "", token).await.error(), ("invalid_grant", 700_082));
    refresh(client, "", second.text("/refresh_token")).await.expect(200);
}

#[tokio::test]
async fn a_client_that_can_take_a_challenge_gets_a_long_token() {
    let tenant = Tenant::start().await;
    let cp1 = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } }).to_string();
    let tokens = redeem(&tenant, &code(&tenant).await, &[("claims", &cp1)]).await.expect(200);
    assert!(tokens.json["expires_in"].as_i64().unwrap() > 80_000);
    assert_eq!(tokens.json["refresh_in"].as_i64().unwrap(), tokens.json["expires_in"].as_i64().unwrap() / 2);
    assert_eq!(claims(tokens.text("/access_token"))["xms_cc"], json!(["cp1"]));
}

#[tokio::test]
async fn a_revoked_session_challenges_a_client_that_can_take_it_and_no_other() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let cp1 = json!({ "access_token": { "xms_cc": { "values": ["cp1"] } } }).to_string();
    let plain = redeem(&tenant, &code(&tenant).await, &[]).await.expect(200);
    let capable = redeem(&tenant, &code(&tenant).await, &[("claims", &cp1)]).await.expect(200);
    tenant.sandbox.control().clock().advance(Duration::from_secs(1));
    let path = "/v1.0/me/revokeSignInSessions";
    let admin =
        ada_signs_in(&tenant, &request(&tenant, &[("scope", "User.RevokeSessions.All")])).await.expect(200);
    let consent = attribute(&admin.text, "name=\"consent\" value=\"");
    let action = tenant.url(&attribute(&admin.text, "<form method=\"post\" action=\""));
    let form = [("consent", consent.as_str()), ("decision", "accept")];
    let sent = answer(&tenant.send(tenant.http.post(&action).form(&form)).await);
    let revoking = redeem(&tenant, &value(&sent, "code"), &[]).await.expect(200);
    tenant.sandbox.control().clock().advance(Duration::from_secs(1));
    tenant.graph(Method::POST, path, revoking.text("/access_token"), None).await.expect(200);

    let me = "/v1.0/organization";
    tenant.graph(Method::GET, me, plain.text("/access_token"), None).await.expect(200);
    let refused = tenant.graph(Method::GET, me, capable.text("/access_token"), None).await.expect(401);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_claims\""), "{challenge}");
    let claims = challenge.split_once("claims=\"").unwrap().1.trim_end_matches('"');
    let claims: serde_json::Value = serde_json::from_slice(&STANDARD.decode(claims).unwrap()).unwrap();
    assert_eq!(claims["access_token"]["nbf"]["essential"], true);
    let refresh = tenant
        .token(&[
            ("client_id", &tenant.sandbox.ready().apps.client.client_id),
            ("grant_type", "refresh_token"),
            ("refresh_token", plain.text("/refresh_token")),
        ])
        .await;
    assert_eq!(refresh.error(), ("invalid_grant", 50_173));
}

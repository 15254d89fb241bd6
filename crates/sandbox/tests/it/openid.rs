//! What an OpenID client relies on: prompts, hints and ages at `/authorize`, id tokens, userinfo, logout, keys
//! that roll, and the first generation of the endpoints.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::aadsts::{by_password, jwks, token, trust};
use crate::browser::{App, Browser, REDIRECT, VERIFIER, administrator, sent, tokens};
use crate::cast;
use crate::certificates::with_assertion;
use crate::support::{Certificate, EXCHANGE, GRAPH, Reply, claims, header};

#[tokio::test]
async fn a_silent_request_says_what_is_missing_and_hints_and_ages_are_kept_to() {
    let tenant = cast::tenant().await;
    let mut browser = Browser::new(&tenant);
    let page = browser.authorize(&[]).await;
    assert!(sent(&browser.sign_in(&page, "grace").await)["code"].is_string());
    for (changes, error) in [
        (vec![], None),
        (vec![("login_hint", "grace@contoso.example")], None),
        (vec![("login_hint", "ada@contoso.example")], Some("login_required")),
        (vec![("domain_hint", "contoso.example")], None),
        (vec![("max_age", "60")], None),
        (vec![("scope", "Calendars.Read")], Some("consent_required")),
        (vec![("prompt", "sometimes")], Some("invalid_request")),
        (vec![("max_age", "soon")], Some("invalid_request")),
        (vec![("claims", "{")], Some("invalid_request")),
        (vec![("response_mode", "pigeon")], Some("invalid_request")),
    ] {
        let answer = sent(&browser.authorize(&[&[("prompt", "none")], changes.as_slice()].concat()).await);
        assert_eq!(answer["state"], "st&te");
        assert_eq!(answer.get("error"), error.map(|error| json!(error)).as_ref(), "{changes:?} {answer}");
        assert_eq!(answer.get("code").is_some(), error.is_none());
    }
    tenant.sandbox.control().clock().advance(Duration::from_secs(61));
    let aged = [("prompt", "none"), ("max_age", "60")];
    assert_eq!(sent(&browser.authorize(&aged).await)["error"], "login_required");
    assert!(browser.authorize(&[("max_age", "60")]).await.text.contains("name=\"password\""));
    for prompt in ["login", "select_account"] {
        assert!(browser.authorize(&[("prompt", prompt)]).await.text.contains("name=\"password\""));
    }
    assert!(browser.authorize(&[("prompt", "consent")]).await.text.contains("name=\"consent\""));
}

#[tokio::test]
async fn an_id_token_tells_what_its_scopes_and_the_registration_ask_for() {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, "Application.ReadWrite.All").await;
    let bare = tokens(&tenant, "ada", "openid", &[]).await.expect(200);
    let id = claims(bare.text("/id_token"));
    for absent in ["name", "preferred_username", "oid", "email", "auth_time"] {
        assert!(id.get(absent).is_none(), "{absent}");
    }
    assert_eq!(id["iss"], tenant.login("/v2.0"));
    let full = tokens(&tenant, "ada", "openid profile email", &[("max_age", "600")]).await.expect(200);
    let id = claims(full.text("/id_token"));
    assert_eq!((&id["name"], &id["email"]), (&json!("Ada Lovelace"), &json!("ada@contoso.example")));
    assert!(id["auth_time"].is_i64());
    assert_eq!(header(full.text("/id_token")).get("x5t"), None);

    let app = App::register(
        &tenant,
        &admin,
        json!({
            "displayName": "Optional", "publicClient": { "redirectUris": ["http://localhost"] },
            "optionalClaims": { "idToken": [{ "name": "family_name" }, { "name": "upn" }, { "name": "no_such" }] },
        }),
    )
    .await;
    let changed = tokens(&tenant, "ada", "openid", &[("client_id", &app.app_id)]).await.expect(200);
    let id = claims(changed.text("/id_token"));
    assert_eq!((&id["family_name"], &id["upn"]), (&json!("Lovelace"), &json!("ada@contoso.example")));
    assert!(id.get("no_such").is_none());
}

#[tokio::test]
async fn the_registration_says_which_tokens_authorize_sends() {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, "Application.ReadWrite.All").await;
    let app = App::register(
        &tenant,
        &admin,
        json!({ "displayName": "Implicit", "web": { "redirectUris": ["http://localhost"] } }),
    )
    .await;
    let mut browser = Browser::new(&tenant);
    let page = browser.authorize(&[("client_id", &app.app_id), ("scope", "openid User.Read")]).await;
    let consent = browser.sign_in(&page, "ada").await;
    browser.fill(&consent, &[("decision", "accept")]).await;
    let mut asked = async |kinds: &str, mode: &str| {
        let asked = [
            ("client_id", app.app_id.as_str()),
            ("scope", "openid User.Read"),
            ("response_type", kinds),
            ("response_mode", mode),
        ];
        browser.authorize(&asked).await
    };
    let allow = async |id_tokens: bool, access_tokens: bool| {
        let settings =
            json!({ "enableIdTokenIssuance": id_tokens, "enableAccessTokenIssuance": access_tokens });
        app.patch(&tenant, &admin, json!({ "web": { "implicitGrantSettings": settings } })).await;
    };
    let code = |reply: &Reply| {
        assert!(reply.header("location").contains("/#"), "{}", reply.header("location"));
        let answer = sent(reply);
        assert_eq!(answer["error"], "unsupported_response_type");
        answer["error_description"].as_str().unwrap().split(':').next().unwrap().to_owned()
    };

    for kinds in ["id_token", "code id_token", "id_token token"] {
        assert_eq!(code(&asked(kinds, "").await), "AADSTS700054", "{kinds}");
    }
    assert_eq!(code(&asked("token", "").await), "AADSTS700051");
    assert!(sent(&asked("code", "").await)["code"].is_string());

    allow(true, false).await;
    assert_eq!(code(&asked("id_token token", "").await), "AADSTS700051");
    let alone = sent(&asked("id_token", "").await);
    assert!(alone["id_token"].is_string() && alone.get("code").is_none());
    assert_eq!(sent(&asked("id_token", "query").await)["error"], "invalid_request");
    let hybrid = sent(&asked("code id_token", "form_post").await);
    let id = claims(hybrid["id_token"].as_str().unwrap());
    assert_eq!((&id["nonce"], &id["c_hash"]), (&json!("n-0S6_WzA2Mj"), &json!(half(&hybrid["code"]))));

    allow(true, true).await;
    let implicit = sent(&asked("id_token token", "").await);
    let token = claims(implicit["access_token"].as_str().unwrap());
    assert!(token["scp"].as_str().unwrap().contains("User.Read"), "{token}");
    assert_eq!((&implicit["token_type"], &implicit["state"]), (&json!("Bearer"), &json!("st&te")));
    let id = claims(implicit["id_token"].as_str().unwrap());
    assert_eq!(id["at_hash"], half(&implicit["access_token"]));
    let alone = sent(&asked("token", "").await);
    assert!(alone["access_token"].is_string() && alone.get("id_token").is_none());
}

/// The left half of a SHA-256, by which an id token names what was sent beside it.
fn half(text: &Value) -> String {
    let hash = digest(&SHA256, text.as_str().unwrap().as_bytes());
    URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16])
}

#[tokio::test]
async fn userinfo_has_the_id_tokens_subject() {
    let tenant = cast::tenant().await;
    let answer = tokens(&tenant, "ada", "openid profile email User.Read", &[]).await.expect(200);
    let discovery = tenant.get(&tenant.login("/v2.0/.well-known/openid-configuration")).await.expect(200);
    let url = discovery.text("/userinfo_endpoint").to_owned();
    for method in [Method::GET, Method::POST] {
        let request = tenant.http.request(method, &url).bearer_auth(answer.text("/access_token"));
        let info = tenant.send(request).await.expect(200);
        assert_eq!(info.json["sub"], claims(answer.text("/id_token"))["sub"]);
        assert_eq!(info.json["name"], "Ada Lovelace");
        assert_eq!((info.text("/given_name"), info.text("/family_name")), ("Ada", "Lovelace"));
        assert_eq!(info.json["email"], "ada@contoso.example");
        assert!(info.text("/picture").ends_with("/v1.0/me/photo/$value"));
    }
    let refused = tenant.get(&url).await.expect(401);
    assert!(refused.header("www-authenticate").starts_with("Bearer"));
}

/// Microsoft: `email` is the directory's address of the user, and absent where there is none.
#[tokio::test]
async fn an_email_is_told_once_a_mailbox_has_brought_one() {
    let tenant = cast::tenant().await;
    let document = r#"
        [[users]]
        upn = "mary"
        password = "Sandbox-Mary-1780"
        licences = ["SPE_E3"]
        [[users]]
        upn = "jane"
        password = "Sandbox-Jane-1805"
    "#;
    tenant.sandbox.control().plant(document).unwrap();
    let reader = cast::permitted(&tenant, &["User.Read.All"]).await;
    for (name, password) in [("mary", "Sandbox-Mary-1780"), ("jane", "Sandbox-Jane-1805")] {
        let upn = format!("{name}@contoso.example");
        let user = cast::get(&tenant, &format!("/v1.0/users/{upn}"), &reader).await.expect(200);
        let mail = user.json["mail"].clone();
        assert_eq!(mail, if name == "mary" { json!(upn) } else { Value::Null });
        let signed_in = by_password(&tenant, &upn, password, &[("scope", "openid email")]).await.expect(200);
        let told = claims(signed_in.text("/id_token"));
        assert_eq!(told["email"], mail, "{name}");
        let request = tenant.http.get(tenant.url("/oidc/userinfo"));
        let info = tenant.send(request.bearer_auth(signed_in.text("/access_token"))).await.expect(200);
        assert_eq!(info.json["email"], mail, "{name}");
    }
}

#[tokio::test]
async fn signing_out_goes_on_to_a_registered_page_only() {
    let tenant = cast::tenant().await;
    let mut browser = Browser::new(&tenant);
    let page = browser.authorize(&[("scope", "openid")]).await;
    browser.sign_in(&page, "ada").await;
    let strange =
        browser.open("/oauth2/v2.0/logout?post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F").await;
    assert!(strange.expect(200).text.contains("signed out"));
    let page = browser.authorize(&[("scope", "openid")]).await;
    browser.sign_in(&page, "ada").await;
    let path = format!("/oauth2/v2.0/logout?post_logout_redirect_uri={REDIRECT}&state=x");
    let out = browser.open(&path).await.expect(302);
    assert_eq!(out.header("location"), format!("{REDIRECT}?state=x"));
    assert_eq!(sent(&browser.authorize(&[("prompt", "none")]).await)["error"], "login_required");
}

#[tokio::test]
async fn keys_roll_to_one_that_was_published_and_old_tokens_stay_good() {
    let tenant = cast::tenant().await;
    let old = tenant.provisioner().await;
    let kids = async || -> Vec<Value> {
        let keys = tenant.get(&tenant.url("/common/discovery/v2.0/keys")).await.expect(200);
        keys.json["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect()
    };
    let before = kids().await;
    let rolled = tenant.control(Method::POST, "keys/roll", None).await.expect(200);
    assert!(before.contains(&rolled.json["kid"]), "it was published before it signed");
    assert!(kids().await.contains(&header(&old)["kid"]), "the old one stays published");
    let new = tenant.provisioner().await;
    assert_eq!(header(&new)["kid"], rolled.json["kid"]);
    assert_ne!(header(&new)["kid"], header(&old)["kid"]);
    for token in [&old, &new] {
        tenant.graph(Method::GET, "/v1.0/organization", token, None).await.expect(200);
    }
    let path = "/v2.0/.well-known/openid-configuration?appid=a77ac4e0-0000-4000-8000-0000000000c1";
    let document = tenant.get(&tenant.login(path)).await.expect(200);
    let own_keys = document.text("/jwks_uri");
    assert!(own_keys.ends_with("keys?appid=a77ac4e0-0000-4000-8000-0000000000c1"));
    tenant.get(own_keys).await.expect(200);
    let consumers =
        tenant.get(&tenant.url("/consumers/v2.0/.well-known/openid-configuration")).await.expect(200);
    assert!(consumers.text("/issuer").contains("9188040d-6c67-4c5b-b112-36a304b66dad"));
}

#[tokio::test]
async fn the_first_generation_names_a_resource_and_writes_numbers_as_text() {
    let tenant = cast::tenant().await;
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let ask = async |changes: &[(&str, &str)]| {
        let mut form = vec![
            ("client_id", app.client_id.as_str()),
            ("client_secret", &app.client_secret),
            ("grant_type", "client_credentials"),
            ("resource", "https://graph.microsoft.com"),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        tenant.send(tenant.http.post(tenant.login("/oauth2/token")).form(&form)).await
    };
    let answer = ask(&[]).await.expect(200);
    let now = tenant.sandbox.control().clock().now().as_second();
    assert_eq!(answer.json["expires_in"], "3599");
    assert_eq!(answer.json["expires_on"], (now + 3599).to_string());
    assert_eq!(answer.json["not_before"], (now - 300).to_string());
    assert_eq!(answer.json["resource"], "https://graph.microsoft.com");
    tenant.graph(Method::GET, "/v1.0/organization", answer.text("/access_token"), None).await.expect(200);
    assert_eq!(ask(&[("resource", "")]).await.error().1, 900_144);

    let mut browser = Browser::new(&tenant);
    let changes = [("scope", ""), ("resource", "https://graph.microsoft.com")];
    let query = crate::browser::query(&tenant, &changes);
    let page = browser.open(&format!("/oauth2/authorize?{query}")).await;
    let answer = sent(&browser.sign_in(&page, "ada").await);
    let form = [
        ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", answer["code"].as_str().unwrap()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let redeemed = tenant.send(tenant.http.post(tenant.login("/oauth2/token")).form(&form)).await.expect(200);
    let id = claims(redeemed.text("/id_token"));
    assert_eq!((&id["ver"], &id["upn"]), (&json!("1.0"), &json!("ada@contoso.example")));
    assert!(id["iss"].as_str().unwrap().starts_with("https://sts.windows.net/"));
    assert!(redeemed.json["refresh_token"].is_string());
}

#[tokio::test]
async fn a_challenge_comes_to_apps_too_and_the_next_token_answers_it() {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, "Application.ReadWrite.All AppRoleAssignment.ReadWrite.All").await;
    let app = App::register(&tenant, &admin, json!({ "displayName": "Daemon" })).await;
    let graph = cast::get(&tenant, cast::GRAPH_SP, &admin).await;
    let body = json!({
        "principalId": app.principal, "resourceId": graph.text("/id"),
        "appRoleId": cast::role_id(&graph.json, "User.Read.All"),
    });
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", app.principal);
    cast::post(&tenant, &path, &admin, body).await.expect(201);
    let cp1 = json!({ "access_token": { "xms_cc": { "values": ["CP1"] } } }).to_string();
    let form = [("grant_type", "client_credentials"), ("scope", GRAPH), ("claims", cp1.as_str())];
    let long = app.token(&tenant, &form).await.expect(200);
    assert!(long.json["expires_in"].as_i64().unwrap() > 86_000);
    assert_eq!(claims(long.text("/access_token"))["xms_cc"], json!(["cp1"]));
    let short = app.token(&tenant, &form[..2]).await.expect(200);
    assert_eq!(short.json["expires_in"], 3599);
    let own = format!("/v1.0/servicePrincipals/{}", app.principal);
    let set = async |is_on: bool| {
        cast::patch(&tenant, &own, &admin, json!({ "accountEnabled": is_on })).await.expect(204);
    };
    set(false).await;
    let path = "/v1.0/users";
    tenant.graph(Method::GET, path, short.text("/access_token"), None).await.expect(200);
    let refused = tenant.graph(Method::GET, path, long.text("/access_token"), None).await.expect(401);
    let challenge = refused.header("www-authenticate").to_owned();
    assert!(challenge.contains("error=\"insufficient_claims\""), "{challenge}");
    set(true).await;
    let wanted = challenge.split_once("claims=\"").unwrap().1.trim_end_matches('"');
    let wanted = base64::engine::general_purpose::STANDARD.decode(wanted).unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
        ("claims", std::str::from_utf8(&wanted).unwrap()),
    ];
    let answer = app.token(&tenant, &form).await.expect(200);
    tenant.graph(Method::GET, path, answer.text("/access_token"), None).await.expect(200);
    let form = [("grant_type", "client_credentials"), ("scope", EXCHANGE), ("claims", "nonsense")];
    assert_eq!(app.token(&tenant, &form).await.error(), ("invalid_request", 9_002_313));
}

#[tokio::test]
async fn an_issuer_on_loopback_is_asked_for_its_keys() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, "Application.ReadWrite.All").await;
    let app = App::register(&tenant, &admin, json!({ "displayName": "Workload" })).await;
    let key = Certificate::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let (document, keys) =
        (json!({ "issuer": issuer, "jwks_uri": format!("{issuer}/keys") }), jwks(&key, "k"));
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = vec![0; 4096];
            let length = stream.read(&mut request).await.unwrap();
            let is_keys = request[..length].starts_with(b"GET /keys ");
            let body = if is_keys { keys.to_string() } else { document.to_string() };
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            stream.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
        }
    });
    trust(&tenant, &admin, &app, "local", &issuer, "workload").await;
    let jwt = token(&tenant, &key, "k", &[("iss", json!(issuer)), ("sub", json!("workload"))]);
    with_assertion(&tenant, &app.app_id, &jwt, GRAPH).await.expect(200);

    let gone = "http://127.0.0.1:1";
    trust(&tenant, &admin, &app, "gone", gone, "workload").await;
    let jwt = token(&tenant, &key, "k", &[("iss", json!(gone)), ("sub", json!("workload"))]);
    assert_eq!(with_assertion(&tenant, &app.app_id, &jwt, GRAPH).await.error().1, 501_661);
    let elsewhere = "https://issuer.example";
    trust(&tenant, &admin, &app, "elsewhere", elsewhere, "workload").await;
    let jwt = token(&tenant, &key, "k", &[("iss", json!(elsewhere)), ("sub", json!("workload"))]);
    let refused = with_assertion(&tenant, &app.app_id, &jwt, GRAPH).await;
    assert!(refused.text("/error_description").contains("/_sandbox/issuers"), "{}", refused.text);
}

#[tokio::test]
async fn a_client_learns_who_keeps_a_users_password_before_it_sends_one() {
    let tenant = cast::tenant().await;
    for (user, account_type) in [("ada@contoso.example", "Managed"), ("x@elsewhere.example", "Unknown")] {
        let url = tenant.url(&format!("/common/userrealm/{user}?api-version=1.0"));
        assert_eq!(tenant.get(&url).await.expect(200).text("/account_type"), account_type);
    }
}

#[tokio::test]
async fn the_first_generation_is_found_by_its_own_document() {
    let tenant = cast::tenant().await;
    let document = tenant.get(&tenant.login("/.well-known/openid-configuration")).await.expect(200);
    let id = tenant.sandbox.ready().tenant_id.clone();
    assert_eq!(document.text("/issuer"), format!("https://sts.windows.net/{id}/"));
    for (name, rest) in [
        ("token_endpoint", "/oauth2/token"),
        ("authorization_endpoint", "/oauth2/authorize"),
        ("device_authorization_endpoint", "/oauth2/devicecode"),
        ("userinfo_endpoint", "/openid/userinfo"),
    ] {
        assert_eq!(document.text(&format!("/{name}")), tenant.login(rest), "{name}");
    }
    for claim in ["amr", "family_name", "given_name", "nickname"] {
        assert!(document.json["claims_supported"].as_array().unwrap().contains(&json!(claim)), "{claim}");
    }
    // Its keys are the second generation's, without the issuer, which its tokens have another of.
    let members = async |url: &str| {
        let keys = tenant.get(url).await.expect(200).json["keys"].as_array().unwrap().clone();
        let names = keys[1].as_object().unwrap().keys().cloned().collect::<BTreeSet<_>>();
        (keys.into_iter().map(|key| key["kid"].clone()).collect::<Vec<_>>(), names)
    };
    let (kids, names) = members(document.text("/jwks_uri")).await;
    assert_eq!(names, BTreeSet::from(["kty", "use", "kid", "x5t", "n", "e", "x5c"].map(str::to_owned)));
    let (second, of_second) = members(&tenant.login("/discovery/v2.0/keys")).await;
    assert_eq!(kids, second);
    assert!(of_second.contains("issuer") && of_second.contains("cloud_instance_name"));
    let shared = tenant.get(&tenant.url("/common/.well-known/openid-configuration")).await.expect(200);
    assert_eq!(shared.text("/issuer"), "https://sts.windows.net/{tenantid}/");

    // Its userinfo says who the token is for; a device signs in by its own endpoints, with a resource.
    let answer = tokens(&tenant, "ada", "openid profile email User.Read", &[]).await.expect(200);
    let info = tenant.http.get(document.text("/userinfo_endpoint")).bearer_auth(answer.text("/access_token"));
    let info = tenant.send(info).await.expect(200);
    assert_eq!(info.json["sub"], claims(answer.text("/id_token"))["sub"]);
    let client = tenant.sandbox.ready().apps.client.client_id.clone();
    let form = [("client_id", client.as_str()), ("resource", "https://graph.microsoft.com")];
    let endpoint = document.text("/device_authorization_endpoint");
    let begun = tenant.send(tenant.http.post(endpoint).form(&form)).await.expect(200);
    let ada = tenant.sandbox.ready().users[0].clone();
    let form = [
        ("user_code", begun.text("/user_code")),
        ("username", &ada.upn),
        ("password", &ada.password),
        ("decision", "approve"),
    ];
    // The first generation calls it `verification_url` and writes numbers as text.
    assert_eq!(begun.json["expires_in"], "900");
    tenant.send(tenant.http.post(begun.text("/verification_url")).form(&form)).await.expect(200);
    let form = [
        ("client_id", client.as_str()),
        ("grant_type", "device_code"),
        ("code", begun.text("/device_code")),
        ("resource", "https://graph.microsoft.com"),
    ];
    let token = tenant.send(tenant.http.post(document.text("/token_endpoint")).form(&form)).await.expect(200);
    assert_eq!(claims(token.text("/access_token"))["upn"], "ada@contoso.example");
}

#[tokio::test]
async fn a_client_asks_whether_an_authority_is_one_before_it_trusts_it() {
    let tenant = cast::tenant().await;
    let ask = async |authority: &str| {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("api-version", "1.1"), ("authorization_endpoint", authority)])
            .finish();
        tenant.get(&tenant.url(&format!("/common/discovery/instance?{query}"))).await
    };
    let own = ask(&tenant.login("/oauth2/v2.0/authorize")).await.expect(200);
    assert_eq!(
        own.text("/tenant_discovery_endpoint"),
        tenant.login("/v2.0/.well-known/openid-configuration")
    );
    let host = tenant.sandbox.ready().url.trim_start_matches("https://").to_owned();
    assert!(own.json["metadata"].as_array().unwrap().iter().any(|one| one["aliases"] == json!([host])));
    let strange = ask("https://login.evil.example/common/oauth2/v2.0/authorize").await.expect(400);
    assert_eq!(strange.error(), ("invalid_instance", 50_049));
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let tenant = cast::tenant().await;
    let query = crate::browser::query(&tenant, &[]);
    let request = tenant.http.post(tenant.login("/oauth2/v2.0/authorize")).body(query);
    let page =
        tenant.send(request.header("content-type", "application/x-www-form-urlencoded")).await.expect(200);
    let answer = sent(&Browser::new(&tenant).sign_in(&page, "ada").await);
    assert_eq!(answer["state"], "st&te");
    let redeemed = crate::browser::redeem(&tenant, &answer["code"], &[]).await.expect(200);
    assert_eq!(claims(redeemed.text("/access_token"))["upn"], "ada@contoso.example");
}

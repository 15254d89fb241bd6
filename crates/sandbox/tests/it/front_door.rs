//! Start, TLS, discovery, keys, hosts and the errors of the token endpoint.

use std::time::Duration;

use attache_sandbox::{Sandbox, Seed, StartError, constants};
use aws_lc_rs::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::json;

use crate::support::{EXCHANGE, GRAPH, Tenant, claims, client, config, header, reply, standing};

#[tokio::test]
async fn it_says_in_one_line_that_it_is_ready() {
    let sandbox = Sandbox::start(config()).await.unwrap();
    let line = serde_json::to_value(sandbox.ready()).unwrap();
    assert_eq!(line["event"], "ready");
    assert_eq!(line["url"], format!("https://localhost:{}", sandbox.address().port()));
    assert_eq!(line["tenant_id"], constants::TENANT_ID);
    assert_eq!(line["domain"], "contoso.example");
    assert_eq!(line["control_token"], constants::CONTROL_TOKEN);
    assert_eq!(line["apps"]["provisioner"]["client_secret"], constants::PROVISIONER_SECRET);
    assert_eq!(line["apps"]["client"]["client_id"], constants::CLIENT_ID);
    assert_eq!(line["users"][0]["upn"], constants::ADA_UPN);
    assert_eq!(line["users"][0]["password"], constants::ADA_PASSWORD);
    assert_eq!(line["users"][0]["display_name"], "Ada Lovelace");
}

#[tokio::test]
async fn a_taken_port_and_exposed_constants_are_refused_with_a_remedy() {
    let first = Sandbox::start(config()).await.unwrap();
    let mut second = config();
    second.listen = first.address();
    let error = Sandbox::start(second).await.unwrap_err();
    assert!(matches!(error, StartError::PortTaken(_)));
    assert!(error.to_string().contains("--listen"), "{error}");

    let mut exposed = config();
    exposed.listen = "0.0.0.0:0".parse().unwrap();
    let error = Sandbox::start(exposed.clone()).await.unwrap_err();
    assert!(matches!(error, StartError::WouldExposeConstants(_)), "{error}");
    exposed.seed = Seed::Random;
    let random = Sandbox::start(exposed.clone()).await.unwrap();
    assert_ne!(random.ready().tenant_id, constants::TENANT_ID);
    assert_ne!(random.ready().control_token, constants::CONTROL_TOKEN);
    assert_ne!(random.ready().users[0].password, constants::ADA_PASSWORD);
    exposed.seed = Seed::Constants;
    exposed.expose = true;
    let error = Sandbox::start(exposed.clone()).await.unwrap_err();
    assert!(matches!(error, StartError::WouldExposeKeys(_)), "{error}");
    assert!(error.to_string().contains("--fresh-keys"), "{error}");
    exposed.fresh_keys = true;
    Sandbox::start(exposed).await.unwrap();
}

#[tokio::test]
async fn the_name_of_the_host_decides_certificate_issuer_and_links() {
    let tenant = Tenant::start().await;
    let address = tenant.sandbox.address();
    let http = client(&tenant.sandbox)
        .resolve("login.microsoftonline.com", address)
        .resolve("graph.microsoft.com", address)
        .build()
        .unwrap();
    let id = &tenant.sandbox.ready().tenant_id;
    for host in ["localhost", "127.0.0.1", "login.microsoftonline.com"] {
        let origin = format!("https://{host}:{}", address.port());
        let document = reply(
            http.get(format!("{origin}/{id}/v2.0/.well-known/openid-configuration")).send().await.unwrap(),
        )
        .await
        .expect(200);
        assert_eq!(document.text("/issuer"), format!("{origin}/{id}/v2.0"));
        assert_eq!(document.text("/token_endpoint"), format!("{origin}/{id}/oauth2/v2.0/token"));
        for absent in ["code_challenge_methods_supported", "registration_endpoint", "grant_types_supported"] {
            assert!(document.json.get(absent).is_none(), "{absent}");
        }
    }
    let graph = format!("https://graph.microsoft.com:{}/v1.0/organization", address.port());
    let token = tenant.provisioner().await;
    let organization = reply(http.get(graph).bearer_auth(&token).send().await.unwrap()).await.expect(200);
    assert!(organization.text("/@odata.context").starts_with("https://graph.microsoft.com:"));
    // The token's own issuer does not follow.
    assert_eq!(claims(&token)["iss"], format!("https://sts.windows.net/{id}/"));

    let elsewhere = client(&tenant.sandbox).resolve("evil.example", address).build().unwrap();
    assert!(elsewhere.get(format!("https://evil.example:{}/", address.port())).send().await.is_err());
    let http = client(&tenant.sandbox).http1_only().build().unwrap();
    let misdirected =
        reply(http.get(tenant.url("/")).header("host", "evil.example").send().await.unwrap()).await;
    assert_eq!(misdirected.status.as_u16(), 421);
}

/// As Microsoft's libraries have it in their list of aliases, and validators by the issuer of a v1 token.
#[tokio::test]
async fn entra_has_other_names_and_calls_itself_by_one() {
    let tenant = Tenant::start().await;
    let address = tenant.sandbox.address();
    let id = &tenant.sandbox.ready().tenant_id;
    let own = format!("https://login.microsoftonline.com:{}/{id}", address.port());
    for host in ["login.windows.net", "login.microsoft.com", "sts.windows.net"] {
        let http = client(&tenant.sandbox).resolve(host, address).build().unwrap();
        let at = async |path: &str| {
            let url = format!("https://{host}:{}/{id}{path}", address.port());
            reply(http.get(url).send().await.unwrap()).await.expect(200)
        };
        let first = at("/.well-known/openid-configuration").await;
        assert_eq!(first.text("/issuer"), format!("https://sts.windows.net/{id}/"), "{host}");
        assert_eq!(first.text("/token_endpoint"), format!("{own}/oauth2/token"), "{host}");
        let second = at("/v2.0/.well-known/openid-configuration").await;
        assert_eq!(second.text("/issuer"), format!("{own}/v2.0"), "{host}");
        let form = [("client_id", "x"), ("grant_type", "client_credentials"), ("scope", "x/.default")];
        let url = format!("https://{host}:{}/{id}/oauth2/v2.0/token", address.port());
        let refused = reply(http.post(url).form(&form).send().await.unwrap()).await;
        assert_eq!(refused.error(), ("unauthorized_client", 700_016), "{host}");
    }
    // None of them is Graph.
    let app = &tenant.sandbox.ready().apps.provisioner;
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", "https://login.windows.net/.default"),
    ];
    assert_eq!(tenant.token(&form).await.error(), ("invalid_resource", 500_011));
}

#[tokio::test]
async fn each_authority_vouches_for_its_own_names_only() {
    let tenant = Tenant::start().await;
    let address = tenant.sandbox.address();
    let bundle = std::fs::read(&tenant.sandbox.ready().ca).unwrap();
    let authorities = reqwest::Certificate::from_pem_bundle(&bundle).unwrap();
    assert_eq!(authorities.len(), 2);
    for (authority, trusts_localhost) in authorities.into_iter().zip([true, false]) {
        let http = reqwest::Client::builder()
            .tls_certs_only([authority])
            .no_proxy()
            .resolve("login.microsoftonline.com", address)
            .build()
            .unwrap();
        let reaches = async |host: &str| {
            http.get(format!("https://{host}:{}/common/discovery/v2.0/keys", address.port()))
                .send()
                .await
                .is_ok()
        };
        assert_eq!(reaches("localhost").await, trusts_localhost);
        assert_eq!(reaches("127.0.0.1").await, trusts_localhost);
        assert_eq!(reaches("login.microsoftonline.com").await, !trusts_localhost);
    }
}

#[tokio::test]
async fn further_names_are_covered_when_asked_for() {
    let mut config = config();
    config.san = vec!["sandbox.test".to_owned()];
    let tenant = Tenant::start_with(config).await;
    let address = tenant.sandbox.address();
    let http = client(&tenant.sandbox).resolve("sandbox.test", address).build().unwrap();
    let url = format!("https://sandbox.test:{}/common/discovery/v2.0/keys", address.port());
    reply(http.get(url).send().await.unwrap()).await.expect(200);
}

#[tokio::test]
async fn published_keys_verify_an_exchange_token_but_not_one_for_graph() {
    let tenant = Tenant::start().await;
    let app = &tenant.sandbox.ready().apps.provisioner;
    let ask = async |scope: &str| {
        let form = [
            ("client_id", app.client_id.as_str()),
            ("client_secret", &app.client_secret),
            ("grant_type", "client_credentials"),
            ("scope", scope),
        ];
        tenant.token(&form).await.expect(200).text("/access_token").to_owned()
    };
    let keys = tenant.get(&tenant.login("/discovery/v2.0/keys")).await.expect(200);
    let kid = header(&ask(EXCHANGE).await)["kid"].clone();
    let all = keys.json["keys"].as_array().unwrap();
    assert!(all.len() > 1 && all[0]["kid"] != kid, "the key that signs is neither alone nor the first");
    let key = all.iter().find(|key| key["kid"] == kid).unwrap();
    assert_eq!(key["kid"], key["x5t"]);
    assert!(key.get("alg").is_none());
    let decode = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let public = RsaPublicKeyComponents { n: decode("n"), e: decode("e") };
    for (scope, verifies) in [(EXCHANGE, true), (GRAPH, false)] {
        let token = ask(scope).await;
        assert_eq!(header(&token)["kid"], key["kid"]);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let verified = public.verify(&RSA_PKCS1_2048_8192_SHA256, signed.as_bytes(), &signature);
        assert_eq!(verified.is_ok(), verifies, "{scope}");
    }
}

#[tokio::test]
async fn a_resources_slash_is_kept_and_graph_takes_both() {
    let tenant = Tenant::start_with(config()).await;
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    for audience in ["https://graph.microsoft.com", "https://graph.microsoft.com/"] {
        let form = [
            ("client_id", app.client_id.as_str()),
            ("client_secret", &app.client_secret),
            ("grant_type", "client_credentials"),
            ("scope", &format!("{audience}/.default")),
        ];
        let token = tenant.token(&form).await.expect(200).text("/access_token").to_owned();
        assert_eq!(claims(&token)["aud"], audience);
        tenant.graph(Method::GET, "/v1.0/users", &token, None).await.expect(200);
    }
}

#[tokio::test]
async fn client_credentials_yield_the_four_members_and_the_captured_claims() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let basic = tenant
        .http
        .post(tenant.login("/oauth2/v2.0/token"))
        .basic_auth(&app.client_id, Some(&app.client_secret))
        .form(&[("grant_type", "client_credentials"), ("scope", GRAPH)]);
    let answer = tenant.send(basic).await.expect(200);
    let mut members: Vec<&String> = answer.json.as_object().unwrap().keys().collect();
    members.sort();
    assert_eq!(members, ["access_token", "expires_in", "ext_expires_in", "token_type"]);
    assert_eq!(answer.json["expires_in"], 3599);
    assert!(!answer.header("x-ms-request-id").is_empty());
    assert_eq!(answer.header("cache-control"), "no-store, no-cache");

    let token = answer.text("/access_token").to_owned();
    let claims = claims(&token);
    assert_eq!(claims["aud"], "https://graph.microsoft.com");
    assert_eq!(claims["ver"], "1.0");
    assert_eq!(claims["idtyp"], "app");
    assert_eq!(claims["appidacr"], "1");
    assert_eq!(claims["appid"], app.client_id);
    assert_eq!(claims["oid"], claims["sub"]);
    assert_eq!(claims["app_displayname"], "Provisioner");
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3900);
    assert_eq!(claims["nbf"], claims["iat"]);
    let roles: Vec<&str> =
        claims["roles"].as_array().unwrap().iter().map(|role| role.as_str().unwrap()).collect();
    assert!(roles.contains(&"AgentIdentityBlueprint.Create"));
    assert!(header(&token).get("nonce").is_some());
}

#[tokio::test]
async fn a_failed_token_request_has_microsofts_shape_and_code() {
    let tenant = Tenant::start().await;
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let good = |name: &str| match name {
        "client_id" => app.client_id.clone(),
        "client_secret" => app.client_secret.clone(),
        "grant_type" => "client_credentials".to_owned(),
        _ => GRAPH.to_owned(),
    };
    let names = ["client_id", "client_secret", "grant_type", "scope"];
    let with = |changes: &[(&str, &str)]| {
        let mut form: Vec<(String, String)> =
            names.iter().map(|name| ((*name).to_owned(), good(name))).collect();
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push(((*name).to_owned(), (*value).to_owned()));
        }
        form
    };
    for (changes, error, code, status) in [
        (vec![("client_secret", "wrong")], "invalid_client", 7_000_215, 401),
        (vec![("client_secret", "")], "invalid_client", 7_000_216, 401),
        (vec![("client_id", "00000000-0000-0000-0000-00000000dead")], "unauthorized_client", 700_016, 400),
        (vec![("client_id", "")], "invalid_request", 900_144, 400),
        (vec![("grant_type", "")], "invalid_request", 900_144, 400),
        (
            vec![("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")],
            "unsupported_grant_type",
            70_003,
            400,
        ),
        (vec![("scope", "User.Read")], "invalid_scope", 1_002_012, 400),
        (vec![("scope", "")], "invalid_request", 900_144, 400),
        (vec![("scope", "api://nobody/.default")], "invalid_resource", 500_011, 400),
        (vec![("resource", "https://graph.microsoft.com")], "invalid_request", 901_002, 400),
        (vec![("client_assertion", "x.y.z")], "invalid_request", 9_002_324, 400),
        (vec![("fmi_path", "x")], "invalid_request", 9_002_313, 400),
    ] {
        let form = with(&changes);
        let correlation = "5f7a2a1e-7d2c-4a6b-9a38-0a3f2d1b7c11";
        let request = tenant
            .http
            .post(tenant.login("/oauth2/v2.0/token"))
            .header("client-request-id", correlation)
            .header("return-client-request-id", "true")
            .form(&form);
        let answer = tenant.send(request).await.expect(status);
        assert_eq!(answer.error(), (error, code), "{changes:?}");
        assert!(answer.text("/error_description").starts_with(&format!("AADSTS{code}: ")));
        assert_eq!(answer.text("/correlation_id"), correlation);
        assert_eq!(answer.header("client-request-id"), correlation);
        assert_eq!(answer.text("/trace_id"), answer.header("x-ms-request-id"));
    }
    for (name, code) in [("nonsense", 900_023), ("unknown.example", 90_002), ("common", 50_194)] {
        let url = tenant.url(&format!("/{name}/oauth2/v2.0/token"));
        let answer = tenant.send(tenant.http.post(url).form(&with(&[]))).await;
        assert_eq!(answer.error().1, code, "{name}");
    }
    let by_domain = tenant.url("/contoso.example/oauth2/v2.0/token");
    tenant.send(tenant.http.post(by_domain).form(&with(&[]))).await.expect(200);
    assert_eq!(tenant.get(&tenant.login("/oauth2/v2.0/token")).await.error().1, 900_561);
}

#[tokio::test]
async fn graph_refuses_what_is_no_token_for_it() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let path = "/v1.0/organization";
    let refusal = async |token: &str| {
        let answer = tenant.graph(Method::GET, path, token, None).await.expect(401);
        assert_eq!(answer.text("/error/code"), "InvalidAuthenticationToken");
        assert!(answer.header("www-authenticate").contains("authorization_uri"));
        answer.text("/error/message").to_owned()
    };
    assert_eq!(tenant.get(&tenant.url(path)).await.text("/error/message"), "Access token is empty.");
    assert!(refusal("nonsense").await.contains("80049217"));
    let token = tenant.provisioner().await;
    let mut forged: Vec<&str> = token.split('.').collect();
    let payload = URL_SAFE_NO_PAD.encode(json!({ "aud": "https://graph.microsoft.com" }).to_string());
    forged[1] = &payload;
    assert!(refusal(&forged.join(".")).await.contains("Signature is invalid"));

    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", EXCHANGE),
    ];
    let exchange = tenant.token(&form).await.expect(200).text("/access_token").to_owned();
    assert!(refusal(&exchange).await.contains("Invalid audience"));

    tenant.graph(Method::GET, path, &token, None).await.expect(200);
    tenant.sandbox.control().clock().advance(Duration::from_secs(3601));
    assert_eq!(refusal(&token).await, "Lifetime validation failed, the token is expired.");
}

#[tokio::test]
async fn graph_answers_carry_ids_and_unknown_paths_say_so() {
    let tenant = Tenant::start().await;
    let token = tenant.provisioner().await;
    let id = "0e6f9c1a-3c2b-4a55-8f3e-2f5a1d9b7e10";
    let request =
        tenant.http.get(tenant.url("/v1.0/organization")).bearer_auth(&token).header("client-request-id", id);
    let answer = tenant.send(request).await.expect(200);
    assert_eq!(answer.header("client-request-id"), id);
    assert!(uuid::Uuid::parse_str(answer.header("request-id")).is_ok());
    assert!(!answer.header("date").is_empty());
    assert!(answer.header("content-type").starts_with("application/json;odata.metadata=minimal"));

    let answer = tenant.graph(Method::GET, "/v1.0/planner/tasks", &token, None).await.expect(501);
    assert_eq!(answer.text("/error/code"), "sandboxNotEmulated");
    assert_eq!(answer.text("/error/innerError/request-id"), answer.header("request-id"));
}

#[tokio::test]
async fn fresh_keys_are_not_the_built_in_ones_and_stay_where_they_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keys = async |fresh_keys: bool, data: bool| {
        let mut config = config();
        config.fresh_keys = fresh_keys;
        config.data = data.then(|| folder.path().to_owned());
        let tenant = Tenant::start_with(config).await;
        let token = tenant.provisioner().await;
        tenant.sandbox.shutdown().await;
        crate::support::header(&token)["kid"].as_str().unwrap().to_owned()
    };
    let built_in = keys(false, true).await;
    assert_eq!(keys(false, false).await, built_in);
    let fresh = keys(true, true).await;
    assert_ne!(fresh, built_in);
    assert_eq!(keys(true, true).await, fresh);
    assert_ne!(keys(true, false).await, fresh);
}

#[tokio::test]
async fn what_a_document_describes_is_there_before_anything_is_answered() {
    let mut told = config();
    told.document = Some("[[users]]\nupn = \"mary\"\n".to_owned());
    let tenant = Tenant::start_with(told).await;
    tenant.get(&tenant.url("/_sandbox/readyz")).await.expect(200);
    let token = tenant.provisioner().await;
    tenant.graph(Method::GET, "/v1.0/users/mary@contoso.example", &token, None).await.expect(200);
    let mut wrong = config();
    wrong.document = Some("[[people]]".to_owned());
    assert!(matches!(Sandbox::start(wrong).await, Err(StartError::Document(_))));
}

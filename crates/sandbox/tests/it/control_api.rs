//! The control API over HTTP: snapshots, reset, time, lag, faults, the log and its reasons, and waiting.

use attache_sandbox::constants;
use http::Method;
use serde_json::{Value, json};

use crate::support::{GRAPH, Tenant, config, standing};

async fn standing_tenant() -> Tenant {
    let mut config = config();
    config.clock = standing();
    Tenant::start_with(config).await
}

async fn new_app(tenant: &Tenant, name: &str) -> (String, String) {
    let token = blueprint_maker(tenant).await;
    let body = json!({
        "@odata.type": "#Microsoft.Graph.AgentIdentityBlueprint", "displayName": name,
        "sponsors@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{}", constants::ADA_ID)],
    });
    let made = tenant.graph(Method::POST, "/beta/applications", &token, Some(body)).await.expect(201);
    (made.text("/id").to_owned(), token)
}

async fn blueprint_maker(tenant: &Tenant) -> String {
    tenant.provisioner().await
}

#[tokio::test]
async fn a_snapshot_brings_back_what_the_tenant_held() {
    let tenant = Tenant::start().await;
    let (kept, _) = new_app(&tenant, "Kept").await;
    let snapshot =
        tenant.control(Method::POST, "snapshots", Some(json!({ "name": "before" }))).await.expect(201);
    let (later, token) = new_app(&tenant, "Later").await;
    tenant.graph(Method::DELETE, &format!("/beta/applications/{kept}"), &token, None).await.expect(204);
    for id in [snapshot.json["id"].to_string(), "before".to_owned()] {
        tenant.control(Method::POST, &format!("snapshots/{id}/restore"), None).await.expect(204);
        tenant.graph(Method::GET, &format!("/v1.0/applications/{kept}"), &token, None).await.expect(200);
        tenant.graph(Method::GET, &format!("/v1.0/applications/{later}"), &token, None).await.expect(404);
    }
    let all = tenant.control(Method::GET, "snapshots", None).await.expect(200);
    assert_eq!(all.text("/value/0/name"), "before");
    tenant.control(Method::DELETE, &format!("snapshots/{}", snapshot.json["id"]), None).await.expect(204);
    tenant.control(Method::POST, "snapshots/before/restore", None).await.expect(404);
}

#[tokio::test]
async fn a_reset_takes_everything_back_to_the_seed() {
    let tenant = Tenant::start().await;
    let (made, token) = new_app(&tenant, "Made").await;
    tenant.control(Method::POST, "lag", Some(json!({ "profile": "worst", "scale": 1 }))).await.expect(200);
    let fault = json!({ "path": "/v1.0/**", "effect": { "kind": "answer", "status": 503 } });
    tenant.control(Method::POST, "faults", Some(fault)).await.expect(201);
    let ready = tenant.control(Method::POST, "reset", None).await.expect(200);
    assert_eq!(ready.json, serde_json::to_value(tenant.sandbox.ready()).unwrap());
    let control = tenant.sandbox.control();
    assert!(control.requests().is_empty() && control.faults().is_empty());
    assert_eq!(tenant.control(Method::GET, "lag", None).await.text("/profile"), "none");
    tenant.graph(Method::GET, &format!("/v1.0/applications/{made}"), &token, None).await.expect(404);
}

#[tokio::test]
async fn the_clock_runs_at_the_pace_that_it_is_told() {
    let tenant = standing_tenant().await;
    let clock = |body: Value| tenant.control(Method::POST, "clock", Some(body));
    let stands = clock(json!({ "advance_seconds": 1 })).await.expect(200);
    assert_eq!(stands.json, json!({ "now": "2026-03-01T12:00:01Z", "pace": 0.0 }));
    clock(json!({ "pace": 1_000_000 })).await.expect(200);
    let stopped = clock(json!({ "pace": 0 })).await.expect(200);
    assert!(stopped.text("/now") > "2026-03-01T12:00:01Z", "it ran: {}", stopped.text);
    clock(json!({ "pace": -1 })).await.expect(400);
    clock(json!({ "tempo": 1 })).await.expect(400);
}

#[tokio::test]
async fn an_alternating_replica_shows_a_new_object_at_every_second_read() {
    let tenant = standing_tenant().await;
    let token = blueprint_maker(&tenant).await;
    let lag =
        json!({ "profile": "none", "scale": 1, "seconds": { "replication": 60.0 }, "alternating": true });
    let set = tenant.control(Method::POST, "lag", Some(lag.clone())).await.expect(200);
    assert_eq!(
        set.json,
        json!({ "profile": "none", "scale": 1.0, "seconds": { "replication": 60.0 }, "alternating": true })
    );
    let (id, _) = new_app(&tenant, "New").await;
    let path = format!("/v1.0/applications/{id}");
    let mut seen = Vec::new();
    for _ in 0..6 {
        seen.push(tenant.graph(Method::GET, &path, &token, None).await.status.as_u16());
    }
    assert!(seen == [200, 404, 200, 404, 200, 404] || seen == [404, 200, 404, 200, 404, 200], "{seen:?}");
    tenant.sandbox.control().clock().advance(std::time::Duration::from_secs(60));
    for _ in 0..2 {
        tenant.graph(Method::GET, &path, &token, None).await.expect(200);
    }
}

#[tokio::test]
async fn a_secret_works_at_every_second_replica() {
    let tenant = standing_tenant().await;
    let rule = json!({
        "method": "POST", "path": "/*/oauth2/v2.0/token", "every": 2,
        "effect": { "kind": "stale_replica", "seconds": 600 },
    });
    tenant.control(Method::POST, "faults", Some(rule)).await.expect(201);
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    for _ in 0..2 {
        tenant.token(&form).await.expect(200);
        assert_ne!(tenant.token(&form).await.status, 200);
    }
    tenant.sandbox.control().clock().advance(std::time::Duration::from_secs(600));
    for _ in 0..2 {
        tenant.token(&form).await.expect(200);
    }
}

#[tokio::test]
async fn answers_break_off_are_cut_short_or_are_of_another_shape() {
    let tenant = Tenant::start().await;
    let token = tenant.provisioner().await;
    let rule = |kind: &str| json!({ "path": "/v1.0/organization", "count": 1, "effect": { "kind": kind } });
    for http in
        [crate::support::client(&tenant.sandbox).http1_only(), crate::support::client(&tenant.sandbox)]
    {
        let http = http.build().unwrap();
        let get = || http.get(tenant.url("/v1.0/organization")).bearer_auth(&token).send();
        tenant.control(Method::POST, "faults", Some(rule("reset_in_body"))).await.expect(201);
        let answer = get().await.unwrap();
        assert_eq!(answer.status(), 200, "the head has arrived");
        assert!(answer.bytes().await.is_err(), "the body has not");
        let whole = get().await.unwrap().text().await.unwrap();
        tenant.control(Method::POST, "faults", Some(rule("truncate_body"))).await.expect(201);
        let half = get().await.unwrap().text().await.unwrap();
        assert_eq!(half, whole[..half.len()]);
        assert!(half.len() < whole.len() && serde_json::from_str::<Value>(&half).is_err());
        tenant.control(Method::POST, "faults", Some(rule("wrong_json"))).await.expect(201);
        let wrong: Value = get().await.unwrap().json().await.unwrap();
        assert!(wrong.is_array());
    }
    let bad = json!({ "path": "/**", "every": 0, "effect": { "kind": "reset_in_body" } });
    tenant.control(Method::POST, "faults", Some(bad)).await.expect(400);
}

#[tokio::test]
async fn the_log_says_what_was_decided_and_why() {
    let tenant = Tenant::start().await;
    let token = tenant.provisioner().await;
    let ready = tenant.sandbox.ready().clone();
    tenant.graph(Method::GET, &format!("/v1.0/users/{}", constants::ADA_ID), &token, None).await.expect(200);
    tenant.graph(Method::GET, "/v1.0/chats", &token, None).await.expect(403);
    tenant.graph(Method::GET, "/v1.0/planner/plans", &token, None).await.expect(501);
    let form = [("client_id", ready.apps.provisioner.client_id.as_str()), ("client_secret", "wrong")];
    let form = [&form[..], &[("grant_type", "client_credentials"), ("scope", GRAPH)]].concat();
    tenant.token(&form).await.expect(401);
    let fault = json!({ "path": "/v1.0/me", "effect": { "kind": "answer", "status": 504 } });
    let fault = tenant.control(Method::POST, "faults", Some(fault)).await.expect(201);
    tenant.graph(Method::GET, "/v1.0/me", &token, None).await.expect(504);

    let log = tenant.control(Method::GET, "requests?after=1", None).await.expect(200);
    let [read, refused, missing, wrong, broken] = log.json["value"].as_array().unwrap().as_slice() else {
        panic!("{}", log.text);
    };
    assert_eq!(read["decision"]["route"], "GET /users/{id}");
    assert_eq!(read["decision"]["allowed_by"], "User.Read.All");
    assert_eq!(read["decision"]["caller"]["app_id"], ready.apps.provisioner.client_id);
    assert_eq!(read["decision"]["caller"]["app_only"], true);
    assert!(refused["decision"]["missing"].as_array().unwrap().contains(&json!("Chat.ReadBasic.All")));
    assert_eq!(refused["decision"]["error"], "Forbidden");
    assert_eq!(missing["decision"]["error"], "sandboxNotEmulated");
    assert_eq!(
        (&wrong["decision"]["error"], &wrong["decision"]["aadsts"]),
        (&json!("invalid_client"), &json!(7_000_215))
    );
    assert_eq!(broken["decision"]["fault"], fault.json["id"]);

    let only = tenant.control(Method::GET, "requests?status=4xx&limit=1", None).await.expect(200);
    assert_eq!(only.json["value"].as_array().unwrap().len(), 1);
    assert_eq!(only.json["value"][0]["status"], 401);
    let by_path = tenant.control(Method::GET, "requests?path=/v1.0/users/*", None).await.expect(200);
    assert_eq!(by_path.json["value"].as_array().unwrap().len(), 1);
    tenant.control(Method::GET, "requests?status=abc", None).await.expect(400);
    tenant.control(Method::GET, "requests?nonsense=1", None).await.expect(400);
    tenant.control(Method::DELETE, "requests", None).await.expect(204);
    let lacking = tenant.control(Method::GET, "not-emulated", None).await.expect(200);
    assert_eq!(lacking.json, json!({ "count": 1, "requests": { "GET /v1.0/planner/plans": 1 } }));
}

#[tokio::test]
async fn who_waits_for_a_request_hears_of_it_when_it_comes() {
    let tenant = Tenant::start().await;
    let (waited, ()) = tokio::join!(
        tenant.control(Method::GET, "requests?path=/*/oauth2/v2.0/token&wait=30s", None),
        async {
            tenant.provisioner().await;
        }
    );
    assert_eq!(waited.expect(200).json["value"].as_array().unwrap().len(), 1);
    let nothing = tenant.control(Method::GET, "requests?path=/never&wait=1ms", None).await.expect(200);
    assert_eq!(nothing.json, json!({ "value": [] }));
    tenant.control(Method::GET, "requests?wait=soon", None).await.expect(400);
}

#[tokio::test]
async fn readiness_needs_no_token_and_the_rest_is_described() {
    let tenant = Tenant::start().await;
    assert_eq!(
        tenant.get(&tenant.url("/_sandbox/readyz")).await.expect(200).json,
        json!({ "status": "ready" })
    );
    let document = tenant.get(&tenant.url("/_sandbox/openapi.json")).await.expect(200).json;
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    for (path, operations) in paths {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(operation["summary"].is_string(), "{method} {path}");
            if operation["security"].is_null() {
                continue;
            }
            let url = tenant.url(&path.replace("{id}", "1"));
            let request = tenant.http.request(method.to_uppercase().parse().unwrap(), url);
            let refused = tenant.send(request).await.expect(401);
            assert_eq!(refused.header("www-authenticate"), "Bearer");
        }
    }
    assert!(paths.len() > 15);
    let refused = tenant.control(Method::PUT, "clock", None).await.expect(405);
    assert_eq!(refused.header("allow"), "GET, POST");
    tenant.control(Method::GET, "nonsense", None).await.expect(404);
}

#[tokio::test]
async fn somebody_says_something_and_whoever_waits_reads_it() {
    let tenant = Tenant::start().await;
    let [ada, grace] = [constants::ADA_ID, constants::GRACE_ID];
    let chat = format!("19:{ada}_{grace}@unq.gbl.spaces");
    let said = json!({ "from": constants::ADA_UPN, "content": "good morning" });
    tenant.control(Method::POST, &format!("chats/{chat}/messages"), Some(said.clone())).await.expect(404);
    let token = ada_token(&tenant).await;
    let member = |id: &str| {
        json!({
            "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
            "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{id}')"),
        })
    };
    let body = json!({ "chatType": "oneOnOne", "members": [member(ada), member(grace)] });
    tenant.graph(Method::POST, "/v1.0/chats", &token, Some(body)).await.expect(201);
    let path = format!("chats/messages?from={ada}&contains=morning&wait=30s");
    let messages = format!("chats/{chat}/messages");
    let (waited, made) = tokio::join!(
        tenant.control(Method::GET, &path, None),
        tenant.control(Method::POST, &messages, Some(said)),
    );
    let made = made.expect(201);
    assert_eq!(made.text("/from/user/id"), ada);
    let waited = waited.expect(200);
    assert_eq!(waited.json["value"].as_array().unwrap().len(), 1, "{}", waited.text);
    assert_eq!(waited.text("/value/0/id"), made.text("/id"));
    let stranger = json!({ "from": constants::ALAN_ID, "content": "may I?" });
    let refused = tenant.control(Method::POST, &messages, Some(stranger)).await;
    assert!([404, 422].contains(&refused.status.as_u16()), "{}", refused.text);
    let changes = tenant.control(Method::GET, "changes?resource=chats", None).await.expect(200);
    assert!(changes.text.contains(made.text("/id")), "{}", changes.text);
}

async fn ada_token(tenant: &Tenant) -> String {
    let client = tenant.sandbox.ready().apps.client.client_id.clone();
    let form = [("client_id", client.as_str()), ("scope", "https://graph.microsoft.com/.default")];
    let begun = tenant.send(tenant.http.post(tenant.login("/oauth2/v2.0/devicecode")).form(&form)).await;
    let code = begun.text("/device_code").to_owned();
    let form = [
        ("user_code", begun.text("/user_code")),
        ("username", constants::ADA_UPN),
        ("password", constants::ADA_PASSWORD),
        ("decision", "approve"),
    ];
    tenant.send(tenant.http.post(tenant.url("/devicelogin")).form(&form)).await.expect(200);
    let form = [
        ("client_id", client.as_str()),
        ("device_code", code.as_str()),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
    ];
    tenant.token(&form).await.expect(200).text("/access_token").to_owned()
}

//! Faults, held requests, the clock, lag and the log of requests; in process and over HTTP.

use std::time::Duration;

use attache_sandbox::{Effect, Fault};
use http::Method;
use serde_json::json;

use crate::support::{Tenant, client, config, standing};

/// A request whose effect shows: a device code appears in the state.
async fn begin(tenant: &Tenant) -> Result<reqwest::Response, reqwest::Error> {
    let form = [("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()), ("scope", "User.Read")];
    tenant.http.post(tenant.login("/oauth2/v2.0/devicecode")).form(&form).send().await
}

fn begun(tenant: &Tenant) -> usize {
    let state = tenant.sandbox.control().state();
    let id = &tenant.sandbox.ready().tenant_id;
    state["tenants"][id]["entra"]["devices"].as_object().unwrap().len()
}

const DEVICE_CODE: &str = "/*/oauth2/v2.0/devicecode";

#[tokio::test]
async fn a_connection_is_cut_before_or_after_the_tenant_has_changed() {
    let tenant = Tenant::start().await;
    let control = tenant.sandbox.control();
    control.add_fault(Fault::once("POST", DEVICE_CODE, Effect::ResetBeforeCommit));
    assert!(begin(&tenant).await.is_err());
    assert_eq!(begun(&tenant), 0);
    control.add_fault(Fault::once("POST", DEVICE_CODE, Effect::ResetAfterCommit));
    assert!(begin(&tenant).await.is_err());
    assert_eq!(begun(&tenant), 1);
    assert!(begin(&tenant).await.is_ok(), "both rules are spent");
    let log = control.requests();
    assert_eq!(log.iter().map(|request| request.status).collect::<Vec<_>>(), [None, None, Some(200)]);
}

#[tokio::test]
async fn a_held_request_waits_and_goes_on_when_released() {
    let tenant = Tenant::start().await;
    let control = tenant.sandbox.control();
    for (effect, committed) in [(Effect::HoldBeforeCommit, false), (Effect::HoldAfterCommit, true)] {
        let before = begun(&tenant);
        control.add_fault(Fault::once("POST", DEVICE_CODE, effect));
        let watch = async {
            let held = control.wait_held().await;
            assert_eq!(held.len(), 1);
            assert_eq!(held[0].committed, committed);
            assert_eq!(begun(&tenant) - before, usize::from(committed));
            assert!(control.release(held[0].id));
        };
        let (answer, ()) = tokio::join!(begin(&tenant), watch);
        assert_eq!(answer.unwrap().status(), 200);
        assert_eq!(begun(&tenant) - before, 1);
        assert!(control.held().is_empty());
    }
}

#[tokio::test]
async fn a_client_that_dies_while_held_before_the_commit_leaves_nothing() {
    let mut tenant = Tenant::start().await;
    let control = tenant.sandbox.control();
    let [http_1, http_2] = [client(&tenant.sandbox).http1_only(), client(&tenant.sandbox)];
    for http in [http_1, http_2] {
        tenant.http = http.build().unwrap();
        control.add_fault(Fault::once("POST", DEVICE_CODE, Effect::HoldBeforeCommit));
        {
            let request = begin(&tenant);
            tokio::pin!(request);
            tokio::select! {
                answer = &mut request => panic!("it was not held: {answer:?}"),
                held = control.wait_held() => assert_eq!(held.len(), 1),
            }
        }
        // The dropped request closes its connection or stream; the sandbox notices.
        tokio::time::timeout(Duration::from_secs(10), async {
            while !control.held().is_empty() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
        assert_eq!(begun(&tenant), 0);
    }
}

#[tokio::test]
async fn a_rule_answers_with_a_status_and_retry_after() {
    let tenant = Tenant::start().await;
    let rule = json!({
        "method": "GET", "path": "/v1.0/**", "count": 1,
        "effect": { "kind": "answer", "status": 429, "retry_after": 7, "body": { "error": { "code": "TooManyRequests" } } },
    });
    let added = tenant.control(Method::POST, "faults", Some(rule)).await.expect(201);
    let id = added.json["id"].as_u64().unwrap();
    let token = tenant.provisioner().await;
    let answer = tenant.graph(Method::GET, "/v1.0/organization", &token, None).await.expect(429);
    assert_eq!(answer.header("retry-after"), "7");
    tenant.graph(Method::GET, "/v1.0/organization", &token, None).await.expect(200);
    let rules = tenant.control(Method::GET, "faults", None).await.expect(200);
    assert_eq!(rules.json["value"][0]["applied"], 1);
    assert_eq!(rules.json["value"][0]["matched"], 2);
    tenant.control(Method::DELETE, &format!("faults/{id}"), None).await.expect(204);
    tenant.control(Method::DELETE, &format!("faults/{id}"), None).await.expect(404);
}

#[tokio::test]
async fn the_control_api_moves_the_clock_and_lists_requests() {
    let mut config = config();
    config.clock = standing();
    let tenant = Tenant::start_with(config).await;
    let unknown = tenant.graph(Method::GET, "/_sandbox/state", "wrong", None).await.expect(401);
    assert!(unknown.text.contains("control_token"));
    let moved =
        tenant.control(Method::POST, "clock", Some(json!({ "advance_seconds": 90.5 }))).await.expect(200);
    assert_eq!(moved.text("/now"), "2026-03-01T12:01:30.5Z");
    let moved = tenant.control(Method::POST, "clock", Some(json!({ "now": "2027-01-01T00:00:00Z" }))).await;
    assert_eq!(moved.text("/now"), "2027-01-01T00:00:00Z");
    tenant.control(Method::POST, "clock", Some(json!({ "advance_seconds": -1 }))).await.expect(400);
    let lag = json!({ "profile": "worst", "scale": 0.001 });
    tenant.control(Method::POST, "lag", Some(lag.clone())).await.expect(200);
    assert_eq!(tenant.control(Method::GET, "lag", None).await.json, lag);
    tenant.control(Method::POST, "lag", Some(json!({ "profile": "slow", "scale": 1 }))).await.expect(400);

    let token = tenant.provisioner().await;
    let answer = tenant.graph(Method::GET, "/v1.0/organization?$select=id", &token, None).await.expect(200);
    assert_eq!(answer.header("date"), "Fri, 01 Jan 2027 00:00:00 GMT");
    let log = tenant.control(Method::GET, "requests", None).await.expect(200);
    let value = log.json["value"].as_array().unwrap();
    assert_eq!(value.len(), 2, "the control API's own requests are not listed: {value:?}");
    assert_eq!(value[0]["grant_type"], "client_credentials");
    assert_eq!(value[1]["query"], "$select=id");
    assert_eq!(value[1]["request_id"], answer.header("request-id"));
    let ready = tenant.control(Method::GET, "ready", None).await.expect(200);
    assert_eq!(ready.json, serde_json::to_value(tenant.sandbox.ready()).unwrap());
    tenant.control(Method::GET, "nonsense", None).await.expect(404);
}

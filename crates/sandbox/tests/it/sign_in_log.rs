//! `auditLogs/signIns`: one row for everything that was tried, found by the ids that the client saw.

use http::Method;
use serde_json::{Value, json};

use crate::aadsts::{by_password, client_token, password, t1, with_t1};
use crate::browser::{Browser, administrator, redeem, sent, tokens};
use crate::cast::{self, person};
use crate::support::{EXCHANGE, GRAPH, Reply, Tenant, claims};

const READ: &str = "AuditLog.Read.All Policy.Read.All";

async fn rows(tenant: &Tenant, version: &str, token: &str, filter: &str) -> Vec<Value> {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("$filter", filter).finish();
    let path = format!("/{version}/auditLogs/signIns?{query}");
    let reply = tenant.graph(Method::GET, &path, token, None).await.expect(200);
    reply.json["value"].as_array().unwrap().clone()
}

/// The row of an answer, by its request id.
async fn row(tenant: &Tenant, token: &str, answer: &Reply) -> Value {
    let id = answer.header("x-ms-request-id");
    let request = tenant
        .http
        .get(tenant.url(&format!("/beta/auditLogs/signIns/{id}")))
        .header("prefer", "include-unknown-enum-members")
        .bearer_auth(token);
    tenant.send(request).await.expect(200).json
}

#[tokio::test]
async fn every_attempt_is_a_row_under_the_ids_that_the_client_saw() {
    let tenant = cast::tenant().await;
    let reader = administrator(&tenant, READ).await;
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let correlation = "5f7a2a1e-7d2c-4a6b-9a38-0a3f2d1b7c11";
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", "wrong"),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    let request =
        tenant.http.post(tenant.login("/oauth2/v2.0/token")).header("client-request-id", correlation);
    let failed = tenant.send(request.form(&form)).await.expect(401);
    let by_id = row(&tenant, &reader, &failed).await;
    assert_eq!(by_id["status"]["errorCode"], 7_000_215);
    assert!(by_id["status"]["failureReason"].as_str().unwrap().starts_with("Invalid client secret"));
    assert_eq!((&by_id["correlationId"], &by_id["appId"]), (&json!(correlation), &json!(app.client_id)));
    assert_eq!(by_id["signInEventTypes"], json!(["servicePrincipal"]));
    assert_eq!(by_id["clientCredentialType"], "clientSecret");
    assert_eq!(by_id["agent"]["agentType"], "notAgentic");

    let filter =
        format!("signInEventTypes/any(t: t eq 'servicePrincipal') and correlationId eq '{correlation}'");
    let found = rows(&tenant, "beta", &reader, &filter).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["id"], by_id["id"]);
    let by_correlation = format!("correlationId eq '{correlation}'");
    for version in ["beta", "v1.0"] {
        assert!(
            rows(&tenant, version, &reader, &by_correlation).await.is_empty(),
            "not asked for its category"
        );
    }

    // The token of a success names its row.
    let token = tokens(&tenant, "grace", "User.Read offline_access", &[]).await.expect(200);
    let success = row(&tenant, &reader, &token).await;
    assert_eq!(success["status"]["errorCode"], 0);
    assert_eq!(success["userId"], person(&tenant, "grace"));
    assert_eq!(success["uniqueTokenIdentifier"], claims(token.text("/access_token"))["uti"]);
    assert_eq!(success["resourceDisplayName"], "Microsoft Graph");
    let form = [
        ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
        ("grant_type", "refresh_token"),
        ("refresh_token", token.text("/refresh_token")),
    ];
    let refreshed = row(&tenant, &reader, &tenant.token(&form).await.expect(200)).await;
    assert_eq!(refreshed["incomingTokenType"], "refreshToken");
    assert_eq!(refreshed["signInEventTypes"], json!(["nonInteractiveUser"]));
    let ropc = by_password(&tenant, "grace@contoso.example", "wrong", &[]).await;
    let ropc = row(&tenant, &reader, &ropc).await;
    assert_eq!(
        (&ropc["authenticationProtocol"], &ropc["status"]["errorCode"]),
        (&json!("ropc"), &json!(50_126))
    );
    by_password(&tenant, "grace@contoso.example", &password(&tenant, "grace"), &[]).await.expect(200);
}

#[tokio::test]
async fn pages_leave_rows_too_and_v1_lists_them_newest_first_in_pages() {
    let tenant = cast::tenant().await;
    let reader = administrator(&tenant, READ).await;
    let mut browser = Browser::new(&tenant);
    let page = browser.authorize(&[]).await;
    let wrong = browser.fill(&page, &[("username", "grace@contoso.example"), ("password", "wrong")]).await;
    let failed = row(&tenant, &reader, &wrong).await;
    assert_eq!((&failed["status"]["errorCode"], &failed["isInteractive"]), (&json!(50_126), &json!(true)));
    assert_eq!(failed["userPrincipalName"], "grace@contoso.example");
    tenant.sandbox.control().clock().advance(std::time::Duration::from_secs(60));
    let right = browser.sign_in(&wrong, "grace").await;
    assert!(sent(&right)["code"].is_string());
    redeem(&tenant, &sent(&right)["code"], &[]).await.expect(200);

    let grace = person(&tenant, "grace");
    let by_user = format!("userId eq '{grace}'");
    let found = rows(&tenant, "v1.0", &reader, &by_user).await;
    let codes: Vec<_> = found.iter().map(|row| row["status"]["errorCode"].as_u64().unwrap()).collect();
    assert_eq!(codes, [0, 50_126], "newest first, and the redemption is not interactive");
    assert!(found[0].get("agent").is_none() && found[0].get("signInEventTypes").is_none());
    let failures = format!("{by_user} and status/errorCode ne 0");
    assert_eq!(rows(&tenant, "v1.0", &reader, &failures).await.len(), 1);
    let later = format!("{by_user} and createdDateTime ge 2026-03-01T12:00:30Z");
    assert_eq!(rows(&tenant, "v1.0", &reader, &later).await.len(), 1);
    let path = "/v1.0/auditLogs/signIns?$top=1";
    let first = tenant.graph(Method::GET, path, &reader, None).await.expect(200);
    assert_eq!(first.json["value"][0]["id"], found[0]["id"]);
    let next = first.text("/@odata.nextLink").to_owned();
    let second = tenant.send(tenant.http.get(next).bearer_auth(&reader)).await.expect(200);
    assert_eq!(second.json["value"][0]["id"], found[1]["id"]);
    let unknown = "/v1.0/auditLogs/signIns/00000000-0000-0000-0000-00000000dead";
    tenant.graph(Method::GET, unknown, &reader, None).await.expect(404);
}

#[tokio::test]
async fn only_those_in_a_role_read_the_log_and_only_some_see_the_policies() {
    let tenant = cast::tenant().await;
    administrator(&tenant, "AuditLog.Read.All").await;
    let mut browser = Browser::new(&tenant);
    let scope = [("scope", "AuditLog.Read.All")];
    let page = browser.authorize(&scope).await;
    let page = browser.sign_in(&page, "ada").await;
    // Ada alone has consented; for everybody it takes the organisation's consent.
    assert!(sent(&page)["code"].is_string());
    let page = browser.authorize(&[("scope", "AuditLog.Read.All"), ("prompt", "consent")]).await;
    browser.fill(&page, &[("decision", "accept_for_organisation")]).await;
    let path = "/v1.0/auditLogs/signIns";
    let plain = administrator(&tenant, "User.Read").await;
    let shown = tenant.graph(Method::GET, path, &plain, None).await.expect(200);
    assert_eq!(shown.json["value"][0]["appliedConditionalAccessPolicies"], json!([]));

    crate::conditional_access::require(
        &tenant,
        "mfa",
        json!({ "state": "enabledForReportingButNotEnforced" }),
    )
    .await;
    tokens(&tenant, "grace", "User.Read", &[]).await.expect(200);
    let reader = administrator(&tenant, READ).await;
    let filter = format!("userId eq '{}'", person(&tenant, "grace"));
    let found = rows(&tenant, "v1.0", &reader, &filter).await;
    let applied = &found[0]["appliedConditionalAccessPolicies"][0];
    assert_eq!(
        (&applied["result"], &applied["enforcedGrantControls"]),
        (&json!("reportOnlyInterrupted"), &json!(["Mfa"]))
    );
    assert_eq!(found[0]["conditionalAccessStatus"], "notApplied");
}

#[tokio::test]
async fn beta_tells_agents_from_people() {
    let tenant = cast::tenant().await;
    let blueprint = cast::blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
    let reader = administrator(&tenant, READ).await;
    let hop_3 = row(&tenant, &reader, &blueprint.hops(&tenant, &identity, &user).await.expect(200)).await;
    assert_eq!(
        hop_3["agent"],
        json!({ "agentType": "agenticAppInstance", "agentSubjectType": "agentIDuser", "agentSubjectParentId": identity })
    );
    assert_eq!((&hop_3["userId"], &hop_3["appId"]), (&json!(user), &json!(identity)));

    let t1 = t1(&tenant, &blueprint, &identity).await;
    let form = [("grant_type", "client_credentials"), ("scope", EXCHANGE)];
    let own = row(&tenant, &reader, &with_t1(&tenant, &identity, &t1, &form).await.expect(200)).await;
    assert_eq!(own["agent"]["agentSubjectType"], "agenticAppInstance");
    assert_eq!(own["agent"]["agentSubjectParentId"], blueprint.id);

    let tc = client_token(&tenant, &blueprint).await;
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", tc.as_str()),
        ("scope", GRAPH),
    ];
    let acting = row(&tenant, &reader, &with_t1(&tenant, &identity, &t1, &form).await.expect(200)).await;
    assert_eq!(acting["agent"]["agentType"], "agenticAppInstance");
    assert_eq!(acting["agent"]["agentSubjectType"], "notAgentic");
    assert_eq!(acting["userPrincipalName"], "grace@contoso.example");

    let blueprints =
        "signInEventTypes/any(t: t eq 'servicePrincipal') and appId eq '".to_owned() + &blueprint.id + "'";
    let found = rows(&tenant, "beta", &reader, &blueprints).await;
    assert_eq!(found[0]["agent"]["agentType"], "unknownFutureValue", "a later member, not asked for");
}

//! The three hops of an agent, as the captures show them (Entra reference §1.10, §1.11).

use std::time::Duration;

use attache_sandbox::{LagProfile, Seed};
use http::Method;
use serde_json::{Value, json};

use crate::certificates::{assertion, blueprint, with_assertion};
use crate::support::{BEARER, Certificate, EXCHANGE, GRAPH, Reply, Tenant, claims, config, facets, standing};

/// An agent, provisioned through Graph.
struct Agent {
    tenant: Tenant,
    certificate: Certificate,
    blueprint: String,
    identity: String,
    user: String,
    upn: String,
}

impl Agent {
    async fn new() -> Self {
        let mut config = config();
        config.clock = standing();
        Self::provision(Tenant::start_with(config).await).await
    }

    async fn provision(tenant: Tenant) -> Self {
        let certificate = Certificate::new();
        let blueprint = blueprint(&tenant, &certificate).await;
        let token = tenant.provisioner().await;
        let sponsor =
            format!("https://graph.microsoft.com/v1.0/users/{}", tenant.sandbox.ready().users[0].id);
        let body = json!({
            "displayName": "Agent", "agentIdentityBlueprintId": blueprint, "sponsors@odata.bind": [sponsor],
        });
        let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
        let made = tenant.graph(Method::POST, path, &token, Some(body)).await.expect(201);
        let identity = made.text("/id").to_owned();
        let upn = "agent@contoso.example".to_owned();
        let body = json!({
            "accountEnabled": true, "displayName": "Agent", "mailNickname": "agent",
            "userPrincipalName": upn, "identityParentId": identity,
        });
        let path = "/v1.0/users/microsoft.graph.agentUser";
        let made = tenant.graph(Method::POST, path, &token, Some(body)).await.expect(201);
        let user = made.text("/id").to_owned();
        Self { tenant, certificate, blueprint, identity, user, upn }
    }

    /// The grant that lets the agent identity act for its user.
    async fn consent(&self, scope: &str) -> String {
        let token = self.tenant.provisioner().await;
        let path = "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
        let graph =
            self.tenant.graph(Method::GET, path, &token, None).await.expect(200).text("/id").to_owned();
        let body = json!({
            "clientId": self.identity, "consentType": "Principal", "principalId": self.user,
            "resourceId": graph, "scope": scope,
        });
        let made = self.tenant.graph(Method::POST, "/v1.0/oauth2PermissionGrants", &token, Some(body)).await;
        made.expect(201).text("/id").to_owned()
    }

    async fn hop_1(&self, path: &str) -> Reply {
        let jwt = self.certificate.ps256(&assertion(&self.tenant, &self.blueprint));
        self.tenant
            .token(&[
                ("client_id", &self.blueprint),
                ("grant_type", "client_credentials"),
                ("scope", EXCHANGE),
                ("client_assertion_type", BEARER),
                ("client_assertion", &jwt),
                ("fmi_path", path),
            ])
            .await
    }

    async fn t1(&self) -> String {
        self.hop_1(&self.identity).await.expect(200).text("/access_token").to_owned()
    }

    async fn t2(&self, t1: &str) -> String {
        let answer = with_assertion(&self.tenant, &self.identity, t1, EXCHANGE).await.expect(200);
        answer.text("/access_token").to_owned()
    }

    async fn hop_3(&self, t1: &str, t2: &str, changes: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("client_id", self.identity.as_str()),
            ("grant_type", "user_fic"),
            ("client_assertion_type", BEARER),
            ("client_assertion", t1),
            ("user_federated_identity_credential", t2),
            ("user_id", &self.user),
            ("scope", "https://graph.microsoft.com/.default offline_access openid profile"),
            ("client_info", "1"),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            form.push((name, value));
        }
        self.tenant.token(&form).await
    }

    async fn patch(&self, path: &str, body: Value) {
        let token = self.tenant.provisioner().await;
        self.tenant.graph(Method::PATCH, path, &token, Some(body)).await.expect(204);
    }
}

#[tokio::test]
async fn three_hops_end_in_the_agent_users_token() {
    let agent = Agent::new().await;
    agent.consent("Chat.ReadWrite ChatMessage.Send User.Read").await;
    let tenant_id = &agent.tenant.sandbox.ready().tenant_id;

    let t1 = agent.t1().await;
    let t1_claims = claims(&t1);
    assert_eq!(t1_claims["ver"], "2.0");
    assert_eq!(t1_claims["aud"], "fb60f99c-7a34-4190-8149-302f77469936");
    assert_eq!(t1_claims["iss"], agent.tenant.login("/v2.0"));
    assert_eq!(t1_claims["azp"], agent.blueprint);
    assert_eq!(t1_claims["azpacr"], "2");
    assert_eq!(t1_claims["idtyp"], "app");
    let subject = t1_claims["sub"].as_str().unwrap();
    assert!(subject.starts_with("/eid1/c/pub/t/") && subject.ends_with(&format!("/{}", agent.identity)));
    assert_eq!(facets(&t1_claims, "xms_sub_fct"), [3, 9]);
    assert_eq!(t1_claims["xms_ficinfo"], "CAAQABgAIAAoAjAA");

    let t2 = agent.t2(&t1).await;
    let t2_claims = claims(&t2);
    assert_eq!(t2_claims["azp"], agent.identity);
    assert_eq!(t2_claims["oid"], agent.identity);
    assert_eq!(t2_claims["sub"], agent.identity);
    assert_eq!(t2_claims["xms_par_app_azp"], agent.blueprint);
    assert_eq!(facets(&t2_claims, "xms_act_fct"), [3, 9, 11]);

    let tokens = agent.hop_3(&t1, &t2, &[]).await.expect(200);
    let user = claims(tokens.text("/access_token"));
    assert_eq!(user["ver"], "1.0");
    assert_eq!(user["iss"], format!("https://sts.windows.net/{tenant_id}/"));
    assert_eq!(user["oid"], agent.user);
    assert_eq!(user["upn"], agent.upn);
    assert_eq!(user["appid"], agent.identity);
    assert_eq!(user["appidacr"], "2");
    assert_eq!(user["idtyp"], "user");
    assert_eq!(user["xms_par_app_azp"], agent.blueprint);
    assert_eq!(facets(&user, "xms_act_fct"), [3, 9, 11]);
    assert_eq!(facets(&user, "xms_sub_fct"), [3, 13]);
    assert!(user.get("amr").is_none());
    let scopes: Vec<&str> = user["scp"].as_str().unwrap().split(' ').collect();
    assert_eq!(scopes, ["Chat.ReadWrite", "ChatMessage.Send", "User.Read", "profile", "openid", "email"]);
    assert_eq!(claims(tokens.text("/id_token"))["oid"], agent.user);
    agent
        .tenant
        .graph(Method::GET, "/v1.0/organization", tokens.text("/access_token"), None)
        .await
        .expect(200);

    let by_name = agent.hop_3(&t1, &t2, &[("user_id", ""), ("username", &agent.upn)]).await.expect(200);
    assert_eq!(claims(by_name.text("/access_token"))["oid"], agent.user);
    let refreshed = agent
        .tenant
        .token(&[
            ("client_id", &agent.identity),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.text("/refresh_token")),
            ("client_assertion_type", BEARER),
            ("client_assertion", &t1),
        ])
        .await
        .expect(200);
    assert_eq!(claims(refreshed.text("/access_token"))["oid"], agent.user);
}

#[tokio::test]
async fn an_agent_identity_gets_its_own_app_only_token() {
    let agent = Agent::new().await;
    let answer = with_assertion(&agent.tenant, &agent.identity, &agent.t1().await, GRAPH).await.expect(200);
    let claims = claims(answer.text("/access_token"));
    assert_eq!(claims["appid"], agent.identity);
    assert_eq!(claims["oid"], agent.identity);
    assert_eq!(claims["sub"], agent.identity);
    assert_eq!(facets(&claims, "xms_sub_fct"), [3, 9, 11]);
    assert_eq!(answer.json["expires_in"], 3599);
}

#[tokio::test]
async fn each_hop_is_checked_with_its_own_code() {
    let agent = Agent::new().await;
    agent.consent("Chat.Read").await;
    let (t1, id) = (agent.t1().await, agent.identity.as_str());
    let t2 = agent.t2(&t1).await;
    let tenant = &agent.tenant;
    let strange = agent.hop_1("another").await.expect(200).text("/access_token").to_owned();
    let graph_token = tenant.provisioner().await;
    for (assertion, code) in [(&strange, 700_213), (&t2, 700_213), (&graph_token, 700_211)] {
        let answer = with_assertion(tenant, id, assertion, EXCHANGE).await.expect(401);
        assert_eq!(answer.error(), ("invalid_client", code), "{}", answer.text);
    }
    let (signed, _) = t1.rsplit_once('.').unwrap();
    let unsigned = with_assertion(tenant, id, &format!("{signed}.AAAA"), EXCHANGE).await;
    assert_eq!(unsigned.error().1, 7_000_272);
    let ada = tenant.sandbox.ready().users[0].id.clone();
    for (changes, error, code) in [
        (vec![("username", agent.upn.as_str())], "invalid_request", 9_002_313),
        (vec![("user_id", "")], "invalid_request", 900_144),
        (vec![("user_id", agent.upn.as_str())], "server_error", 50_000),
        (vec![("user_id", "00000000-0000-0000-0000-00000000dead")], "invalid_grant", 50_034),
        (vec![("user_id", ada.as_str())], "invalid_grant", 50_013),
        (vec![("user_federated_identity_credential", "x.y.z")], "invalid_grant", 50_013),
        (vec![("user_federated_identity_credential", t1.as_str())], "invalid_grant", 50_013),
        (vec![("user_federated_identity_credential", "")], "invalid_request", 900_144),
        (vec![("client_assertion", t2.as_str())], "invalid_client", 700_213),
        (vec![("client_assertion", "")], "invalid_client", 7_000_218),
        (vec![("client_id", agent.blueprint.as_str())], "invalid_client", 700_213),
        (vec![("scope", "https://graph.microsoft.com/Mail.Send")], "invalid_grant", 65_001),
        (vec![("scope", "https://graph.microsoft.com/.default Chat.Read")], "invalid_scope", 700_023),
        (vec![("scope", "User.Read api://AzureADTokenExchange/x")], "invalid_request", 700_022),
        (vec![("scope", "https://graph.microsoft.com/User.Read Mail.Send")], "invalid_grant", 65_001),
    ] {
        let answer = agent.hop_3(&t1, &t2, &changes).await;
        assert_eq!(answer.error(), (error, code), "{changes:?}");
    }
    tenant.sandbox.control().clock().advance(Duration::from_secs(3601));
    assert_eq!(agent.hop_3(&t1, &t2, &[]).await.error().1, 700_024, "T1 is expired");
    let fresh = agent.t1().await;
    assert_eq!(agent.hop_3(&fresh, &t2, &[]).await.error().1, 500_133, "T2 is expired");
}

#[tokio::test]
async fn without_consent_there_is_no_token_and_withdrawn_consent_ends_it() {
    let agent = Agent::new().await;
    let t1 = agent.t1().await;
    let t2 = agent.t2(&t1).await;
    let refused = agent.hop_3(&t1, &t2, &[]).await.expect(400);
    assert_eq!(refused.error(), ("invalid_grant", 65_001));
    assert_eq!(refused.text("/suberror"), "consent_required");
    let grant = agent.consent("Chat.Read").await;
    agent.hop_3(&t1, &t2, &[]).await.expect(200);
    let token = agent.tenant.provisioner().await;
    let path = format!("/v1.0/oauth2PermissionGrants/{grant}");
    agent.tenant.graph(Method::DELETE, &path, &token, None).await.expect(204);
    assert_eq!(agent.hop_3(&t1, &t2, &[]).await.error().1, 65_001);
}

#[tokio::test]
async fn a_child_inherits_what_is_granted_to_the_principal_and_enumerated() {
    let agent = Agent::new().await;
    let tenant = &agent.tenant;
    let token = tenant.provisioner().await;
    let find = async |app_id: &str| {
        let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
        tenant.graph(Method::GET, &path, &token, None).await.expect(200).text("/id").to_owned()
    };
    let principal = find(&agent.blueprint).await;
    let graph = find("00000003-0000-0000-c000-000000000000").await;
    let body = json!({
        "clientId": principal, "consentType": "AllPrincipals", "resourceId": graph,
        "scope": "Chat.Read Mail.Read",
    });
    tenant.graph(Method::POST, "/v1.0/oauth2PermissionGrants", &token, Some(body)).await.expect(201);
    let t1 = agent.t1().await;
    let t2 = agent.t2(&t1).await;
    assert_eq!(agent.hop_3(&t1, &t2, &[]).await.error().1, 65_001, "nothing is inheritable yet");
    let body = json!({
        "resourceAppId": "00000003-0000-0000-c000-000000000000",
        "inheritableScopes": {
            "@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated",
            "scopes": ["Chat.Read", "User.Read"],
        },
    });
    let path = format!(
        "/v1.0/applications/microsoft.graph.agentIdentityBlueprint/{}/inheritablePermissions",
        agent.blueprint
    );
    tenant.graph(Method::POST, &path, &token, Some(body)).await.expect(201);
    let tokens = agent.hop_3(&t1, &t2, &[]).await.expect(200);
    assert_eq!(claims(tokens.text("/access_token"))["scp"], "Chat.Read profile openid email");
}

#[tokio::test]
async fn a_disabled_user_identity_or_principal_stops_the_agent() {
    let agent = Agent::new().await;
    agent.consent("Chat.Read").await;
    let t1 = agent.t1().await;
    let t2 = agent.t2(&t1).await;
    agent.patch(&format!("/v1.0/users/{}", agent.user), json!({ "accountEnabled": false })).await;
    assert_eq!(agent.hop_3(&t1, &t2, &[]).await.error(), ("invalid_grant", 50_057));
    agent
        .patch(&format!("/v1.0/servicePrincipals/{}", agent.identity), json!({ "accountEnabled": false }))
        .await;
    let answer = with_assertion(&agent.tenant, &agent.identity, &t1, EXCHANGE).await;
    assert_eq!(answer.error(), ("unauthorized_client", 7_000_112));
}

#[tokio::test]
async fn a_new_certificate_works_when_it_has_spread_and_a_hop_survives_restart() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.clock = standing();
    config.data = Some(folder.path().to_owned());
    config.seed = Seed::Number(7);
    let agent = Agent::provision(Tenant::start_with(config.clone()).await).await;
    agent.consent("Chat.Read").await;
    let control = agent.tenant.sandbox.control();
    control.set_lag(attache_sandbox::Lag::new(LagProfile::Worst, 0.5));
    let second = Certificate::new();
    let body = json!({ "keyCredentials": [agent.certificate.credential(), second.credential()] });
    agent.patch(&format!("/v1.0/applications/{}", agent.blueprint), body).await;
    let ask = async || {
        let jwt = second.ps256(&assertion(&agent.tenant, &agent.blueprint));
        with_assertion(&agent.tenant, &agent.blueprint, &jwt, EXCHANGE).await
    };
    assert_eq!(ask().await.error(), ("invalid_client", 700_027));
    control.clock().advance(Duration::from_secs(60));
    ask().await.expect(200);

    let t1 = agent.t1().await;
    let Agent { tenant, certificate, blueprint, identity, user, upn } = agent;
    let port = tenant.sandbox.address();
    drop(control);
    tenant.sandbox.shutdown().await;
    config.listen = port;
    let agent =
        Agent { tenant: Tenant::start_with(config).await, certificate, blueprint, identity, user, upn };
    let t2 = agent.t2(&t1).await;
    agent.hop_3(&t1, &t2, &[]).await.expect(200);
}

//! Who takes part in the tests of Graph: people who sign in, and an agent made with least privilege.

use http::Method;
use serde_json::{Value, json};

use crate::certificates::{assertion, with_assertion};
use crate::support::{BEARER, Certificate, EXCHANGE, GRAPH, Reply, Tenant, config, standing};

pub(crate) const GRAPH_SP: &str = "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
pub(crate) const BUSINESS_BASIC: &str = "3b555118-da6a-4418-894f-7df1e2096870";

const REDIRECT: &str = "http://localhost:53214/";
const VERIFIER: &str = "a-verifier-that-is-long-enough-for-a-challenge-0123456789";

/// A tenant whose clock stands.
pub(crate) async fn tenant() -> Tenant {
    let mut config = config();
    config.clock = standing();
    Tenant::start_with(config).await
}

/// A Graph call with a body.
pub(crate) async fn post(tenant: &Tenant, path: &str, token: &str, body: Value) -> Reply {
    tenant.graph(Method::POST, path, token, Some(body)).await
}

/// A Graph read.
pub(crate) async fn get(tenant: &Tenant, path: &str, token: &str) -> Reply {
    tenant.graph(Method::GET, path, token, None).await
}

/// A Graph change.
pub(crate) async fn patch(tenant: &Tenant, path: &str, token: &str, body: Value) -> Reply {
    tenant.graph(Method::PATCH, path, token, Some(body)).await
}

/// A Graph delete.
pub(crate) async fn delete(tenant: &Tenant, path: &str, token: &str) -> Reply {
    tenant.graph(Method::DELETE, path, token, None).await
}

/// The object id of the person at that place of the ready line: Ada, Alan or Grace.
pub(crate) fn person(tenant: &Tenant, upn: &str) -> String {
    let upn = format!("{upn}@contoso.example");
    tenant.sandbox.ready().users.iter().find(|user| user.upn == upn).unwrap().id.clone()
}

/// The delegated token of a person, through the page that a browser would show.
pub(crate) async fn sign_in(tenant: &Tenant, upn: &str) -> String {
    let user = tenant.sandbox.ready().users.iter().find(|user| user.upn.starts_with(upn)).unwrap().clone();
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", client_id.as_str()),
            ("response_type", "code"),
            ("redirect_uri", REDIRECT),
            ("scope", "https://graph.microsoft.com/.default"),
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ])
        .finish();
    let page = tenant.get(&tenant.login(&format!("/oauth2/v2.0/authorize?{query}"))).await.expect(200);
    let between = |before: &str| {
        let rest = page.text.split_once(before).unwrap().1;
        let value = rest.split('"').next().unwrap();
        value.replace("&#38;", "&").replace("&amp;", "&").replace("&#x26;", "&")
    };
    let (action, request) =
        (between("<form method=\"post\" action=\""), between("name=\"request\" value=\""));
    let form = [("request", request.as_str()), ("username", &user.upn), ("password", &user.password)];
    let sent = tenant.send(tenant.http.post(tenant.url(&action)).form(&form)).await.expect(302);
    let location = url::Url::parse(sent.header("location")).unwrap();
    let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
    let form = [
        ("client_id", client_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    tenant.token(&form).await.expect(200).text("/access_token").to_owned()
}

/// An app token with more application permissions than the provisioner was seeded with; all but those of agents
/// if one of them is broad.
pub(crate) async fn permitted(tenant: &Tenant, permissions: &[&str]) -> String {
    let token = tenant.provisioner().await;
    let graph = get(tenant, GRAPH_SP, &token).await.expect(200);
    let client_id = &tenant.sandbox.ready().apps.provisioner.client_id;
    let own = get(tenant, &format!("/v1.0/servicePrincipals(appId='{client_id}')"), &token).await.expect(200);
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", own.text("/id"));
    for permission in permissions {
        let role = role_id(&graph.json, permission);
        let body =
            json!({ "principalId": own.text("/id"), "resourceId": graph.text("/id"), "appRoleId": role });
        let reply = post(tenant, &path, &token, body).await;
        assert!([201, 400].contains(&reply.status.as_u16()), "{}", reply.text);
    }
    tenant.provisioner().await
}

/// A blueprint with its consents, as the bootstrap leaves it.
pub(crate) struct Blueprint {
    pub(crate) id: String,
    pub(crate) principal: String,
    pub(crate) certificate: Certificate,
}

/// The bootstrap: blueprint, principal, certificate, the scopes that its agents inherit, and the role to make
/// agent users.
pub(crate) async fn blueprint(tenant: &Tenant, scopes: &str) -> Blueprint {
    let token = tenant.provisioner().await;
    let certificate = Certificate::new();
    let id = crate::certificates::blueprint(tenant, &certificate).await;
    let path = format!("/v1.0/servicePrincipals(appId='{id}')");
    let principal = get(tenant, &path, &token).await.expect(200).text("/id").to_owned();
    let graph = get(tenant, GRAPH_SP, &token).await.expect(200);
    let graph_id = graph.text("/id");
    let role = role_id(&graph.json, "AgentIdUser.ReadWrite.IdentityParentedBy");
    let path = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments");
    let body = json!({ "principalId": principal, "resourceId": graph_id, "appRoleId": role });
    post(tenant, &path, &token, body).await.expect(201);
    let body = json!({
        "clientId": principal, "consentType": "AllPrincipals", "resourceId": graph_id, "scope": scopes,
    });
    post(tenant, "/v1.0/oauth2PermissionGrants", &token, body).await.expect(201);
    let path =
        format!("/v1.0/applications/{id}/microsoft.graph.agentIdentityBlueprint/inheritablePermissions");
    let scopes: Vec<&str> = scopes.split(' ').collect();
    let body = json!({
        "resourceAppId": "00000003-0000-0000-c000-000000000000",
        "inheritableScopes": { "@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated", "scopes": scopes },
    });
    post(tenant, &path, &token, body).await.expect(201);
    Blueprint { id, principal, certificate }
}

pub(crate) fn role_id(graph: &Value, value: &str) -> String {
    let roles = graph["appRoles"].as_array().unwrap();
    roles.iter().find(|role| role["value"] == value).unwrap()["id"].as_str().unwrap().to_owned()
}

impl Blueprint {
    /// The blueprint's own Graph token.
    pub(crate) async fn token(&self, tenant: &Tenant) -> String {
        let jwt = self.certificate.ps256(&assertion(tenant, &self.id));
        with_assertion(tenant, &self.id, &jwt, GRAPH).await.expect(200).text("/access_token").to_owned()
    }

    /// Makes an agent identity with the blueprint's own token.
    pub(crate) async fn create_identity(&self, tenant: &Tenant) -> Reply {
        let sponsor = format!("https://graph.microsoft.com/v1.0/users/{}", person(tenant, "ada"));
        let body = json!({
            "displayName": "Agent", "agentIdentityBlueprintId": self.id, "sponsors@odata.bind": [sponsor],
        });
        let token = self.token(tenant).await;
        post(tenant, "/v1.0/servicePrincipals/microsoft.graph.agentIdentity", &token, body).await
    }

    /// Makes an agent user with the blueprint's own token.
    pub(crate) async fn create_user(&self, tenant: &Tenant, identity: &str, name: &str) -> Reply {
        let body = json!({
            "accountEnabled": true, "displayName": "Agent", "mailNickname": name,
            "userPrincipalName": format!("{name}@contoso.example"), "identityParentId": identity,
        });
        let token = self.token(tenant).await;
        post(tenant, "/v1.0/users/microsoft.graph.agentUser", &token, body).await
    }

    /// Usage location and licence, with the blueprint's own token.
    pub(crate) async fn license(&self, tenant: &Tenant, user: &str) -> Reply {
        let token = self.token(tenant).await;
        let path = format!("/v1.0/users/{user}");
        patch(tenant, &path, &token, json!({ "usageLocation": "de" })).await.expect(204);
        self.assign(tenant, user).await
    }

    pub(crate) async fn assign(&self, tenant: &Tenant, user: &str) -> Reply {
        let token = self.token(tenant).await;
        let body = json!({ "addLicenses": [{ "skuId": BUSINESS_BASIC }], "removeLicenses": [] });
        post(tenant, &format!("/v1.0/users/{user}/assignLicense"), &token, body).await
    }

    /// The three hops, to the agent user's Graph token.
    pub(crate) async fn hops(&self, tenant: &Tenant, identity: &str, user: &str) -> Reply {
        let jwt = self.certificate.ps256(&assertion(tenant, &self.id));
        let hop_1 = [
            ("client_id", self.id.as_str()),
            ("grant_type", "client_credentials"),
            ("scope", EXCHANGE),
            ("client_assertion_type", BEARER),
            ("client_assertion", &jwt),
            ("fmi_path", identity),
        ];
        let t1 = tenant.token(&hop_1).await.expect(200).text("/access_token").to_owned();
        let t2 = with_assertion(tenant, identity, &t1, EXCHANGE)
            .await
            .expect(200)
            .text("/access_token")
            .to_owned();
        let hop_3 = [
            ("client_id", identity),
            ("grant_type", "user_fic"),
            ("client_assertion_type", BEARER),
            ("client_assertion", &t1),
            ("user_federated_identity_credential", &t2),
            ("user_id", user),
            ("scope", GRAPH),
        ];
        tenant.token(&hop_3).await
    }
}

/// A member of a new chat.
pub(crate) fn member(user: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
        "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{user}')"),
    })
}

//! The hops of agents, and what their kind may not do.

use http::Method;
use serde_json::json;

use super::Seen;
use crate::browser::{administrator, consent, tokens};
use crate::cast::{self, Blueprint, GRAPH_SP};
use crate::certificates::{assertion, with_assertion};
use crate::support::{BEARER, EXCHANGE, GRAPH, Reply, Tenant};

pub(crate) async fn t1(tenant: &Tenant, blueprint: &Blueprint, identity: &str) -> String {
    let jwt = blueprint.certificate.ps256(&assertion(tenant, &blueprint.id));
    let form = [
        ("client_id", blueprint.id.as_str()),
        ("grant_type", "client_credentials"),
        ("scope", EXCHANGE),
        ("client_assertion_type", BEARER),
        ("client_assertion", &jwt),
        ("fmi_path", identity),
    ];
    tenant.token(&form).await.expect(200).text("/access_token").to_owned()
}

/// An agent identity's request with T1 as its proof.
pub(crate) async fn with_t1(tenant: &Tenant, identity: &str, t1: &str, form: &[(&str, &str)]) -> Reply {
    let own = [("client_id", identity), ("client_assertion_type", BEARER), ("client_assertion", t1)];
    tenant.token(&[&own, form].concat()).await
}

/// A person's token for the blueprint's API, by way of the client app.
pub(crate) async fn client_token(tenant: &Tenant, blueprint: &Blueprint) -> String {
    let admin = administrator(
        tenant,
        "Application.ReadWrite.All AgentIdentityBlueprint.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All",
    )
    .await;
    let path = format!("/v1.0/applications/{}", blueprint.id);
    let body = json!({
        "identifierUris": [format!("api://{}", blueprint.id)],
        "api": { "oauth2PermissionScopes": [{
            "id": uuid::Uuid::new_v4(), "value": "access_agent", "type": "User", "isEnabled": true,
            "adminConsentDisplayName": "Access", "adminConsentDescription": "Access",
        }] },
    });
    tenant.graph(Method::PATCH, &path, &admin, Some(body)).await.expect(204);
    let client = &tenant.sandbox.ready().apps.client.client_id;
    let client = cast::get(tenant, &format!("/v1.0/servicePrincipals(appId='{client}')"), &admin).await;
    consent(tenant, &admin, client.text("/id"), &blueprint.principal, "access_agent").await;
    let scope = format!("api://{}/access_agent", blueprint.id);
    tokens(tenant, "grace", &scope, &[]).await.expect(200).text("/access_token").to_owned()
}

pub(super) async fn cause(seen: &mut Seen) {
    let tenant = cast::tenant().await;
    let blueprint = cast::blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
    blueprint.hops(&tenant, &identity, &user).await.expect(200);

    let own = blueprint.certificate.ps256(&assertion(&tenant, &blueprint.id));
    let resource = format!("api://{}/.default", blueprint.id);
    let tc = client_token(&tenant, &blueprint).await;
    seen.answer(&with_assertion(&tenant, &blueprint.id, &own, &resource).await);

    let other = cast::blueprint(&tenant, "User.Read").await;
    let sibling = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let foreign = other.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    for t1 in [t1(&tenant, &blueprint, &sibling).await, t1(&tenant, &other, &foreign).await, tc.clone()] {
        seen.answer(&with_assertion(&tenant, &identity, &t1, GRAPH).await);
    }

    let t1 = t1(&tenant, &blueprint, &identity).await;
    let t2 = with_assertion(&tenant, &identity, &t1, EXCHANGE).await.expect(200);
    let hop_3 = async |id: &str, scope: &str| {
        let form = [
            ("grant_type", "user_fic"),
            ("user_federated_identity_credential", t2.text("/access_token")),
            ("user_id", id),
            ("scope", scope),
        ];
        with_t1(&tenant, &identity, &t1, &form).await
    };
    seen.answer(&hop_3("agent@contoso.example", GRAPH).await);
    seen.answer(&hop_3("00000000-0000-0000-0000-00000000dead", GRAPH).await);
    let refused = hop_3(&user, "https://graph.microsoft.com/Mail.Send").await;
    assert_eq!(refused.text("/suberror"), "consent_required");
    assert!(refused.text("/claims").contains("capolids"));
    seen.answer(&refused);
    let by_password = [("grant_type", "password"), ("username", "x"), ("password", "y"), ("scope", GRAPH)];
    seen.answer(&with_t1(&tenant, &identity, &t1, &by_password).await);

    let on_behalf = async |assertion: &str| {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
            ("requested_token_use", "on_behalf_of"),
            ("assertion", assertion),
            ("scope", GRAPH),
        ];
        with_t1(&tenant, &identity, &t1, &form).await
    };
    seen.answer(&on_behalf(&t1).await);
    seen.answer(&on_behalf(&format!("{tc}x")).await);
    let graphs = blueprint.hops(&tenant, &identity, &user).await.expect(200);
    seen.answer(&on_behalf(graphs.text("/access_token")).await);

    let token = tenant.provisioner().await;
    let off = json!({ "accountEnabled": false });
    tenant.graph(Method::PATCH, &format!("/v1.0/users/{user}"), &token, Some(off)).await.expect(204);
    seen.answer(&hop_3(&user, GRAPH).await);
    cast::get(&tenant, GRAPH_SP, &token).await.expect(200);
}

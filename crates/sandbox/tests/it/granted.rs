//! Tokens with more permissions than the seed grants.

use serde_json::json;

use crate::cast::{GRAPH_SP, get, person, post, role_id, sign_in};
use crate::support::Tenant;

/// An app's token with these application permissions too.
pub(crate) async fn app_with(tenant: &Tenant, roles: &[&str]) -> String {
    let token = tenant.provisioner().await;
    let graph = get(tenant, GRAPH_SP, &token).await.expect(200);
    let app_id = &tenant.sandbox.ready().apps.provisioner.client_id;
    let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
    let principal = get(tenant, &path, &token).await.expect(200).text("/id").to_owned();
    for role in roles {
        let body = json!({
            "principalId": principal, "resourceId": graph.text("/id"), "appRoleId": role_id(&graph.json, role),
        });
        let path = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments");
        post(tenant, &path, &token, body).await.expect(201);
    }
    tenant.provisioner().await
}
/// A person's token with these delegated permissions too.
pub(crate) async fn sign_in_with(tenant: &Tenant, upn: &str, scopes: &str) -> String {
    let token = tenant.provisioner().await;
    let graph = get(tenant, GRAPH_SP, &token).await.expect(200);
    let app_id = &tenant.sandbox.ready().apps.client.client_id;
    let path = format!("/v1.0/servicePrincipals(appId='{app_id}')");
    let client = get(tenant, &path, &token).await.expect(200).text("/id").to_owned();
    let body = json!({
        "clientId": client, "consentType": "Principal", "principalId": person(tenant, upn),
        "resourceId": graph.text("/id"), "scope": scopes,
    });
    post(tenant, "/v1.0/oauth2PermissionGrants", &token, body).await.expect(201);
    sign_in(tenant, upn).await
}

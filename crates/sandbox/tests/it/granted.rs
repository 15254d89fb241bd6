//! Tokens with more permissions than the seed grants.

use serde_json::json;

use crate::cast::{GRAPH_SP, get, post, role_id};
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

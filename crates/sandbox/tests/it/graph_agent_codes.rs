//! The error codes that are agents' own, each by doing what causes it (Entra reference §2.9). Those of the chain's
//! order and of its parents are `graph_chain`'s, the directory's quota is `graph_policies`'.

use http::Method;
use serde_json::{Value, json};

use crate::aadsts::t1;
use crate::cast::{GRAPH_SP, blueprint, delete, get, patch, person, post, role_id, tenant};
use crate::certificates::with_assertion;
use crate::support::{Certificate, GRAPH, Reply, Tenant};

const BLUEPRINTS: &str = "/applications/microsoft.graph.agentIdentityBlueprint";
const PRINCIPALS: &str = "/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal";
const IDENTITIES: &str = "/servicePrincipals/microsoft.graph.agentIdentity";

fn is(reply: &Reply, code: &str) {
    assert_eq!(reply.text("/error/code"), code, "{}", reply.text);
}

fn ada(tenant: &Tenant) -> Value {
    json!([format!("https://graph.microsoft.com/v1.0/users/{}", person(tenant, "ada"))])
}

async fn grant(tenant: &Tenant, principal: &str, role: &str) {
    let token = tenant.provisioner().await;
    let graph = get(tenant, GRAPH_SP, &token).await.expect(200);
    let body = json!({
        "principalId": principal, "resourceId": graph.text("/id"), "appRoleId": role_id(&graph.json, role),
    });
    let path = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments");
    post(tenant, &path, &token, body).await.expect(201);
}

#[tokio::test]
async fn what_agents_sign_in_by_is_their_blueprints_and_that_is_no_browsers() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let application = format!("/v1.0/applications/{}", blueprint.id);
    for (name, value) in [
        ("publicClient", json!({ "redirectUris": ["http://localhost"] })),
        ("spa", json!({ "redirectUris": ["https://agent.example"] })),
        ("isFallbackPublicClient", json!(true)),
    ] {
        let refused = patch(&tenant, &application, &token, json!({ name: value })).await.expect(400);
        is(&refused, "AgentBlueprint_IncompatibleProperty");
    }

    let identity = blueprint.create_identity(&tenant).await.expect(201);
    let identity = format!("/v1.0/servicePrincipals/{}", identity.text("/id"));
    let principal = format!("/v1.0/servicePrincipals/{}", blueprint.principal);
    let certificate = json!({ "keyCredentials": [Certificate::new().credential()] });
    let secret = json!({ "passwordCredentials": [{ "displayName": "Mine" }] });
    let replies = json!({ "replyUrls": ["https://agent.example"] });
    for (path, body, code) in [
        (&identity, &certificate, "AgentIdentity_CredentialsNotSupported"),
        (&identity, &secret, "PropertyNotCompatibleWithAgentIdentity"),
        (&identity, &replies, "AgentBlueprintPrincipal_AgentIdentity_IncompatibleProperty"),
        (&principal, &certificate, "AgentBlueprintPrincipal_IncompatibleProperty"),
        (&principal, &replies, "AgentBlueprintPrincipal_IncompatibleProperty"),
    ] {
        is(&patch(&tenant, path, &token, body.clone()).await.expect(400), code);
    }
    let broad = crate::cast::permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let refused = post(&tenant, &format!("{identity}/addPassword"), &broad, json!({})).await.expect(400);
    is(&refused, "AgentIdentity_CredentialsNotSupported");
}

#[tokio::test]
async fn who_may_not_make_an_agent_identity_is_told_why() {
    let tenant = tenant().await;
    let (ours, theirs) = (blueprint(&tenant, "User.Read").await, blueprint(&tenant, "User.Read").await);
    let path = format!("/v1.0{IDENTITIES}");
    let child = |of: &str| json!({ "displayName": "X", "agentIdentityBlueprintId": of, "sponsors@odata.bind": ada(&tenant) });

    // With the role that came with its principal a blueprint makes children of its own; with more it still does.
    let refused = post(&tenant, &path, &ours.token(&tenant).await, child(&theirs.id)).await.expect(403);
    is(&refused, "Error_AgentIdentitySelfCreateRequired");
    grant(&tenant, &ours.principal, "AgentIdentity.ReadWrite.All").await;
    let broad = ours.token(&tenant).await;
    let refused = post(&tenant, &path, &broad, child(&theirs.id)).await.expect(403);
    is(&refused, "Error_AgentBlueprintCannotCreateAssociatedIdentity");
    let made = post(&tenant, &path, &broad, child(&ours.id)).await.expect(201);

    // An agent identity makes none, whatever it was granted.
    let identity = made.text("/id");
    grant(&tenant, identity, "AgentIdentity.ReadWrite.All").await;
    let proof = t1(&tenant, &ours, identity).await;
    let token = with_assertion(&tenant, identity, &proof, GRAPH).await.expect(200);
    let refused = post(&tenant, &path, token.text("/access_token"), child(&ours.id)).await.expect(403);
    is(&refused, "Error_AgentIdentitiesCreatingAgentIdentitiesNotAllowed");
}

#[tokio::test]
async fn an_app_makes_250_blueprints_and_no_more() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let path = format!("/v1.0{BLUEPRINTS}");
    let body = json!({ "displayName": "B", "sponsors@odata.bind": ada(&tenant) });
    let mut last = String::new();
    for _ in 0..250 {
        last = post(&tenant, &path, &token, body.clone()).await.expect(201).text("/id").to_owned();
    }
    is(&post(&tenant, &path, &token, body.clone()).await.expect(400), "AgentBlueprint_LimitExceeded");
    // A soft-deleted one still counts; one that is gone for good does not.
    delete(&tenant, &format!("/v1.0/applications/{last}"), &token).await.expect(204);
    post(&tenant, &path, &token, body.clone()).await.expect(400);
    delete(&tenant, &format!("/v1.0/directory/deletedItems/{last}"), &token).await.expect(204);
    post(&tenant, &path, &token, body).await.expect(201);
}

#[tokio::test]
async fn a_tenant_may_have_agents_in_beta_only() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    tenant.sandbox.control().plant("[settings]\nagents_in_v1 = false").unwrap();

    let application = format!("/applications/{}", blueprint.id);
    let federated = format!("{application}/federatedIdentityCredentials");
    let principal = format!("/servicePrincipals/{}", blueprint.principal);
    let identity = format!("/servicePrincipals/{identity}");
    let credential = json!({
        "name": "main", "issuer": "https://tokens.example", "subject": "repo:main",
        "audiences": ["api://AzureADTokenExchange"],
    });
    let child = json!({
        "displayName": "X", "agentIdentityBlueprintId": blueprint.id, "sponsors@odata.bind": ada(&tenant),
    });
    let new = json!({ "displayName": "New", "sponsors@odata.bind": ada(&tenant) });
    let off = json!({ "accountEnabled": false });
    const BLUEPRINT: &str = "AgentBlueprint_NotSupportedOnApiVersion";
    const PRINCIPAL: &str = "AgentBlueprintPrincipal_NotSupportedOnApiVersion";
    const IDENTITY: &str = "AgentIdentity_NotSupportedOnApiVersion";
    for (method, path, body, code, in_beta) in [
        (Method::GET, BLUEPRINTS, None, BLUEPRINT, 200),
        (Method::POST, BLUEPRINTS, Some(new), BLUEPRINT, 201),
        (Method::GET, &application, None, BLUEPRINT, 200),
        (Method::POST, &federated, Some(credential), BLUEPRINT, 201),
        (Method::GET, PRINCIPALS, None, PRINCIPAL, 200),
        (Method::PATCH, &principal, Some(off.clone()), PRINCIPAL, 204),
        (Method::POST, IDENTITIES, Some(child), IDENTITY, 201),
        (Method::PATCH, &identity, Some(off), IDENTITY, 204),
        (Method::DELETE, &identity, None, IDENTITY, 204),
    ] {
        let in_v1 = format!("/v1.0{path}");
        is(&tenant.graph(method.clone(), &in_v1, &token, body.clone()).await.expect(400), code);
        tenant.graph(method, &format!("/beta{path}"), &token, body).await.expect(in_beta);
    }
    // What is no agent's is in both.
    get(&tenant, GRAPH_SP, &token).await.expect(200);
}

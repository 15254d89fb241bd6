//! The whole chain by the reference, with least privilege, from nothing to an agent user that writes in Teams
//! (Entra reference §2, §3.3, §5); and the lag on the way.

use std::time::Duration;

use attache_sandbox::LagProfile;
use serde_json::{Value, json};

use crate::browser::{App, administrator};
use crate::cast::{GRAPH_SP, blueprint, delete, get, member, patch, person, post, role_id, sign_in, tenant};
use crate::support::{Tenant, claims, config, standing};

const SCOPES: &str = "User.Read Chat.Create Chat.ReadWrite ChatMessage.Send Mail.ReadBasic";

#[tokio::test]
async fn an_agent_comes_from_nothing_and_writes_under_its_own_name() {
    let tenant = tenant().await;
    let blueprint = blueprint(&tenant, SCOPES).await;
    let identity = blueprint.create_identity(&tenant).await.expect(201);
    assert_eq!(identity.text("/id"), identity.text("/appId"));
    assert_eq!(identity.text("/servicePrincipalType"), "ServiceIdentity");
    assert_eq!(identity.text("/createdByAppId"), blueprint.id);
    assert_eq!(identity.json["createdDateTime"], Value::Null);
    assert!(identity.header("location").ends_with(identity.text("/id")));
    let identity = identity.text("/id").to_owned();

    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201);
    assert_eq!(user.text("/@odata.type"), "#microsoft.graph.agentUser");
    assert_eq!(user.text("/identityParentId"), identity);
    let user = user.text("/id").to_owned();
    blueprint.license(&tenant, &user).await.expect(200);

    let token = blueprint.hops(&tenant, &identity, &user).await.expect(200).text("/access_token").to_owned();
    assert!(claims(&token)["scp"].as_str().unwrap().contains("ChatMessage.Send"));
    let me = get(&tenant, "/v1.0/me?$select=id,identityParentId,mail", &token).await.expect(200);
    assert_eq!(me.text("/id"), user);
    assert_eq!(me.text("/identityParentId"), identity);
    assert_eq!(me.text("/mail"), "agent@contoso.example");

    let ada = person(&tenant, "ada");
    let body = json!({ "chatType": "oneOnOne", "members": [member(&user), member(&ada)] });
    let chat = post(&tenant, "/v1.0/chats", &token, body).await.expect(201).text("/id").to_owned();
    let path = format!("/v1.0/chats/{}/messages", chat.replace(':', "%3A").replace('@', "%40"));
    let body = json!({ "body": { "contentType": "html", "content": "Hello" } });
    let sent = post(&tenant, &path, &token, body).await.expect(201);
    let ada_token = sign_in(&tenant, "ada").await;
    let read = get(&tenant, &format!("{path}/{}", sent.text("/id")), &ada_token).await.expect(200);
    assert_eq!(read.text("/from/user/id"), user);
    assert_eq!(read.text("/from/user/userIdentityType"), "aadUser");
    assert_eq!(read.text("/body/content"), "<p>Hello</p>");
    assert_eq!(read.text("/id"), read.text("/etag"));
    get(&tenant, "/v1.0/me/mailFolders/inbox", &token).await.expect(200);
}

async fn lagging(profile: LagProfile) -> Tenant {
    let mut config = config();
    config.clock = standing();
    config.lag = profile;
    Tenant::start_with(config).await
}

fn pass(tenant: &Tenant, seconds: u64) {
    tenant.sandbox.control().clock().advance(Duration::from_secs(seconds));
}

#[tokio::test]
async fn each_step_waits_for_the_one_before_it() {
    let tenant = lagging(LagProfile::Typical).await;
    let token = tenant.provisioner().await;
    let ada = person(&tenant, "ada");
    let sponsor = format!("https://graph.microsoft.com/v1.0/users/{ada}");
    let body = json!({
        "@odata.type": "#Microsoft.Graph.AgentIdentityBlueprint", "displayName": "B", "sponsors@odata.bind": [sponsor],
    });
    let made = post(&tenant, "/v1.0/applications", &token, body).await.expect(201);
    let id = made.text("/id").to_owned();
    assert_eq!(made.text("/appId"), id);
    let (object, principals) = (format!("/v1.0/applications/{id}"), "/v1.0/servicePrincipals");
    let principal = json!({ "@odata.type": "#microsoft.graph.agentIdentityBlueprintPrincipal", "appId": id });
    let identity = json!({
        "@odata.type": "#microsoft.graph.agentIdentity", "displayName": "A", "agentIdentityBlueprintId": id,
        "sponsors@odata.bind": [sponsor],
    });

    // The blueprint is not there yet, for anybody.
    assert_eq!(
        get(&tenant, &object, &token).await.expect(404).text("/error/code"),
        "Request_ResourceNotFound"
    );
    let refused = post(&tenant, principals, &token, principal.clone()).await.expect(400);
    assert_eq!(refused.text("/error/details/0/code"), "NoBackingApplicationObject");
    pass(&tenant, 15);
    get(&tenant, &object, &token).await.expect(200);
    post(&tenant, principals, &token, principal).await.expect(201);

    // Nor is its principal.
    let refused = post(&tenant, principals, &token, identity.clone()).await.expect(400);
    assert_eq!(refused.text("/error/code"), "AgentIdentity_AgentBlueprintPrincipalDoesNotExist");
    pass(&tenant, 15);
    let made = post(&tenant, principals, &token, identity).await.expect(201);
    let identity = made.text("/id").to_owned();

    // Nor the agent identity.
    let user = json!({
        "@odata.type": "microsoft.graph.agentUser", "accountEnabled": true, "displayName": "A",
        "mailNickname": "a", "userPrincipalName": "a@contoso.example", "identityParentId": identity,
    });
    let refused = post(&tenant, "/v1.0/users", &token, user.clone()).await.expect(400);
    assert_eq!(refused.text("/error/message"), "Agent user IdentityParent does not exist");
    pass(&tenant, 15);
    let made = post(&tenant, "/v1.0/users", &token, user).await.expect(201);
    let user = made.text("/id").to_owned();

    // Nor the agent user; and a grant to it is refused till then.
    let path = format!("/v1.0/users/{user}");
    patch(&tenant, &path, &token, json!({ "usageLocation": "US" })).await.expect(404);
    let graph = get(&tenant, GRAPH_SP, &token).await.expect(200).text("/id").to_owned();
    let grant = json!({
        "clientId": identity, "consentType": "Principal", "principalId": user, "resourceId": graph,
        "scope": "User.Read",
    });
    let refused = post(&tenant, "/v1.0/oauth2PermissionGrants", &token, grant.clone()).await.expect(400);
    assert!(refused.text("/error/message").starts_with("Principal was not found"));
    pass(&tenant, 15);
    post(&tenant, "/v1.0/oauth2PermissionGrants", &token, grant).await.expect(201);
    patch(&tenant, &path, &token, json!({ "usageLocation": "US" })).await.expect(204);

    // Licensing learns of the location a little later.
    let licence = json!({ "addLicenses": [{ "skuId": crate::cast::BUSINESS_BASIC }], "removeLicenses": [] });
    let assign = format!("{path}/assignLicense");
    let refused = post(&tenant, &assign, &token, licence.clone()).await.expect(400);
    assert_eq!(
        refused.text("/error/message"),
        "License assignment cannot be done for user with invalid usage location."
    );
    pass(&tenant, 5);
    post(&tenant, &assign, &token, licence).await.expect(200);
    let details = get(&tenant, &format!("{path}/licenseDetails"), &token).await.expect(200);
    assert_eq!(details.text("/value/0/servicePlans/0/provisioningStatus"), "PendingProvisioning");
}

#[tokio::test]
async fn mailbox_and_teams_come_later_or_never() {
    for profile in [LagProfile::Typical, LagProfile::Never] {
        // What a licence brings is late from here on, the rest is not.
        let tenant = tenant().await;
        let blueprint = blueprint(&tenant, SCOPES).await;
        let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
        let user =
            blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
        let token = blueprint.token(&tenant).await;
        patch(&tenant, &format!("/v1.0/users/{user}"), &token, json!({ "usageLocation": "US" }))
            .await
            .expect(204);
        tenant.sandbox.control().set_lag(attache_sandbox::Lag::new(profile, 1.0));
        blueprint.assign(&tenant, &user).await.expect(200);

        let token =
            blueprint.hops(&tenant, &identity, &user).await.expect(200).text("/access_token").to_owned();
        let check = async |chats: u16, inbox: u16| {
            let chats = get(&tenant, "/v1.0/me/chats", &token).await.expect(chats);
            if chats.status.as_u16() == 403 {
                assert!(
                    chats
                        .text("/error/message")
                        .starts_with("Failed to get license information for the user.")
                );
                assert_eq!(chats.text("/error/code"), "Forbidden");
                assert_eq!(chats.text("/error/innerError/code"), "Forbidden");
            }
            let inbox = get(&tenant, "/v1.0/me/mailFolders/inbox", &token).await.expect(inbox);
            if inbox.status.as_u16() == 404 {
                assert_eq!(inbox.text("/error/code"), "MailboxNotEnabledForRESTAPI");
            }
        };
        check(403, 404).await;
        pass(&tenant, 299);
        check(403, 404).await;
        pass(&tenant, 1);
        let comes = profile == LagProfile::Typical;
        check(403, if comes { 200 } else { 404 }).await;
        pass(&tenant, 600);
        check(if comes { 200 } else { 403 }, if comes { 200 } else { 404 }).await;
    }
}

#[tokio::test]
async fn a_blueprint_reaches_its_own_children_only() {
    let tenant = tenant().await;
    let (ours, theirs) = (blueprint(&tenant, "User.Read").await, blueprint(&tenant, "User.Read").await);
    let child = ours.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = ours.create_user(&tenant, &child, "ours").await.expect(201).text("/id").to_owned();
    let (mine, other) = (ours.token(&tenant).await, theirs.token(&tenant).await);
    let ada = format!("https://graph.microsoft.com/v1.0/users/{}", person(&tenant, "ada"));

    let foreign =
        json!({ "displayName": "X", "agentIdentityBlueprintId": ours.id, "sponsors@odata.bind": [ada] });
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
    let refused = post(&tenant, path, &other, foreign).await.expect(403);
    assert_eq!(refused.text("/error/code"), "Error_AgentIdentitySelfCreateRequired");

    let (identity, person_path) = (format!("/v1.0/servicePrincipals/{child}"), format!("/v1.0/users/{user}"));
    for path in [&identity, &person_path] {
        get(&tenant, path, &other).await.expect(403);
        patch(&tenant, path, &other, json!({ "accountEnabled": false })).await.expect(403);
        delete(&tenant, path, &other).await.expect(403);
        get(&tenant, path, &mine).await.expect(200);
        patch(&tenant, path, &mine, json!({ "accountEnabled": false })).await.expect(204);
    }
    let human = format!("/v1.0/users/{}", person(&tenant, "grace"));
    patch(&tenant, &human, &mine, json!({ "jobTitle": "x" })).await.expect(403);
    let listed = get(&tenant, "/v1.0/users", &mine).await.expect(200);
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 1);
    assert_eq!(get(&tenant, path, &mine).await.expect(200).json["value"].as_array().unwrap().len(), 1);
    assert_eq!(get(&tenant, path, &other).await.expect(200).json["value"], json!([]));

    // Deleting and restoring its children is the blueprint's too; parents come back first.
    delete(&tenant, &identity, &mine).await.expect(204);
    get(&tenant, &identity, &mine).await.expect(404);
    get(&tenant, &person_path, &mine).await.expect(404);
    let restore = |id: &str| format!("/v1.0/directory/deletedItems/{id}/restore");
    post(&tenant, &restore(&user), &mine, json!({})).await.expect(400);
    post(&tenant, &restore(&child), &other, json!({})).await.expect(403);
    post(&tenant, &restore(&child), &mine, json!({})).await.expect(200);
    post(&tenant, &restore(&user), &mine, json!({})).await.expect(200);
    get(&tenant, &person_path, &mine).await.expect(200);
}

#[tokio::test]
async fn what_an_agents_object_cannot_be_has_a_code_of_its_own() {
    let tenant = tenant().await;
    let admin = administrator(
        &tenant,
        "Application.ReadWrite.All AgentIdentityBlueprint.Create AgentIdentityBlueprintPrincipal.Create \
         AgentIdentity.ReadWrite.All",
    )
    .await;
    let sponsors = [format!("https://graph.microsoft.com/v1.0/users/{}", person(&tenant, "ada"))];
    let refused = async |path: &str, token: &str, body: Value, status: u16| -> String {
        let reply = post(&tenant, path, token, body).await.expect(status);
        reply.text("/error/code").to_owned()
    };

    let ordinary = App::register(&tenant, &admin, json!({ "displayName": "Ordinary" })).await;
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal";
    let code = refused(path, &admin, json!({ "appId": ordinary.app_id }), 400).await;
    assert_eq!(code, "AgentBlueprintPrincipal_RequireAgentBlueprint");

    let body = json!({ "displayName": "Alone", "sponsors@odata.bind": sponsors });
    let path = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint";
    let alone = post(&tenant, path, &admin, body).await.expect(201);
    let code =
        refused("/v1.0/servicePrincipals", &admin, json!({ "appId": alone.text("/appId") }), 400).await;
    assert_eq!(code, "AgentBlueprintPrincipal_IncompatibleProperty");

    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
    let child = |of: &str| json!({ "displayName": "Child", "agentIdentityBlueprintId": of, "sponsors@odata.bind": sponsors });
    let code = refused(path, &admin, child(&ordinary.app_id), 400).await;
    assert_eq!(code, "AgentIdentity_IncompatibleParentType");

    let blueprint = blueprint(&tenant, "User.Read").await;
    let mut body = child(&blueprint.id);
    body["replyUrls"] = json!(["https://agent.example"]);
    let code = refused(path, &blueprint.token(&tenant).await, body, 400).await;
    assert_eq!(code, "AgentBlueprintPrincipal_AgentIdentity_IncompatibleProperty");

    // Nor is an agent identity given the right to make others.
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let provisioner = tenant.provisioner().await;
    let graph = get(&tenant, GRAPH_SP, &provisioner).await.expect(200);
    let role = json!({
        "principalId": identity, "resourceId": graph.text("/id"),
        "appRoleId": role_id(&graph.json, "AgentIdentity.Create.All"),
    });
    let assignments = format!("/v1.0/servicePrincipals/{identity}/appRoleAssignments");
    post(&tenant, &assignments, &provisioner, role).await.expect(400);
}

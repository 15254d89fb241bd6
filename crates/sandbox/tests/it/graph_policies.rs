//! Policies: credentials of applications, registration by users, grant policies (Entra reference §8, §13).

use http::Method;
use serde_json::{Value, json};

use crate::browser::{administrator, tokens};
use crate::cast::{blueprint, delete, get, patch, permitted, post, tenant};
use crate::mail_support::consent;

const DEFAULT: &str = "/v1.0/policies/defaultAppManagementPolicy";

fn rule(kind: &str, lifetime: Value) -> Value {
    json!({ "restrictionType": kind, "maxLifetime": lifetime, "state": "enabled" })
}

#[tokio::test]
async fn a_policy_blocks_secrets_or_caps_how_long_they_live() {
    let tenant = tenant().await;
    let token =
        permitted(&tenant, &["Policy.ReadWrite.ApplicationConfiguration", "Application.ReadWrite.All"]).await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = format!("/v1.0/applications/{}/addPassword", blueprint.id);
    let until = |time: &str| json!({ "passwordCredential": { "endDateTime": time } });
    assert_eq!(get(&tenant, DEFAULT, &token).await.expect(200).json["isEnabled"], false);
    let capped = json!({
        "isEnabled": true, "applicationRestrictions": { "passwordCredentials": [rule("passwordLifetime", json!("P90D"))] },
    });
    patch(&tenant, DEFAULT, &token, capped).await.expect(204);
    let long = post(&tenant, &path, &token, json!({})).await.expect(400);
    assert_eq!(long.text("/error/code"), "CredentialInvalidLifetimeAsPerAppPolicy");
    assert!(long.text("/error/message").contains("P90D"));
    post(&tenant, &path, &token, until("2026-05-01T00:00:00Z")).await.expect(200);

    let blocked = json!({
        "applicationRestrictions": { "passwordCredentials": [rule("passwordAddition", Value::Null)] },
    });
    patch(&tenant, DEFAULT, &token, blocked).await.expect(204);
    let refused = post(&tenant, &path, &token, until("2026-05-01T00:00:00Z")).await.expect(400);
    assert_eq!(refused.text("/error/code"), "CredentialTypeNotAllowedAsPerAppPolicy");

    // An application's own policy stands instead of the tenant's.
    let own = json!({
        "displayName": "Exempt", "description": "d", "isEnabled": true,
        "restrictions": { "passwordCredentials": [], "keyCredentials": [rule("asymmetricKeyLifetime", json!("P1D"))] },
    });
    let made = post(&tenant, "/v1.0/policies/appManagementPolicies", &token, own).await.expect(201);
    let read = format!("/v1.0/policies/appManagementPolicies/{}", made.text("/id"));
    let read = get(&tenant, &read, &token).await.expect(200);
    assert_eq!(read.text("/restrictions/keyCredentials/0/maxLifetime"), "P1D");
    let reference = json!({
        "@odata.id": format!("https://graph.microsoft.com/v1.0/policies/appManagementPolicies/{}", made.text("/id")),
    });
    let assign = format!("/v1.0/applications/{}/appManagementPolicies/$ref", blueprint.id);
    post(&tenant, &assign, &token, reference.clone()).await.expect(204);
    post(&tenant, &assign, &token, reference).await.expect(400);
    post(&tenant, &path, &token, json!({})).await.expect(200);
    let key = json!({ "keyCredentials": [crate::support::Certificate::new().credential()] });
    let refused =
        patch(&tenant, &format!("/v1.0/applications/{}", blueprint.id), &token, key).await.expect(400);
    assert_eq!(refused.text("/error/code"), "CredentialInvalidLifetimeAsPerAppPolicy");
    let applies = format!("/v1.0/policies/appManagementPolicies/{}/appliesTo", made.text("/id"));
    assert_eq!(get(&tenant, &applies, &token).await.expect(200).text("/value/0/id"), blueprint.id);
    let withdraw =
        format!("/v1.0/applications/{}/appManagementPolicies/{}/$ref", blueprint.id, made.text("/id"));
    delete(&tenant, &withdraw, &token).await.expect(204);
    post(&tenant, &path, &token, json!({})).await.expect(400);
    for bad in [
        json!({ "applicationRestrictions": { "passwordCredentials": [rule("passwordLifetime", Value::Null)] } }),
        json!({ "applicationRestrictions": { "passwordCredentials": [rule("nonsense", Value::Null)] } }),
        json!({ "applicationRestrictions": { "passwordCredentials": [rule("passwordLifetime", json!("90 days"))] } }),
    ] {
        patch(&tenant, DEFAULT, &token, bad).await.expect(400);
    }
}

#[tokio::test]
async fn grant_policies_are_listed_made_and_assigned() {
    let tenant = tenant().await;
    let token = permitted(
        &tenant,
        &[
            "Policy.ReadWrite.PermissionGrant",
            "Policy.Read.PermissionGrant",
            "Policy.ReadWrite.Authorization",
            "Policy.Read.All",
        ],
    )
    .await;
    let policies = "/v1.0/policies/permissionGrantPolicies";
    let listed = get(&tenant, policies, &token).await.expect(200);
    assert!(listed.text.contains("microsoft-user-default-recommended"));
    let own = json!({ "id": "my-policy", "displayName": "Mine", "description": "d" });
    post(&tenant, policies, &token, own.clone()).await.expect(201);
    post(&tenant, policies, &token, own).await.expect(409);
    let condition =
        json!({ "permissionType": "delegated", "resourceApplication": "any", "permissions": ["all"] });
    let include = format!("{policies}/my-policy/includes");
    let set = post(&tenant, &include, &token, condition.clone()).await.expect(201);
    assert_eq!(set.json["clientApplicationIds"], json!(["all"]));
    // What takes no options is not counted either.
    get(&tenant, &format!("{include}/$count"), &token).await.expect(501);
    post(&tenant, &format!("{policies}/microsoft-user-default-low/includes"), &token, condition)
        .await
        .expect(400);
    assert_eq!(get(&tenant, &include, &token).await.expect(200).text("/value/0/id"), set.text("/id"));

    let authorization = "/v1.0/policies/authorizationPolicy";
    let before = get(&tenant, authorization, &token).await.expect(200);
    assert_eq!(
        before.json["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"],
        json!(["ManagePermissionGrantsForSelf.microsoft-user-default-recommended"])
    );
    let assign =
        |list: Value| json!({ "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": list } });
    patch(&tenant, authorization, &token, assign(json!(["ManagePermissionGrantsForSelf.nonsense"])))
        .await
        .expect(400);
    patch(&tenant, authorization, &token, assign(json!(["ManagePermissionGrantsForSelf.my-policy"])))
        .await
        .expect(204);
    delete(&tenant, &format!("{policies}/my-policy"), &token).await.expect(400);
    patch(&tenant, authorization, &token, assign(json!([]))).await.expect(204);
    delete(&tenant, &format!("{include}/{}", set.text("/id")), &token).await.expect(204);
    delete(&tenant, &format!("{policies}/my-policy"), &token).await.expect(204);
    let other =
        patch(&tenant, authorization, &token, json!({ "allowInvitesFrom": "none" })).await.expect(501);
    assert_eq!(other.text("/error/code"), "sandboxNotEmulated");
}

#[tokio::test]
async fn applications_keep_what_they_are_told_within_limits() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let body = json!({
        "displayName": "App", "signInAudience": "AzureADMultipleOrgs",
        "web": { "redirectUris": ["https://app.example/cb"], "logoutUrl": "https://app.example/out" },
        "spa": { "redirectUris": ["https://app.example/spa"] },
        "api": { "knownClientApplications": [], "preAuthorizedApplications": [
            { "appId": "11111111-2222-4333-8444-555555555555", "delegatedPermissionIds": ["11111111-2222-4333-8444-666666666666"] },
        ] },
        "optionalClaims": { "idToken": [{ "name": "email", "essential": false }], "accessToken": [], "saml2Token": [] },
    });
    let made = post(&tenant, "/v1.0/applications", &token, body).await.expect(201);
    assert_ne!(made.text("/id"), made.text("/appId"));
    let path = format!("/v1.0/applications/{}", made.text("/id"));
    patch(&tenant, &path, &token, json!({ "web": { "homePageUrl": "https://app.example/" } }))
        .await
        .expect(204);
    let read = get(&tenant, &path, &token).await.expect(200);
    assert_eq!(read.text("/signInAudience"), "AzureADMultipleOrgs");
    assert_eq!(read.text("/web/logoutUrl"), "https://app.example/out");
    assert_eq!(read.text("/web/homePageUrl"), "https://app.example/");
    assert_eq!(read.text("/web/redirectUris/0"), "https://app.example/cb");
    assert_eq!(read.text("/api/preAuthorizedApplications/0/appId"), "11111111-2222-4333-8444-555555555555");
    for bad in [
        json!({ "web": { "redirectUris": ["http://app.example/cb"] } }),
        json!({ "web": { "redirectUris": ["https://app.example/cb#x"] } }),
        json!({ "spa": { "redirectUris": ["myapp://auth"] } }),
        json!({ "signInAudience": "Everybody" }),
        json!({ "requiredResourceAccess": [{ "resourceAppId": "x" }] }),
    ] {
        let refused = patch(&tenant, &path, &token, bad.clone()).await.expect(400);
        assert_eq!(refused.text("/error/code"), "Request_BadRequest", "{bad}");
    }
    patch(&tenant, &path, &token, json!({ "publicClient": { "redirectUris": ["myapp://auth"] } }))
        .await
        .expect(204);

    // Directory.ReadWrite.All is not for agents, not even to ask for.
    let blueprint = blueprint(&tenant, "User.Read").await;
    let wanted = json!({ "requiredResourceAccess": [{
        "resourceAppId": "00000003-0000-0000-c000-000000000000",
        "resourceAccess": [{ "id": "19dbc75e-c2e2-444c-a770-ec69d8559fc7", "type": "Role" }],
    }] });
    patch(&tenant, &format!("/v1.0/applications/{}", blueprint.id), &token, wanted.clone()).await.expect(400);
    patch(&tenant, &path, &token, wanted).await.expect(204);
}

#[tokio::test]
async fn people_and_groups_are_assigned_to_an_application() {
    let tenant = tenant().await;
    let token =
        permitted(&tenant, &["Application.ReadWrite.All", "Directory.Read.All", "Group.ReadWrite.All"]).await;
    let app = post(&tenant, "/v1.0/applications", &token, json!({ "displayName": "App" })).await.expect(201);
    let principal = json!({ "appId": app.text("/appId") });
    let principal = post(&tenant, "/v1.0/servicePrincipals", &token, principal).await.expect(201);
    let grace = crate::cast::person(&tenant, "grace");
    let path = format!("/v1.0/users/{grace}/appRoleAssignments");
    let body =
        |role: &str| json!({ "principalId": grace, "resourceId": principal.text("/id"), "appRoleId": role });
    post(&tenant, &path, &token, body("11111111-2222-4333-8444-555555555555")).await.expect(400);
    let made = post(&tenant, &path, &token, body("00000000-0000-0000-0000-000000000000")).await.expect(201);
    assert_eq!((made.text("/principalType"), made.text("/principalDisplayName")), ("User", "Grace Hopper"));
    let assigned = format!("/v1.0/servicePrincipals/{}/appRoleAssignedTo", principal.text("/id"));
    assert_eq!(get(&tenant, &assigned, &token).await.expect(200).text("/value/0/principalId"), grace);
    delete(&tenant, &format!("{path}/{}", made.text("/id")), &token).await.expect(204);
    assert_eq!(get(&tenant, &path, &token).await.expect(200).json["value"], json!([]));
}

#[tokio::test]
async fn an_app_makes_250_agent_identities_of_a_blueprint_and_no_more() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let own = blueprint.token(&tenant).await;
    let ada = format!("https://graph.microsoft.com/v1.0/users/{}", crate::cast::person(&tenant, "ada"));
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
    let body = json!({
        "displayName": "A", "agentIdentityBlueprintId": blueprint.id, "sponsors@odata.bind": [ada],
    });
    let mut first = String::new();
    for index in 0..250 {
        let made = post(&tenant, path, &own, body.clone()).await.expect(201);
        if index == 0 {
            first = made.text("/id").to_owned();
        }
    }
    let refused = post(&tenant, path, &own, body.clone()).await.expect(400);
    assert_eq!(refused.text("/error/code"), "AgentIdentity_LimitExceeded");
    // A soft-deleted one still counts; one that is gone for good does not.
    delete(&tenant, &format!("/v1.0/servicePrincipals/{first}"), &token).await.expect(204);
    post(&tenant, path, &own, body.clone()).await.expect(400);
    delete(&tenant, &format!("/v1.0/directory/deletedItems/{first}"), &token).await.expect(204);
    post(&tenant, path, &own, body).await.expect(201);
}

#[tokio::test]
async fn a_directory_and_who_is_no_administrator_have_quotas() {
    let tenant = tenant().await;
    let admin = administrator(&tenant, "Application.ReadWrite.All User.ReadWrite.All").await;
    let register = async |token: &str, name: &str| {
        post(&tenant, "/v1.0/applications", token, json!({ "displayName": name })).await
    };
    consent(&tenant, "openid User.Read Application.ReadWrite.All").await;
    let grace = tokens(&tenant, "grace", "Application.ReadWrite.All", &[]).await.expect(200);
    let grace = grace.text("/access_token").to_owned();
    let mut last = String::new();
    for number in 0..250 {
        last = register(&grace, &number.to_string()).await.expect(201).text("/id").to_owned();
    }
    let refused = register(&grace, "one more").await.expect(403);
    assert_eq!(refused.text("/error/code"), "Directory_QuotaExceeded");
    assert!(refused.text("/error/message").contains("for the Principal"), "{}", refused.text);
    register(&admin, "an administrator's").await.expect(201);
    // What is deleted counts as long as it can be restored, and then for a quarter.
    delete(&tenant, &format!("/v1.0/applications/{last}"), &grace).await.expect(204);
    register(&grace, "one more").await.expect(403);
    delete(&tenant, &format!("/v1.0/directory/deletedItems/{last}"), &admin).await.expect(204);
    register(&grace, "one more").await.expect(201);

    let held = tenant.control(Method::GET, "state", None).await.expect(200);
    let held = &held.json["tenants"][&tenant.sandbox.ready().tenant_id];
    let count = |pointer: &str| held.pointer(pointer).unwrap().as_object().unwrap().len();
    let objects: usize =
        ["/users", "/applications", "/service_principals", "/workloads/groups"].map(count).iter().sum();
    tenant.sandbox.control().plant(&format!("[settings]\nobjects = {}", objects + 2)).unwrap();
    let blueprint =
        json!({ "displayName": "Agent", "@odata.type": "#Microsoft.Graph.AgentIdentityBlueprint" });
    let agents = administrator(&tenant, "AgentIdentityBlueprint.Create").await;
    let refused = post(&tenant, "/beta/applications", &agents, blueprint).await.expect(403);
    assert_eq!(refused.text("/error/code"), "Agent_Directory_QuotaExceeded");
    register(&admin, "the last but one").await.expect(201);
    register(&admin, "the last").await.expect(201);
    let refused = register(&admin, "one more").await.expect(403);
    assert!(refused.text("/error/message").contains("for the Tenant"), "{}", refused.text);
}

fn roles(count: usize) -> Value {
    let role = |number: usize| {
        json!({
            "id": format!("00000000-0000-4000-8000-{number:012}"), "value": format!("Role.{number}"),
            "displayName": "r", "description": "r", "isEnabled": true, "allowedMemberTypes": ["Application"],
        })
    };
    (0..count).map(role).collect()
}

#[tokio::test]
async fn an_application_has_limits() {
    let tenant = tenant().await;
    let token =
        permitted(&tenant, &["Application.ReadWrite.All", "User.Read.All", "User.ReadWrite.All"]).await;
    let made = post(&tenant, "/v1.0/applications", &token, json!({ "displayName": "Big" })).await.expect(201);
    let path = format!("/v1.0/applications/{}", made.text("/id"));
    patch(&tenant, &path, &token, json!({ "appRoles": roles(1200) })).await.expect(204);
    let uris = json!({ "identifierUris": [format!("api://{}", made.text("/appId"))] });
    let refused = patch(&tenant, &path, &token, uris).await.expect(400);
    assert!(refused.text("/error/message").contains("size of the manifest"), "{}", refused.text);
    let api = |number: usize, permissions: usize| {
        let access = json!({ "id": format!("00000000-0000-4000-8000-{number:012}"), "type": "Role" });
        json!({
            "resourceAppId": format!("00000000-0000-4000-8000-{number:012}"),
            "resourceAccess": vec![access; permissions],
        })
    };
    for (apis, permissions) in [(51, 1), (2, 201)] {
        let asked: Value = (0..apis).map(|number| api(number, permissions)).collect();
        let body = json!({ "displayName": "Greedy", "requiredResourceAccess": asked });
        post(&tenant, "/v1.0/applications", &token, body).await.expect(400);
    }

    // Its maker owns it already.
    let small =
        post(&tenant, "/v1.0/applications", &token, json!({ "displayName": "Small" })).await.expect(201);
    let owners = format!("/v1.0/applications/{}/owners/$ref", small.text("/id"));
    for number in 1..=100 {
        let upn = format!("owner{number}@contoso.example");
        let user = json!({
            "accountEnabled": true, "displayName": upn, "mailNickname": format!("owner{number}"),
            "userPrincipalName": upn, "passwordProfile": { "password": "Pa55word-1" },
        });
        let user = post(&tenant, "/v1.0/users", &token, user).await.expect(201).text("/id").to_owned();
        let reference = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{user}") });
        let added = post(&tenant, &owners, &token, reference).await;
        assert_eq!(added.status.as_u16(), if number < 100 { 204 } else { 400 }, "{number}: {}", added.text);
    }
}

#[tokio::test]
async fn a_principal_has_1500_roles_and_no_more() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All", "AppRoleAssignment.ReadWrite.All"]).await;
    let mut principals = Vec::new();
    for (name, published) in [("client", 0), ("one", 1000), ("other", 501)] {
        let app = json!({ "displayName": name, "appRoles": roles(published) });
        let app = post(&tenant, "/v1.0/applications", &token, app).await.expect(201);
        let principal = json!({ "appId": app.text("/appId") });
        let made = post(&tenant, "/v1.0/servicePrincipals", &token, principal).await.expect(201);
        principals.push(made.text("/id").to_owned());
    }
    let client = principals[0].clone();
    let of = |resource: &String, count: usize| -> Vec<Value> {
        let body = |number: usize| {
            json!({
                "principalId": client, "resourceId": resource,
                "appRoleId": format!("00000000-0000-4000-8000-{number:012}"),
            })
        };
        (0..count).map(body).collect()
    };
    let path = format!("/servicePrincipals/{client}/appRoleAssignments");
    let bodies = [of(&principals[1], 1000), of(&principals[2], 501)].concat();
    let (most, last) = bodies.split_at(1500);
    for some in most.chunks(20) {
        let requests: Vec<Value> = some
            .iter()
            .enumerate()
            .map(|(id, body)| {
                json!({
                    "id": id.to_string(), "method": "POST", "url": path, "body": body,
                    "headers": { "content-type": "application/json" },
                })
            })
            .collect();
        let answers =
            post(&tenant, "/v1.0/$batch", &token, json!({ "requests": requests })).await.expect(200);
        for answer in answers.json["responses"].as_array().unwrap() {
            assert_eq!(answer["status"], 201, "{answer}");
        }
    }
    let refused = post(&tenant, &format!("/v1.0{path}"), &token, last[0].clone()).await.expect(400);
    assert!(refused.text("/error/message").contains("1500"), "{}", refused.text);
}

//! The directory's refusals, its queries and its smaller resources (Entra reference §2, §3, §7, §8).

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::cast::{
    BUSINESS_BASIC, GRAPH_SP, blueprint, delete, get, patch, person, post, role_id, sign_in, tenant,
};
use crate::support::{Certificate, GRAPH, Reply};

fn refused(reply: Reply, status: u16, code: &str) -> String {
    let reply = reply.expect(status);
    assert_eq!(reply.text("/error/code"), code, "{}", reply.text);
    for name in ["date", "request-id", "client-request-id"] {
        assert!(!reply.text(&format!("/error/innerError/{name}")).is_empty());
    }
    reply.text("/error/message").to_owned()
}

#[tokio::test]
async fn nothing_is_made_twice() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal";
    let twice = post(&tenant, path, &token, json!({ "appId": blueprint.id })).await.expect(409);
    assert_eq!(twice.text("/error/code"), "Request_MultipleObjectsWithSameKeyValue");
    assert_eq!(twice.text("/error/details/0/code"), "ObjectConflict");

    let graph = get(&tenant, GRAPH_SP, &token).await.expect(200);
    let grant = json!({
        "clientId": blueprint.principal, "consentType": "AllPrincipals", "resourceId": graph.text("/id"),
        "scope": "User.Read",
    });
    let twice = post(&tenant, "/v1.0/oauth2PermissionGrants", &token, grant).await;
    assert_eq!(
        refused(twice, 409, "Request_MultipleObjectsWithSameKeyValue"),
        "Permission entry already exists."
    );

    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", blueprint.principal);
    let role = role_id(&graph.json, "AgentIdUser.ReadWrite.IdentityParentedBy");
    let body =
        json!({ "principalId": blueprint.principal, "resourceId": graph.text("/id"), "appRoleId": role });
    let twice = post(&tenant, &path, &token, body).await;
    refused(twice, 400, "Request_BadRequest");

    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    blueprint.create_user(&tenant, &identity, "one").await.expect(201);
    let parent_taken = blueprint.create_user(&tenant, &identity, "two").await.expect(400);
    assert_eq!(parent_taken.text("/error/details/0/target"), "identityParentId");
    let second = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let upn_taken = blueprint.create_user(&tenant, &second, "one").await.expect(400);
    assert_eq!(upn_taken.text("/error/details/0/target"), "userPrincipalName");

    let path = format!(
        "/v1.0/applications/microsoft.graph.agentIdentityBlueprint/{}/inheritablePermissions",
        blueprint.id
    );
    let resource = |index: u32| {
        json!({
            "resourceAppId": format!("00000003-0000-0000-c000-{index:012}"), "inheritableScopes": { "kind": "allAllowed" },
        })
    };
    refused(post(&tenant, &path, &token, resource(0)).await, 409, "Request_MultipleObjectsWithSameKeyValue");
    for index in 1..10 {
        post(&tenant, &path, &token, resource(index)).await.expect(201);
    }
    refused(post(&tenant, &path, &token, resource(10)).await, 400, "Directory_QuotaExceeded");
}

#[tokio::test]
async fn agents_have_no_secrets_passwords_or_broad_permissions() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = format!("/v1.0/applications/{}", blueprint.id);
    let public =
        patch(&tenant, &path, &token, json!({ "publicClient": { "redirectUris": ["http://localhost"] } }))
            .await;
    refused(public, 400, "AgentBlueprint_IncompatibleProperty");

    let ada = format!("https://graph.microsoft.com/v1.0/users/{}", person(&tenant, "ada"));
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
    let own = blueprint.token(&tenant).await;
    let with_key = json!({
        "displayName": "A", "agentIdentityBlueprintId": blueprint.id, "sponsors@odata.bind": [ada],
        "keyCredentials": [Certificate::new().credential()],
    });
    refused(post(&tenant, path, &own, with_key).await, 400, "AgentIdentity_CredentialsNotSupported");
    let without_sponsor = json!({ "displayName": "A", "agentIdentityBlueprintId": blueprint.id });
    refused(post(&tenant, path, &own, without_sponsor).await, 400, "Request_BadRequest");
    let nobody = json!({
        "displayName": "A", "agentIdentityBlueprintId": blueprint.id,
        "sponsors@odata.bind": ["https://graph.microsoft.com/v1.0/users/00000000-0000-4000-8000-00000000dead"],
    });
    let message = refused(post(&tenant, path, &own, nobody).await, 400, "Request_BadRequest");
    assert!(message.contains("not found"), "{message}");

    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = json!({
        "accountEnabled": true, "displayName": "A", "mailNickname": "a", "userPrincipalName": "a@contoso.example",
        "identityParentId": identity, "passwordProfile": { "password": "Pa55word-1" },
    });
    refused(
        post(&tenant, "/v1.0/users/microsoft.graph.agentUser", &own, user).await,
        400,
        "Request_BadRequest",
    );

    let graph = get(&tenant, GRAPH_SP, &token).await.expect(200);
    let grant = json!({
        "clientId": identity, "consentType": "AllPrincipals", "resourceId": graph.text("/id"),
        "scope": "Directory.ReadWrite.All",
    });
    refused(post(&tenant, "/v1.0/oauth2PermissionGrants", &token, grant).await, 400, "Request_BadRequest");
    let path = format!("/v1.0/servicePrincipals/{identity}/appRoleAssignments");
    let body = |role: &str| json!({ "principalId": identity, "resourceId": graph.text("/id"), "appRoleId": role_id(&graph.json, role) });
    refused(post(&tenant, &path, &token, body("Chat.Read.All")).await, 400, "Request_BadRequest");
    post(&tenant, &path, &token, body("User.Read.All")).await.expect(201);
}

#[tokio::test]
async fn a_certificate_is_appended_and_a_careless_list_replaces() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = format!("/v1.0/applications/{}", blueprint.id);
    let listed = get(&tenant, &path, &token).await.expect(200);
    let mut keys = listed.json["keyCredentials"].as_array().unwrap().clone();
    assert_eq!((keys.len(), &keys[0]["key"]), (1, &Value::Null));
    let second = Certificate::new();
    keys.push(second.credential());
    patch(&tenant, &path, &token, json!({ "keyCredentials": keys })).await.expect(204);
    blueprint.token(&tenant).await;
    let selected = get(&tenant, &format!("{path}?$select=keyCredentials"), &token).await.expect(200);
    assert_eq!(selected.json["keyCredentials"].as_array().unwrap().len(), 2);
    assert!(selected.json["keyCredentials"][1]["key"].is_string());
    assert!(selected.json.get("displayName").is_none());

    // A list without the old certificate takes it away.
    patch(&tenant, &path, &token, json!({ "keyCredentials": [second.credential()] })).await.expect(204);
    let jwt = blueprint.certificate.ps256(&crate::certificates::assertion(&tenant, &blueprint.id));
    let refused_token =
        crate::certificates::with_assertion(&tenant, &blueprint.id, &jwt, GRAPH).await.expect(401);
    assert_eq!(refused_token.error().1, 700_027);
    let bad = patch(
        &tenant,
        &path,
        &token,
        json!({ "keyCredentials": [{ "key": "AAAA", "type": "AsymmetricX509Cert" }] }),
    );
    refused(bad.await, 400, "KeyCredentialsInvalidKeyValue");
}

#[tokio::test]
async fn an_application_rolls_its_own_key_by_proof() {
    let tenant = tenant().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let (own, next) = (blueprint.token(&tenant).await, Certificate::new());
    let now = tenant.sandbox.control().clock().now().as_second();
    let proof = |certificate: &Certificate, audience: &str| {
        certificate.rs256(&json!({ "aud": audience, "iss": blueprint.id, "nbf": now, "exp": now + 600 }))
    };
    let path = format!("/v1.0/applications/{}/addKey", blueprint.id);
    let body = |proof: String| json!({ "keyCredential": next.credential(), "passwordCredential": null, "proof": proof });
    const AUDIENCE: &str = "00000002-0000-0000-c000-000000000000";
    for wrong in [proof(&next, AUDIENCE), proof(&blueprint.certificate, "https://graph.microsoft.com")] {
        refused(post(&tenant, &path, &own, body(wrong)).await, 401, "Authentication_MissingOrMalformed");
    }
    let added = post(&tenant, &path, &own, body(proof(&blueprint.certificate, AUDIENCE))).await.expect(200);
    let path = format!("/v1.0/applications/{}/removeKey", blueprint.id);
    let body = json!({ "keyId": added.text("/keyId"), "proof": proof(&next, AUDIENCE) });
    post(&tenant, &path, &own, body).await.expect(204);
    let stranger = tenant.token(&[]).await;
    assert_ne!(stranger.status.as_u16(), 200);
}

#[tokio::test]
async fn a_secret_is_shown_once_and_works() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = format!("/v1.0/applications(appId='{}')/addPassword", blueprint.id);
    let made = post(&tenant, &path, &token, json!({ "passwordCredential": { "displayName": "s" } }))
        .await
        .expect(200);
    let secret = made.text("/secretText").to_owned();
    assert_eq!(made.text("/hint"), &secret[..3]);
    let form = [
        ("client_id", blueprint.id.as_str()),
        ("client_secret", &secret),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    tenant.token(&form).await.expect(200);
    let app = get(&tenant, &format!("/v1.0/applications/{}", blueprint.id), &token).await.expect(200);
    assert_eq!(app.json["passwordCredentials"][0]["secretText"], Value::Null);
    let path = format!("/v1.0/applications/{}/removePassword", blueprint.id);
    let key_id = made.text("/keyId");
    post(&tenant, &path, &token, json!({ "keyId": key_id })).await.expect(204);
    refused(post(&tenant, &path, &token, json!({ "keyId": key_id })).await, 400, "Request_BadRequest");
    assert_eq!(tenant.token(&form).await.error().1, 7_000_215);
}

#[tokio::test]
async fn licences_need_a_location_and_a_seat() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let mut users = Vec::new();
    for index in 0..3 {
        let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
        let user = blueprint.create_user(&tenant, &identity, &format!("agent{index}")).await.expect(201);
        users.push(user.text("/id").to_owned());
    }
    const NO_TEAMS: &str = "dcf0408c-aaec-446c-afd4-43e3683943ea";
    let assign = async |user: &str, body: Value| {
        post(&tenant, &format!("/v1.0/users/{user}/assignLicense"), &token, body).await
    };
    let add = |sku: &str| json!({ "addLicenses": [{ "skuId": sku }], "removeLicenses": [] });
    let message = refused(assign(&users[0], add(NO_TEAMS)).await, 400, "Request_BadRequest");
    assert_eq!(message, "License assignment cannot be done for user with invalid usage location.");
    for user in &users {
        patch(&tenant, &format!("/v1.0/users/{user}"), &token, json!({ "usageLocation": "US" }))
            .await
            .expect(204);
    }
    // The provisioner's subscription has two seats of this SKU.
    assign(&users[0], add(NO_TEAMS)).await.expect(200);
    assign(&users[1], add(NO_TEAMS)).await.expect(200);
    let message = refused(assign(&users[2], add(NO_TEAMS)).await, 400, "Request_BadRequest");
    assert_eq!(message, format!("Subscription with SKU {NO_TEAMS} does not have any available licenses."));
    let skus = get(&tenant, "/v1.0/subscribedSkus", &token).await.expect(200);
    let sku =
        skus.json["value"].as_array().unwrap().iter().find(|sku| sku["skuId"] == NO_TEAMS).unwrap().clone();
    assert_eq!((&sku["consumedUnits"], &sku["prepaidUnits"]["enabled"]), (&json!(2), &json!(2)));
    assert_eq!(get(&tenant, "/v1.0/subscribedSkus?$top=1", &token).await.status.as_u16(), 400);

    // A seat that is given back is free at once.
    let remove = json!({ "addLicenses": [], "removeLicenses": [NO_TEAMS] });
    assign(&users[1], remove.clone()).await.expect(200);
    let message = refused(assign(&users[1], remove).await, 400, "Request_BadRequest");
    assert_eq!(message, "User does not have a corresponding license.");
    assign(&users[2], add(NO_TEAMS)).await.expect(200);
    delete(&tenant, &format!("/v1.0/users/{}", users[0]), &token).await.expect(204);
    assign(&users[1], add(NO_TEAMS)).await.expect(200);
    let unknown = add("00000000-0000-4000-8000-00000000dead");
    refused(assign(&users[1], unknown).await, 400, "Request_BadRequest");
    let instead = json!({ "addLicenses": [{ "skuId": BUSINESS_BASIC }], "removeLicenses": [NO_TEAMS] });
    assign(&users[1], instead).await.expect(200);
    let twice = add(BUSINESS_BASIC);
    assign(&users[1], twice.clone()).await.expect(200);
    assign(&users[1], twice).await.expect(200);
}

#[tokio::test]
async fn queries_page_filter_and_select_as_graph_does() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let query = async |query: &str| get(&tenant, &format!("/v1.0/users?{query}"), &token).await;
    let first = query("$top=2&$select=id,displayName&$orderby=displayName").await.expect(200);
    assert_eq!(first.json["value"].as_array().unwrap().len(), 2);
    let link = first.text("/@odata.nextLink");
    assert!(link.starts_with(&tenant.url("/v1.0/users?$")), "{link}");
    let second = tenant.send(tenant.http.get(link).bearer_auth(&token)).await.expect(200);
    let names = |reply: &Reply| -> Vec<String> {
        let items = reply.json["value"].as_array().unwrap();
        items.iter().map(|item| item["displayName"].as_str().unwrap().to_owned()).collect()
    };
    let all = [names(&first), names(&second)].concat();
    assert_eq!(all, ["Ada Lovelace", "Alan Turing", "Grace Hopper"]);
    assert!(second.json.get("@odata.nextLink").is_none());

    assert_eq!(names(&query("$filter=startswith(displayName,'A')").await.expect(200)).len(), 2);
    assert_eq!(
        names(&query("$filter=userPrincipalName eq 'GRACE@contoso.example'").await.expect(200)).len(),
        1
    );
    refused(query("$filter=displayName ne 'x'").await, 400, "Request_UnsupportedQuery");
    let uncounted = query("$count=true").await.expect(200);
    assert_eq!((names(&uncounted).len(), uncounted.json.get("@odata.count")), (3, None));
    refused(get(&tenant, "/v1.0/users/$count", &token).await, 400, "Request_BadRequest");
    let one = "/v1.0/users/ada@contoso.example?$select=id&$count=true";
    assert_eq!(get(&tenant, one, &token).await.expect(200).json.get("@odata.count"), None);
    refused(query("$count=true&$filter=displayName ne 'x'").await, 400, "Request_UnsupportedQuery");
    let eventual = tenant
        .http
        .get(tenant.url("/v1.0/users?$count=true&$filter=displayName%20ne%20'Ada%20Lovelace'"))
        .header("ConsistencyLevel", "eventual")
        .bearer_auth(&token);
    assert_eq!(tenant.send(eventual).await.expect(200).json["@odata.count"], 2);
    refused(query("$nonsense=1").await, 400, "Request_BadRequest");
    refused(query("$select=nonsense").await, 400, "BadRequest");
    refused(query("$top=1000").await, 400, "Request_UnsupportedQuery");

    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = format!("/v1.0/applications/{}", blueprint.id);
    patch(&tenant, &path, &token, json!({ "tags": ["attache:x"], "description": "d" })).await.expect(204);
    let path =
        "/v1.0/applications/microsoft.graph.agentIdentityBlueprint?$filter=tags/any(t:t%20eq%20'attache:x')";
    assert_eq!(get(&tenant, path, &token).await.expect(200).text("/value/0/id"), blueprint.id);
    let path = "/v1.0/servicePrincipals?$filter=appId%20eq%20'00000003-0000-0000-c000-000000000000'&$select=id,appRoles";
    let graph = get(&tenant, path, &token).await.expect(200);
    assert_eq!(role_id(&graph.json["value"][0], "User.Read.All"), "df021288-bdef-4463-88db-98f22de89214");
}

#[tokio::test]
async fn a_person_does_what_both_the_token_and_the_role_allow() {
    let tenant = tenant().await;
    let (ada, grace) = (sign_in(&tenant, "ada").await, sign_in(&tenant, "grace").await);
    let me = get(&tenant, "/v1.0/me", &grace).await.expect(200);
    assert_eq!(me.text("/userPrincipalName"), "grace@contoso.example");
    assert!(me.json.get("accountEnabled").is_none());
    // User.ReadBasic.All shows the basics of others only.
    let path = format!("/v1.0/users/{}?$select=displayName,usageLocation", person(&tenant, "alan"));
    let other = get(&tenant, &path, &grace).await.expect(200);
    assert_eq!(other.text("/displayName"), "Alan Turing");
    assert!(other.json.get("usageLocation").is_none());
    refused(get(&tenant, "/v1.0/applications", &ada).await, 403, "Authorization_RequestDenied");
    let app = tenant.provisioner().await;
    refused(get(&tenant, "/v1.0/me", &app).await, 400, "BadRequest");
    let domains = get(&tenant, "/v1.0/domains", &app).await.expect(200);
    assert_eq!(domains.text("/value/0/id"), "contoso.example");
}

/// The known issue of §2.7: who holds the broad directory permission loses the agents' own ones.
#[tokio::test]
async fn a_broad_directory_permission_switches_the_agents_permissions_off() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprints = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint";
    get(&tenant, blueprints, &token).await.expect(200);
    let graph = get(&tenant, GRAPH_SP, &token).await.expect(200);
    let client_id = &tenant.sandbox.ready().apps.provisioner.client_id;
    let own =
        get(&tenant, &format!("/v1.0/servicePrincipals(appId='{client_id}')"), &token).await.expect(200);
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", own.text("/id"));
    let role = role_id(&graph.json, "Directory.ReadWrite.All");
    let body = json!({ "principalId": own.text("/id"), "resourceId": graph.text("/id"), "appRoleId": role });
    post(&tenant, &path, &token, body).await.expect(201);
    let token = tenant.provisioner().await;
    refused(get(&tenant, blueprints, &token).await, 403, "Authorization_RequestDenied");
    get(&tenant, "/v1.0/users", &token).await.expect(200);
}

#[tokio::test]
async fn a_disabled_agent_user_gets_no_new_token() {
    let tenant = tenant().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
    let token = blueprint.hops(&tenant, &identity, &user).await.expect(200).text("/access_token").to_owned();
    get(&tenant, "/v1.0/me", &token).await.expect(200);
    let own = blueprint.token(&tenant).await;
    let (path, select) = (format!("/v1.0/users/{user}"), "?$select=signInSessionsValidFromDateTime");
    let before = get(&tenant, &format!("{path}{select}"), &own).await.expect(200);
    post(&tenant, &format!("{path}/revokeSignInSessions"), &own, json!({})).await.expect(200);
    let after = get(&tenant, &format!("{path}{select}"), &own).await.expect(200);
    assert_ne!(before.json["signInSessionsValidFromDateTime"], after.json["signInSessionsValidFromDateTime"]);
    // Sessions are void to the second; the next one is another.
    assert_eq!(blueprint.hops(&tenant, &identity, &user).await.error().1, 50_173);
    tenant.sandbox.control().clock().advance(Duration::from_secs(1));
    patch(&tenant, &path, &own, json!({ "accountEnabled": false })).await.expect(204);
    assert_eq!(blueprint.hops(&tenant, &identity, &user).await.error().1, 50_057);
    patch(&tenant, &path, &own, json!({ "accountEnabled": true })).await.expect(204);
    blueprint.hops(&tenant, &identity, &user).await.expect(200);
}

#[tokio::test]
async fn a_deleted_blueprint_takes_its_family_with_it() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
    let path = format!("/v1.0/applications/microsoft.graph.agentIdentityBlueprint/{}", blueprint.id);
    tenant.graph(Method::DELETE, &path, &token, None).await.expect(204);
    for path in [format!("/v1.0/servicePrincipals/{identity}"), format!("/v1.0/users/{user}")] {
        get(&tenant, &path, &token).await.expect(404);
    }
    let deleted =
        get(&tenant, "/v1.0/directory/deletedItems/microsoft.graph.agentIdentity", &token).await.expect(200);
    assert_eq!(deleted.text("/value/0/id"), identity);
    delete(&tenant, &format!("/v1.0/directory/deletedItems/{identity}"), &token).await.expect(204);
    get(&tenant, &format!("/v1.0/directory/deletedItems/{identity}"), &token).await.expect(404);
    tenant.sandbox.control().clock().advance(Duration::from_secs(30 * 86_400));
    let token = tenant.provisioner().await;
    get(&tenant, &format!("/v1.0/directory/deletedItems/{user}"), &token).await.expect(404);
}

#[tokio::test]
async fn a_publisher_is_verified_until_it_is_not() {
    let tenant = crate::cast::tenant().await;
    let admin = crate::browser::administrator(&tenant, "Application.ReadWrite.All").await;
    let app =
        post(&tenant, "/v1.0/applications", &admin, json!({ "displayName": "Reader" })).await.expect(201);
    let path = format!("/v1.0/applications/{}", app.text("/id"));
    let set = format!("{path}/setVerifiedPublisher");
    post(&tenant, &set, &admin, json!({ "verifiedPublisherId": "7654321" })).await.expect(204);
    let read = get(&tenant, &path, &admin).await.expect(200);
    assert_eq!(read.text("/verifiedPublisher/verifiedPublisherId"), "7654321");
    post(&tenant, &set, &admin, json!({ "verifiedPublisherId": "" })).await.expect(400);
    post(&tenant, &format!("{path}/unsetVerifiedPublisher"), &admin, json!({})).await.expect(204);
    let read = get(&tenant, &path, &admin).await.expect(200);
    assert_eq!(read.json["verifiedPublisher"]["verifiedPublisherId"], serde_json::Value::Null);
}

#[tokio::test]
async fn a_service_principal_has_secrets_of_its_own() {
    let tenant = crate::cast::tenant().await;
    let admin = crate::browser::administrator(&tenant, "Application.ReadWrite.All").await;
    let app =
        post(&tenant, "/v1.0/applications", &admin, json!({ "displayName": "Daemon" })).await.expect(201);
    let made = post(&tenant, "/v1.0/servicePrincipals", &admin, json!({ "appId": app.text("/appId") })).await;
    let path = format!("/v1.0/servicePrincipals/{}", made.expect(201).text("/id"));
    let body = json!({ "passwordCredential": { "displayName": "first" } });
    let secret = post(&tenant, &format!("{path}/addPassword"), &admin, body).await.expect(200);
    let form = [
        ("client_id", app.text("/appId")),
        ("client_secret", secret.text("/secretText")),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    tenant.token(&form).await.expect(200);
    let read = get(&tenant, &path, &admin).await.expect(200);
    assert_eq!(read.text("/passwordCredentials/0/displayName"), "first");
    assert_eq!(read.json["passwordCredentials"][0]["secretText"], serde_json::Value::Null);
    let gone = json!({ "keyId": secret.text("/keyId") });
    post(&tenant, &format!("{path}/removePassword"), &admin, gone.clone()).await.expect(204);
    assert_eq!(tenant.token(&form).await.expect(401).error().1, 7_000_215);
    post(&tenant, &format!("{path}/removePassword"), &admin, gone).await.expect(400);
}

/// Microsoft: "servicePrincipal: addKey", "removeKey". The proof is for the principal's own object id.
#[tokio::test]
async fn a_service_principal_has_certificates_of_its_own_and_rolls_them_by_proof() {
    let tenant = crate::cast::tenant().await;
    let admin = crate::browser::administrator(&tenant, "Application.ReadWrite.All").await;
    let app = crate::browser::App::register(&tenant, &admin, json!({ "displayName": "Daemon" })).await;
    let path = format!("/v1.0/servicePrincipals/{}", app.principal);
    let (first, second) = (Certificate::new(), Certificate::new());
    let enter = async |certificate: &Certificate| {
        let jwt = certificate.ps256(&crate::certificates::assertion(&tenant, &app.app_id));
        crate::certificates::with_assertion(&tenant, &app.app_id, &jwt, GRAPH).await
    };
    enter(&first).await.expect(401);
    patch(&tenant, &path, &admin, json!({ "keyCredentials": [first.credential()] })).await.expect(204);
    let own = enter(&first).await.expect(200).text("/access_token").to_owned();

    let now = tenant.sandbox.control().clock().now().as_second();
    let proof = |issuer: &str| {
        let claims = json!({
            "aud": "00000002-0000-0000-c000-000000000000", "iss": issuer, "nbf": now, "exp": now + 600,
        });
        first.rs256(&claims)
    };
    let body = |proof: String| json!({ "keyCredential": second.credential(), "passwordCredential": null, "proof": proof });
    let add = format!("{path}/addKey");
    refused(
        post(&tenant, &add, &own, body(proof(&app.object_id))).await,
        401,
        "Authentication_MissingOrMalformed",
    );
    let added = post(&tenant, &add, &own, body(proof(&app.principal))).await.expect(200);
    enter(&second).await.expect(200);
    let shown = get(&tenant, &path, &admin).await.expect(200);
    assert_eq!(shown.json["keyCredentials"].as_array().unwrap().len(), 2);
    let gone = json!({ "keyId": added.text("/keyId"), "proof": proof(&app.principal) });
    post(&tenant, &format!("{path}/removeKey"), &own, gone).await.expect(204);
    assert_eq!(enter(&second).await.error().1, 700_027);
    enter(&first).await.expect(200);
}

#[tokio::test]
async fn a_user_has_the_same_service_in_one_size_only() {
    const BASIC: &str = "3b555118-da6a-4418-894f-7df1e2096870";
    const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
    const STANDARD_PLANS: [&str; 2] =
        ["9aaf7827-d63c-4b61-89c3-182f06f82e5c", "c7699d2e-19aa-44de-8edf-1736da088ca1"];
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let path = format!("/v1.0/users/{}/assignLicense", person(&tenant, "grace"));
    let assign = async |add: Value, remove: Value| {
        post(&tenant, &path, &token, json!({ "addLicenses": add, "removeLicenses": remove })).await
    };
    let held = get(&tenant, &path.replace("assignLicense", "licenseDetails"), &token).await.expect(200);
    let held: Vec<&Value> = held.json["value"].as_array().unwrap().iter().map(|one| &one["skuId"]).collect();
    let one = |sku: &str, without: &[&str]| json!([{ "skuId": sku, "disabledPlans": without }]);
    assign(one(BASIC, &[]), json!(held)).await.expect(200);
    let refused = assign(one(E3, &[]), json!([])).await.expect(400);
    assert_eq!(refused.text("/error/code"), "Request_BadRequest");
    assert!(refused.text("/error/message").contains("mutually exclusive"), "{}", refused.text);
    assign(one(BASIC, &STANDARD_PLANS), json!([])).await.expect(200);
    assign(one(E3, &[]), json!([])).await.expect(200);
    assign(one(BASIC, &[]), json!([])).await.expect(400);
    assign(json!([]), json!([E3])).await.expect(200);
    assign(one(BASIC, &[]), json!([])).await.expect(200);
}

#[tokio::test]
async fn what_adds_to_a_service_is_licensed_with_it_only() {
    const E3: &str = "05e9a617-0261-4cee-bb44-138d3ef5d965";
    const NO_TEAMS: &str = "dcf0408c-aaec-446c-afd4-43e3683943ea";
    const AUDIO: &str = "0c266dff-15dd-4b49-8397-2bb16070ed52";
    const TEAMS: &str = "57ff2da0-773e-42df-b2af-ffb7a2317929";
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let user = format!("/v1.0/users/{}", person(&tenant, "grace"));
    let path = format!("{user}/assignLicense");
    let assign = async |add: &[(&str, &[&str])], remove: &[&str]| {
        let add = add.iter().map(|(sku, without)| json!({ "skuId": sku, "disabledPlans": without }));
        let body = json!({ "addLicenses": add.collect::<Value>(), "removeLicenses": remove });
        post(&tenant, &path, &token, body).await
    };
    let lacking = |reply: Reply| {
        assert_eq!(
            refused(reply, 400, "Request_BadRequest"),
            "License assignment failed because service plan 3e26ee1f-8a5f-4d52-aee2-b81ce45c8f40 depends on the service plan(s) 57ff2da0-773e-42df-b2af-ffb7a2317929,0feaeb32-d00e-4d66-bd5a-43b5b83db82c"
        );
    };
    let held = get(&tenant, &format!("{user}/licenseDetails"), &token).await.expect(200);
    let held = held.json["value"].as_array().unwrap().iter().map(|one| one["skuId"].as_str().unwrap());
    assign(&[], &held.collect::<Vec<_>>()).await.expect(200);

    // By itself, with a subscription that has no Teams, and with one whose Teams is disabled.
    lacking(assign(&[(AUDIO, &[])], &[]).await);
    lacking(assign(&[(NO_TEAMS, &[]), (AUDIO, &[])], &[]).await);
    lacking(assign(&[(E3, &[TEAMS]), (AUDIO, &[])], &[]).await);
    assign(&[(E3, &[]), (AUDIO, &[])], &[]).await.expect(200);
    // Nor is the service taken from under it.
    lacking(assign(&[(E3, &[TEAMS])], &[]).await);
    lacking(assign(&[], &[E3]).await);
    assign(&[], &[E3, AUDIO]).await.expect(200);
}

#[tokio::test]
async fn agents_follow_their_blueprints_principal_unless_it_is_restored_before() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "follower").await.expect(201).text("/id").to_owned();
    let lag = json!({ "profile": "none", "scale": 1.0, "seconds": { "cascade": 600 } });
    tenant.control(Method::POST, "lag", Some(lag)).await.expect(200);
    let principal = format!("/v1.0/servicePrincipals/{}", blueprint.principal);
    let agents = async |status: u16| {
        get(&tenant, &format!("/v1.0/servicePrincipals/{identity}"), &token).await.expect(status);
        get(&tenant, &format!("/v1.0/users/{user}"), &token).await.expect(status);
    };
    let advance = |seconds| tenant.sandbox.control().clock().advance(Duration::from_secs(seconds));

    delete(&tenant, &principal, &token).await.expect(204);
    advance(300);
    agents(200).await;
    let restore = format!("/v1.0/directory/deletedItems/{}/restore", blueprint.principal);
    post(&tenant, &restore, &token, json!({})).await.expect(200);
    advance(400);
    agents(200).await;

    delete(&tenant, &principal, &token).await.expect(204);
    advance(599);
    agents(200).await;
    advance(1);
    agents(404).await;
    // Each comes back by itself, parents first.
    post(&tenant, &restore, &token, json!({})).await.expect(200);
    agents(404).await;
}

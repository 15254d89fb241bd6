//! What Graph's model declares is kept, refused as Graph refuses it, or said to be missing here: never denied.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value, json};

use crate::cast::{delete, get, patch, permitted, person, post, sign_in, tenant};
use crate::oracle::oracle_file;
use crate::support::Tenant;

/// The properties and the navigation that the CSDL declares for a type itself.
fn declared(type_name: &str) -> (BTreeMap<String, String>, Vec<String>) {
    let csdl = oracle_file("graph-v1.csdl.gz");
    let start = csdl.find(&format!("<EntityType Name=\"{type_name}\"")).unwrap();
    let body = &csdl[start..start + csdl[start..].find("</EntityType>").unwrap()];
    let attribute = |tag: &str, name: &str| {
        let value = tag.split(&format!("{name}=\"")).nth(1).unwrap();
        value.split('"').next().unwrap().to_owned()
    };
    let tags = |kind: &str| body.split(&format!("<{kind} ")).skip(1).map(str::to_owned).collect::<Vec<_>>();
    let properties = tags("Property").into_iter();
    let properties = properties.map(|tag| (attribute(&tag, "Name"), attribute(&tag, "Type")));
    let navigation = tags("NavigationProperty").into_iter().map(|tag| attribute(&tag, "Name"));
    (properties.collect(), navigation.collect())
}

/// Something that a property of that type may be set to.
fn sample(name: &str, of: &str) -> Value {
    match (name, of) {
        ("signInAudience", _) => json!("AzureADMultipleOrgs"),
        ("usageLocation", _) => json!("DE"),
        ("userType", _) => json!("Member"),
        ("mail", _) => json!("somebody@contoso.example"),
        ("userPrincipalName", _) => json!("other@contoso.example"),
        ("nativeAuthenticationApisEnabled", _) => json!("all"),
        ("passwordProfile", _) => json!({ "password": "Of3-good-Length!" }),
        (_, "Edm.String") => json!("x"),
        (_, "Edm.Boolean") => json!(true),
        (_, "Edm.Int32") => json!(1),
        (_, "Edm.DateTimeOffset") => json!("2026-01-02T03:04:05Z"),
        (_, "Edm.Guid") => json!("11111111-2222-3333-4444-555555555555"),
        (_, "Edm.Stream" | "Edm.Binary") => json!("AA=="),
        (_, of) if of.starts_with("Collection(") => json!([]),
        _ => json!({}),
    }
}

/// One of each type that clients write, with its path.
async fn writable(tenant: &Tenant, token: &str) -> Vec<(&'static str, String)> {
    let made = post(tenant, "/v1.0/applications", token, json!({ "displayName": "App" })).await.expect(201);
    let app_id = json!({ "appId": made.text("/appId") });
    let principal = post(tenant, "/v1.0/servicePrincipals", token, app_id).await.expect(201);
    let group = json!({
        "displayName": "Group", "mailNickname": "a-group", "mailEnabled": false, "securityEnabled": true,
    });
    let group = post(tenant, "/v1.0/groups", token, group).await.expect(201);
    let user = json!({
        "displayName": "User", "mailNickname": "somebody", "accountEnabled": true,
        "userPrincipalName": "somebody@contoso.example", "passwordProfile": { "password": "Long-3nough" },
    });
    let user = post(tenant, "/v1.0/users", token, user).await.expect(201);
    [("application", made), ("servicePrincipal", principal), ("group", group), ("user", user)]
        .into_iter()
        .map(|(name, made)| {
            let location = made.header("location").split_once("/v1.0").unwrap().1.to_owned();
            (name, format!("/v1.0{location}"))
        })
        .collect()
}

async fn all_permitted(tenant: &Tenant) -> String {
    let all =
        ["Application.ReadWrite.All", "User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All"];
    permitted(tenant, &all).await
}

#[tokio::test]
async fn a_property_that_graph_has_is_kept_or_refused_for_what_it_is() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    for (type_name, path) in writable(&tenant, &token).await {
        let (properties, _) = declared(type_name);
        assert!(properties.len() > 30, "{type_name}: {}", properties.len());
        for (name, of) in &properties {
            let value = sample(name, of);
            let reply = patch(&tenant, &path, &token, json!({ name.as_str(): value })).await;
            match reply.status.as_u16() {
                204 => {
                    let read = get(&tenant, &format!("{path}?$select={name}"), &token).await.expect(200);
                    let same = match (&read.json[name.as_str()], &value) {
                        (Value::Object(shown), Value::Object(set)) => {
                            set.iter().all(|(name, value)| shown.get(name) == Some(value))
                        }
                        // Nobody reads a password.
                        (Value::Null, _) => name == "passwordProfile",
                        (shown, set) => shown == set,
                    };
                    assert!(same, "{type_name}.{name} was set to {value}: {}", read.text);
                }
                501 => assert_eq!(reply.text("/error/code"), "sandboxNotEmulated"),
                400 => {
                    let message = reply.text("/error/message");
                    assert!(!message.contains("Invalid property"), "{type_name}.{name}: {message}");
                }
                _ => panic!("{type_name}.{name}: {}", reply.text),
            }
        }
        let unknown = patch(&tenant, &path, &token, json!({ "nobodysName": 1 })).await.expect(400);
        assert_eq!(unknown.text("/error/message"), "Invalid property 'nobodysName'.");
        // What beta has beside v1.0 is not known here, and is not denied.
        patch(&tenant, &path.replace("/v1.0", "/beta"), &token, json!({ "nobodysName": 1 }))
            .await
            .expect(501);
    }
}

#[tokio::test]
async fn navigation_that_graph_has_is_expanded_or_not_emulated() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    let mut expanded = Vec::new();
    for (type_name, path) in writable(&tenant, &token).await {
        let (_, navigation) = declared(type_name);
        for name in navigation {
            let reply = get(&tenant, &format!("{path}?$expand={name}"), &token).await;
            match reply.status.as_u16() {
                200 => expanded.push(format!("{type_name}.{name}")),
                501 => assert_eq!(reply.text("/error/code"), "sandboxNotEmulated"),
                _ => panic!("{type_name}.{name}: {}", reply.text),
            }
        }
        get(&tenant, &format!("{path}?$expand=nobodysName"), &token).await.expect(400);
    }
    for name in [
        "application.federatedIdentityCredentials",
        "application.owners",
        "group.memberOf",
        "group.transitiveMembers",
        "servicePrincipal.appRoleAssignedTo",
        "servicePrincipal.oauth2PermissionGrants",
        "user.licenseDetails",
        "user.transitiveMemberOf",
    ] {
        assert!(expanded.iter().any(|one| one == name), "{name} is not expanded: {expanded:?}");
    }
}

#[tokio::test]
async fn an_expansion_shows_what_the_collection_has() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    let group = |name: &str| json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true });
    let inner =
        post(&tenant, "/v1.0/groups", &token, group("inner")).await.expect(201).text("/id").to_owned();
    let outer =
        post(&tenant, "/v1.0/groups", &token, group("outer")).await.expect(201).text("/id").to_owned();
    let refer =
        |id: &str| json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") });
    let ada = person(&tenant, "ada");
    for (group, member) in [(&outer, &inner), (&inner, &ada)] {
        let path = format!("/v1.0/groups/{group}/members/$ref");
        post(&tenant, &path, &token, refer(member)).await.expect(204);
    }
    for (path, expand) in [
        (format!("/v1.0/users/{ada}"), "transitiveMemberOf"),
        (format!("/v1.0/groups/{inner}"), "memberOf"),
        (format!("/v1.0/groups/{outer}"), "transitiveMembers"),
    ] {
        let whole = get(&tenant, &format!("{path}?$expand={expand}"), &token).await.expect(200);
        let collection = get(&tenant, &format!("{path}/{expand}"), &token).await.expect(200);
        assert_eq!(whole.json[expand], collection.json["value"], "{path} {expand}");
        assert!(!whole.json[expand].as_array().unwrap().is_empty(), "{path} {expand}");
    }

    // References to members, all and one, and to a manager.
    let members = get(&tenant, &format!("/v1.0/groups/{outer}/members/$ref"), &token).await.expect(200);
    assert!(members.text("/value/0/@odata.id").ends_with(&format!("/directoryObjects/{inner}")));
    let one = format!("/v1.0/groups/{outer}/members/{inner}/$ref");
    assert!(get(&tenant, &one, &token).await.expect(200).text("/@odata.id").ends_with(&inner));
    get(&tenant, &format!("/v1.0/groups/{outer}/members/{ada}/$ref"), &token).await.expect(404);
    let grace = person(&tenant, "grace");
    let manager = format!("/v1.0/users/{grace}/manager/$ref");
    get(&tenant, &manager, &token).await.expect(404);
    tenant.graph(Method::PUT, &manager, &token, Some(refer(&ada))).await.expect(204);
    assert!(get(&tenant, &manager, &token).await.expect(200).text("/@odata.id").ends_with(&ada));
    delete(&tenant, &one, &token).await.expect(204);
    assert_eq!(
        get(&tenant, &format!("/v1.0/groups/{outer}/members/$ref"), &token).await.json["value"],
        json!([])
    );
}

#[tokio::test]
async fn collections_are_counted_and_functions_are_no_ids() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    for collection in ["users", "groups", "applications", "servicePrincipals"] {
        let count = format!("/v1.0/{collection}/$count");
        get(&tenant, &count, &token).await.expect(400);
        let request = tenant.http.get(tenant.url(&count)).bearer_auth(&token);
        let answer = tenant.send(request.header("consistencylevel", "eventual")).await.expect(200);
        assert_eq!(answer.header("content-type"), "text/plain");
        let list = get(&tenant, &format!("/v1.0/{collection}?$select=id&$top=999"), &token).await.expect(200);
        assert_eq!(answer.text, list.json["value"].as_array().unwrap().len().to_string());
    }
    for function in
        ["directoryRoles/delta", "oauth2PermissionGrants/delta()", "users/getManagedAppBlockedUsers"]
    {
        let missing = get(&tenant, &format!("/v1.0/{function}"), &token).await.expect(501);
        assert_eq!(missing.text("/error/code"), "sandboxNotEmulated");
    }
    get(&tenant, "/v1.0/users/nobody", &token).await.expect(404);
    // An application is nobody, whatever it may do.
    for path in ["/v1.0/me", "/v1.0/me/messages", "/beta/me/chats"] {
        let refused = get(&tenant, path, &token).await.expect(400);
        assert_eq!(refused.text("/error/code"), "BadRequest");
        assert_eq!(
            refused.text("/error/message"),
            "/me request is only valid with delegated authentication flow."
        );
    }
}

#[tokio::test]
async fn permissions_of_an_application_come_back_as_they_were_and_go_when_disabled() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    let role = |enabled: bool| {
        json!({
            "id": "11111111-1111-1111-1111-111111111111", "value": "Reader", "displayName": "Reads",
            "description": "Reads everything", "isEnabled": enabled, "allowedMemberTypes": ["User", "Application"],
        })
    };
    let scope = |enabled: bool| {
        json!({
            "id": "22222222-2222-2222-2222-222222222222", "value": "read", "type": "User", "isEnabled": enabled,
            "adminConsentDisplayName": "a", "adminConsentDescription": "b",
            "userConsentDisplayName": "c", "userConsentDescription": "d",
        })
    };
    let body = |enabled: bool| {
        json!({
            "displayName": "App", "appRoles": [role(enabled)], "api": { "oauth2PermissionScopes": [scope(enabled)] },
        })
    };
    let app = post(&tenant, "/v1.0/applications", &token, body(false)).await.expect(201);
    let path = format!("/v1.0/applications/{}", app.text("/id"));
    let app_id = json!({ "appId": app.text("/appId") });
    let principal = post(&tenant, "/v1.0/servicePrincipals", &token, app_id).await.expect(201);
    let principal_path = format!("/v1.0/servicePrincipals/{}", principal.text("/id"));
    let has = |shown: &Value, sent: &Value| {
        sent.as_object().unwrap().iter().all(|(name, value)| shown.get(name) == Some(value))
    };
    for enabled in [false, true] {
        patch(&tenant, &path, &token, body(enabled)).await.expect(204);
        let app = get(&tenant, &path, &token).await.expect(200);
        let sp = get(&tenant, &principal_path, &token).await.expect(200);
        for (roles, scopes) in [
            (&app.json["appRoles"], &app.json["api"]["oauth2PermissionScopes"]),
            (&sp.json["appRoles"], &sp.json["oauth2PermissionScopes"]),
        ] {
            assert!(has(&roles[0], &role(enabled)), "{roles}");
            assert!(has(&scopes[0], &scope(enabled)), "{scopes}");
        }
    }

    // Only what is enabled is granted, and only to whom it may be.
    let grant = json!({
        "principalId": person(&tenant, "ada"), "resourceId": principal.text("/id"),
        "appRoleId": "11111111-1111-1111-1111-111111111111",
    });
    let assigned = format!("{principal_path}/appRoleAssignedTo");
    let consent = json!({
        "clientId": principal.text("/id"), "consentType": "AllPrincipals", "resourceId": principal.text("/id"),
        "scope": "read",
    });
    patch(&tenant, &path, &token, body(false)).await.expect(204);
    post(&tenant, &assigned, &token, grant.clone()).await.expect(400);
    post(&tenant, "/v1.0/oauth2PermissionGrants", &token, consent.clone()).await.expect(400);
    patch(&tenant, &path, &token, body(true)).await.expect(204);
    post(&tenant, &assigned, &token, grant).await.expect(201);
    post(&tenant, "/v1.0/oauth2PermissionGrants", &token, consent).await.expect(201);

    for gone in [json!({ "appRoles": [] }), json!({ "api": { "oauth2PermissionScopes": [] } })] {
        let refused = patch(&tenant, &path, &token, gone.clone()).await.expect(400);
        assert_eq!(refused.text("/error/code"), "CannotDeleteOrUpdateEnabledEntitlement");
        patch(&tenant, &path, &token, body(false)).await.expect(204);
        patch(&tenant, &path, &token, gone).await.expect(204);
        patch(&tenant, &path, &token, body(true)).await.expect(204);
    }
}

#[tokio::test]
async fn what_has_a_unique_name_is_made_once_and_found_by_it() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    let upsert = |path: &'static str, body: Value| {
        let request = tenant.http.patch(tenant.url(path)).bearer_auth(&token);
        tenant.send(request.header("prefer", "create-if-missing").json(&body))
    };
    let group = json!({
        "displayName": "Team", "mailNickname": "team", "mailEnabled": false, "securityEnabled": true,
    });
    for (path, body) in [
        ("/v1.0/applications(uniqueName='an-app')", json!({ "displayName": "App" })),
        ("/v1.0/groups(uniqueName='a-team')", group),
    ] {
        get(&tenant, path, &token).await.expect(404);
        patch(&tenant, path, &token, body.clone()).await.expect(404);
        let made = upsert(path, body.clone()).await.expect(201);
        upsert(path, json!({ "displayName": "Renamed" })).await.expect(204);
        let found = get(&tenant, path, &token).await.expect(200);
        assert_eq!((found.text("/id"), found.text("/displayName")), (made.text("/id"), "Renamed"));
        let mut twice = body;
        twice["uniqueName"] = made.json["uniqueName"].clone();
        let collection = path.split('(').next().unwrap();
        post(&tenant, collection, &token, twice).await.expect(409);
    }
    let app = get(&tenant, "/v1.0/applications(uniqueName='an-app')", &token).await.expect(200);
    let path = format!("/v1.0/servicePrincipals(appId='{}')", app.text("/appId"));
    let request = tenant.http.patch(tenant.url(&path)).bearer_auth(&token);
    let request = request.header("prefer", "create-if-missing").json(&json!({ "tags": ["made"] }));
    assert_eq!(tenant.send(request).await.expect(201).json["tags"], json!(["made"]));

    // The forms that Microsoft allows for an identifier URI.
    let app_path = format!("/v1.0/applications/{}", app.text("/id"));
    for (uri, status) in [
        (format!("api://my-api/{}", app.text("/appId")), 204),
        ("https://api.contoso.example/v1".to_owned(), 204),
        ("https://contoso.example".to_owned(), 204),
        ("https://elsewhere.example/api".to_owned(), 400),
        ("api://my-api/other".to_owned(), 400),
    ] {
        patch(&tenant, &app_path, &token, json!({ "identifierUris": [uri] })).await.expect(status);
    }
}

#[tokio::test]
async fn a_query_means_the_same_however_it_is_written() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    let names = |reply: &Value| -> Vec<String> {
        let items = reply["value"].as_array().unwrap().iter();
        items.map(|item| item["displayName"].as_str().unwrap().to_owned()).collect()
    };
    let with =
        get(&tenant, "/v1.0/users?$select=displayName&$filter=startswith(displayName,'A')&$top=1", &token)
            .await
            .expect(200);
    let without =
        get(&tenant, "/v1.0/users?select=displayName&filter=startsWith(displayName,'A')&TOP=1", &token)
            .await
            .expect(200);
    assert_eq!(names(&with.json), names(&without.json));
    assert_eq!(with.json["value"], without.json["value"]);
    let next = without.text("/@odata.nextLink").replace(&tenant.url(""), "");
    assert_eq!(get(&tenant, &next, &token).await.expect(200).json["value"].as_array().unwrap().len(), 1);
    let batch = json!({ "requests": [{ "id": "1", "method": "GET", "url": "/users?top=1" }] });
    let batch = post(&tenant, "/v1.0/$batch", &token, batch).await.expect(200);
    assert_eq!(batch.json["responses"][0]["body"]["value"].as_array().unwrap().len(), 1);

    // The length of a collection is an advanced query.
    let licensed = "/v1.0/users?$select=displayName&$filter=assignedLicenses/$count%20ne%200";
    get(&tenant, licensed, &token).await.expect(400);
    let counted = format!("{licensed}&$count=true");
    let request = tenant.http.get(tenant.url(&counted)).bearer_auth(&token);
    let found = tenant.send(request.header("consistencylevel", "eventual")).await.expect(200);
    let any = "/v1.0/users?$select=displayName,assignedLicenses";
    let all = get(&tenant, any, &token).await.expect(200);
    let has = |user: &&Value| !user["assignedLicenses"].as_array().unwrap().is_empty();
    assert_eq!(found.json["@odata.count"], all.json["value"].as_array().unwrap().iter().filter(has).count());

    // A date is its midnight; operators have no case.
    let path = "/v1.0/users?$filter=createdDateTime%20GE%202020-01-01%20AND%20NOT%20(displayName%20eq%20'x')&$count=true";
    let request = tenant.http.get(tenant.url(path)).bearer_auth(&token);
    assert!(
        !tenant.send(request.header("consistencylevel", "eventual")).await.expect(200).json["value"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    // The context of one object says what was selected.
    let ada = format!("/v1.0/users/{}", person(&tenant, "ada"));
    let one = get(&tenant, &format!("{ada}?$select=displayName,mail"), &token).await.expect(200);
    assert!(one.text("/@odata.context").ends_with("/$metadata#users(displayName,mail)/$entity"));

    // Without annotations, and as many as usual for who asks for all of them.
    let as_type = |path: &str, kind: &str| {
        let request = tenant.http.get(tenant.url(path)).bearer_auth(&token);
        tenant.send(request.header("accept", format!("application/json;odata.metadata={kind}")))
    };
    let bare = as_type("/v1.0/users?$top=1", "none").await.expect(200);
    assert!(bare.header("content-type").starts_with("application/json;odata.metadata=none;"));
    assert!(bare.json.get("@odata.context").is_none());
    assert!(bare.json.get("@odata.nextLink").is_some());
    let full = as_type(&ada, "full").await.expect(200);
    assert!(full.header("content-type").starts_with("application/json;odata.metadata=minimal;"));
    assert!(full.json.get("@odata.context").is_some());
}

#[tokio::test]
async fn the_organization_and_its_domains_tell_the_same() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Organization.Read.All", "Domain.ReadWrite.All"]).await;
    post(&tenant, "/v1.0/domains", &token, json!({ "id": "sub.contoso.example" })).await.expect(201);
    let organization = get(&tenant, "/v1.0/organization", &token).await.expect(200);
    let domains = get(&tenant, "/v1.0/domains", &token).await.expect(200);
    for (index, domain) in domains.json["value"].as_array().unwrap().iter().enumerate() {
        let verified = &organization.json["value"][0]["verifiedDomains"][index];
        assert_eq!(verified["name"], domain["id"]);
        for name in ["isDefault", "isInitial"] {
            assert_eq!(verified[name], domain[name], "{name} of {}", domain["id"]);
        }
    }
    for name in ["isDefault", "isInitial"] {
        let has = |domain: &&Value| domain[name] == true;
        assert_eq!(domains.json["value"].as_array().unwrap().iter().filter(has).count(), 1, "{name}");
    }
    assert!(!organization.json["value"][0]["assignedPlans"].as_array().unwrap().is_empty());
    assert_eq!(organization.json["value"][0]["technicalNotificationMails"], json!([]));
    let selected = get(&tenant, "/v1.0/organization?$select=displayName", &token).await.expect(200);
    assert_eq!(selected.json["value"][0].as_object().unwrap().len(), 1);
    delete(&tenant, "/v1.0/domains/contoso.example", &token).await.expect(400);
}

#[tokio::test]
async fn a_profile_is_a_persons_own_to_fill() {
    let tenant = tenant().await;
    let token = all_permitted(&tenant).await;
    let grace = format!("/v1.0/users/{}", person(&tenant, "grace"));
    let set = |number: u32, value: &str| json!({ "onPremisesExtensionAttributes": { format!("extensionAttribute{number}"): value } });
    let attributes = async || {
        let path = format!("{grace}?$select=onPremisesExtensionAttributes");
        get(&tenant, &path, &token).await.expect(200).json["onPremisesExtensionAttributes"].clone()
    };
    let unset = attributes().await;
    assert!(
        unset.as_object().is_some_and(|all| all.len() == 15 && all.values().all(Value::is_null)),
        "{unset}"
    );
    patch(&tenant, &grace, &token, set(1, "one")).await.expect(204);
    patch(&tenant, &grace, &token, set(2, "two")).await.expect(204);
    let kept = attributes().await;
    assert_eq!(kept.as_object().unwrap().len(), 15);
    assert_eq!((&kept["extensionAttribute1"], &kept["extensionAttribute2"]), (&json!("one"), &json!("two")));
    patch(&tenant, &grace, &token, json!({ "birthday": "yesterday" })).await.expect(400);
    let own = sign_in(&tenant, "grace").await;
    let chats = get(&tenant, "/v1.0/me/chats", &own).await.expect(200);
    assert_eq!(chats.json["@odata.count"], chats.json["value"].as_array().unwrap().len());
}

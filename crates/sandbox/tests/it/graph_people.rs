//! People: addresses, manager, photo, search, expansion (Entra reference §3.1, §3.2).

use http::Method;
use serde_json::{Value, json};

use crate::browser::administrator;
use crate::cast::{delete, get, patch, permitted, person, post, sign_in, tenant};
use crate::support::{Reply, Tenant};

fn user(name: &str) -> Value {
    json!({
        "accountEnabled": true, "displayName": name, "mailNickname": name,
        "userPrincipalName": format!("{name}@contoso.example"), "passwordProfile": { "password": "Pa55word-1" },
    })
}

async fn select(tenant: &Tenant, token: &str, id: &str, names: &str) -> Reply {
    get(tenant, &format!("/v1.0/users/{id}?$select={names}"), token).await.expect(200)
}

#[tokio::test]
async fn an_earlier_address_stays_as_an_alias_and_is_nobody_elses() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["User.ReadWrite.All"]).await;
    let grace = person(&tenant, "grace");
    let path = format!("/v1.0/users/{grace}");
    patch(&tenant, &path, &token, json!({ "userPrincipalName": "hopper@contoso.example" })).await.expect(204);
    let renamed = select(&tenant, &token, &grace, "mail,proxyAddresses").await;
    assert_eq!(renamed.text("/mail"), "hopper@contoso.example");
    assert_eq!(
        renamed.json["proxyAddresses"],
        json!(["SMTP:hopper@contoso.example", "smtp:grace@contoso.example"])
    );
    patch(&tenant, &path, &token, json!({ "mail": "Amazing@contoso.example" })).await.expect(204);
    let moved = select(&tenant, &token, &grace, "proxyAddresses").await;
    assert_eq!(
        moved.json["proxyAddresses"],
        json!(["SMTP:Amazing@contoso.example", "smtp:grace@contoso.example", "smtp:hopper@contoso.example"])
    );
    let found = "/v1.0/users?$filter=proxyAddresses/any(p:p%20eq%20'smtp:grace@contoso.example')";
    assert_eq!(get(&tenant, found, &token).await.expect(200).text("/value/0/id"), grace);

    let mut squatter = user("squatter");
    squatter["userPrincipalName"] = json!("grace@contoso.example");
    let refused = post(&tenant, "/v1.0/users", &token, squatter).await.expect(400);
    assert_eq!(refused.text("/error/details/0/target"), "proxyAddresses");
    let other = format!("/v1.0/users/{}", person(&tenant, "alan"));
    patch(&tenant, &other, &token, json!({ "mail": "hopper@contoso.example" })).await.expect(400);
    let read_only =
        patch(&tenant, &path, &token, json!({ "proxyAddresses": ["smtp:x@contoso.example"] })).await;
    assert!(read_only.expect(400).text("/error/message").contains("read-only"));
    // Back to an alias: it is primary again, and no alias.
    patch(&tenant, &path, &token, json!({ "mail": "grace@contoso.example" })).await.expect(204);
    let back = select(&tenant, &token, &grace, "proxyAddresses").await;
    assert_eq!(back.json["proxyAddresses"][0], "SMTP:grace@contoso.example");
    assert_eq!(back.json["proxyAddresses"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn users_are_made_with_limits_and_show_every_property_on_demand() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["User.ReadWrite.All"]).await;
    let mut whole = user("whole");
    whole["otherMails"] = json!(["a@elsewhere.example"]);
    whole["businessPhones"] = json!(["1"]);
    whole["mail"] = json!("whole@contoso.example");
    let id = post(&tenant, "/v1.0/users", &token, whole).await.expect(201).text("/id").to_owned();
    let shown =
        select(&tenant, &token, &id, "otherMails,proxyAddresses,department,skills,employeeId,userType").await;
    assert_eq!(
        shown.json.as_object().unwrap().iter().filter(|(name, _)| !name.starts_with('@')).count(),
        6,
        "{}",
        shown.text
    );
    assert_eq!(shown.json["skills"], json!([]));
    assert_eq!(shown.json["proxyAddresses"], json!(["SMTP:whole@contoso.example"]));
    // A plain read shows the same as a selection of what is shown by default.
    const DEFAULTS: &str = "businessPhones,displayName,givenName,id,jobTitle,mail,mobilePhone,officeLocation,preferredLanguage,surname,userPrincipalName";
    for user in [id.as_str(), &person(&tenant, "grace")] {
        let mut plain = get(&tenant, &format!("/v1.0/users/{user}"), &token).await.expect(200);
        let mut selected = select(&tenant, &token, user, DEFAULTS).await;
        for read in [&mut plain, &mut selected] {
            read.json.as_object_mut().unwrap().remove("@odata.context");
        }
        assert_eq!(plain.json, selected.json);
        assert!(plain.text.starts_with("{\"@odata.context\":"), "{}", plain.text);
        assert_eq!(plain.header("content-type"), selected.header("content-type"));
    }
    for (name, value) in [
        ("otherMails", json!(vec!["x@y.example"; 251])),
        ("mail", json!("nonsense")),
        ("userType", json!("Robot")),
        ("passwordProfile", json!({ "password": "password" })),
        ("userPrincipalName", json!("x@elsewhere.example")),
        ("assignedLicenses", json!([])),
    ] {
        let mut body = user("refused");
        body[name] = value;
        let refused = post(&tenant, "/v1.0/users", &token, body).await.expect(400);
        assert_eq!(refused.text("/error/code"), "Request_BadRequest", "{name}");
    }
}

#[tokio::test]
async fn managers_are_expanded_and_make_no_ring() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["User.ReadWrite.All"]).await;
    let (ada, alan, grace) = (person(&tenant, "ada"), person(&tenant, "alan"), person(&tenant, "grace"));
    let set = async |user: &str, manager: &str| {
        let body = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{manager}") });
        tenant.graph(Method::PUT, &format!("/v1.0/users/{user}/manager/$ref"), &token, Some(body)).await
    };
    get(&tenant, &format!("/v1.0/users/{grace}/manager"), &token).await.expect(404);
    set(&grace, &alan).await.expect(204);
    set(&alan, &ada).await.expect(204);
    set(&ada, &grace).await.expect(400);
    let manager = get(&tenant, &format!("/v1.0/users/{grace}/manager"), &token).await.expect(200);
    assert_eq!(manager.text("/id"), alan);
    let expanded = format!("/v1.0/users/{grace}?$select=id&$expand=manager($select=id,displayName)");
    let expanded = get(&tenant, &expanded, &token).await.expect(200);
    assert_eq!(
        expanded.json["manager"],
        json!({ "@odata.type": "#microsoft.graph.user", "id": alan, "displayName": "Alan Turing" })
    );
    let levels = async |query: &str| {
        let url = tenant.url(&format!("/v1.0/users{query}"));
        tenant.send(tenant.http.get(url).bearer_auth(&token).header("consistencylevel", "eventual")).await
    };
    let chain =
        levels(&format!("/{grace}?$select=id&$expand=manager($levels=max;$select=id)")).await.expect(200);
    assert_eq!((chain.text("/manager/id"), chain.text("/manager/manager/id")), (alan.as_str(), ada.as_str()));
    assert!(chain.json.pointer("/manager/manager/manager").is_none());
    let one = levels(&format!("/{grace}?$expand=manager($select=id;$levels=1)")).await.expect(200);
    assert_eq!((one.text("/manager/id"), one.json.pointer("/manager/manager")), (alan.as_str(), None));
    levels(&format!("/{grace}?$expand=manager($levels=0)")).await.expect(400);
    levels("?$expand=manager($levels=2)").await.expect(400);
    levels(&format!("/{grace}?$expand=manager($filter=id eq 'x')")).await.expect(501);
    let plain = format!("/v1.0/users/{grace}?$expand=manager($levels=max)");
    assert_eq!(
        get(&tenant, &plain, &token).await.expect(400).text("/error/code"),
        "Request_UnsupportedQuery"
    );
    let reports = get(&tenant, &format!("/v1.0/users/{ada}/directReports"), &token).await.expect(200);
    assert_eq!(reports.text("/value/0/id"), alan);
    delete(&tenant, &format!("/v1.0/users/{grace}/manager/$ref"), &token).await.expect(204);
    delete(&tenant, &format!("/v1.0/users/{grace}/manager/$ref"), &token).await.expect(404);
}

#[tokio::test]
async fn a_photo_is_put_and_read_as_it_was() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["User.ReadWrite.All", "ProfilePhoto.ReadWrite.All"]).await;
    let path = format!("/v1.0/users/{}/photo", person(&tenant, "grace"));
    assert_eq!(get(&tenant, &path, &token).await.expect(404).text("/error/code"), "ImageNotFound");
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 0, 64, 0, 0, 0, 48]);
    let put = async |bytes: Vec<u8>| {
        let request = tenant.http.put(tenant.url(&format!("{path}/$value"))).bearer_auth(&token);
        tenant.send(request.header("content-type", "image/png").body(bytes)).await
    };
    put(b"no picture".to_vec()).await.expect(400);
    put(png.clone()).await.expect(200);
    let meta = get(&tenant, &path, &token).await.expect(200);
    assert_eq!((meta.json["width"].as_u64(), meta.json["height"].as_u64()), (Some(64), Some(48)));
    let request = tenant.http.get(tenant.url(&format!("{path}/$value"))).bearer_auth(&token);
    let content = request.send().await.unwrap();
    assert_eq!(content.headers()["content-type"], "image/png");
    assert_eq!(content.bytes().await.unwrap(), png);
    for size in ["48x48", "648X648"] {
        get(&tenant, &format!("{path}s/{size}"), &token).await.expect(200);
        let request = tenant.http.get(tenant.url(&format!("{path}s/{size}/$value"))).bearer_auth(&token);
        assert_eq!(request.send().await.unwrap().bytes().await.unwrap(), png);
    }
    let grace = sign_in(&tenant, "grace").await;
    get(&tenant, "/v1.0/me/photos/48x48", &grace).await.expect(200);
    let own = tenant.http.get(tenant.url("/v1.0/me/photos/48x48/$value")).bearer_auth(&grace);
    assert_eq!(own.send().await.unwrap().bytes().await.unwrap(), png);
    get(&tenant, &format!("{path}s/50x50/$value"), &token).await.expect(404);
    delete(&tenant, &path, &token).await.expect(204);
    get(&tenant, &format!("{path}/$value"), &token).await.expect(404);
    let none = get(&tenant, &format!("{path}s/48x48/$value"), &token).await.expect(404);
    assert_eq!(none.text("/error/code"), "ImageNotFound");
}

#[tokio::test]
async fn a_search_needs_the_header_and_finds_words() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let search = async |search: &str, eventual: bool| {
        let mut request = tenant.http.get(tenant.url("/v1.0/users")).query(&[("$search", search)]);
        if eventual {
            request = request.header("ConsistencyLevel", "eventual");
        }
        tenant.send(request.bearer_auth(&token)).await
    };
    assert_eq!(
        search("\"displayName:love\"", false).await.expect(400).text("/error/code"),
        "Request_UnsupportedQuery"
    );
    assert_eq!(
        search("\"displayName:love\"", true).await.expect(200).text("/value/0/displayName"),
        "Ada Lovelace"
    );
    let both = search("\"displayName:grace\" OR \"mail:alan\"", true).await.expect(200);
    assert_eq!(both.json["value"].as_array().unwrap().len(), 2);
    search("displayName:x", true).await.expect(400);
}

#[tokio::test]
async fn a_person_has_methods_beside_the_password() {
    let tenant = tenant().await;
    let ada = person(&tenant, "ada");
    let own = administrator(&tenant, "UserAuthenticationMethod.ReadWrite").await;
    let listed = get(&tenant, "/v1.0/me/authentication/methods", &own).await.expect(200);
    let mut types: Vec<&str> = listed.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["@odata.type"].as_str().unwrap())
        .collect();
    types.sort_unstable();
    let app = "#microsoft.graph.microsoftAuthenticatorAuthenticationMethod";
    assert_eq!(types, [app, "#microsoft.graph.passwordAuthenticationMethod"]);
    let phones = format!("/v1.0/users/{ada}/authentication/phoneMethods");
    let phone = json!({ "phoneNumber": "+44 5556667777", "phoneType": "mobile" });
    let made = post(&tenant, &phones, &own, phone.clone()).await.expect(201);
    post(&tenant, &phones, &own, phone).await.expect(400);
    post(&tenant, &phones, &own, json!({ "phoneNumber": "12", "phoneType": "office" })).await.expect(400);
    let one = format!("/v1.0/users/{ada}/authentication/methods/{}", made.text("/id"));
    assert_eq!(get(&tenant, &one, &own).await.expect(200).text("/phoneNumber"), "+44 5556667777");
    assert_eq!(get(&tenant, &phones, &own).await.expect(200).text("/value/0/id"), made.text("/id"));
    delete(&tenant, &format!("{phones}/{}", made.text("/id")), &own).await.expect(204);
    get(&tenant, &one, &own).await.expect(404);

    // Others' methods need the wider permission.
    let graces = format!("/v1.0/users/{}/authentication/methods", person(&tenant, "grace"));
    get(&tenant, &graces, &own).await.expect(403);
    let admin = administrator(&tenant, "UserAuthenticationMethod.Read.All").await;
    get(&tenant, &graces, &admin).await.expect(200);
}

#[tokio::test]
async fn filters_and_orders_that_entra_has_no_index_for_are_refused() {
    let tenant = tenant().await;
    let token = permitted(
        &tenant,
        &["User.Read.All", "Group.Read.All", "Application.Read.All", "Directory.Read.All"],
    )
    .await;
    let asked = async |query: &str, is_advanced: bool| {
        let url = tenant.url(&format!("/v1.0/{query}{}", if is_advanced { "&$count=true" } else { "" }));
        let request = tenant.http.get(url).bearer_auth(&token);
        let request = if is_advanced { request.header("ConsistencyLevel", "eventual") } else { request };
        tenant.send(request).await
    };
    for never in [
        "users?$filter=contains(displayName,'a')",
        "users?$filter=aboutMe eq 'a'",
        "users?$filter=birthday ge 2000-01-01T00:00:00Z",
        "users?$filter=manager/id eq 'a'",
        "users?$filter=startswith(userType,'M')",
        "users?$filter=endswith(displayName,'a')",
        "users?$filter=skills/any(s:s eq 'a')",
        "users?$orderby=mail",
        "groups?$filter=visibility eq 'Public'",
        "groups?$orderby=mail",
        "applications?$filter=notes eq 'a'",
        "servicePrincipals?$filter=loginUrl eq 'a'",
    ] {
        for is_advanced in [false, true] {
            let refused = asked(never, is_advanced).await.expect(400);
            assert_eq!(refused.text("/error/code"), "Request_UnsupportedQuery", "{never}");
        }
    }
    for advanced in [
        "users?$filter=onPremisesExtensionAttributes/extensionAttribute1 eq 'a'",
        "users?$filter=passwordPolicies eq 'a'",
        "users?$filter=companyName eq 'a'",
        "users?$filter=jobTitle eq null",
        "users?$filter=endswith(mail,'a')",
        "users?$orderby=createdDateTime",
        "applications?$orderby=displayName",
        "servicePrincipals?$orderby=displayName",
    ] {
        let refused = asked(advanced, false).await.expect(400);
        assert_eq!(refused.text("/error/code"), "Request_UnsupportedQuery", "{advanced}");
        assert!(refused.text("/error/message").contains("ConsistencyLevel"), "{}", refused.text);
        asked(advanced, true).await.expect(200);
    }
    for incompatible in [
        "users?$filter=accountEnabled eq 'true'",
        "users?$filter=displayName eq true",
        "users?$filter=createdDateTime ge '2020-01-01T00:00:00Z'",
        "groups?$filter=groupTypes eq 'Unified'",
        "groups?$filter=groupTypes/any(t:t eq true)",
        "applications?$filter=appId eq 00000003-0000-0000-c000-000000000000",
    ] {
        let refused = asked(incompatible, false).await.expect(400);
        assert!(refused.text("/error/message").contains("incompatible types"), "{}", refused.text);
    }
    for taken in [
        "users?$filter=createdDateTime ge 2020-01-01T00:00:00Z and accountEnabled eq true",
        "users?$filter=proxyAddresses/any(p:startswith(p,'smtp:'))",
        "users?$filter=assignedLicenses/any(l:l/skuId eq 3b555118-da6a-4418-894f-7df1e2096870)",
        "users?$filter=identities/any(i:i/issuer eq 'a' and i/issuerAssignedId eq 'b')",
        "users?$orderby=userPrincipalName desc",
        "groups?$filter=groupTypes/any(t:t eq 'Unified') and securityEnabled eq false",
        "groups?$orderby=displayName",
        "applications?$filter=tags/any(t:t eq 'a') or identifierUris/any(u:u eq 'b')",
        "servicePrincipals?$filter=appId eq 'a' or servicePrincipalNames/any(n:n eq 'b')",
    ] {
        asked(taken, false).await.expect(200);
        asked(taken, true).await.expect(200);
    }
}

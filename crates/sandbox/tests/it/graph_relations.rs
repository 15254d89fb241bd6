//! What holds objects of the directory together: owners, sponsors, assignments and memberships are added, read back
//! and taken away (Entra reference §2.3, §2.6, §2.7; permissions and shapes from Microsoft's pages).

use serde_json::{Value, json};

use crate::cast::{
    GRAPH_SP, blueprint, delete, get, patch, permitted, person, post, role_id, sign_in, tenant,
};
use crate::granted::sign_in_with;
use crate::support::{Reply, Tenant};

const EVERYBODY: &str = "00000000-0000-0000-0000-000000000000";

fn reference(id: &str) -> Value {
    json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") })
}

fn ids(reply: &Reply) -> Vec<String> {
    let items = reply.json["value"].as_array().unwrap().iter();
    let mut ids: Vec<String> =
        items.map(|one| one["id"].as_str().or(one.as_str()).unwrap().to_owned()).collect();
    ids.sort();
    ids
}

/// Adds a reference, sees it, takes it away and no longer sees it.
async fn comes_and_goes(tenant: &Tenant, token: &str, list: &str, at: &str, member: &str) {
    let before = ids(&get(tenant, list, token).await.expect(200));
    assert!(!before.contains(&member.to_owned()), "{list}");
    post(tenant, &format!("{at}/$ref"), token, reference(member)).await.expect(204);
    assert!(ids(&get(tenant, list, token).await.expect(200)).contains(&member.to_owned()), "{list}");
    post(tenant, &format!("{at}/$ref"), token, reference(member)).await.expect(400);
    delete(tenant, &format!("{at}/{member}/$ref"), token).await.expect(204);
    assert_eq!(ids(&get(tenant, list, token).await.expect(200)), before, "{list}");
    delete(tenant, &format!("{at}/{member}/$ref"), token).await.expect(404);
}

#[tokio::test]
async fn owners_and_sponsors_come_and_go() {
    let tenant = tenant().await;
    let agents = blueprint(&tenant, "User.Read").await;
    let identity = agents.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = agents.create_user(&tenant, &identity, "scout").await.expect(201).text("/id").to_owned();
    let grace = person(&tenant, "grace");
    let own = tenant.provisioner().await;
    let token = permitted(&tenant, &["User.ReadWrite.All", "Group.ReadWrite.All"]).await;

    let sponsored = format!("/v1.0/users/{user}/sponsors");
    comes_and_goes(&tenant, &token, &sponsored, &sponsored, &grace).await;
    let principal = format!("/v1.0/servicePrincipals/{identity}");
    let typed = format!("{principal}/microsoft.graph.agentIdentity/sponsors");
    comes_and_goes(
        &tenant,
        &token,
        &format!("{principal}/sponsors"),
        &format!("{principal}/sponsors"),
        &grace,
    )
    .await;
    comes_and_goes(&tenant, &token, &typed, &typed, &grace).await;
    // A blueprint's principal shows the sponsors it has, by its cast.
    let of_principal = format!(
        "/v1.0/servicePrincipals/{}/microsoft.graph.agentIdentityBlueprintPrincipal/sponsors",
        agents.principal
    );
    get(&tenant, &of_principal, &own).await.expect(200);

    let body =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = post(&tenant, "/v1.0/groups", &token, body).await.expect(201).text("/id").to_owned();
    let owners = format!("/v1.0/groups/{group}/owners");
    post(&tenant, &format!("{owners}/$ref"), &token, reference(&person(&tenant, "ada"))).await.expect(204);
    comes_and_goes(&tenant, &token, &owners, &owners, &grace).await;

    let broad = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let app = post(&tenant, "/v1.0/applications", &broad, json!({ "displayName": "App" })).await.expect(201);
    let made = post(&tenant, "/v1.0/servicePrincipals", &broad, json!({ "appId": app.text("/appId") })).await;
    let owners = format!("/v1.0/servicePrincipals/{}/owners", made.expect(201).text("/id"));
    comes_and_goes(&tenant, &broad, &owners, &owners, &grace).await;
}

#[tokio::test]
async fn an_agent_identity_is_read_changed_and_deleted_by_its_cast() {
    let tenant = tenant().await;
    let agents = blueprint(&tenant, "User.Read").await;
    let identity = agents.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let token = tenant.provisioner().await;
    for path in [
        format!("/v1.0/servicePrincipals/{identity}/microsoft.graph.agentIdentity"),
        format!("/v1.0/servicePrincipals/microsoft.graph.agentIdentity/{identity}"),
    ] {
        let read = get(&tenant, &path, &token).await.expect(200);
        assert_eq!((read.text("/id"), read.text("/agentIdentityBlueprintId")), (&*identity, &*agents.id));
    }
    let path = format!("/v1.0/servicePrincipals/{identity}/microsoft.graph.agentIdentity");
    patch(&tenant, &path, &token, json!({ "accountEnabled": false })).await.expect(204);
    assert_eq!(get(&tenant, &path, &token).await.expect(200).json["accountEnabled"], false);
    // Another kind of principal is none of these.
    let other = format!("/v1.0/servicePrincipals/{}/microsoft.graph.agentIdentity", agents.principal);
    get(&tenant, &other, &token).await.expect(404);
    delete(&tenant, &path, &token).await.expect(204);
    get(&tenant, &path, &token).await.expect(404);
    let bin = "/v1.0/directory/deletedItems/microsoft.graph.agentIdentity";
    assert_eq!(ids(&get(&tenant, bin, &token).await.expect(200)), [identity.as_str()]);
}

#[tokio::test]
async fn what_agents_inherit_is_listed_changed_and_taken_away() {
    let tenant = tenant().await;
    let agents = blueprint(&tenant, "User.Read Mail.Send").await;
    let token = tenant.provisioner().await;
    const GRAPH: &str = "00000003-0000-0000-c000-000000000000";
    let list = format!(
        "/v1.0/applications/{}/microsoft.graph.agentIdentityBlueprint/inheritablePermissions",
        agents.id
    );
    let listed = get(&tenant, &list, &token).await.expect(200);
    assert_eq!(listed.text("/value/0/resourceAppId"), GRAPH);
    assert_eq!(listed.json["value"][0]["inheritableScopes"]["scopes"], json!(["User.Read", "Mail.Send"]));
    let one = format!("{list}/{GRAPH}");
    let fewer = json!({ "inheritableScopes": {
        "@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated", "scopes": ["User.Read"],
    } });
    patch(&tenant, &one, &token, fewer).await.expect(200);
    let read = get(&tenant, &one, &token).await.expect(200);
    assert_eq!(read.json["inheritableScopes"]["scopes"], json!(["User.Read"]));
    // An agent gets what it inherits, and no more.
    let identity = agents.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = agents.create_user(&tenant, &identity, "scout").await.expect(201).text("/id").to_owned();
    let scopes = async || {
        let answer = agents.hops(&tenant, &identity, &user).await;
        answer.json["access_token"].as_str().map(|token| crate::support::claims(token)["scp"].clone())
    };
    let narrowed = scopes().await.unwrap().as_str().unwrap().to_owned();
    assert!(narrowed.contains("User.Read") && !narrowed.contains("Mail.Send"), "{narrowed}");
    delete(&tenant, &one, &token).await.expect(204);
    get(&tenant, &one, &token).await.expect(404);
    assert_eq!(get(&tenant, &list, &token).await.expect(200).json["value"], json!([]));
    assert_eq!(scopes().await, None);
}

#[tokio::test]
async fn roles_of_applications_are_given_to_groups_and_principals_and_taken_back() {
    let tenant = tenant().await;
    let token = permitted(
        &tenant,
        &[
            "Application.ReadWrite.All",
            "Directory.Read.All",
            "Group.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
        ],
    )
    .await;
    let app = post(&tenant, "/v1.0/applications", &token, json!({ "displayName": "App" })).await.expect(201);
    let made = post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": app.text("/appId") })).await;
    let principal = made.expect(201).text("/id").to_owned();
    let body =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let group = post(&tenant, "/v1.0/groups", &token, body).await.expect(201).text("/id").to_owned();

    let path = format!("/v1.0/groups/{group}/appRoleAssignments");
    let body = json!({ "principalId": group, "resourceId": principal, "appRoleId": EVERYBODY });
    let given = post(&tenant, &path, &token, body).await.expect(201);
    assert_eq!((given.text("/principalType"), given.text("/principalDisplayName")), ("Group", "g"));
    assert_eq!(ids(&get(&tenant, &path, &token).await.expect(200)), [given.text("/id")]);
    let seen = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignedTo");
    assert_eq!(get(&tenant, &seen, &token).await.expect(200).text("/value/0/principalId"), group);
    delete(&tenant, &format!("{path}/{}", given.text("/id")), &token).await.expect(204);
    assert_eq!(get(&tenant, &path, &token).await.expect(200).json["value"], json!([]));

    // What an application may do is gone with its assignment.
    let graph = get(&tenant, GRAPH_SP, &token).await.expect(200);
    let role = role_id(&graph.json, "User.Read.All");
    let path = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments");
    let body = json!({ "principalId": principal, "resourceId": graph.text("/id"), "appRoleId": role });
    let given = post(&tenant, &path, &token, body).await.expect(201).text("/id").to_owned();
    let secret = format!("/v1.0/applications/{}/addPassword", app.text("/id"));
    let secret = post(&tenant, &secret, &token, json!({})).await.expect(200).text("/secretText").to_owned();
    let form = [
        ("client_id", app.text("/appId")),
        ("client_secret", &secret),
        ("grant_type", "client_credentials"),
        ("scope", crate::support::GRAPH),
    ];
    let may = async || {
        let token = tenant.token(&form).await.expect(200).text("/access_token").to_owned();
        get(&tenant, "/v1.0/users", &token).await.status.as_u16()
    };
    assert_eq!(may().await, 200);
    delete(&tenant, &format!("{path}/{given}"), &token).await.expect(204);
    assert_eq!(may().await, 403);
    assert_eq!(get(&tenant, &path, &token).await.expect(200).json["value"], json!([]));
}

#[tokio::test]
async fn any_object_is_asked_for_the_groups_that_hold_it() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Group.ReadWrite.All", "Directory.Read.All"]).await;
    let grace = person(&tenant, "grace");
    let mut made = Vec::new();
    for name in ["inner", "middle", "outer"] {
        let body = json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true });
        made.push(post(&tenant, "/v1.0/groups", &token, body).await.expect(201).text("/id").to_owned());
    }
    let [inner, middle, outer] = made.as_slice() else { panic!("three groups") };
    for (group, member) in [(inner, &grace), (middle, inner), (outer, middle)] {
        let path = format!("/v1.0/groups/{group}/members/$ref");
        post(&tenant, &path, &token, reference(member)).await.expect(204);
    }
    let sorted = |list: &[&String]| {
        let mut list: Vec<String> = list.iter().map(|one| (*one).clone()).collect();
        list.sort();
        list
    };
    let above = format!("/v1.0/groups/{inner}/transitiveMemberOf");
    assert_eq!(ids(&get(&tenant, &above, &token).await.expect(200)), sorted(&[middle, outer]));
    let ask = async |object: &str, action: &str, body: Value| {
        ids(&post(&tenant, &format!("/v1.0/directoryObjects/{object}/{action}"), &token, body)
            .await
            .expect(200))
    };
    let all = json!({ "securityEnabledOnly": false });
    assert_eq!(ask(&grace, "getMemberGroups", all.clone()).await, sorted(&[inner, middle, outer]));
    assert_eq!(ask(inner, "getMemberGroups", all).await, sorted(&[middle, outer]));
    let groups = json!({ "groupIds": [outer, EVERYBODY] });
    assert_eq!(ask(&grace, "checkMemberGroups", groups).await, [outer.as_str()]);
    let objects = json!({ "ids": [inner, EVERYBODY] });
    assert_eq!(ask(&grace, "checkMemberObjects", objects).await, [inner.as_str()]);
}

#[tokio::test]
async fn groups_and_principals_are_asked_for_the_groups_that_hold_them() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Group.ReadWrite.All", "Directory.Read.All"]).await;
    let group = async |name: &str| {
        let body = json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true });
        post(&tenant, "/v1.0/groups", &token, body).await.expect(201).text("/id").to_owned()
    };
    let (inner, outer) = (group("inner").await, group("outer").await);
    let app = &tenant.sandbox.ready().apps.provisioner.client_id;
    let by_app = format!("servicePrincipals(appId='{app}')");
    let principal = get(&tenant, &format!("/v1.0/{by_app}"), &token).await.expect(200).text("/id").to_owned();
    for (group, member) in [(&inner, &principal), (&outer, &inner)] {
        let path = format!("/v1.0/groups/{group}/members/$ref");
        post(&tenant, &path, &token, reference(member)).await.expect(204);
    }
    let mut both = [inner.clone(), outer.clone()];
    both.sort();
    let all = json!({ "securityEnabledOnly": false });
    let ids_of = json!({ "ids": [outer, EVERYBODY] });
    let group_ids = json!({ "groupIds": [outer, EVERYBODY] });
    for (object, around) in [
        (format!("groups/{inner}"), &both[both.iter().position(|id| *id == outer).unwrap()..][..1]),
        (format!("servicePrincipals/{principal}"), &both[..]),
        (by_app, &both[..]),
    ] {
        let ask = async |action: &str, body: &Value| {
            let path = format!("/v1.0/{object}/{action}");
            ids(&post(&tenant, &path, &token, body.clone()).await.expect(200))
        };
        assert_eq!(ask("getMemberGroups", &all).await, around, "{object}");
        let objects = ask("getMemberObjects", &all).await;
        assert!(around.iter().all(|id| objects.contains(id)), "{object}: {objects:?}");
        assert_eq!(ask("checkMemberGroups", &group_ids).await, [outer.as_str()], "{object}");
        assert_eq!(ask("checkMemberObjects", &ids_of).await, [outer.as_str()], "{object}");
    }
    let mistaken = format!("/v1.0/groups/{principal}/getMemberGroups");
    post(&tenant, &mistaken, &token, all).await.expect(404);
}

#[tokio::test]
async fn what_somebody_owns_is_listed() {
    let tenant = tenant().await;
    let token =
        permitted(&tenant, &["Group.ReadWrite.All", "Application.ReadWrite.All", "Directory.Read.All"]).await;
    let (ada, grace) = (person(&tenant, "ada"), person(&tenant, "grace"));
    let owner = format!("https://graph.microsoft.com/v1.0/users/{ada}");
    let group = json!({
        "displayName": "own", "mailNickname": "own", "mailEnabled": false, "securityEnabled": true,
        "owners@odata.bind": [&owner],
    });
    let group = post(&tenant, "/v1.0/groups", &token, group).await.expect(201).text("/id").to_owned();
    let app = json!({ "displayName": "own", "owners@odata.bind": [&owner] });
    let app = post(&tenant, "/v1.0/applications", &token, app).await.expect(201).text("/id").to_owned();
    let owned = format!("/v1.0/users/{ada}/ownedObjects");
    let listed = ids(&get(&tenant, &owned, &token).await.expect(200));
    assert!([&group, &app].iter().all(|id| listed.contains(id)), "{listed:?}");
    let apps = get(&tenant, &format!("{owned}/microsoft.graph.application"), &token).await.expect(200);
    assert!(ids(&apps).contains(&app) && !ids(&apps).contains(&group), "{}", apps.text);
    delete(&tenant, &format!("/v1.0/groups/{group}"), &token).await.expect(204);
    assert!(!ids(&get(&tenant, &owned, &token).await.expect(200)).contains(&group));

    // A person sees what is theirs, by any permission to read themselves.
    let mine = sign_in(&tenant, "ada").await;
    assert!(ids(&get(&tenant, "/v1.0/me/ownedObjects", &mine).await.expect(200)).contains(&app));
    let none = get(&tenant, &format!("/v1.0/users/{grace}/ownedObjects"), &token).await.expect(200);
    assert_eq!(none.json["value"], json!([]));
    let principal = &tenant.sandbox.ready().apps.provisioner.client_id;
    let principal = format!("/v1.0/servicePrincipals(appId='{principal}')/ownedObjects");
    get(&tenant, &principal, &token).await.expect(200);
}

#[tokio::test]
async fn people_change_what_is_theirs() {
    let tenant = tenant().await;
    let scopes = "User.Read.All User.ReadWrite User-PasswordProfile.ReadWrite.All";
    let grace = sign_in_with(&tenant, "grace", scopes).await;
    let (grace_id, ada) = (person(&tenant, "grace"), person(&tenant, "ada"));
    let app = permitted(&tenant, &["User.ReadWrite.All", "ProfilePhoto.ReadWrite.All"]).await;
    get(&tenant, "/v1.0/me/manager", &grace).await.expect(404);
    let path = format!("/v1.0/users/{grace_id}/manager/$ref");
    tenant.graph(http::Method::PUT, &path, &app, Some(reference(&ada))).await.expect(204);
    let manager = get(&tenant, "/v1.0/me/manager", &grace).await.expect(200);
    assert_eq!((manager.text("/id"), manager.text("/@odata.type")), (&*ada, "#microsoft.graph.user"));

    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    png.extend([0, 0, 0, 64, 0, 0, 0, 64]);
    for (path, token) in
        [("/v1.0/me/photo".to_owned(), &grace), (format!("/v1.0/users/{grace_id}/photo/$value"), &app)]
    {
        let put = tenant.http.put(tenant.url("/v1.0/me/photo/$value")).bearer_auth(&grace);
        tenant.send(put.header("content-type", "image/png").body(png.clone())).await.expect(200);
        get(&tenant, "/v1.0/me/photo", &grace).await.expect(200);
        delete(&tenant, &path, token).await.expect(204);
        get(&tenant, "/v1.0/me/photo", &grace).await.expect(404);
    }

    let user = tenant.sandbox.ready().users.iter().find(|one| one.id == grace_id).unwrap().clone();
    let change = async |current: &str, new: &str| {
        let body = json!({ "currentPassword": current, "newPassword": new });
        post(&tenant, "/v1.0/me/changePassword", &grace, body).await
    };
    change("wrong-Pa55word", "Another-Pa55word").await.expect(400);
    change(&user.password, "weak").await.expect(400);
    change(&user.password, "Another-Pa55word").await.expect(204);
    // Earlier sessions are void to the second; the next one is another.
    tenant.sandbox.control().clock().advance(std::time::Duration::from_secs(1));
    let enter = async |password: &str| {
        let form = [
            ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
            ("grant_type", "password"),
            ("scope", "https://graph.microsoft.com/.default"),
            ("username", &user.upn),
            ("password", password),
        ];
        tenant.token(&form).await
    };
    assert_eq!(enter(&user.password).await.error().1, 50_126);
    enter("Another-Pa55word").await.expect(200);
    sign_in(&tenant, "ada").await;
}

#[tokio::test]
async fn a_subdomain_is_verified_by_its_parent_and_goes_while_nobody_uses_it() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Domain.ReadWrite.All", "User.ReadWrite.All"]).await;
    let body = json!({ "id": "lab.contoso.example" });
    let made = post(&tenant, "/v1.0/domains", &token, body.clone()).await.expect(201);
    assert_eq!((&made.json["isVerified"], &made.json["isRoot"]), (&json!(true), &json!(false)));
    post(&tenant, "/v1.0/domains", &token, body).await.expect(409);
    post(&tenant, "/v1.0/domains", &token, json!({ "id": "not a domain" })).await.expect(400);
    let path = "/v1.0/domains/lab.contoso.example";
    get(&tenant, path, &token).await.expect(200);
    let user = json!({
        "accountEnabled": true, "displayName": "L", "mailNickname": "l", "passwordProfile": { "password": "Pa55word-1" },
        "userPrincipalName": "l@lab.contoso.example",
    });
    let user = post(&tenant, "/v1.0/users", &token, user).await.expect(201).text("/id").to_owned();
    delete(&tenant, path, &token).await.expect(400);
    let moved = json!({ "userPrincipalName": "l@contoso.example", "mail": "l@contoso.example" });
    patch(&tenant, &format!("/v1.0/users/{user}"), &token, moved).await.expect(204);
    delete(&tenant, &format!("/v1.0/users/{user}"), &token).await.expect(204);
    delete(&tenant, &format!("/v1.0/directory/deletedItems/{user}"), &token).await.expect(204);
    delete(&tenant, path, &token).await.expect(204);
    get(&tenant, path, &token).await.expect(404);
}

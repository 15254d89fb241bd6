//! Groups, memberships and directory roles.

use http::Method;
use serde_json::{Value, json};

use crate::cast::{blueprint, delete, get, patch, permitted, person, post, sign_in, tenant};
use crate::support::{Reply, Tenant};

fn security(name: &str) -> Value {
    json!({ "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true })
}

fn unified(name: &str) -> Value {
    json!({
        "displayName": name, "mailNickname": name, "mailEnabled": true, "securityEnabled": false,
        "groupTypes": ["Unified"],
    })
}

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

async fn made(tenant: &Tenant, token: &str, body: Value) -> String {
    post(tenant, "/v1.0/groups", token, body).await.expect(201).text("/id").to_owned()
}

#[tokio::test]
async fn groups_are_made_read_changed_and_deleted() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Group.ReadWrite.All"]).await;
    let team = made(&tenant, &token, unified("team")).await;
    let read = get(&tenant, &format!("/v1.0/groups/{team}"), &token).await.expect(200);
    assert_eq!(read.text("/mail"), "team@contoso.example");
    assert_eq!(read.json["proxyAddresses"], json!(["SMTP:team@contoso.example"]));
    assert_eq!(read.text("/visibility"), "Public");
    let twice = post(&tenant, "/v1.0/groups", &token, unified("Team")).await.expect(400);
    assert_eq!(twice.text("/error/details/0/target"), "mailNickname");
    for (name, value) in [
        ("mailEnabled", json!(true)),
        ("securityEnabled", json!(false)),
        ("mailNickname", json!("not a name")),
        ("groupTypes", json!(["Nonsense"])),
        ("groupTypes", json!(["DynamicMembership"])),
        ("displayName", Value::Null),
        ("nonsense", json!(1)),
    ] {
        let mut body = security("plain");
        body[name] = value;
        let refused = post(&tenant, "/v1.0/groups", &token, body).await.expect(400);
        assert_eq!(refused.text("/error/code"), "Request_BadRequest", "{name}");
    }
    let plain = made(&tenant, &token, security("plain")).await;
    let path = format!("/v1.0/groups/{plain}");
    patch(&tenant, &path, &token, json!({ "description": "d", "displayName": "Plain" })).await.expect(204);
    let filter =
        "/v1.0/groups?$filter=startswith(displayName,'Pl')&$select=id,description,theme,assignedLabels";
    let found = get(&tenant, filter, &token).await.expect(200);
    assert_eq!(
        found.json["value"],
        json!([{ "id": plain, "description": "d", "theme": null, "assignedLabels": [] }])
    );
    delete(&tenant, &path, &token).await.expect(204);
    get(&tenant, &path, &token).await.expect(404);
    // A Microsoft 365 group comes back, a security group does not.
    delete(&tenant, &format!("/v1.0/groups/{team}"), &token).await.expect(204);
    let deleted =
        get(&tenant, "/v1.0/directory/deletedItems/microsoft.graph.group", &token).await.expect(200);
    assert_eq!(ids(&deleted), [team.as_str()]);
    let restore = format!("/v1.0/directory/deletedItems/{team}/restore");
    post(&tenant, &restore, &token, json!({})).await.expect(200);
    get(&tenant, &format!("/v1.0/groups/{team}"), &token).await.expect(200);
}

#[tokio::test]
async fn memberships_are_direct_or_through_groups() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Group.ReadWrite.All", "Directory.Read.All"]).await;
    let (ada, grace) = (person(&tenant, "ada"), person(&tenant, "grace"));
    let (inner, outer) =
        (made(&tenant, &token, security("inner")).await, made(&tenant, &token, security("outer")).await);
    let team = made(&tenant, &token, unified("team")).await;
    for (group, member) in [(&inner, &grace), (&outer, &inner), (&outer, &ada), (&team, &grace)] {
        let path = format!("/v1.0/groups/{group}/members/$ref");
        post(&tenant, &path, &token, reference(member)).await.expect(204);
        let twice = post(&tenant, &path, &token, reference(member)).await.expect(400);
        assert!(twice.text("/error/message").contains("already exist"), "{}", twice.text);
    }
    let nested = format!("/v1.0/groups/{team}/members/$ref");
    post(&tenant, &nested, &token, reference(&inner)).await.expect(400);

    let read = async |path: &str| get(&tenant, &format!("/v1.0/{path}"), &token).await.expect(200);
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(
        ids(&read(&format!("groups/{outer}/members")).await),
        sorted(vec![ada.clone(), inner.clone()])
    );
    let only_users = read(&format!("groups/{outer}/members/microsoft.graph.user")).await;
    assert_eq!(ids(&only_users), [ada.as_str()]);
    let all = sorted(vec![ada.clone(), inner.clone(), grace.clone()]);
    assert_eq!(ids(&read(&format!("groups/{outer}/transitiveMembers")).await), all);
    let of_grace = sorted(vec![inner.clone(), team.clone()]);
    assert_eq!(ids(&read(&format!("users/{grace}/memberOf")).await), of_grace);
    let through = sorted(vec![inner.clone(), team.clone(), outer.clone()]);
    assert_eq!(ids(&read(&format!("users/{grace}/transitiveMemberOf")).await), through);
    assert_eq!(ids(&read(&format!("groups/{inner}/memberOf")).await), [outer.as_str()]);

    let ask = async |path: &str, body: Value| post(&tenant, &format!("/v1.0/{path}"), &token, body).await;
    let secure = ask(&format!("users/{grace}/getMemberGroups"), json!({ "securityEnabledOnly": true })).await;
    assert_eq!(ids(&secure.expect(200)), sorted(vec![inner.clone(), outer.clone()]));
    let path = format!("directoryObjects/{grace}/getMemberObjects");
    let objects = ask(&path, json!({ "securityEnabledOnly": false })).await.expect(200);
    assert_eq!(ids(&objects), through);
    let check = json!({ "groupIds": [outer, "00000000-0000-4000-8000-00000000dead"] });
    let checked = ask(&format!("users/{grace}/checkMemberGroups"), check).await.expect(200);
    assert_eq!(ids(&checked), [outer.as_str()]);
    ask(&format!("users/{grace}/checkMemberGroups"), json!({ "groupIds": vec![&outer; 21] }))
        .await
        .expect(400);
    let several =
        json!({ "ids": [ada, outer, "00000000-0000-4000-8000-00000000dead"], "types": ["group", "user"] });
    let several = ask("directoryObjects/getByIds", several).await.expect(200);
    assert_eq!(ids(&several), sorted(vec![ada.clone(), outer.clone()]));
    assert_eq!(
        read(&format!("directoryObjects/{outer}")).await.text("/@odata.type"),
        "#microsoft.graph.group"
    );

    let path = format!("/v1.0/groups/{outer}/members/{ada}/$ref");
    delete(&tenant, &path, &token).await.expect(204);
    delete(&tenant, &path, &token).await.expect(404);
    let count = tenant
        .http
        .get(tenant.url(&format!("/v1.0/groups/{outer}/members/$count")))
        .header("ConsistencyLevel", "eventual")
        .bearer_auth(&token);
    let count = tenant.send(count).await.expect(200);
    assert_eq!((count.text.as_str(), count.header("content-type")), ("1", "text/plain"));
    get(&tenant, &format!("/v1.0/groups/{outer}/members/$count"), &token).await.expect(400);
}

#[tokio::test]
async fn some_groups_may_sponsor_an_agent() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Group.ReadWrite.All"]).await;
    let (team, plain) =
        (made(&tenant, &token, unified("team")).await, made(&tenant, &token, security("plain")).await);
    let mut dynamic = security("dynamic");
    dynamic["groupTypes"] = json!(["DynamicMembership"]);
    dynamic["membershipRule"] = json!("user.department -eq \"R\"");
    dynamic["membershipRuleProcessingState"] = json!("On");
    let dynamic = made(&tenant, &token, dynamic).await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let path = format!("/v1.0/servicePrincipals/microsoft.graph.agentIdentity/{identity}/sponsors/$ref");
    post(&tenant, &path, &token, reference(&team)).await.expect(204);
    post(&tenant, &path, &token, reference(&dynamic)).await.expect(204);
    let refused = post(&tenant, &path, &token, reference(&plain)).await.expect(400);
    assert!(refused.text("/error/message").contains("cannot be a sponsor"), "{}", refused.text);
    let members = format!("/v1.0/groups/{dynamic}/members/$ref");
    post(&tenant, &members, &token, reference(&person(&tenant, "ada"))).await.expect(400);
    let sponsors =
        get(&tenant, &format!("/v1.0/servicePrincipals/{identity}/sponsors"), &token).await.expect(200);
    assert_eq!(sponsors.json["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_role_makes_an_administrator_and_shows_in_memberships() {
    const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
    const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";
    let tenant = tenant().await;
    let token = permitted(&tenant, &["RoleManagement.ReadWrite.Directory", "User.ReadWrite.All"]).await;
    let (ada, grace) = (person(&tenant, "ada"), person(&tenant, "grace"));
    let roles = get(&tenant, "/v1.0/directoryRoles", &token).await.expect(200);
    assert_eq!(roles.json["value"].as_array().unwrap().len(), 1);
    assert_eq!(roles.text("/value/0/roleTemplateId"), GLOBAL_ADMINISTRATOR);
    let path = format!("/v1.0/directoryRoles(roleTemplateId='{GLOBAL_ADMINISTRATOR}')/members");
    assert_eq!(ids(&get(&tenant, &path, &token).await.expect(200)), [ada.as_str()]);
    let memberships = get(&tenant, "/v1.0/me/memberOf", &sign_in(&tenant, "ada").await).await.expect(200);
    assert_eq!(memberships.text("/value/0/@odata.type"), "#microsoft.graph.directoryRole");
    assert_eq!(memberships.text("/value/0/displayName"), "Global Administrator");

    let path = "/v1.0/roleManagement/directory/roleAssignments";
    let body = json!({
        "@odata.type": "#microsoft.graph.unifiedRoleAssignment", "principalId": grace, "directoryScopeId": "/",
        "roleDefinitionId": USER_ADMINISTRATOR,
    });
    let made = post(&tenant, path, &token, body.clone()).await.expect(201).text("/id").to_owned();
    post(&tenant, path, &token, body).await.expect(400);
    let filtered = format!("{path}?$filter=principalId%20eq%20'{grace}'&$expand=roleDefinition");
    let filtered = get(&tenant, &filtered, &token).await.expect(200);
    assert_eq!(filtered.text("/value/0/roleDefinition/displayName"), "User Administrator");
    let one = get(&tenant, &format!("{path}/{made}"), &token).await.expect(200);
    assert_eq!((one.text("/principalId"), one.text("/roleDefinitionId")), (&*grace, USER_ADMINISTRATOR));
    delete(&tenant, &format!("{path}/{made}"), &token).await.expect(204);
    get(&tenant, &format!("{path}/{made}"), &token).await.expect(404);

    let activated =
        post(&tenant, "/v1.0/directoryRoles", &token, json!({ "roleTemplateId": USER_ADMINISTRATOR }))
            .await
            .expect(201);
    let members = format!("/v1.0/directoryRoles/{}/members/$ref", activated.text("/id"));
    post(&tenant, &members, &token, reference(&grace)).await.expect(204);
    let member = format!("/v1.0/directoryRoles/{}/members/{grace}/$ref", activated.text("/id"));
    tenant.graph(Method::DELETE, &member, &token, None).await.expect(204);
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let refused = post(&tenant, &members, &token, reference(&identity)).await.expect(400);
    assert!(refused.text("/error/message").contains("privileged"), "{}", refused.text);
}

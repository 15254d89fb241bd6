//! `auditLogs/directoryAudits`: one row for each change (Entra reference §13).

use http::Method;
use serde_json::{Value, json};

use crate::cast::{blueprint, delete, get, patch, permitted, person, post, tenant};
use crate::support::Tenant;

async fn rows(tenant: &Tenant, token: &str, query: &str) -> Vec<Value> {
    let path = format!("/v1.0/auditLogs/directoryAudits?{query}");
    get(tenant, &path, token).await.expect(200).json["value"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_change_is_a_row_found_by_the_clients_request_id() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["User.ReadWrite.All", "AuditLog.Read.All", "Group.ReadWrite.All"]).await;
    let grace = person(&tenant, "grace");
    let id = "11111111-2222-4333-8444-555555555555";
    let request = tenant
        .http
        .patch(tenant.url(&format!("/v1.0/users/{grace}")))
        .header("client-request-id", id)
        .bearer_auth(&token)
        .json(&json!({ "jobTitle": "Admiral", "accountEnabled": false }));
    tenant.send(request).await.expect(204);
    let found = rows(&tenant, &token, &format!("$filter=correlationId%20eq%20'{id}'")).await;
    let names: Vec<&str> = found.iter().map(|row| row["activityDisplayName"].as_str().unwrap()).collect();
    assert_eq!(names, ["Disable account", "Update user"]);
    let row = &found[1];
    assert_eq!(
        (&row["category"], &row["operationType"], &row["result"]),
        (&json!("UserManagement"), &json!("Update"), &json!("success"))
    );
    assert_eq!(row["initiatedBy"]["app"]["displayName"], "Provisioner");
    assert_eq!(row["initiatedBy"]["user"], Value::Null);
    let target = &row["targetResources"][0];
    assert_eq!((&target["id"], &target["type"]), (&json!(grace), &json!("User")));
    let changed = target["modifiedProperties"].as_array().unwrap();
    let job = changed.iter().find(|one| one["displayName"] == "JobTitle").unwrap();
    assert_eq!((&job["oldValue"], &job["newValue"]), (&json!("[]"), &json!("[\"Admiral\"]")));
    assert!(changed.iter().any(|one| one["displayName"] == "Included Updated Properties"));

    // Without one, the id that the answer told finds it.
    let group =
        json!({ "displayName": "g", "mailNickname": "g", "mailEnabled": false, "securityEnabled": true });
    let made = post(&tenant, "/v1.0/groups", &token, group).await.expect(201);
    let told = made.header("request-id");
    let found = rows(&tenant, &token, &format!("$filter=correlationId%20eq%20'{told}'")).await;
    assert_eq!(found[0]["activityDisplayName"], "Add group");
    assert_eq!(found[0]["targetResources"][0]["id"], made.text("/id"));
    let member = json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/users/{grace}") });
    let path = format!("/v1.0/groups/{}/members/$ref", made.text("/id"));
    let added = post(&tenant, &path, &token, member).await.expect(204);
    let found =
        rows(&tenant, &token, &format!("$filter=correlationId%20eq%20'{}'", added.header("request-id")))
            .await;
    assert_eq!(found[0]["activityDisplayName"], "Add member to group");
    let types: Vec<&Value> =
        found[0]["targetResources"].as_array().unwrap().iter().map(|one| &one["type"]).collect();
    assert_eq!(types, ["User", "Group"]);

    // What was refused, and what was only asked, is no row.
    let before = rows(&tenant, &token, "").await.len();
    patch(&tenant, "/v1.0/users/nobody", &token, json!({ "jobTitle": "x" })).await.expect(404);
    let ask = json!({ "securityEnabledOnly": true });
    post(&tenant, &format!("/v1.0/users/{grace}/getMemberGroups"), &token, ask).await.expect(200);
    assert_eq!(rows(&tenant, &token, "").await.len(), before);
    let one = rows(&tenant, &token, "$top=1").await;
    assert_eq!(one.len(), 1);
    let path = format!("/v1.0/auditLogs/directoryAudits/{}", one[0]["id"].as_str().unwrap());
    assert_eq!(
        get(&tenant, &path, &token).await.expect(200).json["activityDateTime"],
        one[0]["activityDateTime"]
    );
}

#[tokio::test]
async fn provisioning_an_agent_leaves_its_trace() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["AuditLog.Read.All"]).await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
    blueprint.license(&tenant, &user).await.expect(200);
    delete(&tenant, &format!("/v1.0/users/{user}"), &blueprint.token(&tenant).await).await.expect(204);
    let restore = format!("/v1.0/directory/deletedItems/{user}/restore");
    tenant.graph(Method::POST, &restore, &blueprint.token(&tenant).await, None).await.expect(200);
    let names: Vec<String> = rows(&tenant, &token, "")
        .await
        .iter()
        .map(|row| row["activityDisplayName"].as_str().unwrap().to_owned())
        .collect();
    for name in [
        "Add application",
        "Add service principal",
        "Add app role assignment to service principal",
        "Add delegated permission grant",
        "Add user",
        "Change user license",
        "Delete user",
        "Restore user",
    ] {
        assert!(names.iter().any(|one| one == name), "{name} in {names:?}");
    }
    assert_eq!(names[0], "Restore user", "the newest is first");
}

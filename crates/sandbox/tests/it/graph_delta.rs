//! Delta queries of the directory: everything once, then what changed (Graph documentation, "user: delta",
//! "group: delta").

use serde_json::{Value, json};

use crate::cast::{delete, get, patch, permitted, person, post, tenant};
use crate::support::{Reply, Tenant};

/// The rest of a round: its objects, and where the next one begins.
async fn round(tenant: &Tenant, token: &str, path: &str) -> (Vec<Value>, String) {
    let (mut items, mut path) = (Vec::new(), path.to_owned());
    loop {
        let page = get(tenant, &path, token).await.expect(200);
        items.extend(page.json["value"].as_array().unwrap().iter().cloned());
        match page.json["@odata.nextLink"].as_str() {
            Some(next) => path = local(tenant, next),
            None => return (items, local(tenant, page.text("/@odata.deltaLink"))),
        }
    }
}

fn local(tenant: &Tenant, link: &str) -> String {
    link.replace(&tenant.url(""), "")
}

async fn syncing(tenant: &Tenant) -> String {
    permitted(tenant, &["User.ReadWrite.All", "Group.ReadWrite.All", "Directory.Read.All"]).await
}

async fn somebody(tenant: &Tenant, token: &str, name: &str) -> Reply {
    let user = json!({
        "displayName": name, "mailNickname": name, "accountEnabled": true,
        "userPrincipalName": format!("{name}@contoso.example"), "passwordProfile": { "password": "Long-3nough" },
    });
    post(tenant, "/v1.0/users", token, user).await.expect(201)
}

#[tokio::test]
async fn users_come_once_and_then_as_they_change() {
    let tenant = tenant().await;
    let token = syncing(&tenant).await;
    let (ada, grace) = (person(&tenant, "ada"), person(&tenant, "grace"));
    let (all, next) = round(&tenant, &token, "/v1.0/users/delta?$select=displayName,jobTitle&$top=1").await;
    let listed = get(&tenant, "/v1.0/users", &token).await.expect(200);
    assert_eq!(all.len(), listed.json["value"].as_array().unwrap().len());
    assert!(all.iter().all(|user| user.get("mail").is_none() && user["id"].is_string()));
    let (none, next) = round(&tenant, &token, &next).await;
    assert_eq!(none, Vec::<Value>::new());

    let made = somebody(&tenant, &token, "new").await.text("/id").to_owned();
    patch(&tenant, &format!("/v1.0/users/{ada}"), &token, json!({ "jobTitle": "Countess" }))
        .await
        .expect(204);
    delete(&tenant, &format!("/v1.0/users/{grace}"), &token).await.expect(204);
    let (changed, next) = round(&tenant, &token, &next).await;
    let of = |id: &str| changed.iter().find(|one| one["id"] == id).unwrap_or_else(|| panic!("no {id}"));
    assert_eq!(changed.len(), 3, "{changed:?}");
    assert_eq!(of(&ada)["jobTitle"], "Countess");
    assert_eq!(of(&made)["displayName"], "new");
    assert_eq!(of(&grace)["@removed"], json!({ "reason": "changed" }));

    let purger = permitted(&tenant, &["User.DeleteRestore.All"]).await;
    post(&tenant, &format!("/v1.0/directory/deletedItems/{grace}/restore"), &purger, json!({}))
        .await
        .expect(200);
    delete(&tenant, &format!("/v1.0/users/{made}"), &token).await.expect(204);
    delete(&tenant, &format!("/v1.0/directory/deletedItems/{made}"), &purger).await.expect(204);
    let (changed, _) = round(&tenant, &token, &next).await;
    let of = |id: &str| changed.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(of(&grace)["displayName"], "Grace Hopper");
    assert_eq!(of(&made)["@removed"], json!({ "reason": "deleted" }));

    // From now on only, one person only, and no sense at all.
    let latest =
        get(&tenant, "/v1.0/users/microsoft.graph.delta()?$deltatoken=latest", &token).await.expect(200);
    assert_eq!(latest.json["value"], json!([]));
    let latest = local(&tenant, latest.text("/@odata.deltaLink"));
    assert_eq!(round(&tenant, &token, &latest).await.0, Vec::<Value>::new());
    let one = format!("/v1.0/users/delta?$filter=id%20eq%20'{ada}'");
    let (only, next) = round(&tenant, &token, &one).await;
    assert_eq!((only.len(), &only[0]["id"]), (1, &json!(ada)));
    patch(&tenant, &format!("/v1.0/users/{grace}"), &token, json!({ "jobTitle": "Admiral" }))
        .await
        .expect(204);
    assert_eq!(round(&tenant, &token, &next).await.0, Vec::<Value>::new());
    let (seen, _) = round(&tenant, &token, &latest).await;
    assert_eq!((seen.len(), &seen[0]["jobTitle"]), (1, &json!("Admiral")));
    let gone = get(&tenant, "/v1.0/users/delta?$deltatoken=nonsense", &token).await.expect(410);
    assert_eq!(gone.header("location"), tenant.url("/v1.0/users/delta"));
    get(&tenant, "/v1.0/users/delta?$filter=displayName%20eq%20'x'", &token).await.expect(400);
}

#[tokio::test]
async fn groups_tell_who_came_and_who_went() {
    let tenant = tenant().await;
    let token = syncing(&tenant).await;
    let (ada, grace) = (person(&tenant, "ada"), person(&tenant, "grace"));
    let refer =
        |id: &str| json!({ "@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}") });
    let group = json!({
        "displayName": "Team", "mailNickname": "team", "mailEnabled": false, "securityEnabled": true,
        "members@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{ada}")],
    });
    let group = post(&tenant, "/v1.0/groups", &token, group).await.expect(201).text("/id").to_owned();
    let members = format!("/v1.0/groups/{group}/members");
    let (all, next) = round(&tenant, &token, "/v1.0/groups/delta?$select=displayName,members").await;
    let whole = all.iter().find(|one| one["id"] == group.as_str()).unwrap();
    assert_eq!(whole["members@delta"], json!([{ "@odata.type": "#microsoft.graph.user", "id": ada }]));

    post(&tenant, &format!("{members}/$ref"), &token, refer(&grace)).await.expect(204);
    delete(&tenant, &format!("{members}/{ada}/$ref"), &token).await.expect(204);
    let (changed, next) = round(&tenant, &token, &next).await;
    assert_eq!(changed.len(), 1);
    let links = changed[0]["members@delta"].as_array().unwrap();
    let of = |id: &str| links.iter().find(|link| link["id"] == id).unwrap();
    assert_eq!(links.len(), 2);
    assert!(of(&grace).get("@removed").is_none());
    assert_eq!(of(&ada)["@removed"], json!({ "reason": "deleted" }));

    patch(&tenant, &format!("/v1.0/groups/{group}"), &token, json!({ "displayName": "Renamed" }))
        .await
        .expect(204);
    let (changed, next) = round(&tenant, &token, &next).await;
    assert_eq!(changed[0]["displayName"], "Renamed");
    assert!(changed[0].get("members@delta").is_none());
    delete(&tenant, &format!("/v1.0/groups/{group}"), &token).await.expect(204);
    let (gone, _) = round(&tenant, &token, &next).await;
    assert_eq!(gone, [json!({ "id": group, "@removed": { "reason": "deleted" } })]);
}

#[tokio::test]
async fn applications_and_principals_come_once_and_then_as_they_change() {
    let tenant = tenant().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let (listed, next) = round(&tenant, &token, "/v1.0/applications/delta?$select=displayName&$top=1").await;
    let all = get(&tenant, "/v1.0/applications", &token).await.expect(200);
    assert_eq!(listed.len(), all.json["value"].as_array().unwrap().len());
    assert!(listed.iter().all(|app| app.get("web").is_none() && app["id"].is_string()));
    let (listed, principals) = round(&tenant, &token, "/v1.0/servicePrincipals/delta").await;
    let all = get(&tenant, "/v1.0/servicePrincipals", &token).await.expect(200);
    assert_eq!(listed.len(), all.json["value"].as_array().unwrap().len());

    // A secret changes its application, and a principal that is made or disabled is told of; other applications are not.
    let app = post(&tenant, "/v1.0/applications", &token, json!({ "displayName": "New" })).await.expect(201);
    let body = json!({ "appId": app.text("/appId") });
    let principal = post(&tenant, "/v1.0/servicePrincipals", &token, body).await.expect(201);
    let (path, principal) = (format!("/v1.0/applications/{}", app.text("/id")), principal.text("/id"));
    let only = |changed: &[Value]| match changed {
        [one] => one.clone(),
        _ => panic!("{changed:?}"),
    };
    let (changed, next) = round(&tenant, &token, &next).await;
    assert_eq!(only(&changed)["displayName"], "New");
    assert_eq!(round(&tenant, &token, &next).await.0, Vec::<Value>::new());
    post(&tenant, &format!("{path}/addPassword"), &token, json!({})).await.expect(200);
    let (changed, next) = round(&tenant, &token, &next).await;
    assert_eq!(only(&changed)["id"], app.json["id"]);
    let (changed, principals) = round(&tenant, &token, &principals).await;
    assert_eq!(only(&changed)["id"], principal);
    let off = json!({ "accountEnabled": false });
    patch(&tenant, &format!("/v1.0/servicePrincipals/{principal}"), &token, off).await.expect(204);
    let (changed, principals) = round(&tenant, &token, &principals).await;
    assert_eq!(only(&changed)["accountEnabled"], false);

    // Deleted, its principal goes with it; for good, it is gone.
    delete(&tenant, &path, &token).await.expect(204);
    let (changed, next) = round(&tenant, &token, &next).await;
    assert_eq!(only(&changed)["@removed"], json!({ "reason": "changed" }));
    let (changed, _) = round(&tenant, &token, &principals).await;
    assert_eq!(
        (&only(&changed)["id"], &only(&changed)["@removed"]),
        (&json!(principal), &json!({ "reason": "changed" }))
    );
    let gone = format!("/v1.0/directory/deletedItems/{}", app.text("/id"));
    delete(&tenant, &gone, &token).await.expect(204);
    let (changed, _) = round(&tenant, &token, &next).await;
    assert_eq!(only(&changed)["@removed"], json!({ "reason": "deleted" }));
}

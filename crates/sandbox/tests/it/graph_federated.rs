//! Federated identity credentials (Entra reference §2.5).

use serde_json::{Value, json};

use crate::cast::{blueprint, delete, get, patch, post, tenant};

const ISSUER: &str = "https://token.actions.githubusercontent.com";

fn credential(name: &str, subject: &str) -> Value {
    json!({
        "name": name, "issuer": ISSUER, "subject": subject, "audiences": ["api://AzureADTokenExchange"],
        "description": "from a test",
    })
}

#[tokio::test]
async fn federated_credentials_are_made_read_changed_and_deleted_by_every_path() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let plain = format!("/v1.0/applications/{}/federatedIdentityCredentials", blueprint.id);
    let typed = format!(
        "/beta/applications/{}/microsoft.graph.agentIdentityBlueprint/federatedIdentityCredentials",
        blueprint.id
    );
    let cast_first = format!(
        "/v1.0/applications/microsoft.graph.agentIdentityBlueprint/{}/federatedIdentityCredentials",
        blueprint.id
    );
    let made = post(&tenant, &plain, &token, credential("one", "repo:a/b:ref:x")).await.expect(201);
    let id = made.text("/id").to_owned();
    assert_eq!(made.text("/issuer"), ISSUER);
    assert!(made.header("location").ends_with(&format!("/federatedIdentityCredentials/{id}")));
    post(&tenant, &typed, &token, credential("two", "repo:a/b:ref:y")).await.expect(201);
    post(&tenant, &cast_first, &token, credential("three", "repo:a/b:ref:X")).await.expect(201);
    let listed = get(&tenant, &plain, &token).await.expect(200);
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 3);

    patch(&tenant, &format!("{plain}/{id}"), &token, json!({ "subject": "repo:a/b:ref:z" }))
        .await
        .expect(204);
    let by_name = get(&tenant, &format!("{plain}(name='one')"), &token).await.expect(200);
    assert_eq!((by_name.text("/subject"), by_name.text("/id")), ("repo:a/b:ref:z", id.as_str()));
    let renamed =
        patch(&tenant, &format!("{plain}/{id}"), &token, json!({ "name": "other" })).await.expect(400);
    assert_eq!(renamed.text("/error/code"), "Request_BadRequest");
    delete(&tenant, &format!("{plain}/{id}"), &token).await.expect(204);
    get(&tenant, &format!("{plain}/{id}"), &token).await.expect(404);
}

#[tokio::test]
async fn names_and_subjects_are_unique_and_there_are_twenty_at_most() {
    let tenant = tenant().await;
    let token = tenant.provisioner().await;
    let blueprint = blueprint(&tenant, "User.Read").await;
    let path = format!("/v1.0/applications/{}/federatedIdentityCredentials", blueprint.id);
    post(&tenant, &path, &token, credential("name0", "s0")).await.expect(201);
    for twice in [credential("name0", "other"), credential("other", "s0")] {
        let refused = post(&tenant, &path, &token, twice).await.expect(409);
        assert_eq!(refused.text("/error/code"), "Request_MultipleObjectsWithSameKeyValue");
    }
    for (name, value) in [
        ("name", json!("ab")),
        ("name", json!("not a name")),
        ("issuer", json!("http://insecure.example")),
        ("subject", json!("")),
        ("audiences", json!([])),
        ("audiences", json!(["a", "b"])),
        ("issuer", Value::Null),
    ] {
        let mut body = credential("fine", "fine");
        body[name] = value;
        let refused = post(&tenant, &path, &token, body).await.expect(400);
        assert_eq!(refused.text("/error/code"), "Request_BadRequest", "{name}");
    }
    for index in 1..20 {
        post(&tenant, &path, &token, credential(&format!("name{index}"), &format!("s{index}")))
            .await
            .expect(201);
    }
    post(&tenant, &path, &token, credential("name20", "s20")).await.expect(400);
}

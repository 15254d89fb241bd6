//! What persists in the data folder, and what does not.

use attache_sandbox::{Sandbox, Seed, StartError, constants};
use http::Method;

use crate::support::{GRAPH, Tenant, config};

#[tokio::test]
async fn a_sandbox_with_a_data_folder_goes_on_with_the_same_tenant() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data = Some(folder.path().join("new").join("folder"));
    config.seed = Seed::Random;
    let first = Tenant::start_with(config.clone()).await;
    let ready = first.sandbox.ready().clone();
    let authorities = std::fs::read_to_string(&ready.ca).unwrap();
    let token = first.provisioner().await;
    let form = [("client_id", ready.apps.client.client_id.as_str()), ("scope", "User.Read")];
    first.send(first.http.post(first.login("/oauth2/v2.0/devicecode")).form(&form)).await.expect(200);
    first.sandbox.shutdown().await;

    let second = Tenant::start_with(config).await;
    let again = second.sandbox.ready();
    assert_eq!(again.tenant_id, ready.tenant_id);
    assert_eq!(again.control_token, ready.control_token);
    assert_eq!(again.apps, ready.apps);
    assert_eq!(again.users, ready.users);
    let state = second.sandbox.control().state();
    assert_eq!(state["tenants"][&ready.tenant_id]["entra"]["devices"].as_object().unwrap().len(), 1);
    // The signing key too: a token of before is good.
    second.graph(Method::GET, "/v1.0/organization", &token, None).await.expect(200);

    let authorities_now = std::fs::read_to_string(&again.ca).unwrap();
    let split = |bundle: &str| -> Vec<String> {
        bundle.split_inclusive("-----END CERTIFICATE-----").map(|pem| pem.trim().to_owned()).collect()
    };
    assert_eq!(split(&authorities)[0], split(&authorities_now)[0], "the first authority persists");
    assert_ne!(split(&authorities)[1], split(&authorities_now)[1], "the second is new");
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_the_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let mut config = config();
    config.data = Some(data.clone());
    let sandbox = Sandbox::start(config).await.unwrap();
    assert_eq!(std::fs::metadata(&data).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&data).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
    drop(sandbox);
}

#[tokio::test]
async fn constants_in_the_data_folder_are_not_exposed_by_another_seed() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data = Some(folder.path().to_owned());
    Sandbox::start(config.clone()).await.unwrap().shutdown().await;
    config.seed = Seed::Random;
    config.listen = "0.0.0.0:0".parse().unwrap();
    let error = Sandbox::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::WouldExposeConstants(_)), "{error}");
}

#[tokio::test]
async fn a_state_of_another_version_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = config();
    config.data = Some(folder.path().to_owned());
    Sandbox::start(config.clone()).await.unwrap().shutdown().await;
    let path = folder.path().join(format!("tenant-{}.json", constants::TENANT_ID));
    let changed = std::fs::read_to_string(&path).unwrap().replacen("\"version\":3", "\"version\":4", 1);
    assert!(changed.contains("\"version\":4"));
    std::fs::write(&path, &changed).unwrap();
    let error = Sandbox::start(config).await.unwrap_err();
    assert!(matches!(error, StartError::Unreadable(..)), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), changed);
}

#[tokio::test]
async fn without_a_data_folder_nothing_is_left() {
    let sandbox = Sandbox::start(config()).await.unwrap();
    let folder = sandbox.ready().ca.parent().unwrap().to_owned();
    assert!(folder.exists());
    sandbox.shutdown().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn a_numbered_seed_is_the_same_every_time() {
    let ready = async |number| {
        let mut config = config();
        config.seed = Seed::Number(number);
        Sandbox::start(config).await.unwrap().ready().clone()
    };
    let (one, again, two) = (ready(1).await, ready(1).await, ready(2).await);
    assert_eq!((&one.tenant_id, &one.apps, &one.users), (&again.tenant_id, &again.apps, &again.users));
    assert_ne!(one.tenant_id, two.tenant_id);
    let mut config = config();
    config.seed = Seed::Number(1);
    // Its signing key is made in the background; a token waits for it.
    let tenant = Tenant::start_with(config).await;
    let form = [
        ("client_id", one.apps.provisioner.client_id.as_str()),
        ("client_secret", &one.apps.provisioner.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    tenant.token(&form).await.expect(200);
}

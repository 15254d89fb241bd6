//! Microsoft's resources beside Graph: tokens for applications and people, and their principals.

use serde_json::json;

use crate::cast::{get, permitted, post};
use crate::support::{Reply, Tenant, claims};

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const MANAGEMENT: &str = "797f4846-ba00-4fd7-ba43-dac1f8f63013";
const EXCHANGE_ONLINE: &str = "00000002-0000-0ff1-ce00-000000000000";

async fn own(tenant: &Tenant, scope: &str) -> Reply {
    let app = tenant.sandbox.ready().apps.provisioner.clone();
    let form = [
        ("client_id", app.client_id.as_str()),
        ("client_secret", &app.client_secret),
        ("grant_type", "client_credentials"),
        ("scope", scope),
    ];
    tenant.token(&form).await
}

fn roles(token: &Reply) -> serde_json::Value {
    claims(token.text("/access_token"))["roles"].clone()
}

#[tokio::test]
async fn applications_get_tokens_of_the_first_version_for_each() {
    let tenant = Tenant::start().await;
    for (asked, audience) in [
        ("https://management.azure.com/.default", "https://management.azure.com"),
        ("https://management.core.windows.net//.default", "https://management.core.windows.net/"),
        ("797f4846-ba00-4fd7-ba43-dac1f8f63013/.default", MANAGEMENT),
        ("https://vault.azure.net/.default", "https://vault.azure.net"),
        ("https://storage.azure.com/.default", "https://storage.azure.com"),
        ("https://outlook.office365.com/.default", "https://outlook.office365.com"),
        ("https://outlook.office.com/.default", "https://outlook.office.com"),
    ] {
        let token = own(&tenant, asked).await.expect(200);
        let claims = claims(token.text("/access_token"));
        assert_eq!((&claims["aud"], &claims["ver"]), (&json!(audience), &json!("1.0")), "{asked}");
    }
    assert_eq!(
        own(&tenant, "https://database.example/.default").await.error(),
        ("invalid_resource", 500_011)
    );
}

#[tokio::test]
async fn an_application_shows_the_roles_that_it_was_given() {
    let tenant = Tenant::start().await;
    let token = permitted(&tenant, &[]).await;
    let scope = "https://outlook.office365.com/.default";
    assert_eq!(roles(&own(&tenant, scope).await.expect(200)), json!(null));
    let path = format!("/v1.0/servicePrincipals(appId='{EXCHANGE_ONLINE}')");
    let exchange = get(&tenant, &path, &token).await.expect(200);
    assert_eq!(exchange.text("/displayName"), "Office 365 Exchange Online");
    let names = exchange.json["servicePrincipalNames"].as_array().unwrap();
    assert!(names.contains(&json!("https://outlook.office365.com")), "{names:?}");
    let client_id = &tenant.sandbox.ready().apps.provisioner.client_id;
    let own_path = format!("/v1.0/servicePrincipals(appId='{client_id}')");
    let principal = get(&tenant, &own_path, &token).await.expect(200).text("/id").to_owned();
    let role = crate::cast::role_id(&exchange.json, "full_access_as_app");
    let body = json!({ "principalId": principal, "resourceId": exchange.text("/id"), "appRoleId": role });
    let path = format!("/v1.0/servicePrincipals/{principal}/appRoleAssignments");
    post(&tenant, &path, &token, body).await.expect(201);
    assert_eq!(roles(&own(&tenant, scope).await.expect(200)), json!(["full_access_as_app"]));
}

/// Azure CLI's sign-in by device code, to where the person has approved it and consented.
async fn signed_in(tenant: &Tenant, scope: &str) -> Reply {
    let form = [("client_id", AZURE_CLI), ("scope", scope)];
    let url = tenant.url("/organizations/oauth2/v2.0/devicecode");
    let begun = tenant.send(tenant.http.post(url).form(&form)).await.expect(200);
    let ada = &tenant.sandbox.ready().users[0];
    let form = [
        ("user_code", begun.text("/user_code")),
        ("username", &ada.upn),
        ("password", &ada.password),
        ("decision", "approve"),
    ];
    let page = tenant.send(tenant.http.post(begun.text("/verification_uri")).form(&form)).await.expect(200);
    let value = |before: &str| page.text.split_once(before).unwrap().1.split('"').next().unwrap();
    let consent = [("consent", value("name=\"consent\" value=\"")), ("decision", "accept")];
    let action = tenant.url(value("<form method=\"post\" action=\""));
    tenant.send(tenant.http.post(action).form(&consent)).await.expect(200);
    tenant
        .token(&[
            ("client_id", AZURE_CLI),
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("device_code", begun.text("/device_code")),
        ])
        .await
}

#[tokio::test]
async fn azure_cli_signs_a_person_in_to_resource_manager_and_goes_on_to_the_others() {
    let tenant = Tenant::start().await;
    let scope = "https://management.core.windows.net//.default offline_access openid profile";
    let tokens = signed_in(&tenant, scope).await.expect(200);
    let claims_of = |reply: &Reply| claims(reply.text("/access_token"));
    let claims = claims_of(&tokens);
    assert_eq!(claims["aud"], "https://management.core.windows.net/");
    assert_eq!((&claims["scp"], &claims["appid"]), (&json!("user_impersonation"), &json!(AZURE_CLI)));
    let refreshed = async |scope: &str| {
        let form = [
            ("client_id", AZURE_CLI),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.text("/refresh_token")),
            ("scope", scope),
        ];
        tenant.token(&form).await
    };
    let vault = refreshed("https://vault.azure.net/.default").await.expect(200);
    assert_eq!(claims_of(&vault)["scp"], "user_impersonation");
    // Nobody gave it Exchange Online.
    let mail = refreshed("https://outlook.office365.com/IMAP.AccessAsUser.All").await;
    assert_eq!(mail.error(), ("invalid_grant", 65_001));
}

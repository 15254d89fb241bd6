//! Microsoft's resources beside Graph: tokens for applications and people, and their principals.

use serde_json::json;

use crate::browser::{Browser, VERIFIER, sent};
use crate::cast::{get, permitted, post};
use crate::support::{Reply, Tenant, claims};

const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
const AZURE_POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";
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

/// The device code that Azure CLI shows, typed and approved by Ada; the page that follows.
async fn approved(tenant: &Tenant, scope: &str) -> (Reply, Reply) {
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
    let page = tenant.send(tenant.http.post(begun.text("/verification_uri")).form(&form)).await;
    (begun, page)
}

async fn refreshed(tenant: &Tenant, tokens: &Reply, scope: &str) -> Reply {
    let form = [
        ("client_id", AZURE_CLI),
        ("grant_type", "refresh_token"),
        ("refresh_token", tokens.text("/refresh_token")),
        ("scope", scope),
    ];
    tenant.token(&form).await
}

#[tokio::test]
async fn azure_cli_signs_a_person_in_to_resource_manager_and_goes_on_to_the_others() {
    let tenant = Tenant::start().await;
    let scope = "https://management.core.windows.net//.default offline_access openid profile";
    let (begun, page) = approved(&tenant, scope).await;
    assert!(page.expect(200).text.contains("signed in on your device"), "nobody is asked");
    let form = [
        ("client_id", AZURE_CLI),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", begun.text("/device_code")),
    ];
    let tokens = tenant.token(&form).await.expect(200);
    let claims_of = |reply: &Reply| claims(reply.text("/access_token"));
    let claims = claims_of(&tokens);
    assert_eq!(claims["aud"], "https://management.core.windows.net/");
    assert_eq!((&claims["scp"], &claims["appid"]), (&json!("user_impersonation"), &json!(AZURE_CLI)));
    let vault = refreshed(&tenant, &tokens, "https://vault.azure.net/.default").await.expect(200);
    assert_eq!(claims_of(&vault)["scp"], "user_impersonation");
}

/// Microsoft: the Azure CLI is pre-authorized for a limited set of Graph's permissions (azure-cli, issue 22775).
#[tokio::test]
async fn azure_cli_may_do_a_fixed_set_of_things_at_graph_and_nobody_can_consent_to_more() {
    let tenant = Tenant::start().await;
    let ada = &tenant.sandbox.ready().users[0];
    let form = [
        ("client_id", AZURE_CLI),
        ("grant_type", "password"),
        ("username", &ada.upn),
        ("password", &ada.password),
        ("scope", "https://management.core.windows.net//.default offline_access openid profile"),
    ];
    let url = tenant.url("/organizations/oauth2/v2.0/token");
    // It is in every tenant, and its first use here is this one.
    let tokens = tenant.send(tenant.http.post(url).form(&form)).await.expect(200);
    let graph = refreshed(&tenant, &tokens, "https://graph.microsoft.com//.default").await.expect(200);
    let token = graph.text("/access_token");
    let scopes = claims(token)["scp"].as_str().unwrap().to_owned();
    for scope in ["AuditLog.Read.All", "Directory.AccessAsUser.All", "Group.ReadWrite.All", "email", "openid"]
    {
        assert!(scopes.split(' ').any(|one| one == scope), "{scope} is not in {scopes}");
    }
    get(&tenant, "/v1.0/users", token).await.expect(200);
    // What the person may do in the directory opens by Directory.AccessAsUser.All.
    get(&tenant, "/v1.0/directoryRoles", token).await.expect(200);
    get(&tenant, &format!("/v1.0/servicePrincipals(appId='{AZURE_CLI}')"), token).await.expect(200);
    get(&tenant, "/v1.0/me/messages", token).await.expect(403);

    for scope in ["https://graph.microsoft.com/Mail.Read", "https://outlook.office365.com/.default"] {
        assert_eq!(refreshed(&tenant, &tokens, scope).await.error(), ("invalid_request", 65_002), "{scope}");
        let (_, page) = approved(&tenant, scope).await;
        assert!(page.expect(400).text.contains("AADSTS65002"), "{scope}");
    }
}

#[tokio::test]
async fn azure_powershell_signs_in_by_a_browser_in_a_tenant_that_has_never_seen_it() {
    let tenant = Tenant::start().await;
    let mut browser = Browser::new(&tenant);
    let page = browser.authorize(&[]).await;
    browser.sign_in(&page, "grace").await;
    for redirect in [
        "urn:ietf:wg:oauth:2.0:oob",
        "ms-appx-web://Microsoft.AAD.BrokerPlugin/1950a258-227b-4e31-a9cf-717495945fc2",
        "http://localhost:8400/",
    ] {
        let asked = [
            ("client_id", AZURE_POWERSHELL),
            ("redirect_uri", redirect),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        // The browser has a session, and no page comes between.
        let code = sent(&browser.authorize(&asked).await)["code"].clone();
        let form = [
            ("client_id", AZURE_POWERSHELL),
            ("grant_type", "authorization_code"),
            ("code", code.as_str().unwrap()),
            ("redirect_uri", redirect),
            ("code_verifier", VERIFIER),
        ];
        let token = tenant.token(&form).await.expect(200);
        let scopes = claims(token.text("/access_token"))["scp"].as_str().unwrap().to_owned();
        assert!(
            scopes.contains("Directory.AccessAsUser.All") && !scopes.contains("User.ReadWrite.All"),
            "{scopes}"
        );
    }
}

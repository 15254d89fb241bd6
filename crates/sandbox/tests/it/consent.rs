//! Consent by people and administrators, as the tenant's policy has it, and applications that span tenants
//! (Entra reference §1.1, §1.3, §13).

use http::Method;
use serde_json::{Value, json};

use crate::cast::{GRAPH_SP, get, patch, permitted, post};
use crate::support::{GRAPH, Reply, Tenant, claims};

const REDIRECT: &str = "https://app.example/cb";

fn between(page: &str, before: &str) -> String {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    let value = rest.split('"').next().unwrap();
    value.replace("&#38;", "&").replace("&amp;", "&").replace("&#x26;", "&")
}

fn answered(reply: &Reply) -> Vec<(String, String)> {
    assert_eq!(reply.status.as_u16(), 302, "{}", reply.text);
    url::Url::parse(reply.header("location")).unwrap().query_pairs().into_owned().collect()
}

fn value(answer: &[(String, String)], name: &str) -> String {
    answer.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap_or_default()
}

/// A browser in one of the tenants.
struct Browser<'a> {
    tenant: &'a Tenant,
    id: &'a str,
}

impl Browser<'_> {
    async fn post(&self, page: &str, fields: &[(&str, &str)]) -> Reply {
        let action = between(page, "<form method=\"post\" action=\"");
        self.tenant.send(self.tenant.http.post(self.tenant.url(&action)).form(fields)).await
    }

    /// Signs in and comes to what follows: the consent page, another page or the redirect.
    async fn sign_in(&self, client: &str, scope: &str, upn: &str, password: &str) -> Reply {
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("client_id", client),
                ("response_type", "code"),
                ("redirect_uri", REDIRECT),
                ("scope", scope),
                ("state", "st&te"),
            ])
            .finish();
        let url = self.tenant.url(&format!("/{}/oauth2/v2.0/authorize?{query}", self.id));
        let page = self.tenant.get(&url).await.expect(200).text;
        let request = between(&page, "name=\"request\" value=\"");
        self.post(&page, &[("request", &request), ("username", upn), ("password", password)]).await
    }

    async fn decide(&self, page: &Reply, decision: &str) -> Reply {
        let consent = between(&page.text, "name=\"consent\" value=\"");
        let fields = [("consent", consent.as_str()), ("decision", decision), ("justification", "I need it")];
        self.post(&page.text, &fields).await
    }
}

/// A confidential application with a secret: its app id and secret.
async fn application(tenant: &Tenant, token: &str, audience: &str, more: Value) -> (String, String) {
    let mut body = json!({
        "displayName": "Fancy", "signInAudience": audience, "web": { "redirectUris": [REDIRECT] },
    });
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made = post(tenant, "/v1.0/applications", token, body).await.expect(201);
    let path = format!("/v1.0/applications/{}/addPassword", made.text("/id"));
    let secret = post(tenant, &path, token, json!({})).await.expect(200).text("/secretText").to_owned();
    (made.text("/appId").to_owned(), secret)
}

async fn redeem(tenant: &Tenant, id: &str, (client, secret): &(String, String), code: &str) -> Reply {
    let form = [
        ("client_id", client.as_str()),
        ("client_secret", secret),
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", REDIRECT),
    ];
    tenant.send(tenant.http.post(tenant.url(&format!("/{id}/oauth2/v2.0/token"))).form(&form)).await
}

async fn assign(tenant: &Tenant, token: &str, policies: Value) {
    let body = json!({ "defaultUserRolePermissions": { "permissionGrantPoliciesAssigned": policies } });
    patch(tenant, "/v1.0/policies/authorizationPolicy", token, body).await.expect(204);
}

#[tokio::test]
async fn the_tenants_policy_says_who_may_consent_to_what() {
    let tenant = Tenant::start().await;
    let needed =
        ["Application.ReadWrite.All", "Policy.ReadWrite.Authorization", "Policy.ReadWrite.PermissionGrant"];
    let token = permitted(&tenant, &needed).await;
    let app = application(&tenant, &token, "AzureADMyOrg", json!({})).await;
    post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": app.0 })).await.expect(201);
    let ready = tenant.sandbox.ready().clone();
    let grace = ready.users.iter().find(|user| user.upn.starts_with("grace")).unwrap().clone();
    let browser = Browser { tenant: &tenant, id: &ready.tenant_id };
    let asked =
        async |scope: &str| browser.sign_in(&app.0, scope, &grace.upn, &grace.password).await.expect(200);

    // Microsoft's default: a profile yes, mail and chats not, what needs an administrator not.
    assert!(asked("User.Read").await.text.contains("name=\"decision\" value=\"accept\""));
    for scope in ["Mail.Read", "Chat.Read", "User.Read.All"] {
        assert!(asked(scope).await.text.contains("AADSTS90094"), "{scope}");
    }
    assign(&tenant, &token, json!(["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"])).await;
    assert!(asked("Mail.Read").await.text.contains("value=\"accept\""));
    assert!(asked("User.Read.All").await.text.contains("AADSTS90094"));
    assign(&tenant, &token, json!(["ManagePermissionGrantsForSelf.microsoft-user-default-low"])).await;
    assert!(asked("User.Read").await.text.contains("value=\"accept\""));
    assert!(asked("User.ReadBasic.All").await.text.contains("AADSTS90094"));
    assign(&tenant, &token, json!([])).await;
    assert!(asked("User.Read").await.text.contains("AADSTS90093"));

    // One of the tenant's own: chats of this one client only.
    let policies = "/v1.0/policies/permissionGrantPolicies";
    post(&tenant, policies, &token, json!({ "id": "chats", "displayName": "Chats" })).await.expect(201);
    let chats = json!({
        "permissionType": "delegated", "clientApplicationIds": [app.0],
        "permissions": ["f501c180-9344-439a-bca0-6cbf209fd270"],
    });
    post(&tenant, &format!("{policies}/chats/includes"), &token, chats).await.expect(201);
    assign(&tenant, &token, json!(["ManagePermissionGrantsForSelf.chats"])).await;
    assert!(asked("Mail.Read").await.text.contains("AADSTS90094"));
    let page = asked("Chat.Read").await;
    let back = answered(&browser.decide(&page, "accept").await);
    let tokens = redeem(&tenant, &ready.tenant_id, &app, &value(&back, "code")).await.expect(200);
    assert!(claims(tokens.text("/access_token"))["scp"].as_str().unwrap().contains("Chat.Read"));
}

#[tokio::test]
async fn who_may_not_consent_asks_an_administrator() {
    let tenant = Tenant::start().await;
    let needed = [
        "Application.ReadWrite.All",
        "Policy.ReadWrite.ConsentRequest",
        "ConsentRequest.Read.All",
        "AuditLog.Read.All",
    ];
    let token = permitted(&tenant, &needed).await;
    let app = application(&tenant, &token, "AzureADMyOrg", json!({})).await;
    post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": app.0 })).await.expect(201);
    let ready = tenant.sandbox.ready().clone();
    let (ada, grace) = (
        ready.users[0].clone(),
        ready.users.iter().find(|one| one.upn.starts_with("grace")).unwrap().clone(),
    );
    let browser = Browser { tenant: &tenant, id: &ready.tenant_id };
    let policy = json!({
        "isEnabled": true, "notifyReviewers": false, "remindersEnabled": true, "requestDurationInDays": 5,
        "reviewers": [{ "query": format!("/users/{}", ada.id), "queryType": "MicrosoftGraph" }],
    });
    tenant
        .graph(Method::PUT, "/v1.0/policies/adminConsentRequestPolicy", &token, Some(policy))
        .await
        .expect(204);
    let kept = get(&tenant, "/v1.0/policies/adminConsentRequestPolicy", &token).await.expect(200).json;
    assert_eq!((&kept["isEnabled"], &kept["notifyReviewers"]), (&json!(true), &json!(false)));
    assert_eq!((&kept["requestDurationInDays"], &kept["version"]), (&json!(5), &json!(1)));
    let page = browser.sign_in(&app.0, "Mail.Send", &grace.upn, &grace.password).await.expect(200);
    assert!(page.text.contains("Approval required") && page.text.contains("Justification"));
    // The form for administrators does not help her.
    let refused = browser.decide(&page, "accept_for_organisation").await.expect(200);
    assert!(refused.text.contains("AADSTS90094"));
    assert!(browser.decide(&page, "ask_administrator").await.expect(200).text.contains("Request sent"));

    let requests = "/v1.0/identityGovernance/appConsent/appConsentRequests";
    let listed = get(&tenant, requests, &token).await.expect(200);
    assert_eq!(
        (listed.text("/value/0/appId"), listed.text("/value/0/pendingScopes/0/displayName")),
        (app.0.as_str(), "Mail.Send")
    );
    let one = get(&tenant, &format!("{requests}/{}", listed.text("/value/0/id")), &token).await.expect(200);
    assert_eq!((one.text("/id"), one.text("/appId")), (listed.text("/value/0/id"), app.0.as_str()));
    let people = format!("{requests}/{}/userConsentRequests", listed.text("/value/0/id"));
    let people = async || get(&tenant, &people, &token).await.expect(200);
    let waiting = people().await;
    assert_eq!(
        (waiting.text("/value/0/reason"), waiting.text("/value/0/status")),
        ("I need it", "InProgress")
    );
    assert_eq!(waiting.text("/value/0/createdBy/user/id"), grace.id);

    let page = browser.sign_in(&app.0, "Mail.Send", &ada.upn, &ada.password).await.expect(200);
    answered(&browser.decide(&page, "accept_for_organisation").await);
    assert_eq!(people().await.text("/value/0/status"), "Completed");
    let back = browser.sign_in(&app.0, "Mail.Send", &grace.upn, &grace.password).await;
    assert!(!value(&answered(&back), "code").is_empty());
    let audits = get(
        &tenant,
        "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName%20eq%20'Consent%20to%20application'",
        &token,
    );
    assert_eq!(audits.await.expect(200).text("/value/0/initiatedBy/user/userPrincipalName"), ada.upn);
}

/// What the registration asks for: User.Read as a scope, User.Read.All as a role.
fn required() -> Value {
    json!({ "requiredResourceAccess": [{
        "resourceAppId": "00000003-0000-0000-c000-000000000000",
        "resourceAccess": [
            { "id": "e1fe6dd8-ba31-4d61-89e7-88639da4683d", "type": "Scope" },
            { "id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role" },
        ],
    }] })
}

async fn admin_consent(
    tenant: &Tenant,
    id: &str,
    client: &str,
    upn: &str,
    password: &str,
    decision: &str,
) -> Reply {
    let pairs = [("client_id", client), ("redirect_uri", REDIRECT), ("state", "x&y")];
    follow_link(tenant, &format!("/{id}/adminconsent"), &pairs, (upn, password), decision).await
}

/// Opens the link of an administrator's consent, signs in and decides; or the answer to the sign-in.
async fn follow_link(
    tenant: &Tenant,
    path: &str,
    pairs: &[(&str, &str)],
    (upn, password): (&str, &str),
    decision: &str,
) -> Reply {
    let browser = Browser { tenant, id: "" };
    let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
    let page = tenant.get(&tenant.url(&format!("{path}?{query}"))).await.expect(200);
    let sealed = between(&page.text, "name=\"admin_consent\" value=\"");
    let fields = [("admin_consent", sealed.as_str()), ("username", upn), ("password", password)];
    let page = browser.post(&page.text, &fields).await;
    if !page.text.contains("name=\"admin_consent\"") {
        return page;
    }
    let sealed = between(&page.text, "name=\"admin_consent\" value=\"");
    browser.post(&page.text, &[("admin_consent", &sealed), ("decision", decision)]).await
}

#[tokio::test]
async fn an_administrator_consents_for_everybody_by_a_link() {
    let tenant = Tenant::start().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let app = application(&tenant, &token, "AzureADMyOrg", required()).await;
    post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": app.0 })).await.expect(201);
    let ready = tenant.sandbox.ready().clone();
    let grace = ready.users.iter().find(|one| one.upn.starts_with("grace")).unwrap().clone();
    let ada = ready.users[0].clone();
    let id = ready.tenant_id.as_str();
    let refused = admin_consent(&tenant, id, &app.0, &grace.upn, &grace.password, "accept").await.expect(200);
    assert!(refused.text.contains("AADSTS90093"), "{}", refused.text);
    let declined = answered(&admin_consent(&tenant, id, &app.0, &ada.upn, &ada.password, "cancel").await);
    assert_eq!(
        (value(&declined, "error").as_str(), value(&declined, "state").as_str()),
        ("access_denied", "x&y")
    );
    let given = answered(&admin_consent(&tenant, id, &app.0, &ada.upn, &ada.password, "accept").await);
    assert_eq!(
        given,
        [("admin_consent", "True"), ("tenant", id), ("state", "x&y")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    let form = [
        ("client_id", app.0.as_str()),
        ("client_secret", &app.1),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    let token = tenant.token(&form).await.expect(200);
    assert_eq!(claims(token.text("/access_token"))["roles"], json!(["User.Read.All"]));

    // The second generation's link says which scopes; what it asks for is given to everybody.
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("client_id", app.0.as_str()),
            ("redirect_uri", REDIRECT),
            ("state", "y"),
            ("scope", "https://graph.microsoft.com/Mail.Send"),
        ])
        .finish();
    let page = tenant.get(&tenant.url(&format!("/{id}/v2.0/adminconsent?{query}"))).await.expect(200);
    let browser = Browser { tenant: &tenant, id };
    let sealed = between(&page.text, "name=\"admin_consent\" value=\"");
    let fields = [("admin_consent", sealed.as_str()), ("username", &ada.upn), ("password", &ada.password)];
    let page = browser.post(&page.text, &fields).await.expect(200);
    let sealed = between(&page.text, "name=\"admin_consent\" value=\"");
    // The form may be sent back to where it came from.
    let form = [("admin_consent", sealed.as_str()), ("decision", "accept")];
    let sent = tenant.http.post(tenant.url(&format!("/{id}/v2.0/adminconsent"))).form(&form);
    let given = answered(&tenant.send(sent).await);
    assert_eq!(value(&given, "scope"), "https://graph.microsoft.com/Mail.Send");
    let signed_in = browser.sign_in(&app.0, "Mail.Send", &grace.upn, &grace.password).await;
    assert!(!value(&answered(&signed_in), "code").is_empty());
}

/// An application with a principal whose registration asks for that scope of Graph's, by its id.
async fn requiring(tenant: &Tenant, token: &str, id: &str) -> (String, String) {
    let required = json!({ "requiredResourceAccess": [
        {
            "resourceAppId": "00000003-0000-0000-c000-000000000000",
            "resourceAccess": [{ "id": id, "type": "Scope" }],
        },
        {
            "resourceAppId": "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            "resourceAccess": [{ "id": "41094075-9dad-400e-a0bd-54e686782033", "type": "Scope" }],
        },
    ] });
    let app = application(tenant, token, "AzureADMyOrg", required).await;
    post(tenant, "/v1.0/servicePrincipals", token, json!({ "appId": app.0 })).await.expect(201);
    app
}

#[tokio::test]
async fn a_link_gives_what_the_registration_names_or_says_what_of_it_there_is_not() {
    let tenant = Tenant::start().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All", "DelegatedPermissionGrant.Read.All"]).await;
    let ready = tenant.sandbox.ready().clone();
    let (id, ada) = (ready.tenant_id.as_str(), ready.users[0].clone());
    let path = format!("/{id}/v2.0/adminconsent");
    let link = async |app: &str| {
        let pairs = [("client_id", app), ("redirect_uri", REDIRECT), ("scope", GRAPH)];
        follow_link(&tenant, &path, &pairs, (&ada.upn, &ada.password), "accept").await
    };
    let browser = Browser { tenant: &tenant, id };

    let contacts = requiring(&tenant, &token, "ff74d97f-43af-4b68-9f2a-b77ee6968c5d").await;
    assert_eq!(value(&answered(&link(&contacts.0).await), "admin_consent"), "True");
    let grants = get(&tenant, "/v1.0/oauth2PermissionGrants", &token).await.expect(200);
    let grants = grants.json["value"].as_array().unwrap();
    assert!(grants.iter().any(|one| one["scope"] == "Contacts.Read"), "{grants:?}");
    let signed_in = answered(&browser.sign_in(&contacts.0, GRAPH, &ada.upn, &ada.password).await);
    let form = [
        ("client_id", contacts.0.as_str()),
        ("client_secret", &contacts.1),
        ("grant_type", "authorization_code"),
        ("redirect_uri", REDIRECT),
        ("code", &value(&signed_in, "code")),
    ];
    let redeemed = tenant.token(&form).await.expect(200);
    let scp = claims(redeemed.text("/access_token"))["scp"].clone();
    assert!(scp.as_str().unwrap().starts_with("Contacts.Read"), "{scp}");

    let nobodys = "5b3f2e6c-4a51-4d53-9f2f-0c7f6a1d2e3b";
    let unknown = requiring(&tenant, &token, nobodys).await;
    for refused in [link(&unknown.0).await, browser.sign_in(&unknown.0, GRAPH, &ada.upn, &ada.password).await]
    {
        let answer = answered(&refused);
        let error = value(&answer, "error_description");
        assert!(error.contains("AADSTS650053") && error.contains(nobodys), "{error}");
        assert_eq!(value(&answer, "code"), "");
    }

    // What nothing is granted of is refused before there is a code.
    let bare = application(&tenant, &token, "AzureADMyOrg", json!({})).await;
    post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": bare.0 })).await.expect(201);
    let refused = browser.sign_in(&bare.0, GRAPH, &ada.upn, &ada.password).await;
    let answer = answered(&refused);
    assert!(value(&answer, "error_description").contains("AADSTS650056"), "{answer:?}");
}

#[tokio::test]
async fn graph_publishes_every_permission_that_it_has() {
    let tenant = Tenant::start().await;
    let roles = ["Application.ReadWrite.All", "DelegatedPermissionGrant.ReadWrite.All"];
    let token = permitted(&tenant, &roles).await;
    let path = "/v1.0/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')";
    let graph = get(&tenant, path, &token).await.expect(200);
    let named = |list: &str, name: &str| {
        let list = graph.json[list].as_array().unwrap();
        assert!(list.len() > 690, "{}", list.len());
        list.iter().find(|one| one["value"] == name).unwrap()["id"].clone()
    };
    assert_eq!(named("oauth2PermissionScopes", "Contacts.Read"), "ff74d97f-43af-4b68-9f2a-b77ee6968c5d");
    assert_eq!(named("appRoles", "AccessReview.Read.All"), "d07a8cc0-3d51-4b77-b3b0-32704d1f69fa");

    let app = application(&tenant, &token, "AzureADMyOrg", json!({})).await;
    let principal = post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": app.0 })).await;
    let grant = json!({
        "clientId": principal.expect(201).text("/id"), "consentType": "AllPrincipals",
        "resourceId": graph.text("/id"), "scope": "Contacts.Read",
    });
    post(&tenant, "/v1.0/oauth2PermissionGrants", &token, grant).await.expect(201);
    let grace = tenant.sandbox.ready().users.iter().find(|one| one.upn.starts_with("grace")).unwrap().clone();
    let browser = Browser { tenant: &tenant, id: &tenant.sandbox.ready().tenant_id };
    let signed_in = browser.sign_in(&app.0, "openid Contacts.Read", &grace.upn, &grace.password).await;
    assert_ne!(value(&answered(&signed_in), "code"), "");
}

/// The token of another tenant's provisioner.
async fn provisioner_of(tenant: &Tenant, second: &Reply) -> String {
    let form = [
        ("client_id", second.text("/apps/provisioner/client_id")),
        ("client_secret", second.text("/apps/provisioner/client_secret")),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    let url = tenant.url(&format!("/{}/oauth2/v2.0/token", second.text("/tenant_id")));
    tenant.send(tenant.http.post(&url).form(&form)).await.expect(200).text("/access_token").to_owned()
}

/// Somebody consents to an application of another tenant whose principal an administrator has just made: what the
/// application is told.
pub(crate) async fn conflict(tenant: &Tenant) -> Value {
    let token = permitted(tenant, &["Application.ReadWrite.All"]).await;
    let app = application(tenant, &token, "AzureADMultipleOrgs", required()).await;
    let second = tenant.control(Method::POST, "tenants", Some(json!({}))).await.expect(201);
    let id = second.text("/tenant_id");
    let theirs = provisioner_of(tenant, &second).await;
    let graph = get(tenant, GRAPH_SP, &theirs).await.expect(200);
    let own = second.text("/apps/provisioner/client_id");
    let own = get(tenant, &format!("/v1.0/servicePrincipals(appId='{own}')"), &theirs).await.expect(200);
    let role = graph.json["appRoles"].as_array().unwrap().iter();
    let role = role.clone().find(|role| role["value"] == "Application.ReadWrite.All").unwrap()["id"].clone();
    let body = json!({ "principalId": own.text("/id"), "resourceId": graph.text("/id"), "appRoleId": role });
    let path = format!("/v1.0/servicePrincipals/{}/appRoleAssignments", own.text("/id"));
    post(tenant, &path, &theirs, body).await.expect(201);
    let theirs = provisioner_of(tenant, &second).await;
    let lag = json!({ "profile": "none", "seconds": { "replication": 30 } });
    tenant.control(Method::POST, &format!("lag?tenant={id}"), Some(lag)).await.expect(200);
    let body = json!({ "appId": app.0 });
    post(tenant, "/v1.0/servicePrincipals", &theirs, body.clone()).await.expect(201);
    post(tenant, "/v1.0/servicePrincipals", &theirs, body).await.expect(409);
    let browser = Browser { tenant, id };
    let (upn, password) = (second.text("/users/0/upn"), second.text("/users/0/password"));
    let page = browser.sign_in(&app.0, "User.Read", upn, password).await.expect(200);
    crate::browser::sent(&browser.decide(&page, "accept").await)
}

#[tokio::test]
async fn a_multi_tenant_application_gets_a_principal_where_somebody_consents() {
    let tenant = Tenant::start().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let app = application(&tenant, &token, "AzureADMultipleOrgs", required()).await;
    let single = application(&tenant, &token, "AzureADMyOrg", json!({})).await;
    let second = tenant.control(Method::POST, "tenants", Some(json!({}))).await.expect(201);
    let id = second.text("/tenant_id");
    let (upn, password) = (second.text("/users/0/upn"), second.text("/users/0/password"));
    let browser = Browser { tenant: &tenant, id };

    // A single-tenant one is unknown elsewhere.
    let query = format!(
        "client_id={}&response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&scope=User.Read",
        single.0
    );
    let page = tenant.get(&tenant.url(&format!("/{id}/oauth2/v2.0/authorize?{query}"))).await.expect(400);
    assert!(page.text.contains("AADSTS700016"), "{}", page.text);
    let unknown = redeem(&tenant, id, &app, "x").await;
    assert!(unknown.status.is_client_error());

    let page = browser.sign_in(&app.0, "User.Read", upn, password).await.expect(200);
    assert!(page.text.contains("Permissions requested"), "{}", page.text);
    let back = answered(&browser.decide(&page, "accept").await);
    let tokens = redeem(&tenant, id, &app, &value(&back, "code")).await.expect(200);
    let access = claims(tokens.text("/access_token"));
    assert_eq!((&access["tid"], &access["appid"]), (&json!(id), &json!(app.0)));
    // The principal is there now, and says whose the application is.
    let theirs = provisioner_of(&tenant, &second).await;
    let url = tenant.url(&format!("/{id}/oauth2/v2.0/token"));
    let path = format!("/v1.0/servicePrincipals(appId='{}')", app.0);
    let principal = get(&tenant, &path, &theirs).await.expect(200);
    assert_eq!(principal.text("/appOwnerOrganizationId"), tenant.sandbox.ready().tenant_id);
    get(&tenant, &format!("/v1.0/applications(appId='{}')", app.0), &theirs).await.expect(404);

    // Its administrator consents to the rest; a secret that its home rolls works there too.
    answered(&admin_consent(&tenant, id, &app.0, upn, password, "accept").await);
    let path = format!("/v1.0/applications(appId='{}')/addPassword", app.0);
    let rolled = post(&tenant, &path, &token, json!({})).await.expect(200);
    let form = [
        ("client_id", app.0.as_str()),
        ("client_secret", rolled.text("/secretText")),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    let app_only = tenant.send(tenant.http.post(&url).form(&form)).await.expect(200);
    assert_eq!(claims(app_only.text("/access_token"))["tid"], id);
    let users = get(&tenant, "/v1.0/users", app_only.text("/access_token")).await.expect(200);
    assert!(users.text.contains(upn));
}

#[tokio::test]
async fn a_blueprint_spans_tenants_by_admin_consent() {
    let tenant = Tenant::start().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let certificate = crate::support::Certificate::new();
    let blueprint = crate::certificates::blueprint(&tenant, &certificate).await;
    let path = format!("/v1.0/applications/{blueprint}");
    let body = json!({ "signInAudience": "AzureADMultipleOrgs", "web": { "redirectUris": [REDIRECT] } });
    patch(&tenant, &path, &token, body).await.expect(204);
    let path = format!("/v1.0/applications/{blueprint}/addPassword");
    let secret = post(&tenant, &path, &token, json!({})).await.expect(200).text("/secretText").to_owned();
    let second = tenant.control(Method::POST, "tenants", Some(json!({}))).await.expect(201);
    let id = second.text("/tenant_id");
    let given = admin_consent(
        &tenant,
        id,
        &blueprint,
        second.text("/users/0/upn"),
        second.text("/users/0/password"),
        "accept",
    );
    assert_eq!(value(&answered(&given.await), "tenant"), id);
    let form = [
        ("client_id", blueprint.as_str()),
        ("client_secret", &secret),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    let url = tenant.url(&format!("/{id}/oauth2/v2.0/token"));
    let own =
        tenant.send(tenant.http.post(url).form(&form)).await.expect(200).text("/access_token").to_owned();
    assert_eq!(claims(&own)["roles"], json!(["AgentIdentity.CreateAsManager"]));
    let body = json!({
        "displayName": "Agent abroad", "agentIdentityBlueprintId": blueprint,
        "sponsors@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{}", second.text("/users/0/id"))],
    });
    let path = "/v1.0/servicePrincipals/microsoft.graph.agentIdentity";
    let made = post(&tenant, path, &own, body).await.expect(201);
    let at_home = get(&tenant, &format!("/v1.0/servicePrincipals/{}", made.text("/id")), &token).await;
    assert_eq!(at_home.status.as_u16(), 404, "it lives in the customer's tenant");
}

#[tokio::test]
async fn a_resource_spares_the_clients_that_it_names_the_consent() {
    const SCOPES: [(&str, &str); 2] = [
        ("access", "0b1c2d3e-0000-4000-8000-000000000001"),
        ("other", "0b1c2d3e-0000-4000-8000-000000000002"),
    ];
    let tenant = Tenant::start().await;
    let token = permitted(&tenant, &["Application.ReadWrite.All"]).await;
    let client = application(&tenant, &token, "AzureADMyOrg", json!({})).await;
    let scope = |(value, id): &(&str, &str)| {
        json!({
            "id": id, "value": value, "type": "Admin", "isEnabled": true,
            "adminConsentDisplayName": value, "adminConsentDescription": value,
        })
    };
    let listed = json!([{ "appId": client.0, "delegatedPermissionIds": [SCOPES[0].1] }]);
    let api = json!({
        "displayName": "API", "api": {
            "oauth2PermissionScopes": SCOPES.iter().map(scope).collect::<Vec<_>>(),
            "preAuthorizedApplications": listed,
        },
    });
    let api = post(&tenant, "/v1.0/applications", &token, api).await.expect(201);
    for app_id in [client.0.as_str(), api.text("/appId")] {
        post(&tenant, "/v1.0/servicePrincipals", &token, json!({ "appId": app_id })).await.expect(201);
    }
    let named = |scope: &str| format!("{}/{scope} offline_access", api.text("/appId"));
    let ready = tenant.sandbox.ready().clone();
    let grace = ready.users.iter().find(|user| user.upn.starts_with("grace")).unwrap().clone();
    let browser = Browser { tenant: &tenant, id: &ready.tenant_id };
    let asked =
        async |scope: &str| browser.sign_in(&client.0, &named(scope), &grace.upn, &grace.password).await;
    let refreshed = async |refresh: &str, scope: &str| {
        let form = [
            ("client_id", client.0.as_str()),
            ("client_secret", &client.1),
            ("grant_type", "refresh_token"),
            ("refresh_token", refresh),
            ("scope", &named(scope)),
        ];
        let url = tenant.url(&format!("/{}/oauth2/v2.0/token", ready.tenant_id));
        tenant.send(tenant.http.post(url).form(&form)).await
    };

    let code = value(&answered(&asked("access").await), "code");
    let tokens = redeem(&tenant, &ready.tenant_id, &client, &code).await.expect(200);
    assert_eq!(claims(tokens.text("/access_token"))["scp"], "access");
    let refresh = tokens.text("/refresh_token");
    refreshed(refresh, "access").await.expect(200);
    assert!(asked("other").await.expect(200).text.contains("AADSTS90094"));
    assert_eq!(refreshed(refresh, "other").await.expect(400).json["error_codes"], json!([65_001]));

    let path = format!("/v1.0/applications/{}", api.text("/id"));
    let withdrawn = json!({ "api": { "preAuthorizedApplications": [] } });
    patch(&tenant, &path, &token, withdrawn).await.expect(204);
    assert!(asked("access").await.expect(200).text.contains("AADSTS90094"));
    assert_eq!(refreshed(refresh, "access").await.expect(400).json["error_codes"], json!([65_001]));
}

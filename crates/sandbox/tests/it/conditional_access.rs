//! Conditional access: the policies at Graph, and what they do to people and agents (Entra reference §13).

use http::Method;
use serde_json::{Value, json};

use crate::aadsts::{by_password, password, t1, with_t1};
use crate::browser::{App, Browser, administrator, redeem, sent, tokens};
use crate::cast::{self, person};
use crate::certificates::with_assertion;
use crate::support::{EXCHANGE, GRAPH, Reply, Tenant, claims};

const PATH: &str = "/v1.0/identity/conditionalAccess/policies";
const ADMIN: &str = "Policy.ReadWrite.ConditionalAccess Policy.Read.All";

/// A policy for Grace and everything she uses, changed as told.
pub(crate) async fn require(tenant: &Tenant, control: &str, changes: Value) -> String {
    let admin = administrator(tenant, ADMIN).await;
    let mut body = json!({
        "displayName": format!("Require {control}"),
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": [person(tenant, "grace")] },
        },
    });
    if !control.is_empty() {
        body["grantControls"] = json!({ "operator": "OR", "builtInControls": [control] });
    }
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    let made =
        tenant.graph(Method::POST, "/beta/identity/conditionalAccess/policies", &admin, Some(body)).await;
    made.expect(201).text("/id").to_owned()
}

pub(crate) async fn remove(tenant: &Tenant, policy: &str) {
    let admin = administrator(tenant, ADMIN).await;
    tenant.graph(Method::DELETE, &format!("{PATH}/{policy}"), &admin, None).await.expect(204);
}

#[tokio::test]
async fn policies_are_made_read_changed_and_deleted_and_what_is_not_evaluated_is_refused() {
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, ADMIN).await;
    let whole = json!({
        "displayName": "Block devices",
        "state": "enabledForReportingButNotEnforced",
        "conditions": {
            "@odata.type": "#microsoft.graph.conditionalAccessConditionSet",
            "clientAppTypes": ["all"],
            "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": ["All"], "excludeUsers": [person(&tenant, "ada")] },
            "authenticationFlows": { "transferMethods": "deviceCodeFlow" },
            "locations": { "includeLocations": ["All"] },
        },
        "grantControls": { "operator": "OR", "builtInControls": ["block"] },
    });
    let made = tenant.graph(Method::POST, PATH, &admin, Some(whole.clone())).await.expect(201);
    let one = format!("{PATH}/{}", made.text("/id"));
    assert!(made.header("location").ends_with(&one));
    assert_eq!(made.json["modifiedDateTime"], Value::Null);
    assert_eq!(made.json["conditions"]["users"]["excludeGroups"], json!([]));
    let change = json!({ "state": "disabled", "conditions": { "users": { "includeUsers": ["None"] } } });
    tenant.graph(Method::PATCH, &one, &admin, Some(change)).await.expect(204);
    let read = tenant.graph(Method::GET, &one, &admin, None).await.expect(200);
    assert_eq!((read.text("/state"), read.text("/displayName")), ("disabled", "Block devices"));
    assert_eq!(read.json["conditions"]["users"]["includeUsers"], json!(["None"]));
    assert_eq!(read.json["conditions"]["users"]["excludeUsers"], json!([person(&tenant, "ada")]));
    assert!(read.json["modifiedDateTime"].is_string());
    let listed = tenant.graph(Method::GET, PATH, &admin, None).await.expect(200);
    assert_eq!(listed.json["value"].as_array().unwrap().len(), 1);

    for (pointer, value, status) in [
        ("/state", json!("on"), 400),
        ("/displayName", json!(""), 400),
        ("/surprise", json!(1), 400),
        ("/conditions/users", Value::Null, 400),
        ("/conditions/surprise", json!(1), 400),
        ("/grantControls", Value::Null, 400),
        ("/grantControls/operator", json!("XOR"), 400),
        (
            "/conditions/clientApplications",
            json!({ "includeServicePrincipals": ["ServicePrincipalsInMyTenant"] }),
            201,
        ),
        ("/conditions/clientApplications", json!({ "includeAgentIdServicePrincipals": ["All"] }), 400),
        ("/conditions/locations", json!({ "includeLocations": ["AllTrusted"] }), 201),
        ("/conditions/devices", json!({ "deviceFilter": {} }), 400),
        (
            "/conditions/devices",
            json!({ "deviceFilter": { "mode": "include", "rule": "model is nice" } }),
            400,
        ),
        (
            "/conditions/devices",
            json!({ "deviceFilter": { "mode": "exclude", "rule": "device.isCompliant -eq True" } }),
            201,
        ),
        (
            "/conditions/users/includeGuestsOrExternalUsers",
            json!({ "guestOrExternalUserTypes": "everybody" }),
            400,
        ),
        ("/conditions/applications/includeUserActions", json!(["urn:user:registersecurityinfo"]), 501),
        ("/grantControls/builtInControls", json!(["approvedApplication"]), 501),
        ("/grantControls/termsOfUse", json!(["x"]), 400),
        ("/sessionControls", json!({ "persistentBrowser": { "mode": "never" } }), 501),
    ] {
        let mut body = whole.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        body.pointer_mut(parent).unwrap()[name] = value;
        let reply = tenant.graph(Method::POST, PATH, &admin, Some(body)).await;
        assert_eq!(reply.status.as_u16(), status, "{pointer}: {}", reply.text);
    }
    tenant.graph(Method::DELETE, &one, &admin, None).await.expect(204);
    tenant.graph(Method::GET, &one, &admin, None).await.expect(404);
    let user = tokens(&tenant, "grace", "User.Read", &[]).await.expect(200);
    tenant.graph(Method::GET, PATH, user.text("/access_token"), None).await.expect(403);
}

#[tokio::test]
async fn a_second_factor_is_asked_for_on_a_page_and_refused_elsewhere() {
    let tenant = cast::tenant().await;
    let before = tokens(&tenant, "grace", "User.Read offline_access", &[]).await.expect(200);
    assert_eq!(claims(before.text("/access_token"))["amr"], json!(["pwd"]));
    let policy = require(&tenant, "mfa", json!({})).await;

    let refresh = async |token: &str| {
        let form = [
            ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
        ];
        tenant.token(&form).await
    };
    let refused = refresh(before.text("/refresh_token")).await.expect(400);
    assert_eq!((refused.error(), refused.text("/suberror")), (("invalid_grant", 50_076), "basic_action"));
    let wanted: Value = serde_json::from_str(refused.text("/claims")).unwrap();
    assert_eq!(wanted["access_token"]["capolids"]["values"], json!([policy]));

    let mut browser = Browser::new(&tenant);
    let page = browser.authorize(&[("claims", refused.text("/claims"))]).await;
    let page = browser.sign_in(&page, "grace").await;
    assert!(page.text.contains("name=\"second_factor\""), "{}", page.text);
    let silent = sent(&browser.authorize(&[("prompt", "none")]).await);
    assert_eq!(silent["error"], "interaction_required", "a silent client cannot be asked");
    assert!(silent["error_description"].as_str().unwrap().starts_with("AADSTS50076"));
    assert!(silent["claims"].as_str().unwrap().contains("capolids"));
    let denied = browser.fill(&page, &[("decision", "deny")]).await.expect(400);
    assert!(denied.text.contains("AADSTS500121"));
    let answer = sent(&browser.fill(&page, &[("decision", "approve")]).await);
    let strong = redeem(&tenant, &answer["code"], &[]).await.expect(200);
    assert_eq!(claims(strong.text("/access_token"))["amr"], json!(["pwd", "mfa"]));
    refresh(strong.text("/refresh_token")).await.expect(200);
    assert!(sent(&browser.authorize(&[("prompt", "none")]).await)["code"].is_string());

    // Others are not concerned.
    by_password(&tenant, "ada@contoso.example", &password(&tenant, "ada"), &[]).await.expect(200);
    // Whoever acts for a user hands the challenge up.
    remove(&tenant, &policy).await;
    let admin =
        administrator(&tenant, "Application.ReadWrite.All DelegatedPermissionGrant.ReadWrite.All").await;
    let api = App::api(&tenant, &admin, "Middle tier").await;
    let client = &tenant.sandbox.ready().apps.client.client_id;
    let client = cast::get(&tenant, &format!("/v1.0/servicePrincipals(appId='{client}')"), &admin).await;
    let graph = cast::get(&tenant, cast::GRAPH_SP, &admin).await;
    crate::browser::consent(&tenant, &admin, client.text("/id"), &api.principal, "access").await;
    crate::browser::consent(&tenant, &admin, &api.principal, graph.text("/id"), "User.Read").await;
    let scope = format!("api://{}/access", api.app_id);
    let token = tokens(&tenant, "grace", &scope, &[]).await.expect(200);
    let form = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
        ("requested_token_use", "on_behalf_of"),
        ("assertion", token.text("/access_token")),
        ("scope", "https://graph.microsoft.com/User.Read"),
    ];
    api.token(&tenant, &form).await.expect(200);
    require(&tenant, "mfa", json!({})).await;
    let refused = api.token(&tenant, &form).await.expect(400);
    assert_eq!(refused.error(), ("interaction_required", 50_076));
    assert!(refused.text("/claims").contains("capolids"));
}

#[tokio::test]
async fn a_policy_that_only_reports_or_excludes_or_looks_elsewhere_lets_pass() {
    let tenant = cast::tenant().await;
    let grace = person(&tenant, "grace");
    let sign_in = async || -> Reply {
        by_password(&tenant, "grace@contoso.example", &password(&tenant, "grace"), &[]).await
    };
    let conditions = |users: Value, applications: Value| json!({ "conditions": { "clientAppTypes": ["all"], "users": users, "applications": applications } });
    let all = json!({ "includeApplications": ["All"] });
    for (changes, status) in [
        (json!({}), 400),
        (json!({ "state": "disabled" }), 200),
        (json!({ "state": "enabledForReportingButNotEnforced" }), 200),
        (conditions(json!({ "includeUsers": ["All"] }), all.clone()), 400),
        (conditions(json!({ "includeUsers": ["All"], "excludeUsers": [grace] }), all.clone()), 200),
        (conditions(json!({ "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"] }), all.clone()), 200),
        (conditions(json!({ "includeUsers": ["AllAgentIdUsers"] }), all), 200),
        (
            conditions(
                json!({ "includeUsers": ["All"] }),
                json!({ "includeApplications": ["00000003-0000-0000-c000-000000000000"] }),
            ),
            400,
        ),
        (
            conditions(
                json!({ "includeUsers": ["All"] }),
                json!({ "includeApplications": ["All"], "excludeApplications": ["00000003-0000-0000-c000-000000000000"] }),
            ),
            200,
        ),
        (
            json!({ "conditions": {
                "clientAppTypes": ["browser"], "users": { "includeUsers": [grace] },
                "applications": { "includeApplications": ["All"] },
            } }),
            200,
        ),
    ] {
        // A policy that blocks everybody would block whoever takes it away.
        let mut changes = changes;
        if let Some(users) = changes.pointer_mut("/conditions/users") {
            let mut excluded = users["excludeUsers"].as_array().cloned().unwrap_or_default();
            excluded.push(json!(person(&tenant, "ada")));
            users["excludeUsers"] = json!(excluded);
        }
        let policy = require(&tenant, "block", changes.clone()).await;
        let reply = sign_in().await;
        assert_eq!(reply.status.as_u16(), status, "{changes} {}", reply.text);
        if status == 400 {
            assert_eq!((reply.error().1, reply.text("/suberror")), (53_003, "message_only"));
        }
        remove(&tenant, &policy).await;
    }
}

#[tokio::test]
async fn the_device_code_flow_can_be_blocked_alone() {
    let tenant = cast::tenant().await;
    let conditions = json!({
        "clientAppTypes": ["all"],
        "users": { "includeUsers": [person(&tenant, "grace")] },
        "applications": { "includeApplications": ["All"] },
        "authenticationFlows": { "transferMethods": "deviceCodeFlow,authenticationTransfer" },
    });
    require(&tenant, "block", json!({ "conditions": conditions })).await;
    tokens(&tenant, "grace", "User.Read", &[]).await.expect(200);
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let form = [("client_id", client_id.as_str()), ("scope", "User.Read")];
    let begun = tenant.send(tenant.http.post(tenant.login("/oauth2/v2.0/devicecode")).form(&form)).await;
    let password = password(&tenant, "grace");
    let form = [
        ("user_code", begun.text("/user_code")),
        ("username", "grace@contoso.example"),
        ("password", &password),
        ("decision", "approve"),
    ];
    let page = tenant.send(tenant.http.post(begun.text("/verification_uri")).form(&form)).await;
    assert!(page.expect(400).text.contains("AADSTS53003"));
    let form = [
        ("client_id", client_id.as_str()),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("device_code", begun.text("/device_code")),
    ];
    assert_eq!(tenant.token(&form).await.error(), ("invalid_grant", 53_003));
}

#[tokio::test]
async fn agents_are_only_blocked_an_identity_at_hop_2a_and_a_user_at_hop_3() {
    let tenant = cast::tenant().await;
    let blueprint = cast::blueprint(&tenant, "User.Read").await;
    let identity = blueprint.create_identity(&tenant).await.expect(201).text("/id").to_owned();
    let user = blueprint.create_user(&tenant, &identity, "agent").await.expect(201).text("/id").to_owned();
    let all = json!({ "includeApplications": ["All"] });

    let agents = json!({ "includeAgentIdServicePrincipals": ["All"] });
    let conditions = json!({ "conditions": { "applications": all, "clientApplications": agents } });
    let policy = require(&tenant, "block", conditions).await;
    let t1 = t1(&tenant, &blueprint, &identity).await;
    let refused = with_assertion(&tenant, &identity, &t1, GRAPH).await.expect(400);
    assert_eq!(refused.error().1, 53_003);
    with_assertion(&tenant, &identity, &t1, EXCHANGE).await.expect(200);
    blueprint.hops(&tenant, &identity, &user).await.expect(200);
    remove(&tenant, &policy).await;
    with_assertion(&tenant, &identity, &t1, GRAPH).await.expect(200);

    // A policy for all people does not concern agent users; the one scope for them does.
    let people = json!({ "includeUsers": ["All"], "excludeUsers": [person(&tenant, "ada")] });
    let conditions = json!({ "conditions": { "applications": all, "users": people } });
    require(&tenant, "mfa", conditions).await;
    blueprint.hops(&tenant, &identity, &user).await.expect(200);
    let conditions =
        json!({ "conditions": { "applications": all, "users": { "includeUsers": ["AllAgentIdUsers"] } } });
    require(&tenant, "block", conditions).await;
    assert_eq!(blueprint.hops(&tenant, &identity, &user).await.error().1, 53_003);
    with_t1(&tenant, &identity, &t1, &[("grant_type", "client_credentials"), ("scope", GRAPH)])
        .await
        .expect(200);
}

/// Grace signs in with her password; the page that follows, and the browser.
async fn asked(tenant: &Tenant) -> (Reply, Browser<'_>) {
    let mut browser = Browser::new(tenant);
    let page = browser.authorize(&[]).await;
    (browser.sign_in(&page, "grace").await, browser)
}

fn strength(id: &str) -> Value {
    json!({ "grantControls": { "operator": "OR", "builtInControls": [], "authenticationStrength": { "id": id } } })
}

#[tokio::test]
async fn an_authentication_strength_takes_only_what_satisfies_it() {
    let tenant = cast::tenant().await;
    let grace = password(&tenant, "grace");
    let refused = async || by_password(&tenant, "grace@contoso.example", &grace, &[]).await.error().1;
    let phishing_resistant = "00000000-0000-0000-0000-000000000004";
    let policy = require(&tenant, "", strength(phishing_resistant)).await;
    assert_eq!(refused().await, 50_079, "the app on her phone is not enough");
    let (page, mut browser) = asked(&tenant).await;
    assert!(page.text.contains("More information required"), "{}", page.text);
    assert!(!page.text.contains("register_authenticator"), "{}", page.text);
    let answer = sent(&browser.fill(&page, &[("decision", "register_security_key")]).await);
    let token = redeem(&tenant, &answer["code"], &[]).await.expect(200);
    assert_eq!(claims(token.text("/access_token"))["amr"], json!(["pwd", "fido", "mfa"]));
    assert_eq!(refused().await, 50_076, "now there is something to use");
    let (page, mut browser) = asked(&tenant).await;
    assert!(page.text.contains("use_security_key") && !page.text.contains("\"approve\""), "{}", page.text);
    browser.fill(&page, &[("decision", "approve")]).await.expect(400);
    remove(&tenant, &policy).await;

    // With the built-in one for any second factor, both will do.
    let policy = require(&tenant, "", strength("00000000-0000-0000-0000-000000000002")).await;
    let (page, mut browser) = asked(&tenant).await;
    assert!(page.text.contains("use_security_key") && page.text.contains("\"approve\""), "{}", page.text);
    assert!(sent(&browser.fill(&page, &[("decision", "approve")]).await)["code"].is_string());
    // What was shown to one policy is not enough for a stronger one.
    let other = require(&tenant, "", strength(phishing_resistant)).await;
    let silent = sent(&browser.authorize(&[("prompt", "none")]).await);
    assert!(silent["error_description"].as_str().unwrap().starts_with("AADSTS50076"), "{silent}");
    remove(&tenant, &policy).await;
    remove(&tenant, &other).await;
    let both = json!({ "grantControls": {
        "operator": "AND", "builtInControls": ["mfa"], "authenticationStrength": { "id": phishing_resistant },
    } });
    let admin = administrator(&tenant, ADMIN).await;
    let body = json!({
        "displayName": "Both", "state": "enabled", "grantControls": both["grantControls"],
        "conditions": {
            "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] },
            "users": { "includeUsers": [person(&tenant, "grace")] },
        },
    });
    tenant.graph(Method::POST, PATH, &admin, Some(body)).await.expect(400);
}

#[tokio::test]
async fn authentication_strengths_are_made_read_changed_and_deleted() {
    const STRENGTHS: &str = "/v1.0/policies/authenticationStrengthPolicies";
    let tenant = cast::tenant().await;
    let admin = administrator(&tenant, ADMIN).await;
    let call = async |method: Method, path: &str, body: Option<Value>| {
        tenant.graph(method, &format!("{STRENGTHS}{path}"), &admin, body).await
    };
    let listed = call(Method::GET, "", None).await.expect(200);
    let names: Vec<&str> = listed.json["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["displayName"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Multifactor authentication", "Passwordless MFA", "Phishing resistant MFA"]);
    let built_in = "/00000000-0000-0000-0000-000000000003";
    call(Method::PATCH, built_in, Some(json!({ "displayName": "Mine" }))).await.expect(400);
    call(Method::DELETE, built_in, None).await.expect(400);

    let made = json!({ "displayName": "By phone", "allowedCombinations": ["password,sms"] });
    let made = call(Method::POST, "", Some(made)).await.expect(201);
    assert_eq!((made.text("/policyType"), made.text("/requirementsSatisfied")), ("custom", "mfa"));
    let odd = json!({ "displayName": "Odd", "allowedCombinations": ["password,telepathy"] });
    call(Method::POST, "", Some(odd)).await.expect(400);
    let again = json!({ "displayName": "by phone", "allowedCombinations": ["fido2"] });
    call(Method::POST, "", Some(again)).await.expect(400);
    let one = format!("/{}", made.text("/id"));
    call(Method::PATCH, &one, Some(json!({ "description": "A message is enough" }))).await.expect(204);
    assert_eq!(call(Method::GET, &one, None).await.expect(200).text("/description"), "A message is enough");

    // Grace cannot satisfy it, and a phone is not registered at sign-in.
    let policy = require(&tenant, "", strength(made.text("/id"))).await;
    assert!(asked(&tenant).await.0.text.contains("AADSTS53003"));
    let phones = format!("/v1.0/users/{}/authentication/phoneMethods", person(&tenant, "grace"));
    let phone = json!({ "phoneNumber": "+44 5556667777", "phoneType": "mobile" });
    let methods = administrator(&tenant, "UserAuthenticationMethod.ReadWrite.All").await;
    tenant.graph(Method::POST, &phones, &methods, Some(phone)).await.expect(201);
    let (page, mut browser) = asked(&tenant).await;
    assert!(sent(&browser.fill(&page, &[("decision", "use_phone")]).await)["code"].is_string());

    let shown = tenant.graph(Method::GET, &format!("{PATH}/{policy}"), &admin, None).await.expect(200);
    assert_eq!(shown.text("/grantControls/authenticationStrength/displayName"), "By phone");
    let usage = call(Method::GET, &format!("{one}/usage"), None).await.expect(200);
    assert_eq!(usage.text("/mfa/0/id"), policy);
    call(Method::DELETE, &one, None).await.expect(400);
    let change = json!({ "allowedCombinations": ["password", "password,sms"] });
    let changed =
        call(Method::POST, &format!("{one}/updateAllowedCombinations"), Some(change)).await.expect(200);
    assert_eq!(changed.json["previousCombinations"], json!(["password,sms"]));
    assert_eq!(changed.json["conditionalAccessReferences"], json!([policy]));
    assert!(sent(&asked(&tenant).await.0)["code"].is_string(), "the password alone will do now");
    remove(&tenant, &policy).await;
    call(Method::DELETE, &one, None).await.expect(204);
    call(Method::GET, &one, None).await.expect(404);
    let all = "/v1.0/identity/conditionalAccess/authenticationStrength/combinations";
    let all = tenant.graph(Method::GET, all, &admin, None).await.expect(200);
    assert!(all.json["value"].as_array().unwrap().contains(&json!("password,sms")));
}

#[tokio::test]
async fn terms_of_use_are_accepted_on_a_page_once() {
    const AGREEMENTS: &str = "/v1.0/identityGovernance/termsOfUse/agreements";
    let tenant = cast::tenant().await;
    let scopes = "Agreement.ReadWrite.All Agreement.Read.All AgreementAcceptance.Read.All";
    let admin = administrator(&tenant, scopes).await;
    let call = async |method: Method, path: &str, body: Option<Value>| {
        tenant.graph(method, &format!("{AGREEMENTS}{path}"), &admin, body).await
    };
    let file = json!({ "fileName": "terms.pdf", "language": "en", "isDefault": true, "fileData": { "data": "JVBERi0=" } });
    let terms =
        json!({ "displayName": "House rules", "isViewingBeforeAcceptanceRequired": true, "files": [file] });
    for (name, value, status) in
        [("files", json!([]), 400), ("isPerDeviceAcceptanceRequired", json!(true), 501)]
    {
        let mut body = terms.clone();
        body[name] = value;
        call(Method::POST, "", Some(body)).await.expect(status);
    }
    let made = call(Method::POST, "", Some(terms)).await.expect(201);
    let one = format!("/{}", made.text("/id"));
    call(Method::PATCH, &one, Some(json!({ "displayName": "Rules" }))).await.expect(204);
    assert_eq!(call(Method::GET, &one, None).await.expect(200).text("/displayName"), "Rules");
    assert_eq!(call(Method::GET, "", None).await.expect(200).text("/value/0/id"), made.text("/id"));

    let grant = json!({ "operator": "OR", "builtInControls": [], "termsOfUse": [made.text("/id")] });
    let policy = require(&tenant, "", json!({ "grantControls": grant })).await;
    call(Method::DELETE, &one, None).await.expect(400);
    let grace = password(&tenant, "grace");
    let refused = by_password(&tenant, "grace@contoso.example", &grace, &[]).await.expect(400);
    assert_eq!(refused.error(), ("invalid_grant", 50_158));
    assert!(refused.text("/claims").contains(&policy));
    let (page, mut browser) = asked(&tenant).await;
    assert!(page.text.contains("<strong>Rules</strong>"), "{}", page.text);
    let declined = sent(&browser.fill(&page, &[("decision", "decline")]).await);
    assert_eq!(declined["error"], "interaction_required");
    let acceptances = async || {
        let all = call(Method::GET, &format!("{one}/acceptances"), None).await.expect(200);
        all.json["value"].as_array().unwrap().iter().map(|one| one["state"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(acceptances().await, ["declined"]);
    let (page, mut browser) = asked(&tenant).await;
    assert!(sent(&browser.fill(&page, &[("decision", "accept")]).await)["code"].is_string());
    assert_eq!(acceptances().await, ["accepted"]);
    by_password(&tenant, "grace@contoso.example", &grace, &[]).await.expect(200);
    assert!(sent(&asked(&tenant).await.0)["code"].is_string(), "once is enough");
    remove(&tenant, &policy).await;
    call(Method::DELETE, &one, None).await.expect(204);
}

#[tokio::test]
async fn a_security_key_that_is_taken_away_is_no_factor_any_more() {
    let tenant = cast::tenant().await;
    let phishing_resistant = "00000000-0000-0000-0000-000000000004";
    require(&tenant, "", strength(phishing_resistant)).await;
    let (page, mut browser) = asked(&tenant).await;
    assert!(sent(&browser.fill(&page, &[("decision", "register_security_key")]).await)["code"].is_string());
    let (page, _) = asked(&tenant).await;
    assert!(page.text.contains("use_security_key"), "{}", page.text);

    let admin = administrator(&tenant, "UserAuthenticationMethod.ReadWrite.All").await;
    let methods = format!("/v1.0/users/{}/authentication", person(&tenant, "grace"));
    let listed = tenant.graph(Method::GET, &format!("{methods}/methods"), &admin, None).await.expect(200);
    let is_key = |one: &&Value| one["@odata.type"] == "#microsoft.graph.fido2AuthenticationMethod";
    let key = listed.json["value"].as_array().unwrap().iter().find(is_key).unwrap()["id"].as_str().unwrap();
    let key = format!("{methods}/fido2Methods/{key}");
    tenant.graph(Method::DELETE, &key, &admin, None).await.expect(204);
    tenant.graph(Method::DELETE, &key, &admin, None).await.expect(404);
    let (page, _) = asked(&tenant).await;
    assert!(page.text.contains("register_security_key"), "{}", page.text);
}

//! Guests: somebody of another tenant is invited, signs in here with home's password, and is a guest in tokens, in
//! the directory and to policies (Microsoft: "Create invitation", "B2B collaboration", "Access token claims").

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Method;
use serde_json::{Value, json};

use crate::browser::{Browser, redeem, sent};
use crate::cast::{GRAPH_SP, get, patch, permitted, person, post, role_id};
use crate::conditional_access::{remove, require};
use crate::support::{GRAPH, Reply, Tenant, claims, client, facets, reply};

/// The inviting tenant, and the first person of another one.
struct World {
    tenant: Tenant,
    /// May invite.
    token: String,
    home: String,
    /// That person's object id at home.
    account: String,
    address: String,
    password: String,
    /// An application's token at home, to change the account there.
    keeper: String,
}

async fn world() -> World {
    let tenant = crate::cast::tenant().await;
    let token =
        permitted(&tenant, &["User.Invite.All", "User.ReadWrite.All", "Policy.ReadWrite.ConditionalAccess"])
            .await;
    let body = json!({ "clock": { "pace": 0, "now": "2026-03-01T12:00:00Z" } });
    let other = tenant.control(Method::POST, "tenants", Some(body)).await.expect(201);
    let home = other.text("/tenant_id").to_owned();
    let form = [
        ("client_id", other.text("/apps/provisioner/client_id")),
        ("client_secret", other.text("/apps/provisioner/client_secret")),
        ("grant_type", "client_credentials"),
        ("scope", GRAPH),
    ];
    let url = tenant.url(&format!("/{home}/oauth2/v2.0/token"));
    let enter = async || {
        let token = tenant.send(tenant.http.post(&url).form(&form)).await.expect(200);
        token.text("/access_token").to_owned()
    };
    let first = enter().await;
    let graph = get(&tenant, GRAPH_SP, &first).await.expect(200);
    let own = format!("/v1.0/servicePrincipals(appId='{}')", other.text("/apps/provisioner/client_id"));
    let own = get(&tenant, &own, &first).await.expect(200).text("/id").to_owned();
    let role = json!({
        "principalId": own, "resourceId": graph.text("/id"),
        "appRoleId": role_id(&graph.json, "User.ReadWrite.All"),
    });
    let path = format!("/v1.0/servicePrincipals/{own}/appRoleAssignments");
    post(&tenant, &path, &first, role).await.expect(201);
    let keeper = enter().await;
    World {
        token,
        account: other.text("/users/0/id").to_owned(),
        address: other.text("/users/0/upn").to_owned(),
        password: other.text("/users/0/password").to_owned(),
        keeper,
        home,
        tenant,
    }
}

impl World {
    async fn invite(&self, changes: Value) -> Reply {
        let mut body = json!({
            "invitedUserEmailAddress": self.address, "inviteRedirectUrl": "https://app.example/welcome",
        });
        for (name, value) in changes.as_object().unwrap() {
            body[name] = value.clone();
        }
        post(&self.tenant, "/v1.0/invitations", &self.token, body).await
    }

    async fn shown(&self, guest: &str) -> Value {
        let select = "id,userPrincipalName,mail,userType,creationType,externalUserState,identities";
        get(&self.tenant, &format!("/v1.0/users/{guest}?$select={select}"), &self.token)
            .await
            .expect(200)
            .json
    }

    /// Signs in at the inviting tenant's page; the client's tokens, or the page that says why not.
    async fn enter(&self) -> Result<Reply, Reply> {
        let mut browser = Browser::new(&self.tenant);
        let page = browser.authorize(&[("scope", "openid profile offline_access User.Read")]).await;
        let fields = [("username", self.address.as_str()), ("password", self.password.as_str())];
        let mut reply = browser.fill(&page, &fields).await;
        if reply.text.contains("name=\"consent\"") {
            reply = browser.fill(&reply, &[("decision", "accept")]).await;
        }
        if reply.status.as_u16() != 302 {
            return Err(reply);
        }
        Ok(redeem(&self.tenant, &sent(&reply)["code"], &[]).await.expect(200))
    }

    async fn by_password(&self) -> Reply {
        let form = [
            ("client_id", self.tenant.sandbox.ready().apps.client.client_id.as_str()),
            ("grant_type", "password"),
            ("scope", "User.Read"),
            ("username", &self.address),
            ("password", &self.password),
        ];
        self.tenant.token(&form).await
    }
}

/// Microsoft: "Create invitation" answers with a link of login.microsoftonline.com.
#[tokio::test]
async fn an_invitations_link_leads_to_entra() {
    let world = world().await;
    let address = world.tenant.sandbox.address();
    let http = client(&world.tenant.sandbox).resolve("graph.microsoft.com", address).build().unwrap();
    let url = format!("https://graph.microsoft.com:{}/v1.0/invitations", address.port());
    let body = json!({
        "invitedUserEmailAddress": world.address, "inviteRedirectUrl": "https://app.example/welcome",
    });
    let request = http.post(url).bearer_auth(&world.token).json(&body);
    let sent = reply(request.send().await.unwrap()).await.expect(201);
    let entra = format!("https://login.microsoftonline.com:{}/", address.port());
    assert!(sent.text("/inviteRedeemUrl").starts_with(&entra), "{}", sent.text("/inviteRedeemUrl"));
}

#[tokio::test]
async fn who_is_invited_is_a_guest_at_once_and_pending() {
    let world = world().await;
    let mut body = world.invite(json!({ "invitedUserDisplayName": "Visitor" })).await.expect(201);
    assert_eq!((body.text("/status"), body.text("/invitedUserType")), ("PendingAcceptance", "Guest"));
    assert!(body.text("/inviteRedeemUrl").starts_with(&world.tenant.sandbox.ready().url));
    let guest = body.text("/invitedUser/id").to_owned();
    let shown = world.shown(&guest).await;
    let name = format!("{}#EXT#@contoso.onmicrosoft.com", world.address.replace('@', "_"));
    assert_eq!((&shown["userPrincipalName"], &shown["mail"]), (&json!(name), &json!(world.address)));
    assert_eq!((&shown["userType"], &shown["creationType"]), (&json!("Guest"), &json!("Invitation")));
    assert_eq!(shown["externalUserState"], "PendingAcceptance");
    // Invited again it is the same guest.
    body = world.invite(json!({})).await.expect(201);
    assert_eq!(body.text("/invitedUser/id"), guest);
    for bad in [
        json!({ "invitedUserEmailAddress": "nobody" }),
        json!({ "inviteRedirectUrl": "here" }),
        json!({ "invitedUserType": "Robot" }),
        json!({ "surprise": 1 }),
    ] {
        world.invite(bad).await.expect(400);
    }
    let own = world.invite(json!({ "invitedUserEmailAddress": "grace@contoso.example" })).await.expect(400);
    assert!(own.text("/error/message").contains(&person(&world.tenant, "grace")), "{}", own.text);
    let audits = permitted(&world.tenant, &["AuditLog.Read.All", "Directory.Read.All"]).await;
    let rows = get(
        &world.tenant,
        "/v1.0/auditLogs/directoryAudits?$filter=activityDisplayName eq 'Invite external user'",
        &audits,
    )
    .await
    .expect(200);
    assert_eq!(rows.text("/value/0/targetResources/0/id"), guest);
}

#[tokio::test]
async fn a_guest_signs_in_here_with_the_password_of_home() {
    let world = world().await;
    let strange = world.enter().await.unwrap_err();
    assert!(strange.text.contains("AADSTS50020"), "{}", strange.text);
    assert_eq!(world.by_password().await.error().1, 50_034);
    let guest = world.invite(json!({})).await.expect(201).text("/invitedUser/id").to_owned();

    let tokens = world.enter().await.unwrap();
    let access = claims(tokens.text("/access_token"));
    let issuer = format!("https://sts.windows.net/{}/", world.home);
    assert_eq!((&access["oid"], &access["idp"]), (&json!(guest), &json!(issuer)));
    assert_eq!(access["tid"], world.tenant.sandbox.ready().tenant_id);
    assert_eq!((&access["acct"], &access["email"]), (&json!(1), &json!(world.address)));
    assert_eq!((&access["unique_name"], access.get("upn")), (&json!(world.address), None));
    assert_eq!(facets(&access, "xms_idrel"), [5]);
    let id = claims(tokens.text("/id_token"));
    assert_eq!((&id["oid"], &id["idp"]), (&json!(guest), &json!(issuer)));
    assert_eq!(id["preferred_username"], world.address);
    // The client's cache knows the account by its home.
    let info = URL_SAFE_NO_PAD.decode(tokens.text("/client_info"));
    let info: Value = serde_json::from_slice(&info.unwrap()).unwrap();
    assert_eq!(info, json!({ "uid": world.account, "utid": world.home }));

    let me = get(&world.tenant, "/v1.0/me", tokens.text("/access_token")).await.expect(200);
    assert_eq!((me.text("/id"), me.text("/mail")), (&*guest, &*world.address));
    // A guest sees people one by one, and no list of them, whatever the client was granted.
    let wide = crate::browser::query(&world.tenant, &[("scope", "User.ReadBasic.All")]);
    let mut browser = Browser::new(&world.tenant);
    let page = browser.open(&format!("/oauth2/v2.0/authorize?{wide}")).await;
    let fields = [("username", world.address.as_str()), ("password", world.password.as_str())];
    let mut reply = browser.fill(&page, &fields).await;
    if reply.text.contains("name=\"consent\"") {
        reply = browser.fill(&reply, &[("decision", "accept")]).await;
    }
    let wide = redeem(&world.tenant, &sent(&reply)["code"], &[]).await.expect(200);
    let one = format!("/v1.0/users/{}", person(&world.tenant, "grace"));
    get(&world.tenant, &one, wide.text("/access_token")).await.expect(200);
    let refused = get(&world.tenant, "/v1.0/users", wide.text("/access_token")).await.expect(403);
    assert_eq!(refused.text("/error/code"), "Authorization_RequestDenied");
    let shown = world.shown(&guest).await;
    assert_eq!(shown["externalUserState"], "Accepted");
    assert_eq!(shown["identities"][1]["issuer"], "ExternalAzureAD");
    let again = world.invite(json!({})).await.expect(201);
    assert_eq!(again.text("/status"), "Completed");
    assert_eq!(claims(world.by_password().await.expect(200).text("/access_token"))["oid"], guest);
}

#[tokio::test]
async fn home_decides_whether_a_guest_may_still_sign_in() {
    let world = world().await;
    world.invite(json!({})).await.expect(201);
    let tokens = world.enter().await.unwrap();
    let refresh = async || {
        let form = [
            ("client_id", world.tenant.sandbox.ready().apps.client.client_id.as_str()),
            ("grant_type", "refresh_token"),
            ("refresh_token", tokens.text("/refresh_token")),
        ];
        world.tenant.token(&form).await
    };
    refresh().await.expect(200);
    let account = format!("/v1.0/users/{}", world.account);
    patch(&world.tenant, &account, &world.keeper, json!({ "accountEnabled": false })).await.expect(204);
    assert_eq!(refresh().await.error().1, 50_057);
    assert_eq!(world.by_password().await.error().1, 50_057);
    patch(&world.tenant, &account, &world.keeper, json!({ "accountEnabled": true })).await.expect(204);
    refresh().await.expect(200);
    let wrong = World { password: "wrong".to_owned(), ..world };
    assert_eq!(wrong.by_password().await.error().1, 50_126);
}

#[tokio::test]
async fn an_invitation_comes_by_mail_and_its_link_leads_on() {
    let world = world().await;
    let message = json!({ "sendInvitationMessage": true,
        "invitedUserMessageInfo": { "customizedMessageBody": "Do come in." } });
    let sent = world.invite(message).await.expect(201);
    let link = sent.text("/inviteRedeemUrl").to_owned();
    let waits = format!("mail?to={}&wait=10s&tenant={}", world.address, world.home);
    let mail = world.tenant.control(Method::GET, &waits, None).await.expect(200);
    assert!(
        mail.text.contains("Do come in.") && mail.text.contains("invites@microsoft.com"),
        "{}",
        mail.text
    );

    let mut browser = Browser::new(&world.tenant);
    let path = link.strip_prefix(&world.tenant.login("")).unwrap();
    let page = browser.open(path).await;
    let wrong = browser.fill(&page, &[("username", &world.address), ("password", "wrong")]).await;
    assert!(wrong.expect(200).text.contains("role=\"alert\""));
    let fields = [("username", world.address.as_str()), ("password", world.password.as_str())];
    let led = browser.fill(&page, &fields).await.expect(302);
    assert_eq!(led.header("location"), "https://app.example/welcome");
    let guest = sent.text("/invitedUser/id");
    assert_eq!(world.shown(guest).await["externalUserState"], "Accepted");
    browser.open("/redeem?ticket=4.nonsense").await.expect(400);
}

#[tokio::test]
async fn policies_are_made_for_guests_by_kind_and_by_home() {
    let world = world().await;
    world.invite(json!({})).await.expect(201);
    world.by_password().await.expect(200);
    let enumerated = |members: &[&str]| {
        json!({
            "@odata.type": "#microsoft.graph.conditionalAccessEnumeratedExternalTenants",
            "membershipKind": "enumerated", "members": members,
        })
    };
    let grace =
        world.tenant.sandbox.ready().users.iter().find(|one| one.upn.starts_with("grace")).unwrap().clone();
    let of = |kinds: &str, tenants: Value| json!({ "guestOrExternalUserTypes": kinds, "externalTenants": tenants });
    for (users, is_blocked) in [
        (json!({ "includeUsers": ["GuestsOrExternalUsers"] }), true),
        (json!({ "includeGuestsOrExternalUsers": of("b2bCollaborationGuest", Value::Null) }), true),
        (
            json!({ "includeGuestsOrExternalUsers": of("internalGuest,b2bCollaborationMember", Value::Null) }),
            false,
        ),
        (
            json!({ "includeGuestsOrExternalUsers":
                of("internalGuest,b2bCollaborationGuest", enumerated(&[&world.home])) }),
            true,
        ),
        (
            json!({ "includeGuestsOrExternalUsers":
                of("b2bCollaborationGuest", enumerated(&["00000000-0000-4000-8000-00000000dead"])) }),
            false,
        ),
        (
            json!({ "includeUsers": ["All"], "excludeGuestsOrExternalUsers":
                of("b2bCollaborationGuest", json!({ "membershipKind": "all" })), "excludeUsers": [grace.id, person(&world.tenant, "ada")] }),
            false,
        ),
    ] {
        let changes = json!({ "conditions": {
            "clientAppTypes": ["all"], "applications": { "includeApplications": ["All"] }, "users": users,
        } });
        let policy = require(&world.tenant, "block", changes).await;
        let reply = world.by_password().await;
        assert_eq!(reply.status.as_u16(), if is_blocked { 400 } else { 200 }, "{users} {}", reply.text);
        if is_blocked {
            assert_eq!(reply.error().1, 53_003);
        }
        // A member of the tenant is none of them.
        let form = [
            ("client_id", world.tenant.sandbox.ready().apps.client.client_id.as_str()),
            ("grant_type", "password"),
            ("scope", "User.Read"),
            ("username", &grace.upn),
            ("password", &grace.password),
        ];
        world.tenant.token(&form).await.expect(200);
        remove(&world.tenant, &policy).await;
    }
}

/// The newest code in the spool.
async fn code(tenant: &Tenant) -> String {
    let spool = tenant.control(Method::GET, "mail/outgoing", None).await.expect(200);
    let last = &spool.json["value"].as_array().unwrap().last().unwrap()["id"];
    let mail = tenant.control(Method::GET, &format!("mail/outgoing/{last}"), None).await.expect(200);
    let (_, after) = mail.text("/mime").split_once("Account verification code:").unwrap();
    let digits = |text: &&str| text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit());
    after.split(|one: char| !one.is_ascii_digit()).find(digits).unwrap().to_owned()
}

#[tokio::test]
async fn a_guest_of_no_tenant_signs_in_with_a_code_that_comes_by_mail() {
    let world = world().await;
    let tenant = &world.tenant;
    let pass = |minutes: u64| {
        tenant.sandbox.control().clock().advance(std::time::Duration::from_secs(minutes * 60));
    };
    let address = "visitor@fabrikam.example";
    let sent_to = world.invite(json!({ "invitedUserEmailAddress": address })).await.expect(201);
    let guest = sent_to.text("/invitedUser/id").to_owned();
    let mut browser = Browser::new(tenant);
    let page = browser.authorize(&[("scope", "openid profile User.Read")]).await;
    let asked = browser.fill(&page, &[("username", address), ("password", "")]).await;
    let first = code(tenant).await;
    let wrong = browser.fill(&asked, &[("passcode", "1")]).await.expect(200);
    assert!(wrong.text.contains("role=\"alert\""), "{}", wrong.text);
    pass(31);
    assert!(browser.fill(&asked, &[("passcode", &first)]).await.expect(200).text.contains("role=\"alert\""));
    let asked = browser.fill(&page, &[("username", address), ("password", "")]).await;
    let mut reply = browser.fill(&asked, &[("passcode", &code(tenant).await)]).await;
    if reply.text.contains("name=\"consent\"") {
        reply = browser.fill(&reply, &[("decision", "accept")]).await;
    }
    let tokens = redeem(tenant, &sent(&reply)["code"], &[]).await.expect(200);
    let access = claims(tokens.text("/access_token"));
    assert_eq!(
        (&access["oid"], &access["idp"], &access["amr"]),
        (&json!(guest), &json!("mail"), &json!(["otp"]))
    );
    let shown = world.shown(&guest).await;
    assert_eq!(
        (&shown["externalUserState"], &shown["identities"][1]["issuer"]),
        (&json!("Accepted"), &json!("mail"))
    );
    // A code is good once, and the sign-in for a day.
    let spent = code(tenant).await;
    assert!(browser.fill(&asked, &[("passcode", &spent)]).await.expect(200).text.contains("role=\"alert\""));
    let silent = [("prompt", "none"), ("scope", "openid profile User.Read")];
    pass(23 * 60);
    assert!(sent(&browser.authorize(&silent).await)["code"].is_string());
    pass(60);
    assert_eq!(sent(&browser.authorize(&silent).await)["error"], "login_required");

    // The link of the invitation asks for a code too.
    let path = sent_to.text("/inviteRedeemUrl").strip_prefix(&tenant.login("")).unwrap().to_owned();
    let page = browser.open(&path).await;
    let asked = browser.fill(&page, &[("username", address), ("password", "")]).await;
    let led = browser.fill(&asked, &[("passcode", &code(tenant).await)]).await.expect(302);
    assert_eq!(led.header("location"), "https://app.example/welcome");
    // Such a guest has no password anywhere.
    let form = [
        ("client_id", tenant.sandbox.ready().apps.client.client_id.as_str()),
        ("grant_type", "password"),
        ("scope", "User.Read"),
        ("username", address),
        ("password", "guess"),
    ];
    assert_eq!(tenant.token(&form).await.error().1, 50_126);
}

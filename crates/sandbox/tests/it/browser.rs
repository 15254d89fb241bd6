//! What a browser does at the sign-in pages, and applications that people sign in to.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Reply, Tenant};

pub(crate) const REDIRECT: &str = "http://localhost:53214/";
pub(crate) const VERIFIER: &str = "a-verifier-that-is-long-enough-for-a-challenge-0123456789";

/// A browser with its session cookie.
pub(crate) struct Browser<'t> {
    tenant: &'t Tenant,
    cookie: Option<String>,
}

impl<'t> Browser<'t> {
    pub(crate) fn new(tenant: &'t Tenant) -> Self {
        Self { tenant, cookie: None }
    }

    /// Opens a page below the tenant.
    pub(crate) async fn open(&mut self, path: &str) -> Reply {
        let request = self.tenant.http.get(self.tenant.login(path));
        self.send(request).await
    }

    /// Opens `/authorize` for the client app, with the changes.
    pub(crate) async fn authorize(&mut self, changes: &[(&str, &str)]) -> Reply {
        self.open(&format!("/oauth2/v2.0/authorize?{}", query(self.tenant, changes))).await
    }

    /// Fills in the form of a page: its hidden fields, and these.
    pub(crate) async fn fill(&mut self, page: &Reply, fields: &[(&str, &str)]) -> Reply {
        assert_eq!(page.status.as_u16(), 200, "{}", page.text);
        let action = attribute(&page.text, "<form method=\"post\" action=\"");
        let mut form = hidden(&page.text);
        form.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = self.tenant.http.post(self.tenant.url(&action)).form(&form);
        self.send(request).await
    }

    /// Signs in on a sign-in page.
    pub(crate) async fn sign_in(&mut self, page: &Reply, upn: &str) -> Reply {
        let users = &self.tenant.sandbox.ready().users;
        let user = users.iter().find(|user| user.upn.starts_with(upn)).unwrap().clone();
        self.fill(page, &[("username", &user.upn), ("password", &user.password)]).await
    }

    async fn send(&mut self, request: reqwest::RequestBuilder) -> Reply {
        let request = match &self.cookie {
            Some(cookie) => request.header("cookie", cookie),
            None => request,
        };
        let reply = self.tenant.send(request).await;
        if let Some(cookie) = reply.headers.get("set-cookie") {
            self.cookie = Some(cookie.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        reply
    }
}

/// The request of the client app, a native one with PKCE, with the changes; an empty value takes a parameter out.
pub(crate) fn query(tenant: &Tenant, changes: &[(&str, &str)]) -> String {
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let mut query = vec![
        ("client_id", client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "User.Read offline_access openid profile"),
        ("state", "st&te"),
        ("nonce", "n-0S6_WzA2Mj"),
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    for (name, value) in changes {
        query.retain(|(known, _)| known != name);
        if !value.is_empty() {
            query.push((name, value));
        }
    }
    form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish()
}

fn attribute(page: &str, before: &str) -> String {
    let rest = page.split_once(before).unwrap_or_else(|| panic!("no {before} in {page}")).1;
    unescape(rest.split('"').next().unwrap())
}

fn hidden(page: &str) -> Vec<(String, String)> {
    page.split("<input type=\"hidden\" name=\"")
        .skip(1)
        .map(|rest| {
            let (name, rest) = rest.split_once('"').unwrap();
            (name.to_owned(), attribute(rest, "value=\""))
        })
        .collect()
}

fn unescape(text: &str) -> String {
    text.replace("&#38;", "&").replace("&amp;", "&").replace("&#x26;", "&")
}

/// What the client is sent, by query, fragment or form.
pub(crate) fn sent(reply: &Reply) -> Value {
    if reply.status.as_u16() == 200 {
        return hidden(&reply.text).into_iter().map(|(name, value)| (name, json!(value))).collect();
    }
    assert_eq!(reply.status.as_u16(), 302, "{}", reply.text);
    let url = url::Url::parse(reply.header("location")).unwrap();
    let text = url.query().or(url.fragment()).unwrap_or_default();
    form_urlencoded::parse(text.as_bytes()).into_owned().map(|(name, value)| (name, json!(value))).collect()
}

/// Redeems a code of the client app, with the changes.
pub(crate) async fn redeem(tenant: &Tenant, code: &Value, changes: &[(&str, &str)]) -> Reply {
    let client_id = tenant.sandbox.ready().apps.client.client_id.clone();
    let mut form = vec![
        ("client_id", client_id.as_str()),
        ("grant_type", "authorization_code"),
        ("code", code.as_str().unwrap()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
        ("client_info", "1"),
    ];
    for (name, value) in changes {
        form.retain(|(known, _)| known != name);
        form.push((name, value));
    }
    tenant.token(&form).await
}

/// Signs somebody in for these scopes, consenting where it is asked for; the tokens.
pub(crate) async fn tokens(tenant: &Tenant, upn: &str, scope: &str, changes: &[(&str, &str)]) -> Reply {
    let mut browser = Browser::new(tenant);
    let page = browser.authorize(&[&[("scope", scope)], changes].concat()).await;
    let mut reply = browser.sign_in(&page, upn).await;
    if reply.status.as_u16() == 200 && reply.text.contains("name=\"consent\"") {
        reply = browser.fill(&reply, &[("decision", "accept")]).await;
    }
    let code = &sent(&reply)["code"];
    assert!(code.is_string(), "{:?} {}", reply.headers, reply.text);
    let changes: Vec<_> = changes.iter().copied().filter(|(name, _)| *name == "client_id").collect();
    redeem(tenant, code, &changes).await
}

/// An administrator's token with these permissions.
pub(crate) async fn administrator(tenant: &Tenant, scope: &str) -> String {
    tokens(tenant, "ada", scope, &[]).await.expect(200).text("/access_token").to_owned()
}

/// An ordinary application with its principal and a secret.
pub(crate) struct App {
    pub(crate) object_id: String,
    pub(crate) app_id: String,
    pub(crate) principal: String,
    pub(crate) secret: String,
}

impl App {
    /// Registers it. The administrator holds Application.ReadWrite.All.
    pub(crate) async fn register(tenant: &Tenant, admin: &str, body: Value) -> Self {
        let made = tenant.graph(Method::POST, "/v1.0/applications", admin, Some(body)).await.expect(201);
        let (object_id, app_id) = (made.text("/id").to_owned(), made.text("/appId").to_owned());
        let body = json!({ "appId": app_id });
        let principal =
            tenant.graph(Method::POST, "/v1.0/servicePrincipals", admin, Some(body)).await.expect(201);
        let path = format!("/v1.0/applications/{object_id}/addPassword");
        let body = json!({ "passwordCredential": { "displayName": "test" } });
        let secret = tenant.graph(Method::POST, &path, admin, Some(body)).await.expect(200);
        Self {
            principal: principal.text("/id").to_owned(),
            secret: secret.text("/secretText").to_owned(),
            object_id,
            app_id,
        }
    }

    /// The same that publishes an API with the scope `access`, for v2 tokens.
    pub(crate) async fn api(tenant: &Tenant, admin: &str, name: &str) -> Self {
        let app = Self::register(tenant, admin, json!({ "displayName": name })).await;
        app.patch(
            tenant,
            admin,
            json!({
                "identifierUris": [format!("api://{}", app.app_id)],
                "api": {
                    "requestedAccessTokenVersion": 2,
                    "oauth2PermissionScopes": [{
                        "id": uuid::Uuid::new_v4(), "value": "access", "type": "User", "isEnabled": true,
                        "adminConsentDisplayName": "Access", "adminConsentDescription": "Access",
                    }],
                },
            }),
        )
        .await;
        app
    }

    pub(crate) async fn patch(&self, tenant: &Tenant, admin: &str, body: Value) {
        let path = format!("/v1.0/applications/{}", self.object_id);
        tenant.graph(Method::PATCH, &path, admin, Some(body)).await.expect(204);
    }

    /// Asks for a token with the secret.
    pub(crate) async fn token(&self, tenant: &Tenant, form: &[(&str, &str)]) -> Reply {
        let own = [("client_id", self.app_id.as_str()), ("client_secret", self.secret.as_str())];
        tenant.token(&[&own, form].concat()).await
    }
}

/// Lets a client act for everybody.
pub(crate) async fn consent(tenant: &Tenant, admin: &str, client: &str, resource: &str, scope: &str) {
    let body = json!({
        "clientId": client, "consentType": "AllPrincipals", "resourceId": resource, "scope": scope,
    });
    tenant.graph(Method::POST, "/v1.0/oauth2PermissionGrants", admin, Some(body)).await.expect(201);
}

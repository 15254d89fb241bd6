//! One of the tenant's users with a Graph client of their own, as Teams is to a person: what they do is not
//! done by the agent, and what they see is read from the tenant.

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method};
use serde_json::Value;

use crate::{Browser, Tenant};

/// What a person's Teams may do.
const SCOPE: &str = "Chat.Create Chat.ReadWrite ChatMessage.Send User.Read";

/// Where the sign-in lands; nobody needs to listen there.
const REDIRECT: &str = "http://localhost:1";

/// A signed-in user.
pub struct Person {
    client: Client,
    graph: String,
    token: String,
    /// The object id.
    pub id: String,
}

impl Person {
    /// Signs one of the tenant's users in, by number.
    pub async fn sign_in(tenant: &Tenant, user: usize) -> Result<Self> {
        let mut browser = Browser::of(tenant, user)?;
        let token = sign_in(tenant, &mut browser, SCOPE).await?;
        let client = browser.client().clone();
        let id = tenant.ready()["users"][user]["id"].as_str().context("the user's id")?.to_owned();
        Ok(Self { client, graph: format!("{}/v1.0", tenant.url()), token, id })
    }
    /// Reads from Graph.
    pub async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    /// Posts to Graph.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Says something in a chat; the message.
    pub async fn say(&self, chat: &str, text: &str) -> Result<Value> {
        self.post(&format!("/chats/{chat}/messages"), &serde_json::json!({ "body": { "content": text } }))
            .await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request =
            self.client.request(method.clone(), format!("{}{path}", self.graph)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }
}

/// The token of one of the tenant's users, by number, for the tenant's public client.
pub async fn user_token(tenant: &Tenant, user: usize, scope: &str) -> Result<String> {
    sign_in(tenant, &mut Browser::of(tenant, user)?, scope).await
}

async fn sign_in(tenant: &Tenant, browser: &mut Browser, scope: &str) -> Result<String> {
    let ready = tenant.ready();
    let app = ready["apps"]["client"]["client_id"].as_str().context("the public client")?;
    let oauth = format!("{}/{}/oauth2/v2.0", tenant.url(), tenant.id());
    // A plain challenge is its own verifier: what PKCE guards against is not in this process.
    let verifier = "v".repeat(43);
    let mut authorize: url::Url = format!("{oauth}/authorize").parse()?;
    authorize.query_pairs_mut().extend_pairs([
        ("client_id", app),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", scope),
        ("code_challenge", &verifier),
        ("code_challenge_method", "plain"),
    ]);
    let landed = browser.sign_in_up_to_the_redirect(authorize.as_str()).await?.url;
    let code = landed.query_pairs().find(|(name, _)| name == "code");
    let (_, code) = code.with_context(|| format!("landed without a code at {landed}"))?;
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", app),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", &verifier),
    ];
    let client = browser.client().clone();
    let answer: Value = client.post(format!("{oauth}/token")).form(&form).send().await?.json().await?;
    let token = answer["access_token"].as_str().with_context(|| format!("no token: {answer}"))?;
    Ok(token.to_owned())
}

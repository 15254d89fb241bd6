//! Somebody who changes the tenant behind the agent's back: a client with an application's token, taken before
//! provisioning takes the broad roles away.

use anyhow::{Context, Result, ensure};
use attache_tests::Tenant;
use reqwest::{Certificate, Client, Method};
use serde_json::{Value, json};

/// The client.
pub(super) struct Administrator {
    client: Client,
    url: String,
    tenant: String,
    token: String,
}

impl Administrator {
    /// With the permissions that the provisioner has now.
    pub(super) async fn of(tenant: &Tenant) -> Result<Self> {
        let bundle = std::fs::read(tenant.ca()).context("the sandbox's authorities")?;
        let mut client = Client::builder().no_proxy();
        for authority in Certificate::from_pem_bundle(&bundle)? {
            client = client.add_root_certificate(authority);
        }
        let mut new = Self {
            client: client.build()?,
            url: tenant.url().to_owned(),
            tenant: tenant.id().to_owned(),
            token: String::new(),
        };
        new.renew(tenant).await?;
        Ok(new)
    }

    /// Takes a new token, with what was granted since.
    pub(super) async fn renew(&mut self, tenant: &Tenant) -> Result<()> {
        let app = &tenant.ready()["apps"]["provisioner"];
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", app["client_id"].as_str().unwrap_or_default()),
            ("client_secret", app["client_secret"].as_str().unwrap_or_default()),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        let endpoint = format!("{}/{}/oauth2/v2.0/token", self.url, self.tenant);
        let answer: Value = self.client.post(endpoint).form(&form).send().await?.json().await?;
        self.token =
            answer["access_token"].as_str().with_context(|| format!("no token: {answer}"))?.to_owned();
        Ok(())
    }

    pub(super) async fn get(&self, path: &str) -> Result<Value> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::POST, path, Some(body)).await
    }

    pub(super) async fn patch(&self, path: &str, body: &Value) -> Result<Value> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub(super) async fn delete(&self, path: &str) -> Result<()> {
        self.call(Method::DELETE, path, None).await.map(drop)
    }

    /// The id of an application's principal.
    pub(super) async fn principal(&self, app: &str) -> Result<String> {
        text(&self.get(&format!("/servicePrincipals(appId='{app}')")).await?["id"])
    }

    /// Withdraws every consent to delegated permissions that an application has.
    pub(super) async fn withdraw_consent(&self, app: &str) -> Result<()> {
        let principal = self.principal(app).await?;
        let grants = self.get(&format!("/servicePrincipals/{principal}/oauth2PermissionGrants")).await?;
        let grants = grants["value"].as_array().context("grants")?;
        ensure!(!grants.is_empty(), "{app} has no consent");
        for grant in grants {
            self.delete(&format!("/oauth2PermissionGrants/{}", text(&grant["id"])?)).await?;
        }
        Ok(())
    }

    /// Takes one application permission away from the provisioner.
    pub(super) async fn take_away(&self, tenant: &Tenant, permission: &str) -> Result<()> {
        let principal = self.provisioner(tenant).await?;
        let role = self.role(permission).await?["id"].clone();
        let assigned = self.get(&format!("/servicePrincipals/{principal}/appRoleAssignments")).await?;
        let mut assigned = assigned["value"].as_array().into_iter().flatten();
        let found = assigned.find(|one| one["appRoleId"] == role).context("it does not have it")?;
        self.delete(&format!("/servicePrincipals/{principal}/appRoleAssignments/{}", text(&found["id"])?))
            .await
    }

    /// Gives the provisioner one application permission more.
    pub(super) async fn grant(&self, tenant: &Tenant, permission: &str) -> Result<()> {
        let principal = self.provisioner(tenant).await?;
        let graph = self.graph().await?;
        let role = self.role(permission).await?["id"].clone();
        let body = json!({ "principalId": principal, "resourceId": graph["id"], "appRoleId": role });
        self.post(&format!("/servicePrincipals/{principal}/appRoleAssignments"), &body).await.map(drop)
    }

    async fn provisioner(&self, tenant: &Tenant) -> Result<String> {
        self.principal(tenant.ready()["apps"]["provisioner"]["client_id"].as_str().unwrap_or_default()).await
    }

    async fn role(&self, permission: &str) -> Result<Value> {
        let graph = self.graph().await?;
        let mut roles = graph["appRoles"].as_array().into_iter().flatten();
        Ok(roles.find(|role| role["value"] == permission).context("no such role")?.clone())
    }

    async fn graph(&self) -> Result<Value> {
        self.get("/servicePrincipals(appId='00000003-0000-0000-c000-000000000000')").await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        let mut request =
            self.client.request(method.clone(), format!("{}/v1.0{path}", self.url)).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{method} {path}: {status} {text}");
        if text.is_empty() { Ok(Value::Null) } else { Ok(serde_json::from_str(&text)?) }
    }
}

/// A text in an answer.
pub(super) fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().with_context(|| format!("{value} is no text"))?.to_owned())
}

//! Applications of a document, with all that a client has to know beforehand.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Span;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::directory::PasswordCredential;
use crate::tenant::GRAPH_APP_ID;

use super::document::{Planting, id_of};
use super::made::Kind;

/// An application with its service principal.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    pub(super) name: String,
    /// The app (client) id, a GUID, if it is to be known beforehand.
    client_id: Option<String>,
    /// A client secret that is known beforehand; it lasts for twenty years.
    secret: Option<String>,
    /// A certificate as PEM, whose key signs client assertions.
    certificate: Option<String>,
    /// Tokens of other issuers that stand for a credential.
    #[serde(default)]
    federated: Vec<Federated>,
    /// Redirect URIs of a web application.
    #[serde(default)]
    web: Vec<String>,
    /// Redirect URIs of a single-page application.
    #[serde(default)]
    spa: Vec<String>,
    /// Redirect URIs of a public client.
    #[serde(default)]
    public: Vec<String>,
    /// The tokens that `authorize` may send (the implicit and the hybrid flow).
    #[serde(default)]
    implicit: Vec<Implicit>,
    /// Delegated permissions that it publishes, under `api://` and its app id.
    #[serde(default)]
    exposes: Vec<String>,
    /// App ids of clients whose users need no consent for these permissions.
    #[serde(default)]
    preauthorizes: Vec<String>,
    /// Application permissions for Microsoft Graph, granted.
    #[serde(default)]
    roles: Vec<String>,
    /// Delegated permissions for Microsoft Graph, consented for everybody.
    #[serde(default)]
    scopes: Vec<String>,
    /// Whether other tenants may use it.
    #[serde(default)]
    multi_tenant: bool,
    /// Application permissions for Microsoft Graph that its registration asks an administrator for.
    #[serde(default)]
    requires: Vec<String>,
}

/// A federated identity credential.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Federated {
    issuer: String,
    subject: String,
    /// `api://AzureADTokenExchange` if absent.
    audience: Option<String>,
}

/// A kind of token that `authorize` may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Implicit {
    IdToken,
    AccessToken,
}

impl Planting<'_> {
    pub(super) fn app(&mut self, app: &App) -> Result<(), String> {
        let mut made = self.post("/applications", &registration(app)?)?;
        let id = id_of(&made).to_owned();
        if let Some(client_id) = &app.client_id {
            self.rename(&id, client_id)?;
            made["appId"] = json!(client_id.to_ascii_lowercase());
        }
        self.made(Kind::Application, &app.name, &made);
        self.publish(&made, app)?;
        if let Some(secret) = &app.secret {
            self.secret(&id, secret)?;
        }
        for (number, credential) in (1..).zip(&app.federated) {
            let body = json!({
                "name": format!("seed-{number}"), "issuer": credential.issuer, "subject": credential.subject,
                "audiences": [credential.audience.as_deref().unwrap_or("api://AzureADTokenExchange")],
            });
            self.post(&format!("/applications/{id}/federatedIdentityCredentials"), &body)?;
        }
        let principal = self.post("/servicePrincipals", &json!({ "appId": made["appId"] }))?;
        self.made(Kind::ServicePrincipal, &app.name, &principal);
        self.grant(id_of(&principal), app)
    }

    /// Gives an application the app id that it is to have, as long as nothing else knows it.
    fn rename(&self, application: &str, client_id: &str) -> Result<(), String> {
        let client_id = client_id.to_ascii_lowercase();
        if Uuid::parse_str(&client_id).is_err() {
            return Err(format!("client_id {client_id:?} is no GUID"));
        }
        let tenant = self.realm.look();
        let is_known = |id: &str| id.eq_ignore_ascii_case(&client_id);
        if tenant.principals_of(&client_id).next().is_some()
            || tenant.applications.named(&client_id).iter().any(|other| is_known(&other.app_id))
        {
            return Err(format!("client_id {client_id} is another application's"));
        }
        drop(tenant);
        self.change(|tenant| {
            if let Some(mut application) = tenant.applications.get(application).cloned() {
                application.app_id = client_id;
                tenant.applications.insert(application.id.clone(), application);
            }
        })
    }

    /// What it publishes under its app id, and the certificate.
    fn publish(&self, made: &Value, app: &App) -> Result<(), String> {
        let mut body = json!({});
        if !app.exposes.is_empty() {
            let scopes: Vec<_> = app.exposes.iter().map(|name| (Uuid::new_v4().to_string(), name)).collect();
            let ids: Vec<&String> = scopes.iter().map(|(id, _)| id).collect();
            let listed = app.preauthorizes.iter();
            body["identifierUris"] = json!([format!("api://{}", made["appId"].as_str().unwrap_or_default())]);
            body["api"] = json!({
                "oauth2PermissionScopes": scopes.iter().map(|(id, name)| scope(id, name)).collect::<Vec<_>>(),
                "preAuthorizedApplications": listed
                    .map(|app_id| json!({ "appId": app_id, "delegatedPermissionIds": ids }))
                    .collect::<Vec<_>>(),
            });
        } else if !app.preauthorizes.is_empty() {
            return Err("preauthorizes wants a permission in exposes".to_owned());
        }
        if let Some(certificate) = &app.certificate {
            let der: String = certificate.lines().filter(|line| !line.starts_with("-----")).collect();
            let der = STANDARD.decode(der.trim()).map_err(|_| "the certificate is no PEM".to_owned())?;
            body["keyCredentials"] = json!([{
                "type": "AsymmetricX509Cert", "usage": "Verify", "key": STANDARD.encode(der),
            }]);
        }
        if body.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(());
        }
        self.patch(&format!("/applications/{}", id_of(made)), &body)
    }

    /// Gives an application a secret that is not made up by the directory.
    fn secret(&self, application: &str, secret: &str) -> Result<(), String> {
        let now = self.realm.clock.now();
        let years = Span::new().years(20);
        let credential = PasswordCredential {
            key_id: Uuid::new_v4().to_string(),
            secret: secret.to_owned(),
            display_name: Some("seed".to_owned()),
            start: now,
            end: now.to_zoned(jiff::tz::TimeZone::UTC).saturating_add(years).timestamp(),
            effective: now,
        };
        self.change(|tenant| {
            if let Some(mut application) = tenant.applications.get(application).cloned() {
                application.passwords.push(credential);
                tenant.applications.insert(application.id.clone(), application);
            }
        })
    }

    /// What the application may do in Graph.
    fn grant(&self, principal: &str, app: &App) -> Result<(), String> {
        let graph = self.realm.look().graph_id().to_owned();
        for role in &app.roles {
            let body = json!({ "principalId": principal, "resourceId": graph, "appRoleId": role_id(role)? });
            self.post(&format!("/servicePrincipals/{principal}/appRoleAssignments"), &body)?;
        }
        if app.scopes.is_empty() {
            return Ok(());
        }
        let body = json!({
            "clientId": principal, "consentType": "AllPrincipals", "resourceId": graph,
            "scope": app.scopes.join(" "),
        });
        self.post("/oauth2PermissionGrants", &body).map(drop)
    }
}

fn registration(app: &App) -> Result<Value, String> {
    let mut body = json!({
        "displayName": app.name,
        "web": {
            "redirectUris": app.web,
            "implicitGrantSettings": {
                "enableIdTokenIssuance": app.implicit.contains(&Implicit::IdToken),
                "enableAccessTokenIssuance": app.implicit.contains(&Implicit::AccessToken),
            },
        },
        "spa": { "redirectUris": app.spa },
        "publicClient": { "redirectUris": app.public },
        "isFallbackPublicClient": !app.public.is_empty(),
    });
    if app.multi_tenant {
        body["signInAudience"] = json!("AzureADMultipleOrgs");
    }
    if !app.requires.is_empty() {
        let required: Result<Vec<_>, String> =
            app.requires.iter().map(|role| Ok(json!({ "id": role_id(role)?, "type": "Role" }))).collect();
        body["requiredResourceAccess"] =
            json!([{ "resourceAppId": GRAPH_APP_ID, "resourceAccess": required? }]);
    }
    Ok(body)
}

fn scope(id: &str, name: &str) -> Value {
    json!({
        "id": id, "value": name, "type": "User", "isEnabled": true,
        "adminConsentDisplayName": name, "adminConsentDescription": name,
        "userConsentDisplayName": name, "userConsentDescription": name,
    })
}

/// The id of an application permission.
fn role_id(name: &str) -> Result<&'static str, String> {
    let known = crate::graph::permission(name).and_then(|permission| permission.role_id);
    known.ok_or_else(|| format!("{name} is no application permission"))
}

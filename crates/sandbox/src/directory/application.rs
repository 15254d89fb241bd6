//! Applications, blueprints among them (Entra reference §2.1, §2.6, §8).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Life, Named};

/// An application object. What has no field of its own stands in `other`, under Graph's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Application {
    /// The object id; a blueprint's equals its `app_id`.
    pub(crate) id: String,
    pub(crate) app_id: String,
    pub(crate) life: Life,
    pub(crate) kind: ApplicationKind,
    pub(crate) display_name: String,
    pub(crate) created_by_app_id: Option<String>,
    pub(crate) is_disabled: bool,
    pub(crate) identifier_uris: Vec<String>,
    /// `api.requestedAccessTokenVersion`: 1, 2 or none (then 1).
    pub(crate) access_token_version: Option<u8>,
    /// `api.oauth2PermissionScopes`.
    pub(crate) scopes: Vec<ApiScope>,
    pub(crate) roles: Vec<PublishedRole>,
    /// Redirect URIs of the platform "web": a confidential client.
    pub(crate) web_redirects: Vec<String>,
    /// Redirect URIs of the platform "single-page application".
    pub(crate) spa_redirects: Vec<String>,
    /// Redirect URIs of the platform "mobile and desktop": a public client.
    pub(crate) public_redirects: Vec<String>,
    /// `isFallbackPublicClient`: device code without a redirect URI.
    pub(crate) is_public: bool,
    pub(crate) passwords: Vec<PasswordCredential>,
    pub(crate) keys: Vec<KeyCredential>,
    /// `federatedIdentityCredentials`: which foreign tokens stand for a credential.
    #[serde(default)]
    pub(crate) federated: Vec<FederatedCredential>,
    /// `inheritablePermissions`, of a blueprint only; at most one entry a resource.
    pub(crate) inheritable: Vec<Inheritance>,
    pub(crate) sponsors: Vec<String>,
    pub(crate) owners: Vec<String>,
    /// Other settable properties, such as `description` or `tags`.
    pub(crate) other: BTreeMap<String, Value>,
}

/// What kind of application it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ApplicationKind {
    Ordinary,
    Blueprint,
}

/// A delegated permission that an application publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiScope {
    pub(crate) id: String,
    pub(crate) value: String,
    pub(crate) is_enabled: bool,
    /// `User` or `Admin`: who may consent.
    pub(crate) consent: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    /// What a person is told who consents for themselves.
    #[serde(default)]
    pub(crate) user_display_name: Option<String>,
    #[serde(default)]
    pub(crate) user_description: Option<String>,
}

/// An application permission that an application publishes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PublishedRole {
    pub(crate) id: String,
    /// Empty if tokens do not show it.
    pub(crate) value: String,
    pub(crate) display_name: String,
    pub(crate) description: String,
    /// Whether it can be granted.
    #[serde(default = "yes")]
    pub(crate) is_enabled: bool,
    /// `Application`, `User`: whom it can be granted to.
    #[serde(default = "applications")]
    pub(crate) allowed: Vec<String>,
}

fn yes() -> bool {
    true
}

fn applications() -> Vec<String> {
    vec!["Application".to_owned()]
}

/// A client secret. It is kept readable: nothing here is secret.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PasswordCredential {
    pub(crate) key_id: String,
    pub(crate) secret: String,
    pub(crate) display_name: Option<String>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// From when on the token endpoint accepts it.
    pub(crate) effective: Timestamp,
}

/// A certificate.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyCredential {
    pub(crate) key_id: String,
    /// The certificate's DER, base64.
    pub(crate) der: String,
    pub(crate) display_name: Option<String>,
    pub(crate) usage: String,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// From when on the token endpoint accepts it.
    pub(crate) effective: Timestamp,
}

/// A token of another issuer that the application may present instead of a credential: issuer, subject and
/// audience compare exactly, case included (Entra reference §2.5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FederatedCredential {
    pub(crate) id: String,
    /// Never changes.
    pub(crate) name: String,
    pub(crate) issuer: String,
    pub(crate) subject: String,
    pub(crate) description: Option<String>,
    /// One.
    pub(crate) audiences: Vec<String>,
    /// From when on the token endpoint accepts it.
    pub(crate) effective: Timestamp,
}

/// What the children of a blueprint inherit of its principal's grants for one resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inheritance {
    pub(crate) resource_app_id: String,
    pub(crate) scopes: InheritedScopes,
    /// From when on new tokens show it.
    pub(crate) effective: Timestamp,
}

/// Which delegated scopes are inherited, as far as they are granted to the blueprint principal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum InheritedScopes {
    AllAllowed,
    Enumerated(Vec<String>),
    None,
}

impl Named for Application {
    /// The app id, what clients may call it as a resource, the unique name, and the tags.
    fn names(&self) -> impl Iterator<Item = &str> {
        let uris = self.identifier_uris.iter().map(|uri| uri.trim_end_matches('/'));
        let tags = self.other.get("tags").and_then(Value::as_array).into_iter().flatten();
        let others = self.other.get("uniqueName").into_iter().chain(tags).filter_map(Value::as_str);
        std::iter::once(self.app_id.as_str()).chain(uris).chain(others)
    }
}

impl Application {
    /// An application with nothing set but its name.
    pub(crate) fn new(id: String, app_id: String, life: Life, kind: ApplicationKind, name: &str) -> Self {
        Self {
            id,
            app_id,
            life,
            kind,
            display_name: name.to_owned(),
            created_by_app_id: None,
            is_disabled: false,
            identifier_uris: Vec::new(),
            access_token_version: None,
            scopes: Vec::new(),
            roles: Vec::new(),
            web_redirects: Vec::new(),
            spa_redirects: Vec::new(),
            public_redirects: Vec::new(),
            is_public: false,
            passwords: Vec::new(),
            keys: Vec::new(),
            federated: Vec::new(),
            inheritable: Vec::new(),
            sponsors: Vec::new(),
            owners: Vec::new(),
            other: BTreeMap::new(),
        }
    }

    /// Whether other tenants may use it: `signInAudience`.
    pub(crate) fn is_multi_tenant(&self) -> bool {
        let audience = self.other.get("signInAudience").and_then(Value::as_str).unwrap_or_default();
        matches!(audience, "AzureADMultipleOrgs" | "AzureADandPersonalMicrosoftAccount")
    }

    /// Whether it is a blueprint.
    pub(crate) fn is_blueprint(&self) -> bool {
        self.kind == ApplicationKind::Blueprint
    }
}

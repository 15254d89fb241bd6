//! Service principals: ordinary ones, blueprint principals and agent identities (Entra reference §2.2, §2.3).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{KeyCredential, Life, Named, PasswordCredential};

/// A service principal. What has no field of its own stands in `other`, under Graph's name.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ServicePrincipal {
    pub(crate) id: String,
    /// The client id; an agent identity's equals its `id`.
    pub(crate) app_id: String,
    pub(crate) life: Life,
    pub(crate) kind: ServicePrincipalKind,
    pub(crate) display_name: String,
    pub(crate) account_enabled: bool,
    pub(crate) created_by_app_id: Option<String>,
    pub(crate) sponsors: Vec<String>,
    pub(crate) owners: Vec<String>,
    /// Secrets of its own, beside its application's.
    #[serde(default)]
    pub(crate) passwords: Vec<PasswordCredential>,
    /// Certificates of its own, likewise.
    #[serde(default)]
    pub(crate) keys: Vec<KeyCredential>,
    /// Other settable properties, such as `tags`.
    pub(crate) other: BTreeMap<String, Value>,
}

/// What kind of service principal it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ServicePrincipalKind {
    Application,
    BlueprintPrincipal,
    /// An agent identity and the app id of its blueprint.
    AgentIdentity {
        blueprint_id: String,
        /// Whether an app-only token made it: those count towards the 250 of a blueprint.
        created_app_only: bool,
    },
}

impl Named for ServicePrincipal {
    /// The app id, and the tags.
    fn names(&self) -> impl Iterator<Item = &str> {
        let tags = self.other.get("tags").and_then(Value::as_array).into_iter().flatten();
        std::iter::once(self.app_id.as_str()).chain(tags.filter_map(Value::as_str))
    }

    /// The blueprint of an agent identity, by its app id.
    fn parents(&self) -> impl Iterator<Item = &str> {
        self.blueprint_id().into_iter()
    }

    /// The blueprint of an agent identity that an app made: it may have so many.
    fn counted(&self) -> impl Iterator<Item = &str> {
        match &self.kind {
            ServicePrincipalKind::AgentIdentity { blueprint_id, created_app_only: true } => {
                Some(blueprint_id.as_str())
            }
            _ => None,
        }
        .into_iter()
    }
}

impl ServicePrincipal {
    /// A service principal with nothing set but its name.
    pub(crate) fn new(
        id: String,
        app_id: String,
        life: Life,
        kind: ServicePrincipalKind,
        name: &str,
    ) -> Self {
        Self {
            id,
            app_id,
            life,
            kind,
            display_name: name.to_owned(),
            account_enabled: true,
            created_by_app_id: None,
            sponsors: Vec::new(),
            owners: Vec::new(),
            passwords: Vec::new(),
            keys: Vec::new(),
            other: BTreeMap::new(),
        }
    }

    /// The blueprint's app id, if this is an agent identity.
    pub(crate) fn blueprint_id(&self) -> Option<&str> {
        match &self.kind {
            ServicePrincipalKind::AgentIdentity { blueprint_id, .. } => Some(blueprint_id),
            _ => None,
        }
    }
}

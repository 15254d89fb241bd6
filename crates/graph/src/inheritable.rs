//! What agent identities inherit from their blueprint (Entra reference §2.6): the enumerated scopes of a
//! resource that were also granted to the blueprint's principal.

use attache_terms::AppId;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

/// Which scopes of one resource are inherited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InheritablePermission {
    /// The resource.
    pub resource_app_id: AppId,
    /// The scopes.
    pub inheritable_scopes: InheritableScopes,
}

/// The kinds of a list of scopes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "camelCase")]
pub enum InheritableScopes {
    /// Every scope that is granted.
    AllAllowed,
    /// These.
    Enumerated {
        /// The scopes' names.
        scopes: Vec<String>,
    },
    /// None, or a kind that we do not know.
    #[serde(other)]
    None,
}

impl InheritableScopes {
    /// Whether a scope is among them.
    pub fn allows(&self, scope: &str) -> bool {
        match self {
            Self::AllAllowed => true,
            Self::Enumerated { scopes } => scopes.iter().any(|own| own.eq_ignore_ascii_case(scope)),
            Self::None => false,
        }
    }
}

fn enumerated(scopes: &[String]) -> Value {
    json!({ "@odata.type": "#microsoft.graph.enumeratedScopes", "kind": "enumerated", "scopes": scopes })
}

fn collection(blueprint: AppId) -> String {
    format!("/applications/microsoft.graph.agentIdentityBlueprint/{blueprint}/inheritablePermissions")
}

impl Graph {
    /// What the children of a blueprint inherit.
    pub async fn inheritable_permissions(&self, blueprint: AppId) -> Answered<Vec<InheritablePermission>> {
        self.all(Path::new(collection(blueprint))).await
    }

    /// Lets these scopes of a resource be inherited. A second entry for a resource is a conflict.
    pub async fn add_inheritable(
        &self,
        blueprint: AppId,
        resource: AppId,
        scopes: &[String],
    ) -> Answered<()> {
        let body = json!({ "resourceAppId": resource, "inheritableScopes": enumerated(scopes) });
        self.send_bare(Call::post(Path::new(collection(blueprint)), &body)).await
    }

    /// Replaces the inheritable scopes of a resource.
    pub async fn set_inheritable(
        &self,
        blueprint: AppId,
        resource: AppId,
        scopes: &[String],
    ) -> Answered<()> {
        let body = json!({ "inheritableScopes": enumerated(scopes) });
        self.send_bare(Call::patch(Path::new(format!("{}/{resource}", collection(blueprint))), &body)).await
    }
}

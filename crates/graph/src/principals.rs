//! Service principals: the blueprint's, the provisioner's, and Microsoft Graph's own, which defines the
//! permissions (Entra reference §2.2, §2.7).

use attache_terms::{AppId, ObjectId};
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::client::Call;
use crate::path::{Path, literal};
use crate::users::optional;
use crate::{Answered, Graph};

const BLUEPRINT_PRINCIPALS: &str = "/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal";

/// The application id of Microsoft Graph, the same in every tenant.
pub fn graph_app_id() -> AppId {
    AppId::new(Uuid::from_u128(0x00000003_0000_0000_c000_000000000000))
}

/// An application's presence in the tenant.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServicePrincipal {
    /// The object id, different in each tenant.
    pub id: ObjectId,
    /// The application.
    pub app_id: AppId,
    /// Whether it may get tokens.
    pub account_enabled: Option<bool>,
    /// The application permissions that it defines, where they were asked for.
    #[serde(default)]
    pub app_roles: Vec<AppRole>,
}

/// An application permission.
#[derive(Debug, Clone, Deserialize)]
pub struct AppRole {
    /// What an assignment names.
    pub id: Uuid,
    /// What people call it: `Directory.Read.All`.
    pub value: Option<String>,
}

impl Graph {
    /// The service principal of an application, `None` when the tenant has none.
    pub async fn principal_of(&self, app: AppId) -> Answered<Option<ServicePrincipal>> {
        let filter = format!("appId eq {}", literal(&app.to_string()));
        let path = Path::new("/servicePrincipals")
            .query("$filter", filter)
            .query("$select", "id,appId,accountEnabled");
        let answer = self.all::<ServicePrincipal>(path).await?;
        Ok(answer.map(|all| all.into_iter().find(|principal| principal.app_id == app)))
    }

    /// Microsoft Graph's own service principal and the permissions that it defines.
    pub async fn graph_principal(&self) -> Answered<Option<ServicePrincipal>> {
        let path = Path::new(format!("/servicePrincipals(appId='{}')", graph_app_id()))
            .query("$select", "id,appId,appRoles");
        optional(self.send(Call::get(path)).await)
    }

    /// Makes the principal of a blueprint (AgentIdentityBlueprintPrincipal.Create).
    pub async fn create_blueprint_principal(&self, blueprint: AppId) -> Answered<ServicePrincipal> {
        self.send(Call::post(Path::new(BLUEPRINT_PRINCIPALS), &json!({ "appId": blueprint })).typed()).await
    }

    /// Deletes the principal of a blueprint; its grants and role assignments go with it.
    pub async fn delete_blueprint_principal(&self, principal: ObjectId) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("{BLUEPRINT_PRINCIPALS}/{principal}")))).await
    }
}

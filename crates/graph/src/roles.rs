//! Application permissions that a service principal has (Entra reference §2.7, "appRoleAssignments").

use attache_terms::ObjectId;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::client::Call;
use crate::path::{Path, segment};
use crate::{Answered, Graph};

/// One application permission of one principal.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleAssignment {
    /// What a removal names; opaque.
    pub id: String,
    /// The permission.
    pub app_role_id: Uuid,
    /// The service principal that defines the permission.
    pub resource_id: ObjectId,
}

impl Graph {
    /// The application permissions of a principal.
    pub async fn role_assignments(&self, principal: ObjectId) -> Answered<Vec<RoleAssignment>> {
        self.all(Path::new(format!("/servicePrincipals/{principal}/appRoleAssignments"))).await
    }

    /// Gives a principal an application permission. Giving it twice is a conflict.
    pub async fn assign_role(
        &self,
        principal: ObjectId,
        resource: ObjectId,
        role: Uuid,
    ) -> Answered<RoleAssignment> {
        let body = json!({ "principalId": principal, "resourceId": resource, "appRoleId": role });
        let path = Path::new(format!("/servicePrincipals/{principal}/appRoleAssignments"));
        self.send(Call::post(path, &body)).await
    }

    /// Takes an application permission away.
    pub async fn remove_role(&self, principal: ObjectId, assignment: &str) -> Answered<()> {
        let path =
            Path::new(format!("/servicePrincipals/{principal}/appRoleAssignments/{}", segment(assignment)));
        self.send_bare(Call::delete(path)).await
    }
}

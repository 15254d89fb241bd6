//! Which directory roles a user has, through role-assignable groups too (Graph documentation, "List user
//! transitiveMemberOf"; role templates are the same in every tenant: Entra documentation, "Microsoft Entra built-in
//! roles"). A role that is only eligible and not activated is not among them.

use attache_terms::UserId;
use serde::Deserialize;
use uuid::Uuid;

use crate::path::Path;
use crate::{Answered, Graph};

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Membership {
    role_template_id: Option<Uuid>,
}

impl Graph {
    /// The templates of the directory roles that a user has (Directory.Read.All).
    pub async fn directory_roles_of(&self, user: UserId) -> Answered<Vec<Uuid>> {
        // Groups and administrative units are in the list too; only roles have a template.
        let all = self.all::<Membership>(Path::new(format!("/users/{user}/transitiveMemberOf"))).await?;
        Ok(all.map(|all| all.into_iter().filter_map(|one| one.role_template_id).collect()))
    }
}

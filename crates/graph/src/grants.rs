//! Delegated consent (Entra reference §2.7, "oauth2PermissionGrants").

use attache_terms::{ObjectId, UserId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::client::Call;
use crate::path::{Path, literal, segment};
use crate::{Answered, Graph};

/// For whom consent was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsentType {
    /// For every user, by an administrator.
    AllPrincipals,
    /// For one user.
    Principal,
}

/// A client's delegated permissions at one resource.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// What a change names; opaque.
    pub id: String,
    /// The client's service principal.
    pub client_id: ObjectId,
    /// For whom.
    pub consent_type: Option<ConsentType>,
    /// The one user, where it is for one.
    pub principal_id: Option<UserId>,
    /// The resource's service principal.
    pub resource_id: ObjectId,
    /// The permissions, separated by spaces.
    #[serde(default)]
    pub scope: String,
}

impl Graph {
    /// The consents given to a client (Directory.Read.All).
    pub async fn grants_of(&self, client: ObjectId) -> Answered<Vec<Grant>> {
        let filter = format!("clientId eq {}", literal(&client.to_string()));
        let answer = self.all::<Grant>(Path::new("/oauth2PermissionGrants").query("$filter", filter)).await?;
        Ok(answer.map(|all| all.into_iter().filter(|grant| grant.client_id == client).collect()))
    }

    /// Consents for every user (DelegatedPermissionGrant.ReadWrite.All). Doing it twice is a conflict.
    pub async fn grant_for_all(&self, client: ObjectId, resource: ObjectId, scope: &str) -> Answered<Grant> {
        let body = json!({
            "clientId": client,
            "consentType": ConsentType::AllPrincipals,
            "resourceId": resource,
            "scope": scope,
        });
        self.send(Call::post(Path::new("/oauth2PermissionGrants"), &body)).await
    }

    /// Replaces the permissions of a consent.
    pub async fn set_grant_scope(&self, grant: &str, scope: &str) -> Answered<()> {
        let path = Path::new(format!("/oauth2PermissionGrants/{}", segment(grant)));
        self.send_bare(Call::patch(path, &json!({ "scope": scope }))).await
    }
}

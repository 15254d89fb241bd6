//! Stopping an agent, and letting it go on (Entra reference §13, "Stopping an agent for real"): the agent user, its
//! sessions, the agent identity, and the principal of a whole blueprint.

use attache_terms::{AppId, ObjectId, UserId};
use serde_json::json;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

impl Graph {
    /// Lets a user sign in, or not (User.ReadWrite.All; AgentIdUser.ReadWrite.IdentityParentedBy for a
    /// blueprint's own child).
    pub async fn enable_user(&self, user: UserId, enabled: bool) -> Answered<()> {
        let path = Path::new(format!("/users/{user}"));
        self.send_bare(Call::patch(path, &json!({ "accountEnabled": enabled }))).await
    }

    /// Ends a user's sessions: what was issued before can no longer be renewed (User.RevokeSessions.All; the
    /// permission above for a blueprint's own child).
    pub async fn revoke_sessions(&self, user: UserId) -> Answered<()> {
        let path = Path::new(format!("/users/{user}/revokeSignInSessions"));
        self.send_bare(Call::action(path, &json!({}))).await
    }

    /// Lets an agent identity get tokens, or not (AgentIdentity.ReadWrite.All).
    pub async fn enable_agent_identity(&self, agent: AppId, enabled: bool) -> Answered<()> {
        let path = Path::new(format!("/servicePrincipals/microsoft.graph.agentIdentity/{agent}"));
        self.send_bare(Call::patch(path, &json!({ "accountEnabled": enabled }))).await
    }

    /// Lets a blueprint's principal get tokens, or not, and with it all of its agent identities
    /// (AgentIdentityBlueprintPrincipal.ReadWrite.All).
    pub async fn enable_blueprint_principal(&self, principal: ObjectId, enabled: bool) -> Answered<()> {
        let path = Path::new(format!(
            "/servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal/{principal}"
        ));
        self.send_bare(Call::patch(path, &json!({ "accountEnabled": enabled }))).await
    }
}

//! Agent identities and agent users (Entra reference §2.3, §2.4).

use attache_terms::{AppId, UserId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::client::Call;
use crate::path::{Path, literal};
use crate::users::optional;
use crate::{Answered, Graph, User};

const SELECT: &str = "id,appId,displayName,agentIdentityBlueprintId,accountEnabled,tags,createdDateTime";
const COLLECTION: &str = "/servicePrincipals/microsoft.graph.agentIdentity";

/// An agent identity. Its object id is its client id.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AgentIdentity {
    /// The object id, which is the client id too.
    pub id: AppId,
    /// Its blueprint.
    pub agent_identity_blueprint_id: AppId,
    /// Whether it may get tokens.
    pub account_enabled: Option<bool>,
    /// Its tags; ours among them.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When it was made; `None` right after that.
    pub created_date_time: Option<Timestamp>,
}

/// What an agent identity is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewAgentIdentity<'a> {
    /// The name that people see.
    pub display_name: &'a str,
    /// Its blueprint.
    pub blueprint: AppId,
    /// Who answers for it.
    pub sponsor: UserId,
    /// What finds it again.
    pub tag: &'a str,
}

/// What an agent user is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewAgentUser<'a> {
    /// The name that people see.
    pub display_name: &'a str,
    /// The sign-in name, in a verified domain.
    pub user_principal_name: &'a str,
    /// The part of the mail address before the @.
    pub mail_nickname: &'a str,
    /// The job title, if it has one.
    pub job_title: Option<&'a str>,
    /// The department, if it has one.
    pub department: Option<&'a str>,
    /// The agent identity that it belongs to.
    pub agent: AppId,
    /// Who answers for it.
    pub sponsor: UserId,
}

impl Graph {
    /// An agent identity, `None` when there is none.
    pub async fn agent_identity(&self, agent: AppId) -> Answered<Option<AgentIdentity>> {
        let path = Path::new(format!("{COLLECTION}/{agent}")).query("$select", SELECT);
        optional(self.send(Call::get(path)).await)
    }

    /// The agent identities that carry a tag.
    pub async fn agent_identities_tagged(&self, tag: &str) -> Answered<Vec<AgentIdentity>> {
        let filter = format!("tags/any(t:t eq {})", literal(tag));
        let path = Path::new(COLLECTION).query("$filter", filter).query("$select", SELECT);
        let answer = self.all::<AgentIdentity>(path).await?;
        Ok(answer.map(|agents| {
            agents.into_iter().filter(|agent| agent.tags.iter().any(|own| own == tag)).collect()
        }))
    }

    /// The agent identities of a blueprint.
    pub async fn agent_identities_of(&self, blueprint: AppId) -> Answered<Vec<AgentIdentity>> {
        let filter = format!("agentIdentityBlueprintId eq {}", literal(&blueprint.to_string()));
        let path = Path::new(COLLECTION).query("$filter", filter).query("$select", SELECT);
        let answer = self.all::<AgentIdentity>(path).await?;
        Ok(answer.map(|agents| {
            agents.into_iter().filter(|agent| agent.agent_identity_blueprint_id == blueprint).collect()
        }))
    }

    /// Makes an agent identity: as its blueprint (AgentIdentity.CreateAsManager) or as an application with
    /// AgentIdentity.Create.All.
    pub async fn create_agent_identity(&self, new: NewAgentIdentity<'_>) -> Answered<AgentIdentity> {
        let body = json!({
            "displayName": new.display_name,
            "agentIdentityBlueprintId": new.blueprint,
            "sponsors@odata.bind": [self.user_reference(new.sponsor)],
            "tags": [new.tag],
        });
        self.send(Call::post(Path::new(COLLECTION), &body).typed()).await
    }

    /// Deletes an agent identity, restorable for 30 days.
    pub async fn delete_agent_identity(&self, agent: AppId) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("{COLLECTION}/{agent}")))).await
    }

    /// Makes an agent user (AgentIdUser.ReadWrite.IdentityParentedBy suffices for a blueprint's own child).
    pub async fn create_agent_user(&self, new: NewAgentUser<'_>) -> Answered<User> {
        let mut body = json!({
            "accountEnabled": true,
            "displayName": new.display_name,
            "mailNickname": new.mail_nickname,
            "userPrincipalName": new.user_principal_name,
            "identityParentId": new.agent,
            "sponsors@odata.bind": [self.user_reference(new.sponsor)],
        });
        for (name, value) in [("jobTitle", new.job_title), ("department", new.department)] {
            if let Some(value) = value {
                body[name] = value.into();
            }
        }
        self.send(Call::post(Path::new("/users/microsoft.graph.agentUser"), &body).typed()).await
    }
}

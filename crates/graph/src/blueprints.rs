//! Agent identity blueprints (Entra reference §2.1). `id` equals `appId`.

use attache_terms::{AppId, UserId};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use crate::client::Call;
use crate::path::{Path, literal};
use crate::users::optional;
use crate::{Answered, Graph};

const COLLECTION: &str = "/applications/microsoft.graph.agentIdentityBlueprint";
const SELECT: &str = "id,appId,displayName,tags,createdDateTime";

/// A blueprint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blueprint {
    /// The client id, which is the object id too.
    pub app_id: AppId,
    /// Its tags; ours among them.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When it was made.
    pub created_date_time: Option<Timestamp>,
}

/// What a blueprint is made of.
#[derive(Debug, Clone, Copy)]
pub struct NewBlueprint<'a> {
    /// The name that administrators see.
    pub display_name: &'a str,
    /// What it is for.
    pub description: &'a str,
    /// Who answers for it.
    pub sponsor: UserId,
    /// What finds it again.
    pub tag: &'a str,
}

impl Graph {
    /// A blueprint, `None` when there is none.
    pub async fn blueprint(&self, blueprint: AppId) -> Answered<Option<Blueprint>> {
        let path = Path::new(format!("{COLLECTION}/{blueprint}")).query("$select", SELECT);
        optional(self.send(Call::get(path)).await)
    }

    /// The blueprints that carry a tag.
    pub async fn blueprints_tagged(&self, tag: &str) -> Answered<Vec<Blueprint>> {
        let filter = format!("tags/any(t:t eq {})", literal(tag));
        let path = Path::new(COLLECTION).query("$filter", filter).query("$select", SELECT);
        let answer = self.all::<Blueprint>(path).await?;
        Ok(answer.map(|all| {
            all.into_iter().filter(|blueprint| blueprint.tags.iter().any(|own| own == tag)).collect()
        }))
    }

    /// Makes a blueprint (AgentIdentityBlueprint.Create).
    pub async fn create_blueprint(&self, new: NewBlueprint<'_>) -> Answered<Blueprint> {
        let body = json!({
            "displayName": new.display_name,
            "description": new.description,
            "sponsors@odata.bind": [self.user_reference(new.sponsor)],
            "tags": [new.tag],
        });
        self.send(Call::post(Path::new(COLLECTION), &body).typed()).await
    }

    /// Deletes a blueprint, restorable for 30 days. What it made goes with it, within a day.
    pub async fn delete_blueprint(&self, blueprint: AppId) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("{COLLECTION}/{blueprint}")))).await
    }
}

//! What was deleted and can still be restored (Entra reference §2.11).

use attache_terms::ObjectId;
use serde::Deserialize;

use crate::client::Call;
use crate::path::Path;
use crate::{Answered, Graph};

/// What kind of object was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeletedKind {
    /// A blueprint.
    Blueprint,
    /// A blueprint's principal.
    BlueprintPrincipal,
    /// An agent identity.
    AgentIdentity,
    /// An agent user.
    AgentUser,
}

impl DeletedKind {
    fn cast(self) -> &'static str {
        match self {
            Self::Blueprint => "agentIdentityBlueprint",
            Self::BlueprintPrincipal => "agentIdentityBlueprintPrincipal",
            Self::AgentIdentity => "agentIdentity",
            Self::AgentUser => "agentUser",
        }
    }
}

/// A deleted object, kept for 30 days.
#[derive(Debug, Clone, Deserialize)]
pub struct DeletedItem {
    /// Its object id.
    pub id: ObjectId,
}

impl Graph {
    /// The deleted objects of a kind.
    pub async fn deleted_items(&self, kind: DeletedKind) -> Answered<Vec<DeletedItem>> {
        let path = Path::new(format!("/directory/deletedItems/microsoft.graph.{}", kind.cast()));
        self.all(path.query("$select", "id")).await
    }

    /// Deletes a deleted object for good.
    pub async fn purge(&self, item: ObjectId) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("/directory/deletedItems/{item}")))).await
    }
}

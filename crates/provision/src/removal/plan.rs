//! What a removal would delete, before the first deletion.

use std::fmt;

use serde::Serialize;

use super::perform::search;
use super::{Left, Target};
use crate::plan::failure;
use crate::{Clients, Failure};

/// A plan, for people (`Display`) and programs (`Serialize`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RemovalPlan {
    /// What will be deleted, in order: the kind and the id.
    pub deletes: Vec<(String, String)>,
    /// The licences that will be free again.
    pub frees: Vec<String>,
    /// What stays, and why.
    pub stays: Vec<Left>,
}

/// Looks and plans; nothing is deleted.
pub async fn plan_removal(clients: &dyn Clients, target: &Target) -> Result<RemovalPlan, Failure> {
    let found = search(&clients.bootstrap(), target).await.map_err(failure)?.value;
    let mut deletes = Vec::new();
    deletes.extend(found.user.map(|id| ("agent_user".to_owned(), id.to_string())));
    deletes.extend(found.agent.map(|id| ("agent_identity".to_owned(), id.to_string())));
    let mut parents = Vec::new();
    parents.extend(found.principal.map(|id| ("blueprint_principal".to_owned(), id.to_string())));
    parents.extend(found.blueprint.map(|id| ("blueprint".to_owned(), id.to_string())));
    let mut stays = Vec::new();
    if found.others.is_empty() && !target.keeps_blueprint {
        deletes.append(&mut parents);
    } else {
        let why = match found.others.len() {
            0 => "it is there for other agent identities".to_owned(),
            others => format!("{others} other agent identities use it"),
        };
        stays.extend(parents.into_iter().map(|(kind, id)| Left { kind, id, why: why.clone() }));
    }
    Ok(RemovalPlan { deletes, frees: found.licences.iter().map(ToString::to_string).collect(), stays })
}

impl fmt::Display for RemovalPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.deletes.is_empty() {
            writeln!(f, "There is nothing to delete.")?;
        }
        for (kind, id) in &self.deletes {
            writeln!(f, "  to be deleted  {kind} {id}")?;
        }
        for licence in &self.frees {
            writeln!(f, "  to be freed    licence {licence}")?;
        }
        for left in &self.stays {
            writeln!(f, "  stays          {} {}: {}", left.kind, left.id, left.why)?;
        }
        Ok(())
    }
}

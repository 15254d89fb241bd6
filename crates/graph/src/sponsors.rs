//! Sponsors of agent identities and of agent users. The two relations are separate (Entra reference §2.3, §13
//! "Sponsors"); a sponsor is a user or a group, by object id.

use attache_terms::{AppId, ObjectId, UserId};
use serde::Deserialize;
use serde_json::json;

use crate::client::Call;
use crate::path::Path;
use crate::users::optional;
use crate::{Answered, Graph};

#[derive(Deserialize)]
struct Reference {
    id: ObjectId,
}

/// Whose sponsors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sponsored {
    /// An agent identity's: it keeps at least one.
    AgentIdentity(AppId),
    /// An agent user's.
    AgentUser(UserId),
}

impl Sponsored {
    fn path(self) -> String {
        match self {
            Self::AgentIdentity(agent) => format!("/servicePrincipals/{agent}/sponsors"),
            Self::AgentUser(user) => format!("/users/{user}/sponsors"),
        }
    }
}

impl Graph {
    /// Who answers for it, by object id; `None` when there is no such object. What Entra has deleted is not among
    /// them. (AgentIdentity.ReadWrite.All or Application.Read.All; User.Read.All for an agent user.)
    pub async fn sponsors(&self, of: Sponsored) -> Answered<Option<Vec<ObjectId>>> {
        let answer = optional(self.all::<Reference>(Path::new(of.path()).query("$select", "id")).await)?;
        Ok(answer.map(|found| found.map(|found| found.into_iter().map(|one| one.id).collect())))
    }

    /// Makes a user its sponsor (AgentIdentity.UpdateSponsors.All; AgentIdUser.ReadWrite.All for an agent user).
    /// Who is its sponsor already is refused: look before.
    pub async fn add_sponsor(&self, of: Sponsored, sponsor: UserId) -> Answered<()> {
        let body = json!({ "@odata.id": self.user_reference(sponsor) });
        self.send_bare(Call::post(Path::new(format!("{}/$ref", of.path())), &body)).await
    }

    /// Lets somebody be its sponsor no longer. The last one of an agent identity stays.
    pub async fn remove_sponsor(&self, of: Sponsored, sponsor: UserId) -> Answered<()> {
        self.send_bare(Call::delete(Path::new(format!("{}/{sponsor}/$ref", of.path())))).await
    }
}

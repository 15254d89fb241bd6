//! Whether somebody answers for an identity: what Entra shows of its sponsor, and what follows from that. Sponsors are
//! read by object id, on both objects, whose relations are separate (Entra reference §13 "Sponsors").

use attache_graph::{Graph, GraphError, Sponsored};
use attache_ledger::Code;
use attache_terms::{ObjectId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::identities::Identity;

/// What is amiss with a sponsor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finding {
    /// They are not in the directory any more.
    Gone,
    /// They may not sign in.
    Disabled,
    /// The agent identity has other sponsors.
    NotOfAgentIdentity,
    /// The agent user has other sponsors.
    NotOfAgentUser,
}

impl Finding {
    /// What happened, for people.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Gone => "its sponsor is no longer in the directory",
            Self::Disabled => "its sponsor's account is disabled",
            Self::NotOfAgentIdentity => "its sponsor is no longer a sponsor of the agent identity in Entra",
            Self::NotOfAgentUser => "its sponsor is no longer a sponsor of the agent user in Entra",
        }
    }

    /// What an entry has.
    pub(crate) fn code(self) -> Code {
        Code::new(match self {
            Self::Gone => "sponsor_gone",
            Self::Disabled => "sponsor_disabled",
            Self::NotOfAgentIdentity => "sponsor_not_of_agent_identity",
            Self::NotOfAgentUser => "sponsor_not_of_agent_user",
        })
    }
}

/// What Entra shows. An object that is gone itself is `None`: that is not its sponsor's affair; `identity.watch` looks
/// for it.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Whether the sponsor may sign in; `None` when there is no such user.
    sponsor: Option<bool>,
    agent: Option<Vec<ObjectId>>,
    user: Option<Vec<ObjectId>>,
}

impl Seen {
    /// Who its sponsors are.
    pub(super) fn in_entra(&self) -> Vec<ObjectId> {
        self.agent.clone().or_else(|| self.user.clone()).unwrap_or_default()
    }
}

/// Decides whether this sponsor still answers for it.
pub(super) fn judge(sponsor: UserId, seen: &Seen) -> Option<Finding> {
    let lacks = |sponsors: &Option<Vec<ObjectId>>| {
        sponsors.as_ref().is_some_and(|sponsors| !sponsors.contains(&ObjectId::new(sponsor.uuid())))
    };
    match seen.sponsor {
        None => Some(Finding::Gone),
        Some(false) => Some(Finding::Disabled),
        Some(true) if lacks(&seen.agent) => Some(Finding::NotOfAgentIdentity),
        Some(true) if lacks(&seen.user) => Some(Finding::NotOfAgentUser),
        Some(true) => None,
    }
}

/// The objects of an identity that have sponsors of ours: both, or none where its user is an ordinary one.
pub(super) fn sponsored(identity: &Identity) -> Vec<Sponsored> {
    match (identity.agent, identity.user) {
        (Some(agent), Some(user)) => vec![Sponsored::AgentIdentity(agent), Sponsored::AgentUser(user)],
        (Some(agent), None) => vec![Sponsored::AgentIdentity(agent)],
        (None, _) => Vec::new(),
    }
}

/// Looks.
pub(super) async fn look(graph: &Graph, identity: &Identity, sponsor: UserId) -> Result<Seen, GraphError> {
    let mut seen = Seen {
        sponsor: match graph.user(sponsor).await {
            Ok(user) => Some(user.value.account_enabled != Some(false)),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        },
        ..Seen::default()
    };
    for of in sponsored(identity) {
        let sponsors = graph.sponsors(of).await?.value;
        match of {
            Sponsored::AgentIdentity(_) => seen.agent = sponsors,
            Sponsored::AgentUser(_) => seen.user = sponsors,
        }
    }
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn judged(sponsor: Option<bool>, agent: Option<&[u128]>, user: Option<&[u128]>) -> Option<Finding> {
        let ids = |ids: &[u128]| ids.iter().map(|id| ObjectId::new(Uuid::from_u128(*id))).collect();
        let seen = Seen { sponsor, agent: agent.map(ids), user: user.map(ids) };
        judge(UserId::new(Uuid::from_u128(7)), &seen)
    }

    #[test]
    fn a_sponsor_answers_while_they_are_there_and_sponsor_of_both() {
        assert_eq!(judged(Some(true), Some(&[1, 7]), Some(&[7])), None);
        assert_eq!(judged(None, Some(&[7]), Some(&[7])), Some(Finding::Gone));
        assert_eq!(judged(Some(false), Some(&[7]), Some(&[7])), Some(Finding::Disabled));
        assert_eq!(judged(Some(true), Some(&[1]), Some(&[7])), Some(Finding::NotOfAgentIdentity));
        assert_eq!(judged(Some(true), Some(&[7]), Some(&[])), Some(Finding::NotOfAgentUser));
    }

    #[test]
    fn an_object_that_is_gone_says_nothing_of_its_sponsor() {
        assert_eq!(judged(Some(true), None, None), None);
    }
}

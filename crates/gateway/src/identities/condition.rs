//! Whether an identity that can act is still as it was made: what its tenant shows of its agent identity, its user and
//! the user's licences, and what is amiss. Two reads.

use attache_graph::{Graph, GraphError};
use attache_ledger::Code;
use attache_provision::Step;
use attache_terms::SkuId;

use super::{Identity, Method, Trouble};

/// What is amiss with an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amiss {
    AgentGone,
    AgentDisabled,
    UserGone,
    UserDisabled,
    NoLicence,
}

/// One of its objects, as the tenant shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Object {
    /// The identity has none.
    None,
    Gone,
    Disabled,
    Well,
}

/// What the tenant shows.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    agent: Object,
    user: Object,
    /// The licences of its user; those that were seen last where there is no user any more.
    pub(super) licences: Vec<SkuId>,
}

impl Object {
    fn of(enabled: Option<bool>) -> Self {
        if enabled == Some(false) { Self::Disabled } else { Self::Well }
    }
}

/// Looks.
pub(super) async fn look(graph: &Graph, identity: &Identity) -> Result<Seen, GraphError> {
    let agent = match identity.agent {
        None => Object::None,
        Some(agent) => match graph.agent_identity(agent).await?.value {
            None => Object::Gone,
            Some(found) => Object::of(found.account_enabled),
        },
    };
    let Some(user) = identity.user else {
        return Ok(Seen { agent, user: Object::None, licences: identity.licences.clone() });
    };
    match graph.user(user).await {
        Ok(found) => {
            let held = found.value.assigned_licences.iter().map(|licence| licence.sku_id).collect();
            Ok(Seen { agent, user: Object::of(found.value.account_enabled), licences: held })
        }
        Err(error) if error.is_not_found() => {
            Ok(Seen { agent, user: Object::Gone, licences: identity.licences.clone() })
        }
        Err(error) => Err(error),
    }
}

/// Decides what is amiss: what must be put right first.
pub(super) fn judge(seen: &Seen) -> Option<Amiss> {
    match (seen.agent, seen.user) {
        (Object::Gone, _) => Some(Amiss::AgentGone),
        (_, Object::Gone) => Some(Amiss::UserGone),
        (Object::Disabled, _) => Some(Amiss::AgentDisabled),
        (_, Object::Disabled) => Some(Amiss::UserDisabled),
        (_, Object::Well) if seen.licences.is_empty() => Some(Amiss::NoLicence),
        _ => None,
    }
}

impl Amiss {
    const ALL: [Self; 5] =
        [Self::AgentGone, Self::AgentDisabled, Self::UserGone, Self::UserDisabled, Self::NoLicence];

    /// What is amiss with an identity in this trouble.
    pub(super) fn of(trouble: Option<&Trouble>) -> Option<Self> {
        let code = trouble?.code.as_str();
        Self::ALL.into_iter().find(|amiss| amiss.word() == code)
    }

    /// Whether provisioning makes what is missing. What somebody disabled is theirs to enable: it may be that they
    /// wanted the agent to stop.
    pub(super) fn is_made_again(self) -> bool {
        matches!(self, Self::AgentGone | Self::UserGone | Self::NoLicence)
    }

    /// The step that makes what it concerns.
    pub(super) fn step(self) -> Step {
        match self {
            Self::AgentGone | Self::AgentDisabled => Step::Agent,
            Self::UserGone | Self::UserDisabled => Step::User,
            Self::NoLicence => Step::Licence,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::AgentGone => "agent_identity_not_found",
            Self::AgentDisabled => "agent_identity_disabled",
            Self::UserGone => "user_not_found",
            Self::UserDisabled => "user_disabled",
            Self::NoLicence => "licence_missing",
        }
    }

    /// What an entry has.
    pub(super) fn code(self) -> Code {
        Code::new(self.word())
    }

    /// What people and programs are told.
    pub(super) fn trouble(self, method: Method) -> Trouble {
        let made = matches!(method, Method::Create | Method::OrdinaryUser);
        let (message, remedy) = match self {
            Self::AgentGone => (
                "the agent identity is no longer in the directory",
                "restore it there within 30 days, or provision the identity again: what is missing is made anew",
            ),
            Self::AgentDisabled => (
                "the agent identity is disabled in Entra",
                "enable it in the Entra admin centre (Agent identities), unless it is to be stopped: then suspend it",
            ),
            Self::UserGone if made => (
                "the tenant does not have the identity's user any more",
                "restore it within 30 days (Entra admin centre > Users > Deleted users), or provision the identity again: it is made anew",
            ),
            Self::UserGone => (
                "the tenant does not have the identity's user any more",
                "restore it within 30 days (Entra admin centre > Users > Deleted users), or provision the identity again with the `user_id` of another",
            ),
            Self::UserDisabled => (
                "the user may not sign in",
                "let the user sign in (Microsoft 365 admin centre > Users > Unblock sign-in), unless it is to be stopped: then suspend the identity",
            ),
            Self::NoLicence if made => (
                "the user has no licence any more",
                "provision the identity again: it is given one; or assign one with Exchange Online and Teams",
            ),
            Self::NoLicence => (
                "the user has no licence any more",
                "assign one with Exchange Online (Microsoft 365 admin centre > Users > Licences)",
            ),
        };
        Trouble { code: self.word().to_owned(), message: message.to_owned(), remedy: remedy.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(agent: Object, user: Object, licences: usize) -> Option<Amiss> {
        let sku = "3b555118-da6a-4418-894f-7df1e2096870".parse().unwrap();
        judge(&Seen { agent, user, licences: vec![sku; licences] })
    }

    #[test]
    fn what_is_gone_comes_before_what_is_disabled() {
        assert_eq!(judged(Object::Well, Object::Well, 1), None);
        assert_eq!(judged(Object::None, Object::Well, 1), None);
        assert_eq!(judged(Object::Well, Object::Well, 0), Some(Amiss::NoLicence));
        assert_eq!(judged(Object::Well, Object::Disabled, 0), Some(Amiss::UserDisabled));
        assert_eq!(judged(Object::Disabled, Object::Disabled, 1), Some(Amiss::AgentDisabled));
        assert_eq!(judged(Object::Disabled, Object::Gone, 1), Some(Amiss::UserGone));
        assert_eq!(judged(Object::Gone, Object::Gone, 1), Some(Amiss::AgentGone));
    }

    #[test]
    fn what_is_told_is_known_again() {
        for amiss in Amiss::ALL {
            assert_eq!(Amiss::of(Some(&amiss.trouble(Method::Create))), Some(amiss));
        }
    }
}

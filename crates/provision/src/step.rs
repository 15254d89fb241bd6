//! The steps, in their order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step of provisioning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Look at what is there and whether the wish can come true; reads only.
    Survey,
    /// The blueprint.
    Blueprint,
    /// Our certificate in the blueprint's list.
    Certificate,
    /// The blueprint's principal.
    Principal,
    /// The principal's permission to manage its agent users.
    Role,
    /// The administrator's consent for what agent users may do.
    Consent,
    /// What of it agent identities inherit.
    Inheritance,
    /// The agent identity, made by the blueprint.
    Agent,
    /// The agent user, made by the blueprint.
    User,
    /// Its country.
    UsageLocation,
    /// Its licence.
    Licence,
    /// Taking the broad grant roles from the provisioner.
    Strip,
    /// The first token of the agent user.
    Hops,
    /// Its mailbox answers.
    Mailbox,
    /// Teams knows it.
    Teams,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 15] = [
        Self::Survey,
        Self::Blueprint,
        Self::Certificate,
        Self::Principal,
        Self::Role,
        Self::Consent,
        Self::Inheritance,
        Self::Agent,
        Self::User,
        Self::UsageLocation,
        Self::Licence,
        Self::Strip,
        Self::Hops,
        Self::Mailbox,
        Self::Teams,
    ];

    /// The name of its act in the ledger; `None` for a step that only reads.
    pub fn act(self) -> Option<&'static str> {
        match self {
            Self::Survey | Self::Hops | Self::Mailbox | Self::Teams => None,
            Self::Blueprint => Some("blueprint.create"),
            Self::Certificate => Some("blueprint.certificate.append"),
            Self::Principal => Some("blueprint_principal.create"),
            Self::Role => Some("blueprint_principal.role.assign"),
            Self::Consent => Some("blueprint_principal.consent.grant"),
            Self::Inheritance => Some("blueprint.inheritance.set"),
            Self::Agent => Some("agent_identity.create"),
            Self::User => Some("agent_user.create"),
            Self::UsageLocation => Some("agent_user.usage_location.set"),
            Self::Licence => Some("agent_user.licence.assign"),
            Self::Strip => Some("provisioner.roles.remove"),
        }
    }

    /// Whether doing it twice could make two: nothing in the directory keeps a second one out.
    pub(crate) fn makes_one_more(self) -> bool {
        matches!(self, Self::Blueprint | Self::Agent)
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Survey => "looking at the tenant",
            Self::Blueprint => "the blueprint",
            Self::Certificate => "the blueprint's certificate",
            Self::Principal => "the blueprint principal",
            Self::Role => "the blueprint's permission for its agent users",
            Self::Consent => "the consent for agent users",
            Self::Inheritance => "the inheritance of that consent",
            Self::Agent => "the agent identity",
            Self::User => "the agent user",
            Self::UsageLocation => "the agent user's country",
            Self::Licence => "the agent user's licence",
            Self::Strip => "removing the provisioner's broad roles",
            Self::Hops => "the agent user's first token",
            Self::Mailbox => "the mailbox",
            Self::Teams => "Teams",
        })
    }
}

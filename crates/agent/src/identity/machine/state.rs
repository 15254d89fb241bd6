//! The states of the identity, and what is remembered of its announcements.

use attache_terms::{AppId, ChatId, MessageId, ObjectId, TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A person of the directory, or an agent user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user object.
    pub id: UserId,
    /// Its user principal name.
    pub upn: String,
    /// Its display name.
    pub display_name: String,
}

/// The objects that make up the agent's own identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentIds {
    /// The tenant in which they live.
    pub tenant: TenantId,
    /// The blueprint, which holds the certificate.
    pub blueprint: AppId,
    /// The blueprint's principal.
    pub blueprint_principal: ObjectId,
    /// The agent identity.
    pub agent_identity: AppId,
    /// The agent user.
    pub agent_user: Person,
}

/// Which identity a call acts under.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityMode {
    /// Nobody has signed in.
    SignedOut,
    /// The sponsor's delegated token, every message marked.
    Sponsor,
    /// The agent's own user.
    AgentUser,
}

impl IdentityMode {
    /// The word for programs: `signed_out`, `sponsor`, `agent_user`.
    pub fn word(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Sponsor => "sponsor",
            Self::AgentUser => "agent_user",
        }
    }
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
pub(crate) enum State {
    /// Nobody has signed in.
    SignedOut,
    /// Under the sponsor's token; its own identity is not ready.
    Sponsor { sponsor: Person },
    /// Its own identity is ready; still under the sponsor's token until all is verified.
    Upgrading {
        sponsor: Person,
        agent: AgentIds,
        /// Whether the three hops gave a token with which Graph says "you are this agent user".
        hops_verified: bool,
        /// The agent user's one-on-one with the sponsor.
        conversation: Option<ChatId>,
    },
    /// Under its own name.
    AgentUser { sponsor: Person, agent: AgentIds, conversation: ChatId, since: Timestamp },
}

/// Where the upgrade is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// The chat in which agent and sponsor talked before: under the sponsor's token.
    Before,
    /// The agent user's one-on-one with the sponsor: under its own.
    Now,
}

/// One announcement in one chat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) agent_user: UserId,
    pub(crate) sponsor: UserId,
    pub(crate) place: Place,
    pub(crate) chat: ChatId,
    pub(crate) status: Status,
}

/// What is known about an announcement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub(crate) enum Status {
    /// It may have been sent; that it is not to be seen proves something only from `trust` on, since the
    /// platform may still be hiding it.
    Intended { at: Timestamp, trust: Timestamp },
    /// It stands there.
    Made { message: MessageId },
    /// Teams would not have it.
    Refused { why: String },
}

impl State {
    pub(super) fn sponsor_id(&self) -> Option<&Person> {
        match self {
            Self::SignedOut => None,
            Self::Sponsor { sponsor } | Self::Upgrading { sponsor, .. } | Self::AgentUser { sponsor, .. } => {
                Some(sponsor)
            }
        }
    }

    pub(super) fn agent_user(&self) -> Option<UserId> {
        match self {
            Self::SignedOut | Self::Sponsor { .. } => None,
            Self::Upgrading { agent, .. } | Self::AgentUser { agent, .. } => Some(agent.agent_user.id),
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Sponsor { .. } => "sponsor",
            Self::Upgrading { .. } => "upgrading",
            Self::AgentUser { .. } => "agent_user",
        }
    }
}

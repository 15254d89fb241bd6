//! What happens to the identity, what is to be done next, and what is refused.

use attache_terms::{ChatId, MessageId, UserId};
use jiff::Timestamp;

use super::state::{AgentIds, Person, Place};

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// A human has signed in.
    SignedIn(Person),
    /// The human wants the agent to forget them.
    SignedOut,
    /// Its own identity is complete.
    Provisioned(AgentIds),
    /// Graph has said, to a token of the three hops, that its bearer is this user.
    HopsVerified(UserId),
    /// The agent user's one-on-one with the sponsor stands.
    ConversationReady(ChatId),
    /// It is about to announce.
    AnnouncementIntended { place: Place, chat: ChatId, at: Timestamp, trust: Timestamp },
    /// The announcement was sent, or found where it was looked for.
    AnnouncementMade { place: Place, message: MessageId },
    /// It was looked for, at this time, and is not there.
    AnnouncementAbsent { place: Place, looked: Timestamp },
    /// It is certain that it never arrived: it is as if it had not been intended.
    AnnouncementNotSent { place: Place },
    /// Teams would not have it in the chat of before. The chat of now has no such way out: an agent user that
    /// cannot speak must not be gone over to.
    AnnouncementRefused { why: String },
    /// From here on, calls go out under its own name.
    Swapped(Timestamp),
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Somebody must sign in.
    SignIn,
    /// Its own identity must be completed.
    Provision,
    /// Get a token by the three hops and ask Graph whose it is.
    VerifyHops,
    /// Open the one-on-one with the sponsor.
    OpenConversation,
    /// Announce the upgrade in this chat.
    Announce { place: Place, chat: ChatId },
    /// Look whether the announcement stands in this chat; believe in its absence only from `trust` on.
    Recall { place: Place, chat: ChatId, intended: Timestamp, trust: Timestamp },
    /// Go over to its own name.
    Swap,
    /// Nothing: it acts under its own name.
    Nothing,
}

/// Why an event is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("{0} is signed in; sign out before another person signs in")]
    AnotherSponsor(String),
    #[error("the event {event} does not fit the state {state}")]
    OutOfTurn { event: &'static str, state: &'static str },
    #[error("the token of the three hops belongs to {found}, not to the agent user {expected}")]
    AnotherUser { expected: UserId, found: UserId },
}

impl Event {
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::SignedIn(_) => "signed_in",
            Self::SignedOut => "signed_out",
            Self::Provisioned(_) => "provisioned",
            Self::HopsVerified(_) => "hops_verified",
            Self::ConversationReady(_) => "conversation_ready",
            Self::AnnouncementIntended { .. } => "announcement_intended",
            Self::AnnouncementMade { .. } => "announcement_made",
            Self::AnnouncementAbsent { .. } => "announcement_absent",
            Self::AnnouncementNotSent { .. } => "announcement_not_sent",
            Self::AnnouncementRefused { .. } => "announcement_refused",
            Self::Swapped(_) => "swapped",
        }
    }
}

//! The machine of the identity modes, without I/O: signed out → under the sponsor's token → upgrading → under
//! its own name. It never goes back but by signing out, goes up only with three verified hops and a
//! conversation to stand in, and announces itself at most once in each chat, whenever it is killed: the intent
//! to announce is remembered first, and after an unknown outcome it looks before it writes again.

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

/// All that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) state: State,
    /// Kept when the sponsor signs out: a chat hears it once.
    #[serde(default)]
    pub(crate) announcements: Vec<Announcement>,
}

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

impl Default for Record {
    fn default() -> Self {
        Self { state: State::SignedOut, announcements: Vec::new() }
    }
}

impl Record {
    /// The mode that calls go out under.
    pub(crate) fn mode(&self) -> IdentityMode {
        match self.state {
            State::SignedOut => IdentityMode::SignedOut,
            State::Sponsor { .. } | State::Upgrading { .. } => IdentityMode::Sponsor,
            State::AgentUser { .. } => IdentityMode::AgentUser,
        }
    }

    /// The human who is accountable, when somebody has signed in.
    pub(crate) fn sponsor(&self) -> Option<&Person> {
        match &self.state {
            State::SignedOut => None,
            State::Sponsor { sponsor }
            | State::Upgrading { sponsor, .. }
            | State::AgentUser { sponsor, .. } => Some(sponsor),
        }
    }

    /// Its own identity, once that is complete.
    pub(crate) fn agent(&self) -> Option<&AgentIds> {
        match &self.state {
            State::SignedOut | State::Sponsor { .. } => None,
            State::Upgrading { agent, .. } | State::AgentUser { agent, .. } => Some(agent),
        }
    }

    /// The announcement of this upgrade in this place.
    fn announcement(&self, place: Place) -> Option<&Announcement> {
        let (sponsor, agent) = (self.sponsor()?, self.agent()?);
        self.announcements.iter().find(|made| {
            made.agent_user == agent.agent_user.id && made.sponsor == sponsor.id && made.place == place
        })
    }

    /// What is to be done next. `before` are the chats in which the sponsor may hear of it under their own
    /// token, the preferred first.
    pub(crate) fn next(&self, before: &[ChatId]) -> Next {
        let State::Upgrading { hops_verified, conversation, .. } = &self.state else {
            return match self.state {
                State::SignedOut => Next::SignIn,
                State::Sponsor { .. } => Next::Provision,
                _ => Next::Nothing,
            };
        };
        if !hops_verified {
            return Next::VerifyHops;
        }
        let Some(conversation) = conversation else { return Next::OpenConversation };
        let now = std::slice::from_ref(conversation);
        self.announce(Place::Before, before).or_else(|| self.announce(Place::Now, now)).unwrap_or(Next::Swap)
    }

    fn announce(&self, place: Place, chats: &[ChatId]) -> Option<Next> {
        let Some(known) = self.announcement(place) else {
            return Some(Next::Announce { place, chat: chats.first()?.clone() });
        };
        match &known.status {
            Status::Made { .. } => None,
            Status::Intended { at, trust } => {
                Some(Next::Recall { place, chat: known.chat.clone(), intended: *at, trust: *trust })
            }
            Status::Refused { .. } => {
                let mut later = chats.iter().skip_while(|chat| **chat != known.chat).skip(1);
                Some(Next::Announce { place, chat: later.next()?.clone() })
            }
        }
    }

    /// The record after an event.
    pub(crate) fn apply(mut self, event: Event) -> Result<Self, Refused> {
        let out_of_turn = Refused::OutOfTurn { event: event.word(), state: self.state.word() };
        self.state = match (self.state, event) {
            (_, Event::SignedOut) => State::SignedOut,
            (State::SignedOut, Event::SignedIn(sponsor)) => State::Sponsor { sponsor },
            // Signing in again renews the token and changes nothing else; it is no way back.
            (state, Event::SignedIn(person)) => match state.sponsor_id() {
                Some(sponsor) if sponsor.id == person.id => state,
                Some(sponsor) => return Err(Refused::AnotherSponsor(sponsor.upn.clone())),
                None => return Err(out_of_turn),
            },
            (State::Sponsor { sponsor }, Event::Provisioned(agent)) => {
                State::Upgrading { sponsor, agent, hops_verified: false, conversation: None }
            }
            (State::Upgrading { sponsor, agent, conversation, .. }, Event::HopsVerified(user)) => {
                if user != agent.agent_user.id {
                    return Err(Refused::AnotherUser { expected: agent.agent_user.id, found: user });
                }
                State::Upgrading { sponsor, agent, conversation, hops_verified: true }
            }
            (
                State::Upgrading { sponsor, agent, hops_verified: true, .. },
                Event::ConversationReady(chat),
            ) => State::Upgrading { sponsor, agent, hops_verified: true, conversation: Some(chat) },
            (state @ State::Upgrading { .. }, Event::AnnouncementIntended { place, chat, at, trust }) => {
                let (Some(sponsor), Some(agent)) = (state.sponsor_id(), state.agent_user()) else {
                    return Err(out_of_turn);
                };
                let (sponsor, agent_user) = (sponsor.id, agent);
                let known = self.announcements.iter_mut().find(|made| {
                    made.agent_user == agent_user && made.sponsor == sponsor && made.place == place
                });
                let fresh =
                    Announcement { agent_user, sponsor, place, chat, status: Status::Intended { at, trust } };
                match known {
                    None => self.announcements.push(fresh),
                    // Another chat, since the first would not have it.
                    Some(known)
                        if matches!(known.status, Status::Refused { .. }) && known.chat != fresh.chat =>
                    {
                        *known = fresh;
                    }
                    Some(_) => return Err(out_of_turn),
                }
                state
            }
            (
                state @ State::Upgrading { .. },
                event @ (Event::AnnouncementMade { .. }
                | Event::AnnouncementAbsent { .. }
                | Event::AnnouncementNotSent { .. }
                | Event::AnnouncementRefused { .. }),
            ) => {
                let after = Self { state, announcements: self.announcements };
                return after.learn(event).ok_or(out_of_turn);
            }
            (
                State::Upgrading { sponsor, agent, hops_verified: true, conversation: Some(conversation) },
                Event::Swapped(since),
            ) => State::AgentUser { sponsor, agent, conversation, since },
            _ => return Err(out_of_turn),
        };
        Ok(self)
    }

    /// Takes in what became of an announcement that was intended.
    fn learn(mut self, event: Event) -> Option<Self> {
        let place = match event {
            Event::AnnouncementMade { place, .. }
            | Event::AnnouncementAbsent { place, .. }
            | Event::AnnouncementNotSent { place } => place,
            Event::AnnouncementRefused { .. } => Place::Before,
            _ => return None,
        };
        let (sponsor, agent_user) = (self.state.sponsor_id()?.id, self.state.agent_user()?);
        let at = self.announcements.iter().position(|made| {
            made.agent_user == agent_user && made.sponsor == sponsor && made.place == place
        })?;
        let Status::Intended { trust, .. } = self.announcements[at].status else { return None };
        match event {
            Event::AnnouncementMade { message, .. } => {
                self.announcements[at].status = Status::Made { message };
            }
            Event::AnnouncementRefused { why } => {
                self.announcements[at].status = Status::Refused { why };
            }
            Event::AnnouncementNotSent { .. } => {
                self.announcements.remove(at);
            }
            Event::AnnouncementAbsent { looked, .. } => {
                if looked < trust {
                    return None;
                }
                self.announcements.remove(at);
            }
            _ => return None,
        }
        Some(self)
    }
}

impl State {
    fn sponsor_id(&self) -> Option<&Person> {
        match self {
            Self::SignedOut => None,
            Self::Sponsor { sponsor } | Self::Upgrading { sponsor, .. } | Self::AgentUser { sponsor, .. } => {
                Some(sponsor)
            }
        }
    }

    fn agent_user(&self) -> Option<UserId> {
        match self {
            Self::SignedOut | Self::Sponsor { .. } => None,
            Self::Upgrading { agent, .. } | Self::AgentUser { agent, .. } => Some(agent.agent_user.id),
        }
    }

    fn word(&self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Sponsor { .. } => "sponsor",
            Self::Upgrading { .. } => "upgrading",
            Self::AgentUser { .. } => "agent_user",
        }
    }
}

impl Event {
    fn word(&self) -> &'static str {
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

#[cfg(test)]
#[path = "machine_model.rs"]
mod model;

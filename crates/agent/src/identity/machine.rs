//! The machine of the identity modes, without I/O: signed out → under the sponsor's token → upgrading → under
//! its own name. It never goes back but by signing out, goes up only with three verified hops and a
//! conversation to stand in, and announces itself at most once in each chat, whenever it is killed: the intent
//! to announce is remembered first, and after an unknown outcome it looks before it writes again.

mod event;
mod state;

use attache_terms::ChatId;
use serde::{Deserialize, Serialize};

pub(crate) use event::{Event, Next, Refused};
pub use state::{AgentIds, IdentityMode, Person};
pub(crate) use state::{Announcement, Place, State, Status};

/// All that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) state: State,
    /// Kept when the sponsor signs out: a chat hears it once.
    #[serde(default)]
    pub(crate) announcements: Vec<Announcement>,
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

#[cfg(test)]
mod model;

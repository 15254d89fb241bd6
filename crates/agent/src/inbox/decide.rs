//! Which messages are for the agent, in which order, and how far a chat has been read then. Values in,
//! values out; facts about chats and messages: Entra reference §5.1, §5.3 and §13 ("Self-chat").

use std::collections::{HashMap, HashSet};

use attache_graph::{Chat, Message, MessageType};
use attache_terms::{AppId, ChatId, MessageId, Untrusted, UserId};

use super::text::plain;
use crate::state::{Arrival, Cursor};
use crate::{Current, IdentityMode};

/// How far back a chat is read again, in milliseconds: the platform may show a message late.
pub(crate) const OVERLAP: i64 = 120_000;

/// What was written to a new agent user shortly before it began to listen is for it too; this also
/// outlasts a device whose clock is somewhat wrong. In milliseconds.
const BEFORE_LISTENING: i64 = 600_000;

/// Who listens, and to whom.
#[derive(Clone, Copy)]
pub(crate) struct Ear<'a> {
    /// As whom the agent acts.
    pub(crate) mode: IdentityMode,
    /// Whose token reads.
    pub(crate) me: UserId,
    /// The agent's sponsor.
    pub(crate) sponsor: UserId,
    /// What our own texts begin with under the sponsor's token.
    pub(crate) prefix: Option<&'a str>,
}

impl<'a> Ear<'a> {
    /// The ear of an identity.
    pub(crate) fn of(current: &'a Current) -> Self {
        Self {
            mode: current.mode,
            me: current.me.id,
            sponsor: current.sponsor.id,
            prefix: current.prefix.as_deref(),
        }
    }
}

/// What came of reading a chat.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Messages for the agent, the oldest first.
    pub(crate) arrivals: Vec<Arrival>,
    /// How far the chat has been read.
    pub(crate) cursor: Cursor,
}

/// From where a chat is read that has no cursor yet.
///
/// The sponsor's own chat is full of what was never meant for an agent, so there it begins with our first
/// message (by the platform's clock) or, without one, now.
pub(crate) fn first_cursor(mode: IdentityMode, since: Cursor, sent: &HashSet<MessageId>) -> Cursor {
    match mode {
        IdentityMode::Sponsor => {
            let first_sent = sent.iter().filter_map(|id| id.as_str().parse().ok()).map(Cursor).min();
            first_sent.map_or(since, |first| first.min(since))
        }
        IdentityMode::AgentUser => since.back(BEFORE_LISTENING),
        IdentityMode::SignedOut => since,
    }
}

/// Which chats have something that was not read.
pub(crate) fn changed(
    chats: &[Chat],
    cursors: &HashMap<ChatId, Cursor>,
    first: Cursor,
) -> Vec<(ChatId, Cursor)> {
    let newest = |chat: &Chat| chat.last_message.as_ref().map(|preview| Cursor::at(preview.created));
    chats
        .iter()
        .filter_map(|chat| {
            let cursor = cursors.get(&chat.id).copied().unwrap_or(first);
            (newest(chat)? > cursor).then(|| (chat.id.clone(), cursor))
        })
        .collect()
}

/// Reads what a chat holds: `messages` in any order, duplicates and old ones among them. `cursor` is how
/// far it had been read; nothing at or before `first` is ever taken.
pub(crate) fn read(
    ear: &Ear<'_>,
    chat: &ChatId,
    sent: &HashSet<MessageId>,
    first: Cursor,
    cursor: Cursor,
    messages: &[Message],
) -> Reading {
    let mut arrivals: Vec<Arrival> = messages
        .iter()
        .filter(|message| Cursor::at(message.created) > first.max(cursor.back(OVERLAP)))
        .filter_map(|message| for_the_agent(ear, chat, sent, message))
        .collect();
    arrivals.sort_by_key(|arrival| (arrival.sent, number(&arrival.message)));
    arrivals.dedup_by(|a, b| a.message == b.message);
    let newest = messages.iter().map(|message| Cursor::at(message.created)).max();
    Reading { arrivals, cursor: newest.map_or(cursor, |newest| newest.max(cursor)) }
}

/// Message ids count milliseconds, so they order like numbers.
fn number(id: &MessageId) -> u128 {
    id.as_str().parse().unwrap_or(u128::MAX)
}

fn for_the_agent(
    ear: &Ear<'_>,
    chat: &ChatId,
    sent: &HashSet<MessageId>,
    message: &Message,
) -> Option<Arrival> {
    if message.message_type != MessageType::Message || message.deleted.is_some() {
        return None;
    }
    let arrival = arrival(ear, chat, message)?;
    let meant = match ear.mode {
        IdentityMode::Sponsor => arrival.sponsor,
        IdentityMode::AgentUser => true,
        IdentityMode::SignedOut => false,
    };
    (meant && !ours(ear, sent, &arrival)).then_some(arrival)
}

/// A message as the agent is to see it; none when nobody wrote it.
pub(crate) fn arrival(ear: &Ear<'_>, chat: &ChatId, message: &Message) -> Option<Arrival> {
    let from = message.from.as_ref()?;
    Some(Arrival {
        viewer: ear.me,
        chat: chat.clone(),
        message: message.id.clone(),
        sent: message.created,
        sender: sender(from.user_id, from.application_id),
        sender_name: from.display_name.clone().unwrap_or_else(|| Untrusted::new("")),
        sponsor: from.user_id == Some(ear.sponsor),
        content: plain(&message.body),
    })
}

/// Whether we wrote it, here or on another device of the same sponsor. Under the sponsor's token the sender
/// does not tell, and between the platform's commit and our record of its id the prefix is all there is.
pub(crate) fn ours(ear: &Ear<'_>, sent: &HashSet<MessageId>, arrival: &Arrival) -> bool {
    let by_me = arrival.sender == ear.me.to_string();
    let marked = |prefix: &str| arrival.content.judge().trim_start().starts_with(prefix.trim_end());
    match ear.mode {
        IdentityMode::Sponsor => by_me && (sent.contains(&arrival.message) || ear.prefix.is_some_and(marked)),
        IdentityMode::AgentUser | IdentityMode::SignedOut => by_me,
    }
}

/// The platform's id of a sender.
fn sender(user: Option<UserId>, application: Option<AppId>) -> String {
    match (user, application) {
        (Some(user), _) => user.to_string(),
        (None, Some(application)) => format!("application {application}"),
        (None, None) => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests;

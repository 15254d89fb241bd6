//! The chats of a tenant and what was said in them (Entra reference §5.1–§5.3).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The id that names the caller's own notes, whoever calls.
pub(super) const SELF_CHAT: &str = "48:notes";

/// Every chat, by its key: its id, but for self-chats, which all have one id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Chats(pub(super) BTreeMap<String, Chat>);

/// A chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Chat {
    pub(super) id: String,
    pub(super) kind: ChatKind,
    pub(super) topic: Option<String>,
    pub(super) created: Timestamp,
    pub(super) updated: Timestamp,
    pub(super) members: Vec<Member>,
    /// In the order in which they were sent.
    pub(super) messages: Vec<Message>,
}

/// What kind of chat it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum ChatKind {
    OneOnOne,
    Group,
    /// A person's notes to themselves.
    Notes,
}

/// A member of a chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Member {
    /// The membership's id, opaque to clients.
    pub(super) id: String,
    pub(super) user_id: String,
    /// `owner` or `guest`.
    pub(super) role: String,
    /// What was said before this time is not shown; none shows everything.
    pub(super) history_from: Option<Timestamp>,
}

/// A message.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Message {
    /// Milliseconds since 1970, as a text; grows within a chat.
    pub(super) id: String,
    /// As the id, and larger after every change.
    pub(super) etag: i64,
    pub(super) created: Timestamp,
    pub(super) modified: Timestamp,
    pub(super) edited: Option<Timestamp>,
    pub(super) deleted: Option<Timestamp>,
    /// The sender's object id.
    pub(super) from: String,
    pub(super) body: Body,
    pub(super) importance: String,
    pub(super) subject: Option<String>,
    pub(super) attachments: Vec<Value>,
    pub(super) mentions: Vec<Value>,
    pub(super) reactions: Vec<Value>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Body {
    pub(super) is_html: bool,
    pub(super) content: String,
}

impl Chat {
    /// The membership of a user.
    pub(super) fn member(&self, user_id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.user_id == user_id)
    }

    /// What that user may read: all, or what was said since they may see it.
    pub(super) fn readable_by<'a>(&'a self, user_id: Option<&'a str>) -> impl Iterator<Item = &'a Message> {
        let from = user_id.and_then(|id| self.member(id)).and_then(|member| member.history_from);
        self.messages.iter().filter(move |message| from.is_none_or(|from| message.created >= from))
    }

    /// The time, moved on to the next free millisecond of this chat: ids are times, and they grow.
    pub(super) fn next_moment(&self, now: Timestamp) -> i64 {
        let last = self.messages.iter().map(|message| message.etag).max().unwrap_or(0);
        now.as_millisecond().max(last + 1)
    }
}

impl Chats {
    /// The key of the chat that a path names, as that user sees it.
    pub(super) fn key(id: &str, user_id: Option<&str>) -> String {
        match (id, user_id) {
            (SELF_CHAT, Some(user)) => format!("{SELF_CHAT}/{user}"),
            _ => id.to_owned(),
        }
    }

    /// The id of the one-on-one chat of two users: both object ids, sorted.
    pub(super) fn one_on_one_id(a: &str, b: &str) -> String {
        let (first, second) = if a < b { (a, b) } else { (b, a) };
        format!("19:{first}_{second}@unq.gbl.spaces")
    }
}

/// Whether a text has the shape of a chat's id (§5.1); what has not is refused before anything is looked up.
pub(super) fn is_chat_id(id: &str) -> bool {
    if id == SELF_CHAT {
        return true;
    }
    let Some(rest) = id.strip_prefix("19:") else { return false };
    let Some((thread, host)) = rest.split_once('@') else { return false };
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-=+".contains(c);
    matches!(host, "thread.v2" | "unq.gbl.spaces" | "thread.tacv2" | "thread.skype")
        && !thread.is_empty()
        && thread.len() <= 200
        && thread.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_chats_are_told_from_other_text() {
        let one = Chats::one_on_one_id(
            "b0000000-0000-4000-8000-000000000000",
            "a0000000-0000-4000-8000-000000000000",
        );
        assert_eq!(
            one,
            "19:a0000000-0000-4000-8000-000000000000_b0000000-0000-4000-8000-000000000000@unq.gbl.spaces"
        );
        for good in [
            one.as_str(),
            "48:notes",
            "19:0123456789abcdef0123456789abcdef@thread.v2",
            "19:meeting_Ab+=@thread.v2",
        ] {
            assert!(is_chat_id(good), "{good}");
        }
        for bad in [
            "",
            "me",
            "../me",
            "19:x@thread.v2?x=",
            "19:@thread.v2",
            "19:x",
            "48:notes/x",
            "19:x/y@thread.v2",
            "19:x@evil",
        ] {
            assert!(!is_chat_id(bad), "{bad}");
        }
    }
}

//! The chats of a tenant and what was said in them (Entra reference §5.1–§5.3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::graph::chat_messages::{Message, Sender, Thread};
use crate::sharing::{Part, SnapshotMap, parts};

/// The id that names the caller's own notes, whoever calls.
pub(super) const SELF_CHAT: &str = "48:notes";

/// Every chat, by its key: its id, but for self-chats, which all have one id.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Chats(SnapshotMap<String, Chat>);

/// A chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Chat {
    pub(crate) id: String,
    pub(super) kind: ChatKind,
    pub(super) topic: Option<String>,
    pub(super) created: Timestamp,
    /// When its topic or its members changed last.
    pub(super) updated: Timestamp,
    /// When an administrator deleted it.
    #[serde(default)]
    pub(super) deleted: Option<Timestamp>,
    pub(crate) members: Vec<Member>,
    pub(crate) thread: Thread,
    /// Ids of the pinned messages, the last pinned first.
    #[serde(default)]
    pub(super) pinned: Vec<String>,
}

/// What kind of chat it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ChatKind {
    OneOnOne,
    Group,
    /// A person's notes to themselves.
    Notes,
}

/// A member of a chat.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Member {
    /// The membership's id, opaque to clients.
    pub(crate) id: String,
    pub(crate) person: Sender,
    /// `owner` or `guest`.
    pub(crate) role: String,
    /// What was said before this time is not shown; none shows everything.
    pub(crate) history_from: Option<Timestamp>,
    /// Whether this member took the chat out of sight.
    #[serde(default)]
    pub(crate) is_hidden: bool,
    /// The newest message that this member has read.
    #[serde(default)]
    pub(crate) read: Option<Timestamp>,
}

parts!(Chat {
    thread,
} whole {
    id, kind, topic, created, updated, deleted, members, pinned,
});

impl Part for Chats {
    fn since(&self, earlier: &Self) -> Option<serde_json::Value> {
        self.0.since(&earlier.0)
    }

    fn take_up(&mut self, change: serde_json::Value) -> Result<(), serde_json::Error> {
        self.0.take_up(change)
    }
}

impl Member {
    /// A new membership that shows messages from that time on.
    pub(crate) fn new(person: Sender, role: String, history_from: Option<Timestamp>) -> Self {
        let id = crate::directory::new_id();
        Self { id, person, role, history_from, is_hidden: false, read: None }
    }
}

impl Chat {
    /// A chat in which nothing was said yet.
    pub(super) fn new(id: String, kind: ChatKind, now: Timestamp, members: Vec<Member>) -> Self {
        Self {
            id,
            kind,
            topic: None,
            created: now,
            updated: now,
            deleted: None,
            members,
            thread: Thread::default(),
            pinned: Vec::new(),
        }
    }

    /// The notes of that user.
    fn notes(user: &str, now: Timestamp) -> Self {
        let mut member = Member::new(Sender::user(user), "owner".to_owned(), None);
        member.id = format!("notes-{user}");
        Self::new(SELF_CHAT.to_owned(), ChatKind::Notes, now, vec![member])
    }

    /// The membership of a user.
    pub(crate) fn member(&self, user_id: &str) -> Option<&Member> {
        self.members.iter().find(|member| member.person.id == user_id)
    }

    /// The membership of a user, to be changed.
    pub(super) fn member_mut(&mut self, user_id: &str) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.person.id == user_id)
    }

    /// Whether that reader may see what was said then: all of it, or what was said since they may see it.
    pub(crate) fn shows(&self, reader: Option<&str>, created: Timestamp) -> bool {
        let from = reader.and_then(|id| self.member(id)).and_then(|member| member.history_from);
        from.is_none_or(|from| created >= from)
    }

    /// The newest message that the reader sees.
    pub(super) fn last_for(&self, reader: Option<&str>) -> Option<&Message> {
        self.thread.last().filter(|message| self.shows(reader, message.created))
    }

    /// When something happened here last.
    pub(super) fn moved(&self) -> Timestamp {
        self.thread.last().map_or(self.updated, |last| last.created.max(self.updated))
    }

    /// A message comes: it brings the chat back into everybody's sight, and whoever sent it has read it.
    pub(crate) fn has_news(&mut self, message: &Message) {
        for member in &mut self.members {
            member.is_hidden = false;
            if message.is_from(&member.person.id) {
                member.read = Some(message.created);
            }
        }
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

    /// The id of the chat of that key.
    pub(crate) fn id(key: &str) -> &str {
        match notes_owner(key) {
            Some(_) => SELF_CHAT,
            None => key,
        }
    }

    /// The chat of that key, deleted ones left out.
    pub(crate) fn get(&self, key: &str) -> Option<&Chat> {
        self.0.get(key).filter(|chat| chat.deleted.is_none())
    }

    /// The chat of that key, to be changed; deleted ones left out.
    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Chat> {
        self.0.get_mut(key).filter(|chat| chat.deleted.is_none())
    }

    /// The chat of that key; everybody's notes begin when they are first written to.
    pub(crate) fn open(&mut self, key: &str, now: Timestamp) -> Option<&mut Chat> {
        if let (Some(user), false) = (notes_owner(key), self.0.contains_key(key)) {
            self.0.insert(key.to_owned(), Chat::notes(user, now));
        }
        self.get_mut(key)
    }

    /// The chat of that key as a reader sees it; notes that nobody wrote are empty.
    pub(super) fn seen(&self, key: &str, now: Timestamp) -> Option<std::borrow::Cow<'_, Chat>> {
        match (self.get(key), notes_owner(key)) {
            (Some(chat), _) => Some(std::borrow::Cow::Borrowed(chat)),
            (None, Some(user)) => Some(std::borrow::Cow::Owned(Chat::notes(user, now))),
            (None, None) => None,
        }
    }

    /// Every chat that is not deleted.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&String, &Chat)> {
        self.0.iter().filter(|(_, chat)| chat.deleted.is_none())
    }

    /// Keeps a new chat.
    pub(super) fn insert(&mut self, chat: Chat) {
        self.0.insert(chat.id.clone(), chat);
    }

    /// The chat of that id, deleted or not.
    pub(super) fn even_deleted(&mut self, id: &str) -> Option<&mut Chat> {
        self.0.get_mut(id)
    }

    /// The id of the one-on-one chat of two users: both object ids, sorted.
    pub(super) fn one_on_one_id(a: &str, b: &str) -> String {
        let (first, second) = if a < b { (a, b) } else { (b, a) };
        format!("19:{first}_{second}@unq.gbl.spaces")
    }
}

fn notes_owner(key: &str) -> Option<&str> {
    key.strip_prefix(SELF_CHAT)?.strip_prefix('/')
}

/// Whether a text has the shape of a chat's id (§5.1); what has not is refused before anything is looked up.
pub(crate) fn is_chat_id(id: &str) -> bool {
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

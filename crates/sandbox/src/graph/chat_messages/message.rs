//! A message of Teams as it is kept (Entra reference §5.3).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::hosted::HostedContent;
use super::thread::Moment;

/// A message in a chat or a channel, or the system's note of an event there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Message {
    /// Milliseconds since 1970; grows within a thread.
    pub(crate) id: i64,
    /// As the id, and larger after every change.
    pub(crate) etag: i64,
    /// Where this change stands among all changes of messages in the tenant.
    pub(crate) revision: u64,
    pub(crate) created: Timestamp,
    pub(crate) modified: Timestamp,
    pub(crate) edited: Option<Timestamp>,
    pub(crate) deleted: Option<Timestamp>,
    /// Who said it; nobody says an event.
    pub(crate) from: Option<Sender>,
    /// What happened, as `eventDetail` shows it.
    pub(crate) event: Option<Value>,
    /// In a channel, the message at the top of the conversation that this one belongs to.
    pub(crate) reply_to: Option<i64>,
    pub(crate) said: Said,
    pub(crate) reactions: Vec<Value>,
    /// Who added and removed which reaction, oldest first.
    pub(crate) history: Vec<Value>,
    pub(crate) policy_violation: Option<Value>,
    pub(crate) hosted: Vec<HostedContent>,
}

/// What a client may say and change.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) body: Body,
    pub(crate) importance: Importance,
    pub(crate) locale: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) summary: Option<String>,
    pub(crate) attachments: Vec<Value>,
    pub(crate) mentions: Vec<Value>,
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Body {
    pub(crate) is_html: bool,
    pub(crate) content: String,
}

/// How important its sender finds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Importance {
    #[default]
    Normal,
    High,
    Urgent,
}

/// A person, as messages and members name one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sender {
    /// The object id.
    pub(crate) id: String,
    /// Where they are at home, if that is another tenant.
    pub(crate) home: Option<Home>,
}

/// What a tenant knows of a user of another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Home {
    pub(crate) tenant_id: String,
    pub(crate) display_name: Option<String>,
    pub(crate) email: Option<String>,
}

impl Sender {
    /// A user of this tenant.
    pub(crate) fn user(id: &str) -> Self {
        Self { id: id.to_owned(), home: None }
    }
}

impl Message {
    /// Something new.
    pub(super) fn new(moment: Moment, from: Option<Sender>, said: Said) -> Self {
        Self {
            id: moment.number,
            etag: moment.number,
            revision: moment.revision,
            created: moment.time,
            modified: moment.time,
            edited: None,
            deleted: None,
            from,
            event: None,
            reply_to: None,
            said,
            reactions: Vec::new(),
            history: Vec::new(),
            policy_violation: None,
            hosted: Vec::new(),
        }
    }

    /// The same as the note of an event.
    pub(super) fn with_event(mut self, detail: Value) -> Self {
        self.event = Some(detail);
        self
    }

    /// The id as a text.
    pub(crate) fn id(&self) -> String {
        self.id.to_string()
    }

    /// Whether that user said it.
    pub(crate) fn is_from(&self, user_id: &str) -> bool {
        self.from.as_ref().is_some_and(|from| from.id == user_id)
    }
}

//! Where messages are: in a chat, or in a channel of a team. What is said of messages holds in both
//! (Entra reference §5.3).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::chats::Chats;
use crate::graph::error::GraphError;
use crate::tenant::Tenant;

use super::message::Message;
use super::thread::{Moment, Thread};

/// The type of every message.
pub(crate) const TYPE: &str = "#microsoft.graph.chatMessage";

/// A chat or a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Chat {
        /// Under which [`Chats`] keeps it.
        key: String,
        id: String,
    },
}

impl Call<'_> {
    /// The chat or channel that the path names, after everything that can be wrong with it.
    pub(crate) fn place(&self) -> Result<Place, GraphError> {
        let key = self.chat_key()?;
        Ok(Place::Chat { id: Chats::id(&key).to_owned(), key })
    }

    /// The message that the path names, if the caller may see it.
    pub(super) fn message_there(&self, place: &Place) -> Result<&Message, GraphError> {
        let id = self.params.get("message");
        let found = place.thread(self.tenant).and_then(|thread| thread.get(id));
        let reader = self.caller.user_id();
        found
            .filter(|message| place.shows(self.tenant, reader, message))
            .ok_or_else(|| GraphError::not_found(format!("NotFound: no message with id '{id}' was found.")))
    }
}

impl Place {
    /// The chat of that id, which is no self-chat.
    pub(crate) fn chat(id: &str) -> Self {
        Self::Chat { key: id.to_owned(), id: id.to_owned() }
    }

    /// What `@odata.context` says of a message here, before `/$entity`.
    pub(crate) fn context(&self) -> String {
        let Self::Chat { id, .. } = self;
        format!("chats('{}')/messages", utf8_percent_encode(id, NON_ALPHANUMERIC))
    }

    /// The path of the messages here: `chats/{id}/messages`.
    pub(crate) fn path(&self) -> String {
        let Self::Chat { id, .. } = self;
        format!("chats/{id}/messages")
    }

    /// The messages. A self-chat into which nobody wrote has none.
    pub(crate) fn thread<'a>(&self, tenant: &'a Tenant) -> Option<&'a Thread> {
        let Self::Chat { key, .. } = self;
        tenant.workloads.chats.get(key).map(|chat| &chat.thread)
    }

    /// Whether that reader sees the message; an app sees everything.
    pub(super) fn shows(&self, tenant: &Tenant, reader: Option<&str>, message: &Message) -> bool {
        let Self::Chat { key, .. } = self;
        let chat = tenant.workloads.chats.get(key);
        chat.is_none_or(|chat| chat.shows(reader, message.created))
    }

    /// When the next thing happens here.
    pub(super) fn next_moment(&self, tenant: &mut Tenant, now: jiff::Timestamp) -> Moment {
        let revision = tenant.workloads.teamwork.next_revision();
        match self.thread(tenant) {
            Some(thread) => thread.next_moment(now, revision),
            None => Thread::default().next_moment(now, revision),
        }
    }

    /// Adds a message and tells who listens.
    pub(crate) fn push(&self, tenant: &mut Tenant, message: Message) {
        let Self::Chat { key, .. } = self;
        let id = message.id();
        let change = self.changed(tenant, ChangeKind::Created, &message);
        if let Some(chat) = tenant.workloads.chats.open(key, message.created) {
            chat.has_news(&message);
            chat.thread.push(message);
        }
        tracing::trace!(id, "a message was added");
        tenant.changed(change);
    }

    /// Changes a message and tells who listens.
    pub(super) fn change(
        &self,
        tenant: &mut Tenant,
        id: &str,
        moment: Moment,
        kind: ChangeKind,
        set: impl FnOnce(&mut Message),
    ) {
        let Self::Chat { key, .. } = self;
        let Some(chat) = tenant.workloads.chats.get_mut(key) else { return };
        if !chat.thread.change(id, moment, set) {
            return;
        }
        if let Some(message) = self.thread(tenant).and_then(|thread| thread.get(id)) {
            let change = self.changed(tenant, kind, message);
            tenant.changed(change);
        }
    }

    /// A message that came, changed or went, by every name that a subscription may use (§6.1).
    fn changed(&self, tenant: &Tenant, kind: ChangeKind, message: &Message) -> Change {
        let Self::Chat { key, id } = self;
        let members = tenant.workloads.chats.get(key).map(|chat| chat.members.as_slice()).unwrap_or_default();
        let aliases = members
            .iter()
            .filter(|member| member.person.home.is_none())
            .map(|member| format!("users/{}/chats/{id}/messages/{}", member.person.id, message.id))
            .collect();
        Change { kind, resource: format!("{}/{}", self.path(), message.id), aliases, odata_type: TYPE }
    }
}

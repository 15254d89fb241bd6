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

/// A chat, a channel, or the replies to a message in a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Chat {
        /// Under which [`Chats`] keeps it.
        key: String,
        id: String,
    },
    Channel {
        team: String,
        channel: String,
        /// The message to which the ones meant are replies; none means the messages that begin conversations.
        root: Option<String>,
    },
}

impl Call<'_> {
    /// The chat or channel that the path names, after everything that can be wrong with it.
    pub(crate) fn place(&self) -> Result<Place, GraphError> {
        if self.params.get("channel").is_empty() {
            let key = self.chat_key()?;
            return Ok(Place::Chat { id: Chats::id(&key).to_owned(), key });
        }
        let (team, channel) = self.channel()?;
        let is_below = self.path.segments.iter().any(|segment| segment.eq_ignore_ascii_case("replies"));
        let mut place = Place::Channel { team: team.id.clone(), channel: channel.id.clone(), root: None };
        if is_below {
            let above = self.message_in(&place, self.params.get("message"))?.id();
            if let Place::Channel { root, .. } = &mut place {
                *root = Some(above);
            }
        }
        Ok(place)
    }

    /// The message that the path names, if the caller may see it.
    pub(super) fn message_there(&self, place: &Place) -> Result<&Message, GraphError> {
        let name = if place.root().is_some() { "reply" } else { "message" };
        self.message_in(place, self.params.get(name))
    }

    fn message_in(&self, place: &Place, id: &str) -> Result<&Message, GraphError> {
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
        let encoded = |id: &str| utf8_percent_encode(id, NON_ALPHANUMERIC).to_string();
        match self {
            Self::Chat { id, .. } => format!("chats('{}')/messages", encoded(id)),
            Self::Channel { team, channel, root: None } => {
                format!("teams('{team}')/channels('{}')/messages", encoded(channel))
            }
            Self::Channel { team, channel, root: Some(root) } => {
                format!("teams('{team}')/channels('{}')/messages('{root}')/replies", encoded(channel))
            }
        }
    }

    /// The path of the messages here: `chats/{id}/messages`.
    pub(crate) fn path(&self) -> String {
        match self {
            Self::Chat { id, .. } => format!("chats/{id}/messages"),
            Self::Channel { team, channel, root: None } => {
                format!("teams/{team}/channels/{channel}/messages")
            }
            Self::Channel { team, channel, root: Some(root) } => {
                format!("teams/{team}/channels/{channel}/messages/{root}/replies")
            }
        }
    }

    /// The message to which the ones meant are replies.
    pub(super) fn root(&self) -> Option<&str> {
        match self {
            Self::Chat { .. } => None,
            Self::Channel { root, .. } => root.as_deref(),
        }
    }

    /// The same channel with the replies to that message, or the same chat.
    pub(super) fn below(&self, message: &Message) -> Self {
        match self {
            Self::Channel { team, channel, .. } => {
                let root = Some(message.id());
                Self::Channel { team: team.clone(), channel: channel.clone(), root }
            }
            Self::Chat { .. } => self.clone(),
        }
    }

    /// The messages, in a channel those of all conversations. A self-chat into which nobody wrote has none.
    pub(crate) fn thread<'a>(&self, tenant: &'a Tenant) -> Option<&'a Thread> {
        match self {
            Self::Chat { key, .. } => tenant.workloads.chats.get(key).map(|chat| &chat.thread),
            Self::Channel { team, channel, .. } => {
                tenant.workloads.teamwork.channel(team, channel).map(|channel| &channel.thread)
            }
        }
    }

    /// Whether the message is one of those meant and that reader sees it; an app sees everything.
    pub(super) fn shows(&self, tenant: &Tenant, reader: Option<&str>, message: &Message) -> bool {
        match self {
            Self::Chat { key, .. } => {
                let chat = tenant.workloads.chats.get(key);
                chat.is_none_or(|chat| chat.shows(reader, message.created))
            }
            Self::Channel { root, .. } => message.reply_to.map(|id| id.to_string()) == *root,
        }
    }

    /// When the next thing happens here.
    pub(super) fn next_moment(&self, tenant: &mut Tenant, now: jiff::Timestamp) -> Moment {
        let revision = tenant.workloads.teamwork.next_revision();
        match self.thread(tenant) {
            Some(thread) => thread.next_moment(now, revision),
            None => Thread::default().next_moment(now, revision),
        }
    }

    /// Adds a message and tells who listens, here and in the other tenants that it reaches.
    pub(crate) fn push(&self, call: &mut Call<'_>, message: Message) {
        let id = message.id();
        self.add(call.tenant, message);
        self.deliver(call, &id);
    }

    fn add(&self, tenant: &mut Tenant, message: Message) {
        let change = self.changed(tenant, ChangeKind::Created, &message);
        match self {
            Self::Chat { key, .. } => {
                if let Some(chat) = tenant.workloads.chats.open(key, message.created) {
                    chat.has_news(&message);
                    chat.thread.push(message);
                }
            }
            Self::Channel { team, channel, .. } => {
                if let Some(channel) = tenant.workloads.teamwork.channel_mut(team, channel) {
                    channel.thread.push(message);
                }
            }
        }
        tenant.changed(change);
    }

    /// Changes a message and tells who listens, here and in the other tenants that it reaches.
    pub(super) fn change(
        &self,
        call: &mut Call<'_>,
        id: &str,
        moment: Moment,
        kind: ChangeKind,
        set: impl FnOnce(&mut Message),
    ) {
        self.set(call.tenant, id, moment, kind, set);
        self.deliver(call, id);
    }

    fn deliver(&self, call: &mut Call<'_>, id: &str) {
        if let Self::Chat { key, .. } = self {
            crate::graph::chats::deliver(call, key, Some(id));
        }
    }

    /// Takes a message, or another state of one, from another tenant.
    pub(crate) fn receive(&self, tenant: &mut Tenant, mut message: Message) {
        let moment = self.next_moment(tenant, message.modified);
        let id = message.id();
        let kind = if message.deleted.is_some() { ChangeKind::Deleted } else { ChangeKind::Updated };
        if self.thread(tenant).is_some_and(|thread| thread.get(&id).is_some()) {
            self.set(tenant, &id, moment, kind, |here| {
                *here = Message { revision: here.revision, ..message }
            });
            return;
        }
        // Ids grow in each tenant; the sender's is kept where it does.
        message.id = message.id.max(moment.number);
        message.etag = message.etag.max(message.id);
        message.revision = moment.revision;
        self.add(tenant, message);
    }

    fn set(
        &self,
        tenant: &mut Tenant,
        id: &str,
        moment: Moment,
        kind: ChangeKind,
        set: impl FnOnce(&mut Message),
    ) {
        let thread = match self {
            Self::Chat { key, .. } => tenant.workloads.chats.get_mut(key).map(|chat| &mut chat.thread),
            Self::Channel { team, channel, .. } => {
                tenant.workloads.teamwork.channel_mut(team, channel).map(|channel| &mut channel.thread)
            }
        };
        if !thread.is_some_and(|thread| thread.change(id, moment, set)) {
            return;
        }
        if let Some(message) = self.thread(tenant).and_then(|thread| thread.get(id)) {
            let change = self.changed(tenant, kind, message);
            tenant.changed(change);
        }
    }

    /// A message that came, changed or went, by every name that a subscription may use (§6.1).
    fn changed(&self, tenant: &Tenant, kind: ChangeKind, message: &Message) -> Change {
        let aliases = match self {
            Self::Chat { key, id } => tenant
                .workloads
                .chats
                .get(key)
                .map(|chat| chat.members.as_slice())
                .unwrap_or_default()
                .iter()
                .filter(|member| member.person.home.is_none())
                .map(|member| format!("users/{}/chats/{id}/messages/{}", member.person.id, message.id))
                .collect(),
            // Who listens to a channel's messages hears of the replies too.
            Self::Channel { team, channel, root: Some(_) } => {
                vec![format!("teams/{team}/channels/{channel}/messages/{}", message.id)]
            }
            Self::Channel { root: None, .. } => Vec::new(),
        };
        Change { kind, resource: format!("{}/{}", self.path(), message.id), aliases, odata_type: TYPE.into() }
    }
}

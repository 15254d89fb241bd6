//! How messages look in JSON (Entra reference §5.3).

use std::borrow::Cow;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::instants::milliseconds;
use crate::tenant::Tenant;

use super::message::{Importance, Message, Sender};
use super::place::Place;

/// By what a body names a hosted content of its own message.
pub(super) const HOSTED: &str = "../hostedContents/";

/// To whom something is shown.
pub(crate) struct Shown<'a> {
    pub(crate) tenant: &'a Tenant,
    /// `https://host/v1.0`, as the client named it.
    base: String,
    /// Whether the client takes enumeration members that came later (`Prefer: include-unknown-enum-members`).
    takes_new_members: bool,
}

impl Call<'_> {
    /// How this caller is shown things.
    pub(crate) fn shown(&self) -> Shown<'_> {
        let prefer = self.request.header("prefer").unwrap_or_default().to_ascii_lowercase();
        Shown {
            tenant: self.tenant,
            base: self.base(),
            takes_new_members: prefer.contains("include-unknown-enum-members"),
        }
    }
}

impl Shown<'_> {
    /// A message, or the tombstone of a deleted one.
    pub(crate) fn message(&self, place: &Place, message: &Message) -> Value {
        let is_deleted = message.deleted.is_some();
        let unless_deleted = |list: &[Value]| if is_deleted { Vec::new() } else { list.to_vec() };
        let (chat_id, channel_identity) = match place {
            Place::Chat { id, .. } => (Some(id), Value::Null),
            Place::Channel { team, channel, .. } => (None, json!({ "teamId": team, "channelId": channel })),
        };
        json!({
            "id": message.id(),
            "replyToId": message.reply_to.map(|id| id.to_string()),
            "etag": message.etag.to_string(),
            "messageType": self.message_type(message),
            "createdDateTime": milliseconds(message.created),
            "lastModifiedDateTime": milliseconds(message.modified),
            "lastEditedDateTime": message.edited.map(milliseconds),
            "deletedDateTime": message.deleted.map(milliseconds),
            "subject": message.said.subject,
            "summary": message.said.summary,
            "chatId": chat_id,
            "importance": importance(message.said.importance),
            "locale": message.said.locale.as_deref().unwrap_or("en-us"),
            "webUrl": self.web_url(place, message),
            "channelIdentity": channel_identity,
            "policyViolation": message.policy_violation,
            "eventDetail": message.event,
            "from": self.from(message),
            "body": self.body(place, message),
            "attachments": unless_deleted(&message.said.attachments),
            "mentions": unless_deleted(&message.said.mentions),
            "reactions": unless_deleted(&message.reactions),
            "messageHistory": message.history,
        })
    }

    /// Where people open a message; chats have no such place.
    fn web_url(&self, place: &Place, message: &Message) -> Option<String> {
        let Place::Channel { team, channel, .. } = place else { return None };
        let channel = utf8_percent_encode(channel, NON_ALPHANUMERIC);
        let root = message.reply_to.unwrap_or(message.id);
        Some(format!(
            "https://teams.microsoft.com/l/message/{channel}/{id}?groupId={team}&tenantId={tenant}&createdTime={id}&parentMessageId={root}",
            id = message.id,
            tenant = self.tenant.id,
        ))
    }

    /// What a list of chats tells of the last message.
    pub(crate) fn preview(&self, place: &Place, message: &Message) -> Value {
        json!({
            "id": message.id(),
            "createdDateTime": milliseconds(message.created),
            "isDeleted": message.deleted.is_some(),
            "messageType": self.message_type(message),
            "eventDetail": message.event,
            "body": self.body(place, message),
            "from": self.from(message),
        })
    }

    /// Clients that do not ask for later members of the enumeration get the one that stands for them.
    fn message_type(&self, message: &Message) -> &'static str {
        match (&message.event, self.takes_new_members) {
            (None, _) => "message",
            (Some(_), true) => "systemEventMessage",
            (Some(_), false) => "unknownFutureValue",
        }
    }

    fn body(&self, place: &Place, message: &Message) -> Value {
        if message.event.is_some() {
            return json!({ "contentType": "html", "content": "<systemEventMessage/>" });
        }
        if message.deleted.is_some() {
            return json!({ "contentType": "html", "content": "" });
        }
        let body = &message.said.body;
        let content = match message.hosted.is_empty() {
            true => Cow::Borrowed(&body.content),
            false => {
                let own = format!("{}/{}/{}/hostedContents/", self.base, place.path(), message.id);
                Cow::Owned(body.content.replace(HOSTED, &own))
            }
        };
        json!({ "contentType": if body.is_html { "html" } else { "text" }, "content": content })
    }

    /// Who said it: always a user, as apps cannot post; nobody, if it is an event.
    fn from(&self, message: &Message) -> Value {
        match &message.from {
            Some(sender) => {
                json!({ "application": null, "device": null, "user": identity(self.tenant, sender) })
            }
            None => Value::Null,
        }
    }
}

fn importance(importance: Importance) -> &'static str {
    match importance {
        Importance::Normal => "normal",
        Importance::High => "high",
        Importance::Urgent => "urgent",
    }
}

/// A user as Teams names one.
pub(crate) fn identity(tenant: &Tenant, person: &Sender) -> Value {
    let display_name = match &person.home {
        Some(home) => home.display_name.as_ref(),
        None => tenant.users.get(&person.id).map(|user| &user.display_name),
    };
    json!({
        "@odata.type": "#microsoft.graph.teamworkUserIdentity",
        "id": person.id,
        "displayName": display_name,
        "userIdentityType": "aadUser",
        "tenantId": person.home.as_ref().map_or(&tenant.id, |home| &home.tenant_id),
    })
}

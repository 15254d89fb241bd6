//! Messages of a chat (Entra reference §5.3). Whatever a message says and whoever it names was written by
//! other people.

use attache_terms::{AppId, ChatId, MessageId, Untrusted, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::client::Call;
use crate::page::Page;
use crate::path::Path;
use crate::{Answered, Graph};

/// A message as it stands in a chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its id within the chat.
    pub id: MessageId,
    /// Its chat.
    pub chat_id: Option<ChatId>,
    /// Whether people or the system wrote it.
    pub message_type: MessageType,
    /// When it was written.
    #[serde(rename = "createdDateTime")]
    pub created: Timestamp,
    /// When it changed last; a reaction changes it too.
    #[serde(rename = "lastModifiedDateTime")]
    pub modified: Option<Timestamp>,
    /// When it was deleted; its text is gone then.
    #[serde(rename = "deletedDateTime")]
    pub deleted: Option<Timestamp>,
    /// When its text was changed.
    #[serde(rename = "lastEditedDateTime")]
    pub edited: Option<Timestamp>,
    /// Who wrote it; nobody for an event of the system.
    pub from: Option<Sender>,
    /// What it says.
    pub body: Body,
    /// The message that it answers.
    pub reply_to_id: Option<MessageId>,
}

/// The kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum MessageType {
    /// Written by someone.
    Message,
    /// An event, such as a member who left.
    #[serde(alias = "systemEventMessage")]
    ChatEvent,
    /// One that we do not know; without a `Prefer` header, events appear so.
    #[serde(other)]
    Other,
}

/// Who wrote a message, as the server says.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Identities")]
pub struct Sender {
    /// The user, where it was one of this or a known directory.
    pub user_id: Option<UserId>,
    /// The application, where it was one.
    pub application_id: Option<AppId>,
    /// The name that the sender chose.
    pub display_name: Option<Untrusted>,
}

#[derive(Deserialize)]
struct Identities {
    user: Option<Identity>,
    application: Option<Identity>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    id: Option<String>,
    display_name: Option<Untrusted>,
}

impl From<Identities> for Sender {
    fn from(wire: Identities) -> Self {
        let id = |identity: &Option<Identity>| identity.as_ref().and_then(|one| one.id.clone());
        Self {
            user_id: id(&wire.user).and_then(|text| text.parse().ok()),
            application_id: id(&wire.application).and_then(|text| text.parse().ok()),
            display_name: wire.user.or(wire.application).and_then(|identity| identity.display_name),
        }
    }
}

/// A text and how it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Body {
    /// How.
    #[serde(rename = "contentType")]
    pub format: BodyFormat,
    /// The text; empty for a deleted message.
    #[serde(deserialize_with = "perhaps_null")]
    pub content: Untrusted,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum BodyFormat {
    /// HTML.
    Html,
    /// Plain text.
    #[serde(other)]
    Text,
}

fn perhaps_null<'de, D: Deserializer<'de>>(wire: D) -> Result<Untrusted, D::Error> {
    Ok(Untrusted::new(Option::<String>::deserialize(wire)?.unwrap_or_default()))
}

/// What to say.
#[derive(Debug, Clone, Copy)]
pub enum Content<'a> {
    /// As plain text.
    Text(&'a str),
    /// As HTML.
    Html(&'a str),
}

fn collection(chat: &ChatId) -> String {
    format!("/chats/{}/messages", chat.segment())
}

impl Graph {
    /// Says something in a chat: one request (ChatMessage.Send; delegated only).
    pub async fn send_message(&self, chat: &ChatId, content: Content<'_>) -> Answered<Message> {
        let (format, text) = match content {
            Content::Text(text) => ("text", text),
            Content::Html(text) => ("html", text),
        };
        let body = json!({ "body": { "contentType": format, "content": text } });
        self.send(Call::post(Path::new(collection(chat)), &body)).await
    }

    /// The messages of a chat, the one changed last first, 50 a page at most; with `since`, only those
    /// changed after it (Chat.Read).
    pub async fn messages(
        &self,
        chat: &ChatId,
        since: Option<Timestamp>,
        top: u8,
    ) -> Answered<Page<Message>> {
        let path = Path::new(collection(chat))
            .query("$top", top.clamp(1, 50).to_string())
            .query("$orderby", "lastModifiedDateTime desc");
        let path = match since {
            Some(since) => path.query("$filter", format!("lastModifiedDateTime gt {since:.3}")),
            None => path,
        };
        self.page(path).await
    }

    /// One message.
    pub async fn message(&self, chat: &ChatId, message: &MessageId) -> Answered<Message> {
        self.send(Call::get(Path::new(format!("{}/{}", collection(chat), message.segment())))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_the_reference_is_read() {
        let message: Message = serde_json::from_value(json!({
            "@odata.context": "…", "id": "1612289765949", "replyToId": null, "etag": "1612289765949",
            "messageType": "message", "createdDateTime": "2026-11-22T01:27:15.949Z",
            "lastModifiedDateTime": "2026-11-22T01:27:15.949Z", "lastEditedDateTime": null,
            "deletedDateTime": null, "chatId": "19:2da4c29f6d7041eca70b638b43d45437@thread.v2",
            "from": {"application": null, "device": null, "user": {"@odata.type": "#microsoft.graph.teamworkUserIdentity",
                "id": "82fe7758-5bb3-4f0d-a43f-e555fd399c6f", "displayName": "Ada", "userIdentityType": "aadUser"}},
            "body": {"contentType": "html", "content": "<p>hi</p>"}, "attachments": [], "mentions": [], "reactions": []
        }))
        .unwrap();
        let sender = message.from.unwrap();
        assert_eq!(sender.user_id.unwrap().to_string(), "82fe7758-5bb3-4f0d-a43f-e555fd399c6f");
        assert_eq!(message.body.format, BodyFormat::Html);
    }

    #[test]
    fn a_deleted_message_and_a_system_event_are_read() {
        let message: Message = serde_json::from_value(json!({
            "id": "1", "messageType": "unknownFutureValue", "createdDateTime": "2026-11-22T01:27:15Z",
            "lastModifiedDateTime": "2026-11-22T01:27:15Z", "deletedDateTime": "2026-11-22T01:27:16Z",
            "from": null, "body": {"contentType": "text", "content": null}
        }))
        .unwrap();
        assert_eq!(message.message_type, MessageType::Other);
        assert!(message.body.content.is_empty());
    }
}

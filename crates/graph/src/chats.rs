//! Teams chats and their members (Entra reference §5.1, §5.2).

use attache_terms::{ChatId, MessageId, Untrusted, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::client::Call;
use crate::messages::{Body, Sender};
use crate::page::Page;
use crate::path::Path;
use crate::{Answered, Graph};

/// A chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chat {
    /// Its id.
    pub id: ChatId,
    /// Its kind.
    pub chat_type: ChatType,
    /// The topic that a member gave it.
    pub topic: Option<Untrusted>,
    /// When it was made.
    #[serde(rename = "createdDateTime")]
    pub created: Option<Timestamp>,
    /// When its name or members changed last.
    #[serde(rename = "lastUpdatedDateTime")]
    pub last_updated: Option<Timestamp>,
    /// Where people open it.
    pub web_url: Option<String>,
    /// The members, where they were asked for; Graph may leave some out.
    #[serde(default)]
    pub members: Vec<Member>,
    /// The last message, where it was asked for.
    #[serde(rename = "lastMessagePreview")]
    pub last_message: Option<Preview>,
}

/// The kinds of chat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ChatType {
    /// Two people.
    OneOnOne,
    /// Many.
    Group,
    /// A meeting's.
    Meeting,
    /// One that we do not know.
    #[serde(other)]
    Other,
}

/// A member of a chat.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The user; missing for guests of other kinds.
    #[serde(default, deserialize_with = "readable")]
    pub user_id: Option<UserId>,
    /// The name that the member chose.
    pub display_name: Option<Untrusted>,
    /// The address.
    pub email: Option<Untrusted>,
    /// `owner` or `guest`.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// The beginning of a chat's last message.
#[derive(Debug, Clone, Deserialize)]
pub struct Preview {
    /// The message.
    pub id: MessageId,
    /// When it was written.
    #[serde(rename = "createdDateTime")]
    pub created: Timestamp,
    /// Who wrote it; nobody for an event of the system.
    pub from: Option<Sender>,
    /// What it says.
    pub body: Body,
}

/// What a list of chats brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatExpand {
    /// Nothing.
    Nothing,
    /// The members.
    Members,
    /// The last message.
    LastMessage,
}

/// An id, or nothing where it is of a kind that we do not know.
fn readable<'de, D: Deserializer<'de>>(wire: D) -> Result<Option<UserId>, D::Error> {
    Ok(Option::<String>::deserialize(wire)?.and_then(|text| text.parse().ok()))
}

impl Graph {
    /// The signed-in user's chats, those with the newest message first where that was asked for
    /// (Chat.Read). Graph allows 50 a page and one such request a second (reference §5.4).
    pub async fn chats(&self, expand: ChatExpand, top: u8) -> Answered<Page<Chat>> {
        let path = Path::new("/me/chats").query("$top", top.clamp(1, 50).to_string());
        let path = match expand {
            ChatExpand::Nothing => path,
            ChatExpand::Members => path.query("$expand", "members"),
            ChatExpand::LastMessage => path
                .query("$expand", "lastMessagePreview")
                .query("$orderby", "lastMessagePreview/createdDateTime desc"),
        };
        self.page(path).await
    }

    /// One chat.
    pub async fn chat(&self, chat: &ChatId) -> Answered<Chat> {
        self.send(Call::get(Path::new(format!("/chats/{}", chat.segment())))).await
    }

    /// The chat of two people; the one that they have, where they have one (Chat.Create). So it may be
    /// repeated.
    pub async fn create_one_on_one(&self, me: UserId, other: UserId) -> Answered<Chat> {
        let body = json!({ "chatType": "oneOnOne", "members": self.members(&[me, other]) });
        self.send(Call::action(Path::new("/chats"), &body)).await
    }

    /// A new chat of many (Chat.Create).
    pub async fn create_group(&self, topic: Option<&str>, me: UserId, others: &[UserId]) -> Answered<Chat> {
        let everyone: Vec<UserId> = std::iter::once(me).chain(others.iter().copied()).collect();
        let mut body = json!({ "chatType": "group", "members": self.members(&everyone) });
        if let Some(topic) = topic {
            body["topic"] = topic.into();
        }
        self.send(Call::post(Path::new("/chats"), &body)).await
    }

    /// The members of a chat (Chat.Read).
    pub async fn chat_members(&self, chat: &ChatId) -> Answered<Vec<Member>> {
        self.all(Path::new(format!("/chats/{}/members", chat.segment()))).await
    }

    fn members(&self, users: &[UserId]) -> Vec<Value> {
        let bind = |user: &UserId| {
            json!({
                "@odata.type": "#microsoft.graph.aadUserConversationMember",
                "roles": ["owner"],
                "user@odata.bind": self.origin().at(&format!("/v1.0/users('{user}')")),
            })
        };
        users.iter().map(bind).collect()
    }
}

//! Teams chats and their members (Entra reference §5.1, §5.2).

use std::fmt;

use attache_terms::{ChatId, MessageId, Untrusted, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::client::Call;
use crate::messages::{Body, Sender};
use crate::page::Page;
use crate::path::{Path, segment};
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

/// Somebody of the directory, by the key that is at hand. Graph takes both where a chat is opened, so that
/// nobody needs to be looked up, which would take a permission of its own (reference §5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UserKey {
    /// The object id.
    Id(UserId),
    /// The user principal name.
    Name(String),
}

impl From<UserId> for UserKey {
    fn from(id: UserId) -> Self {
        Self::Id(id)
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
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
    pub async fn create_one_on_one(&self, me: UserId, other: UserKey) -> Answered<Chat> {
        let body = json!({ "chatType": "oneOnOne", "members": self.members(&[me.into(), other]) });
        self.send(Call::action(Path::new("/chats"), &body)).await
    }

    /// A new chat of many (Chat.Create).
    pub async fn create_group(&self, topic: Option<&str>, me: UserId, others: &[UserKey]) -> Answered<Chat> {
        let everyone: Vec<UserKey> = std::iter::once(me.into()).chain(others.iter().cloned()).collect();
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

    fn members(&self, users: &[UserKey]) -> Vec<Value> {
        let bind = |user: &UserKey| {
            json!({
                "@odata.type": "#microsoft.graph.aadUserConversationMember",
                "roles": ["owner"],
                "user@odata.bind": self.origin().at(&format!("/v1.0/users({})", key(user))),
            })
        };
        users.iter().map(bind).collect()
    }
}

/// A key as OData writes it into a URL: whatever the name holds, it stays inside the quotes.
fn key(user: &UserKey) -> String {
    format!("'{}'", segment(&user.to_string().replace('\'', "''")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_guests_name_is_encoded_and_an_id_is_itself() {
        let guest = UserKey::Name("o'hara_fabrikam.com#EXT#@contoso.com".to_owned());
        assert_eq!(key(&guest), "'o%27%27hara_fabrikam.com%23EXT%23%40contoso.com'");
        let id: UserId = "323626f5-1bfe-48cd-8902-ddfdfd44e1ce".parse().unwrap();
        assert_eq!(key(&id.into()), "'323626f5-1bfe-48cd-8902-ddfdfd44e1ce'");
    }

    proptest! {
        #[test]
        fn no_name_leaves_its_quotes(name in "\\PC{0,40}") {
            let key = key(&UserKey::Name(name));
            let inside = key.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
            let plain = |c: char| c.is_ascii_alphanumeric() || "-._~%".contains(c);
            prop_assert!(inside.chars().all(plain), "{inside}");
        }
    }
}

//! Lists the chats within reach. Entra reference §5.1.

use attache_graph::{Chat, ChatExpand, ChatType};
use attache_terms::ChatId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::described::Described;
use super::{Hints, ToolError};
use crate::{Agent, Current, IdentityMode};

pub(super) const TITLE: &str = "List chats";
pub(super) const DESCRIPTION: &str = "Lists the Teams chats that you are in. Until you have an identity of your own, \
    that is the conversation with your sponsor alone.";
pub(super) const HINTS: Hints = Hints::LOOKS;

const USUAL: u8 = 20;
const MOST: u8 = 50;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// How many chats at most, from 1 to 50; 20 when left out.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u8>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The chats.
    chats: Vec<Listed>,
    /// Topics and people's names, by id, in an envelope: people chose them, so they are data.
    #[serde(skip_serializing_if = "Option::is_none")]
    described: Option<String>,
    /// Whether there are more than were asked for.
    more: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// What other tools take as chat_id.
    chat_id: String,
    /// "self", "one_on_one", "group", "meeting" or "other".
    kind: &'static str,
    /// Whether an omitted chat_id means this one.
    sponsor_conversation: bool,
    /// When it last changed, RFC 3339.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<String>,
    /// The user ids of its members, as far as Teams lists them.
    members: Vec<String>,
}

pub(super) async fn run(agent: &Agent, input: Input) -> Result<Output, ToolError> {
    let limit = input.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ToolError::Value {
            what: format!("{limit} chats cannot be listed at once"),
            remedy: "give a limit from 1 to 50",
        });
    }
    let current = agent.current().await?;
    let conversation = agent.conversations().of(&current);
    if current.mode != IdentityMode::AgentUser {
        return Ok(only(&current, &conversation));
    }
    let page = current.graph.chats(ChatExpand::Members, limit).await?.value;
    let mut described = Described::default();
    for chat in &page.items {
        described.add(chat.id.as_str(), &[chat.topic.as_ref()]);
        for member in &chat.members {
            if let Some(id) = member.user_id {
                described.add(&id.to_string(), &[member.display_name.as_ref()]);
            }
        }
    }
    Ok(Output {
        more: page.has_more(),
        chats: page.items.iter().map(|chat| listed(chat, &conversation)).collect(),
        described: described.seal(agent, None),
    })
}

/// Under the sponsor's token, only their conversation is within reach.
fn only(current: &Current, conversation: &ChatId) -> Output {
    let kind = if *conversation == ChatId::notes() { "self" } else { "other" };
    let chat = Listed {
        chat_id: conversation.to_string(),
        kind,
        sponsor_conversation: true,
        changed: None,
        members: vec![current.sponsor.id.to_string()],
    };
    Output { chats: vec![chat], described: None, more: false }
}

fn listed(chat: &Chat, conversation: &ChatId) -> Listed {
    Listed {
        chat_id: chat.id.to_string(),
        kind: kind(&chat.chat_type),
        sponsor_conversation: chat.id == *conversation,
        changed: chat.last_updated.map(|at| at.to_string()),
        members: chat.members.iter().filter_map(|member| member.user_id).map(|id| id.to_string()).collect(),
    }
}

pub(super) fn kind(of: &ChatType) -> &'static str {
    match of {
        ChatType::OneOnOne => "one_on_one",
        ChatType::Group => "group",
        ChatType::Meeting => "meeting",
        ChatType::Other => "other",
    }
}

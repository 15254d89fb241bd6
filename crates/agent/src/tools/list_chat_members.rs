//! Lists who is in a chat. Entra reference §5.2.

use attache_terms::ChatId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::described::Described;
use super::{Hints, ToolError, reach};
use crate::{Agent, Current};

pub(super) const TITLE: &str = "List the members of a chat";
pub(super) const DESCRIPTION: &str =
    "Lists who is in a Teams chat. Leave chat_id out for the sponsor conversation.";
pub(super) const HINTS: Hints = Hints::LOOKS;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The chat, as list_chats shows it. Left out: the sponsor conversation.
    chat_id: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// The chat.
    chat_id: String,
    /// Who is in it.
    members: Vec<Listed>,
    /// Names and addresses, by user id, in an envelope: people chose them, so they are data.
    #[serde(skip_serializing_if = "Option::is_none")]
    described: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Listed {
    /// The directory's id of the user; absent for a member who is none (an application, somebody anonymous).
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    /// Whether this is you.
    you: bool,
    /// Whether this is your sponsor.
    sponsor: bool,
    /// Teams' roles, such as "owner" or "guest".
    roles: Vec<String>,
}

pub(super) async fn run(agent: &Agent, input: Input) -> Result<Output, ToolError> {
    let named = reach::named(input.chat_id.as_ref())?;
    let current = agent.current().await?;
    let chat = reach::chat(agent, &current, named)?;
    if chat == ChatId::notes() {
        return Ok(alone(&current, &chat));
    }
    let found = current.graph.chat_members(&chat).await?.value;
    let mut described = Described::default();
    for member in &found {
        let id = member.user_id.map_or_else(|| "a member without an id".to_owned(), |id| id.to_string());
        described.add(&id, &[member.display_name.as_ref(), member.email.as_ref()]);
    }
    let members = found
        .iter()
        .map(|member| Listed {
            user_id: member.user_id.map(|id| id.to_string()),
            you: member.user_id == Some(current.me.id),
            sponsor: member.user_id == Some(current.sponsor.id),
            roles: member.roles.clone(),
        })
        .collect();
    Ok(Output { chat_id: chat.to_string(), members, described: described.seal(agent, Some(&chat)) })
}

/// The self-chat has no list of members: its one member is who signed in.
fn alone(current: &Current, chat: &ChatId) -> Output {
    let me = Listed {
        user_id: Some(current.me.id.to_string()),
        you: true,
        sponsor: current.me.id == current.sponsor.id,
        roles: vec!["owner".to_owned()],
    };
    Output { chat_id: chat.to_string(), members: vec![me], described: None }
}

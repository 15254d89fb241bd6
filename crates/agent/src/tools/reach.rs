//! Which chat a call means, and whether it is within reach. Under the sponsor's delegated token the agent
//! could read and write everything that the sponsor can; it stays in the sponsor conversation.

use attache_terms::ChatId;

use super::ToolError;
use crate::{Agent, Current, IdentityMode};

/// The chat that a call names. What is no chat id is refused, whoever is signed in.
pub(super) fn named(given: Option<&String>) -> Result<Option<ChatId>, ToolError> {
    Ok(given.map(|text| text.parse()).transpose()?)
}

/// The chat that a call means: the sponsor conversation when it names none.
pub(super) fn chat(agent: &Agent, current: &Current, named: Option<ChatId>) -> Result<ChatId, ToolError> {
    let conversation = agent.conversations().of(current);
    match named {
        None => Ok(conversation),
        Some(chat) => within(current.mode, conversation, chat),
    }
}

fn within(mode: IdentityMode, conversation: ChatId, chat: ChatId) -> Result<ChatId, ToolError> {
    if mode == IdentityMode::AgentUser || chat == conversation {
        Ok(chat)
    } else {
        Err(ToolError::OutOfReach { what: "stays in the sponsor conversation", chat: Some(chat) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_the_sponsors_token_the_agent_stays_in_their_conversation() {
        let other: ChatId = "19:x@thread.v2".parse().unwrap();
        let notes = ChatId::notes();
        assert_eq!(within(IdentityMode::Sponsor, notes.clone(), notes.clone()).unwrap(), notes);
        let error = within(IdentityMode::Sponsor, notes.clone(), other.clone()).unwrap_err();
        assert_eq!(error.target().chat, Some(other.clone()));
        assert_eq!(within(IdentityMode::AgentUser, notes, other.clone()).unwrap(), other);
    }
}

//! Sends one message. Entra reference §5.3; under the sponsor's token every text is marked.

use attache_graph::{Content, Message};
use attache_ledger::{Act, ActName, Target};
use attache_terms::ChatId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Hints, ToolError, reach};
use crate::audit::ActError;
use crate::{Agent, Current};

pub(super) const TITLE: &str = "Send a Teams message";
pub(super) const DESCRIPTION: &str = "Sends one message in Microsoft Teams. Leave chat_id out to speak with your \
    sponsor. Until you have an identity of your own, messages go out under the sponsor's name with a prefix, and \
    only to the sponsor. Each call sends another message.";
pub(super) const HINTS: Hints = Hints::ADDS;

/// What Teams takes, markup included, in bytes.
const LONGEST: usize = 28_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// The chat, as list_chats shows it. Left out: the sponsor conversation.
    chat_id: Option<String>,
    /// What to say; at most about 28,000 bytes.
    text: String,
    /// How the text is written: "text" (as it stands, the default) or "html" (Teams' subset of HTML).
    format: Option<Format>,
}

#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Text,
    Html,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// Where it was sent.
    chat_id: String,
    /// The message.
    message_id: String,
    /// When the platform received it, RFC 3339.
    sent: String,
    /// Under whose name: "sponsor" or "agent_user".
    identity: &'static str,
}

pub(super) async fn run(agent: &Agent, input: Input) -> Result<Output, ToolError> {
    let text = sendable(&input.text)?;
    let named = reach::named(input.chat_id.as_ref())?;
    let current = agent.current().await?;
    let chat = reach::chat(agent, &current, named)?;
    let text = current.marked(text);
    if text.len() > LONGEST {
        return Err(too_long(text.len()));
    }
    let content = match input.format.unwrap_or_default() {
        Format::Text => Content::Text(&text),
        Format::Html => Content::Html(&text),
    };
    let (chat, message) = match post(agent, &current, &chat, content).await {
        Err(ActError::Graph(error)) if input.chat_id.is_none() => {
            let chosen = agent.conversations().instead(&current, &chat, &error);
            let chosen = chosen.ok_or(ActError::Graph(error))?;
            let message = post(agent, &current, &chosen, content).await?;
            (chosen, message)
        }
        posted => (chat, posted?),
    };
    remember(agent, &chat, &message).await;
    Ok(Output {
        chat_id: chat.to_string(),
        message_id: message.id.to_string(),
        sent: message.created.to_string(),
        identity: current.mode.word(),
    })
}

async fn post(
    agent: &Agent,
    current: &Current,
    chat: &ChatId,
    content: Content<'_>,
) -> Result<Message, ActError> {
    let act = Act::new(ActName::new("send_teams_message"), current.actor())
        .on(Target { chat: Some(chat.clone()), ..Target::default() });
    let target = |message: &Message| Target {
        chat: Some(chat.clone()),
        message: Some(message.id.clone()),
        ..Target::default()
    };
    let answer = agent
        .audit()
        .call(act, &current.graph, |graph| async move { graph.send_message(chat, content).await }, target)
        .await?;
    Ok(answer.value)
}

/// The message stands whether or not it can be remembered; should its id be lost, its prefix tells it.
async fn remember(agent: &Agent, chat: &ChatId, message: &Message) {
    let state = agent.state();
    let recorded = state.record_sent(chat, &message.id, agent.clock().now()).await;
    if let Err(error) = recorded.and(state.answered(chat).await) {
        tracing::warn!(%error, "a message was sent and could not be remembered");
    }
    agent.inbox().wake();
}

fn sendable(text: &str) -> Result<&str, ToolError> {
    let unsendable = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.trim().is_empty() {
        return Err(ToolError::Value {
            what: "the text is empty".to_owned(),
            remedy: "give a text that says something",
        });
    }
    if text.contains(unsendable) {
        return Err(ToolError::Value {
            what: "the text contains control characters".to_owned(),
            remedy: "remove characters such as NUL from the text",
        });
    }
    if text.len() > LONGEST {
        return Err(too_long(text.len()));
    }
    Ok(text)
}

fn too_long(length: usize) -> ToolError {
    ToolError::Value {
        what: format!("the text has {length} bytes, and Teams takes {LONGEST}"),
        remedy: "send it in several messages, or send a summary",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_teams_would_not_take_is_refused_before_it_is_sent() {
        assert_eq!(sendable("hi\nthere\t🙂").unwrap(), "hi\nthere\t🙂");
        for text in ["", " \n", "a\0b", "\u{1b}[31m", &"x".repeat(LONGEST + 1)] {
            assert!(sendable(text).unwrap_err().is_refusal());
        }
    }
}

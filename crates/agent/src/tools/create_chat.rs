//! Opens a chat: one-on-one with one person, else a group. Entra reference §5.1.

use attache_graph::{Cause, Chat, UserKey};
use attache_ledger::{Act, ActName, Target};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list_chats::kind;
use super::{Hints, ToolError};
use crate::audit::ActError;
use crate::{Agent, Current, IdentityMode};

pub(super) const TITLE: &str = "Open a Teams chat";
pub(super) const DESCRIPTION: &str = "Opens a chat in Microsoft Teams with people of the directory: with one person \
    and no topic it is your one-on-one chat with them (the existing one, if there is one), else a new group. \
    Possible once you have an identity of your own.";
pub(super) const HINTS: Hints = Hints::ADDS;

/// Teams takes more, but not in one wise request (Entra reference §5.2).
const MOST: usize = 19;
const LONGEST_TOPIC: usize = 250;
/// The longest user principal name of Entra ID, in characters.
const LONGEST_NAME: usize = 113;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// Whom to chat with, besides yourself: user principal names or object ids; at most 19.
    #[schemars(length(min = 1, max = 19))]
    members: Vec<String>,
    /// What a group is about.
    topic: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// What other tools take as chat_id.
    chat_id: String,
    /// "one_on_one" or "group".
    kind: &'static str,
    /// Whom you chat with: object ids, or user principal names where you gave those.
    members: Vec<String>,
}

pub(super) async fn run(agent: &Agent, input: Input) -> Result<Output, ToolError> {
    let topic = input.topic.as_deref().map(checked_topic).transpose()?;
    let named = input.members.iter().map(|text| named(text)).collect::<Result<Vec<_>, _>>()?;
    if named.is_empty() || named.len() > MOST {
        return Err(ToolError::Value {
            what: format!("a chat cannot be opened with {} people", named.len()),
            remedy: "name from 1 to 19 people besides yourself",
        });
    }
    let current = agent.current().await?;
    if current.mode != IdentityMode::AgentUser {
        return Err(ToolError::OutOfReach { what: "opens no chats", chat: None });
    }
    let others = others(&current, named)?;
    let chat = open(agent, &current, topic, &others).await?;
    Ok(Output {
        chat_id: chat.id.to_string(),
        kind: kind(&chat.chat_type),
        members: others.iter().map(ToString::to_string).collect(),
    })
}

async fn open(
    agent: &Agent,
    current: &Current,
    topic: Option<&str>,
    others: &[UserKey],
) -> Result<Chat, ToolError> {
    let me = current.me.id;
    let act = Act::new(ActName::new("create_chat"), current.actor());
    let target = |chat: &Chat| Target { chat: Some(chat.id.clone()), ..Target::default() };
    let audit = agent.audit();
    let made = match others {
        [other] if topic.is_none() => {
            let user = match other {
                UserKey::Id(id) => Some(*id),
                UserKey::Name(_) => None,
            };
            let act = act.on(Target { user, ..Target::default() });
            let create =
                |graph: attache_graph::Graph| async move { graph.create_one_on_one(me, other.clone()).await };
            audit.call(act, &current.graph, create, target).await
        }
        _ => {
            let create =
                |graph: attache_graph::Graph| async move { graph.create_group(topic, me, others).await };
            audit.call(act, &current.graph, create, target).await
        }
    };
    match made {
        Ok(answer) => Ok(answer.value),
        Err(ActError::Graph(error)) if matches!(error.cause(), Cause::NotFound { .. }) => {
            let shown = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(ToolError::Nobody { shown })
        }
        Err(error) => Err(error.into()),
    }
}

/// The people themselves, each once and without ourselves.
fn others(current: &Current, named: Vec<UserKey>) -> Result<Vec<UserKey>, ToolError> {
    let mut others = Vec::new();
    for key in named {
        // Whom the agent knows by name, it knows by id too.
        let known = [&current.sponsor, &current.me].into_iter().find(|known| match &key {
            UserKey::Id(id) => *id == known.id,
            UserKey::Name(name) => name.eq_ignore_ascii_case(&known.upn),
        });
        let key = known.map_or(key, |known| known.id.into());
        if key != UserKey::Id(current.me.id) && !others.contains(&key) {
            others.push(key);
        }
    }
    if others.is_empty() {
        return Err(ToolError::Value {
            what: "a chat with yourself alone cannot be opened".to_owned(),
            remedy: "name somebody else",
        });
    }
    Ok(others)
}

/// Who is named: by object id, or by a user principal name. Which of the two the directory knows, it says.
fn named(text: &str) -> Result<UserKey, ToolError> {
    if let Ok(id) = text.parse() {
        return Ok(UserKey::Id(id));
    }
    let plain = |c: char| c.is_alphanumeric() || ".-_#'!^~+".contains(c);
    let reads = text.split_once('@').is_some_and(|(name, domain)| {
        !name.is_empty()
            && name.chars().all(plain)
            && domain.contains('.')
            && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
    });
    if reads && text.chars().count() <= LONGEST_NAME {
        return Ok(UserKey::Name(text.to_ascii_lowercase()));
    }
    let shown: String = text.chars().take(60).collect();
    Err(ToolError::Value {
        what: format!("{shown:?} names nobody"),
        remedy: "give a user principal name such as ada@contoso.com, or an object id",
    })
}

fn checked_topic(topic: &str) -> Result<&str, ToolError> {
    if topic.trim().is_empty() || topic.chars().count() > LONGEST_TOPIC || topic.chars().any(char::is_control)
    {
        return Err(ToolError::Value {
            what: "the topic is empty, too long, or has line breaks".to_owned(),
            remedy: "give one line of at most 250 characters, or leave the topic out",
        });
    }
    Ok(topic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn people_are_named_by_principal_name_or_id() {
        assert_eq!(named("Ada@contoso.com").unwrap(), UserKey::Name("ada@contoso.com".to_owned()));
        assert!(matches!(named("323626f5-1bfe-48cd-8902-ddfdfd44e1ce").unwrap(), UserKey::Id(_)));
        let long = format!("{}@contoso.com", "a".repeat(10_000));
        for text in
            ["../me", "ada", "@contoso.com", "a/b@contoso.com", "a@b@contoso.com", "a\0@contoso.com", &long]
        {
            let error = named(text).unwrap_err();
            assert!(error.is_refusal() && error.to_string().len() < 400, "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whoever_is_named_is_one_path_segment(text in "\\PC{0,40}") {
            if let Ok(UserKey::Name(name)) = named(&text) {
                prop_assert!(!name.contains(['/', '?', '%', '\\', '(', ')']) && !name.contains(".."), "{name}");
            }
        }
    }
}

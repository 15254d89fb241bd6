//! Opens a chat: one-on-one with one person, else a group. Entra reference §5.1.

use attache_graph::{Cause, Chat};
use attache_ledger::{Act, ActName, Target};
use attache_terms::UserId;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::list_chats::kind;
use super::{Hints, ToolError};
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
    /// The user ids of whom you chat with.
    members: Vec<String>,
}

pub(super) async fn run(agent: &Agent, input: Input) -> Result<Output, ToolError> {
    let topic = input.topic.as_deref().map(checked_topic).transpose()?;
    let named = input.members.iter().map(|text| Named::read(text)).collect::<Result<Vec<_>, _>>()?;
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
    let others = found(&current, &named).await?;
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
    others: &[UserId],
) -> Result<Chat, ToolError> {
    let me = current.me.id;
    let act = Act::new(ActName::new("create_chat"), current.actor());
    let target = |chat: &Chat| Target { chat: Some(chat.id.clone()), ..Target::default() };
    let audit = agent.audit();
    let answer = match others {
        [other] if topic.is_none() => {
            let act = act.on(Target { user: Some(*other), ..Target::default() });
            let create =
                |graph: attache_graph::Graph| async move { graph.create_one_on_one(me, *other).await };
            audit.call(act, &current.graph, create, target).await?
        }
        _ => {
            let create =
                |graph: attache_graph::Graph| async move { graph.create_group(topic, me, others).await };
            audit.call(act, &current.graph, create, target).await?
        }
    };
    Ok(answer.value)
}

/// The people themselves, each once and without ourselves.
async fn found(current: &Current, named: &[Named<'_>]) -> Result<Vec<UserId>, ToolError> {
    let mut others = Vec::new();
    for name in named {
        let id = match name {
            Named::Id(id) => *id,
            Named::Principal(name) => looked_up(current, name).await?,
        };
        if id != current.me.id && !others.contains(&id) {
            others.push(id);
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

/// Whoever has this name. Looking people up takes a permission that an agent user needs for nothing else
/// (User.ReadBasic.All) and may lack; sponsor and agent are known without.
async fn looked_up(current: &Current, name: &str) -> Result<UserId, ToolError> {
    if let Some(known) =
        [&current.sponsor, &current.me].into_iter().find(|known| known.upn.eq_ignore_ascii_case(name))
    {
        return Ok(known.id);
    }
    match current.graph.user_by_name(name).await {
        Ok(answer) => match answer.value {
            Some(user) => Ok(user.id),
            None => Err(ToolError::Nobody { shown: name.to_owned() }),
        },
        Err(error) if matches!(error.cause(), Cause::Forbidden { .. }) => {
            Err(ToolError::LookUpForbidden { shown: name.to_owned() })
        }
        Err(error) => Err(error.into()),
    }
}

/// How somebody was named.
#[derive(Debug, PartialEq, Eq)]
enum Named<'a> {
    Id(UserId),
    Principal(&'a str),
}

impl<'a> Named<'a> {
    fn read(text: &'a str) -> Result<Self, ToolError> {
        if let Ok(id) = text.parse() {
            return Ok(Self::Id(id));
        }
        let plain = |c: char| c.is_alphanumeric() || ".-_#'!^~+".contains(c);
        let named = text.split_once('@').is_some_and(|(name, domain)| {
            !name.is_empty()
                && name.chars().all(plain)
                && domain.contains('.')
                && domain.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '.')
        });
        if named && text.chars().count() <= LONGEST_NAME {
            return Ok(Self::Principal(text));
        }
        let shown: String = text.chars().take(60).collect();
        Err(ToolError::Value {
            what: format!("{shown:?} names nobody"),
            remedy: "give a user principal name such as ada@contoso.com, or an object id",
        })
    }
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
        assert_eq!(Named::read("ada@contoso.com").unwrap(), Named::Principal("ada@contoso.com"));
        assert!(matches!(Named::read("323626f5-1bfe-48cd-8902-ddfdfd44e1ce").unwrap(), Named::Id(_)));
        let long = format!("{}@contoso.com", "a".repeat(10_000));
        for text in
            ["../me", "ada", "@contoso.com", "a/b@contoso.com", "a@b@contoso.com", "a\0@contoso.com", &long]
        {
            let error = Named::read(text).unwrap_err();
            assert!(error.is_refusal() && error.to_string().len() < 400, "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whoever_is_named_is_one_path_segment(text in "\\PC{0,40}") {
            if let Ok(Named::Principal(name)) = Named::read(&text) {
                prop_assert!(!name.contains(['/', '?', '%', '\\', '(', ')']) && !name.contains(".."), "{name}");
            }
        }
    }
}

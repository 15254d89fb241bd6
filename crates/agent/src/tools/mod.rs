//! What an agent can do, as plain functions with typed input and output. One list registers them; an MCP
//! host sees exactly that list. [`call`] is the only way in: it records every attempt that we refuse, and
//! each tool that changes something goes through the audit.

mod create_chat;
mod described;
mod error;
mod list_chat_members;
mod list_chats;
mod reach;
mod read_teams_messages;
mod send_teams_message;
mod whoami;

use std::future::Future;
use std::pin::Pin;

use attache_ledger::{Act, ActName, Actor};
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use error::ToolError;

use crate::Agent;

/// A tool as a host sees it.
pub struct Tool {
    /// The name by which it is called, which is also the name of its act in the ledger.
    pub name: &'static str,
    /// The name for people.
    pub title: &'static str,
    /// What it does, for a model.
    pub description: &'static str,
    /// What a host may assume.
    pub hints: Hints,
    input: fn() -> Value,
    output: fn() -> Value,
    run: Run,
}

type Run = for<'a> fn(&'a Agent, Value) -> Running<'a>;
type Running<'a> = Pin<Box<dyn Future<Output = Result<Value, ToolError>> + Send + 'a>>;

/// What a host may assume of a tool; the annotations of the Model Context Protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    /// It changes nothing.
    pub read_only: bool,
    /// It may undo or overwrite something.
    pub destructive: bool,
    /// Called twice with the same input, it does nothing more.
    pub idempotent: bool,
    /// It reaches people and systems outside.
    pub open_world: bool,
}

impl Hints {
    /// It only looks.
    const LOOKS: Self = Self { read_only: true, destructive: false, idempotent: true, open_world: true };
    /// It adds something.
    const ADDS: Self = Self { read_only: false, destructive: false, idempotent: false, open_world: true };
}

impl Tool {
    /// The JSON Schema of its input.
    pub fn input_schema(&self) -> Value {
        (self.input)()
    }

    /// The JSON Schema of its output.
    pub fn output_schema(&self) -> Value {
        (self.output)()
    }
}

macro_rules! tool {
    ($module:ident) => {
        Tool {
            name: stringify!($module),
            title: $module::TITLE,
            description: $module::DESCRIPTION,
            hints: $module::HINTS,
            input: schema::<$module::Input>,
            output: schema::<$module::Output>,
            run: |agent, input| {
                Box::pin(async move {
                    let input = parsed::<$module::Input>(stringify!($module), input)?;
                    shown(&$module::run(agent, input).await?)
                })
            },
        }
    };
}

/// Every tool there is.
pub static TOOLS: &[Tool] = &[
    tool!(whoami),
    tool!(send_teams_message),
    tool!(read_teams_messages),
    tool!(list_chats),
    tool!(create_chat),
    tool!(list_chat_members),
];

/// Calls the tool of this name.
///
/// # Errors
/// Whatever kept the tool from doing its work; [`ToolError::Unknown`] when there is none of this name.
pub async fn call(agent: &Agent, name: &str, input: Value) -> Result<Value, ToolError> {
    let Some(tool) = TOOLS.iter().find(|tool| tool.name == name) else {
        return Err(ToolError::Unknown { shown: name.chars().take(60).collect() });
    };
    let result = (tool.run)(agent, input).await;
    if let Err(error) = &result
        && error.is_refusal()
    {
        record_refusal(agent, tool.name, error).await;
    }
    result
}

async fn record_refusal(agent: &Agent, tool: &'static str, error: &ToolError) {
    let actor = match agent.current().await {
        Ok(current) => current.actor(),
        Err(_) => Actor::default(),
    };
    let act = Act::new(ActName::new(tool), actor).on(error.target());
    if let Err(unrecorded) = agent.audit().refused(act, error).await {
        tracing::error!(tool, %unrecorded, "a refused attempt could not be recorded");
    }
}

fn parsed<T: DeserializeOwned>(tool: &'static str, input: Value) -> Result<T, ToolError> {
    let input = if input.is_null() { Value::Object(serde_json::Map::new()) } else { input };
    serde_json::from_value(input).map_err(|error| ToolError::Input { tool, why: error.to_string() })
}

fn shown<T: Serialize>(output: &T) -> Result<Value, ToolError> {
    serde_json::to_value(output).map_err(ToolError::Unshowable)
}

fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        // Several hosts do not follow references.
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    simplify(&mut schema);
    schema
}

/// What is absent is left out and never null, and a host need not know Rust's number types or names.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(keywords) => {
            for rust_only in ["title", "format"] {
                // A property of that name has a schema, not a text.
                if keywords.get(rust_only).is_some_and(Value::is_string) {
                    keywords.remove(rust_only);
                }
            }
            if let Some(Value::Array(types)) = keywords.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [kind] = types.as_slice() {
                    let kind = kind.clone();
                    keywords.insert("type".to_owned(), kind);
                }
            }
            if let Some(Value::Array(values)) = keywords.get_mut("enum") {
                values.retain(|value| !value.is_null());
            }
            keywords.values_mut().for_each(simplify);
        }
        Value::Array(schemas) => schemas.iter_mut().for_each(simplify),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_a_name_for_the_ledger_and_schemas_of_objects() {
        for tool in TOOLS {
            let _ = ActName::new(tool.name);
            for schema in [tool.input_schema(), tool.output_schema()] {
                assert_eq!(schema["type"], "object", "{}: {schema}", tool.name);
            }
            assert!(!tool.description.is_empty() && !tool.title.is_empty());
        }
    }

    #[test]
    fn an_unknown_field_is_named() {
        let input = serde_json::json!({ "text": "hi", "chatid": "19:x@thread.v2" });
        let error = parsed::<send_teams_message::Input>("send_teams_message", input).err().unwrap();
        assert!(error.to_string().contains("chatid"), "{error}");
        assert!(error.is_refusal());
    }
}

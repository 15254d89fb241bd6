//! What a document made, for whoever gave it.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

/// An object that a document made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Made {
    /// What it is.
    pub kind: Kind,
    /// Its name in the document, a user's as a user principal name; empty for a chat without a topic.
    pub name: String,
    /// The object's id.
    pub id: String,
    /// The app (client) id, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_id: Option<String>,
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A person.
    User,
    /// An application's registration.
    Application,
    /// An application's service principal.
    ServicePrincipal,
    /// An agent's blueprint.
    Blueprint,
    /// The principal of an agent's blueprint.
    BlueprintPrincipal,
    /// An agent identity.
    AgentIdentity,
    /// An agent user.
    AgentUser,
    /// A group or a distribution list.
    Group,
    /// A chat.
    Chat,
}

impl Made {
    /// The object that Graph answered with.
    pub(super) fn new(kind: Kind, name: &str, object: &Value) -> Self {
        let text = |name: &str| object[name].as_str().map(str::to_owned);
        Self { kind, name: name.to_owned(), id: text("id").unwrap_or_default(), app_id: text("appId") }
    }
}

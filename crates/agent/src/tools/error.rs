//! Why a tool did not do its work: a code, a message and a remedy, for a model and for a person.

use attache_graph::GraphError;
use attache_ledger::Target;
use attache_terms::{ChatId, Explain, IdError, Remedy};

use crate::audit::ActError;
use crate::identity::IdentityError;
use crate::state::StateError;

/// Why a tool did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// There is no such tool.
    #[error("there is no tool {shown:?}")]
    Unknown {
        /// Its name, shortened.
        shown: String,
    },
    /// The input has not the shape of the tool's schema.
    #[error("{tool} cannot read its input: {why}; nothing was sent")]
    Input {
        /// The tool.
        tool: &'static str,
        /// What is wrong.
        why: String,
    },
    /// An identifier is none.
    #[error("{0}; nothing was sent")]
    Id(#[from] IdError),
    /// A text or a number that the platform would not take.
    #[error("{what}; nothing was sent")]
    Value {
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
    /// Somebody who is not in the directory.
    #[error("the directory has nobody named so, or not all of them: {shown}; no chat was opened")]
    Nobody {
        /// The names that were given.
        shown: String,
    },
    /// The agent has no identity of its own yet, and under its sponsor's it stays in their conversation.
    #[error("under the sponsor's identity the agent {what}; nothing was sent")]
    OutOfReach {
        /// What it may not do.
        what: &'static str,
        /// The chat in question.
        chat: Option<ChatId>,
    },
    /// There is nobody to act as.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The act was not done, or not recorded.
    #[error(transparent)]
    Act(#[from] ActError),
    /// Graph did not answer as hoped.
    #[error(transparent)]
    Graph(#[from] GraphError),
    /// The device's memory failed.
    #[error(transparent)]
    State(#[from] StateError),
    /// The answer cannot be written as JSON.
    #[error("the answer cannot be shown: {0}")]
    Unshowable(serde_json::Error),
}

impl ToolError {
    /// Whether we refused it ourselves, before anything was sent.
    pub(super) fn is_refusal(&self) -> bool {
        match self {
            Self::Input { .. }
            | Self::Id(_)
            | Self::Value { .. }
            | Self::OutOfReach { .. }
            | Self::Identity(_) => true,
            Self::Unknown { .. }
            | Self::Nobody { .. }
            | Self::Act(_)
            | Self::Graph(_)
            | Self::State(_)
            | Self::Unshowable(_) => false,
        }
    }

    /// What it was about, as far as that has a name.
    pub(super) fn target(&self) -> Target {
        match self {
            Self::OutOfReach { chat, .. } => Target { chat: chat.clone(), ..Target::default() },
            _ => Target::default(),
        }
    }
}

impl Explain for ToolError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => "tool_unknown",
            Self::Input { .. } => "input_unreadable",
            Self::Id(_) => "id_invalid",
            Self::Value { .. } => "value_invalid",
            Self::Nobody { .. } => "user_not_found",
            Self::OutOfReach { .. } => "out_of_reach",
            Self::Identity(error) => error.code(),
            Self::Act(error) => error.code(),
            Self::Graph(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Unshowable(_) => "answer_unshowable",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Unknown { .. } => Remedy::caller("call one of the tools that tools/list shows"),
            Self::Input { .. } => {
                Remedy::caller("give the fields that the tool's input schema names, and no others")
            }
            Self::Id(_) => Remedy::caller(
                "take the id from list_chats, or leave chat_id out for the sponsor conversation",
            ),
            Self::Value { remedy, .. } => Remedy::caller(*remedy),
            Self::Nobody { .. } => Remedy::caller(
                "give the user principal name or the object id of somebody in the sponsor's directory",
            ),
            Self::OutOfReach { .. } => Remedy::operator(
                "leave chat_id out to speak with the sponsor; other chats open up once the agent has its own identity (`attache provision`)",
            ),
            Self::Identity(error) => error.remedy(),
            Self::Act(error) => error.remedy(),
            Self::Graph(error) => error.remedy(),
            Self::State(error) => error.remedy(),
            Self::Unshowable(_) => Remedy::us("report it with the tool's name"),
        }
    }
}

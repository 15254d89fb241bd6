//! An act as whoever does it describes it: who, on what, what finds it again, and how it ended.

use std::net::IpAddr;

use attache_terms::{ChatId, MessageId, ObjectId, TenantId, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::names::{ActName, Code, Name, RequestId};

/// As whom an act is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Under the sponsor's delegated token.
    Sponsor,
    /// As the agent user.
    AgentUser,
    /// As an application, with no user: provisioning and maintenance.
    Application,
}

/// Who does an act.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Actor {
    /// The directory.
    pub tenant: Option<TenantId>,
    /// The agent identity.
    pub agent: Option<ObjectId>,
    /// The user whose token it is: the agent user, or the sponsor. Withheld.
    pub user: Option<UserId>,
    /// As whom.
    pub mode: Option<Mode>,
    /// Who asked for it.
    pub by: Option<By>,
    /// From which address they did. Withheld.
    pub from: Option<IpAddr>,
}

/// Who asks a gateway to act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ByKind {
    /// A member of the organisation.
    Person,
    /// A program that holds an API key.
    Key,
    /// An agent.
    Agent,
    /// The gateway by itself: a job, a schedule.
    System,
    /// Whoever runs the gateway.
    Operator,
}

impl ByKind {
    /// The word in the leaf.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Key => "key",
            Self::Agent => "agent",
            Self::System => "system",
            Self::Operator => "operator",
        }
    }
}

/// Who asked for an act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct By {
    /// What they are.
    pub kind: ByKind,
    /// Which one. Withheld; `None` when it was destroyed or never known. At most 320 bytes are recorded.
    pub id: Option<String>,
}

impl By {
    /// This one.
    pub fn new(kind: ByKind, id: impl Into<String>) -> Self {
        Self { kind, id: Some(id.into()) }
    }

    /// The gateway by itself.
    pub fn system() -> Self {
        Self { kind: ByKind::System, id: None }
    }
}

/// What an act touches.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Target {
    /// A chat. Withheld.
    pub chat: Option<ChatId>,
    /// A message. Withheld.
    pub message: Option<MessageId>,
    /// A person or an agent user. Withheld.
    pub user: Option<UserId>,
    /// Another directory object.
    pub object: Option<ObjectId>,
    /// What of ours it touches: an organisation, an identity, a job, a credential. At most 32 are recorded.
    pub things: Vec<Thing>,
    /// Whom it concerns, as whoever asked named them: a member, an e-mail address. Withheld. At most 320 bytes
    /// are recorded.
    pub subject: Option<String>,
}

/// Something of ours. Neither its kind nor its id says anything about a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// What it is, such as `identity`.
    pub kind: Name,
    /// Which one.
    pub id: Name,
}

impl Thing {
    /// This one.
    pub fn new(kind: Name, id: Name) -> Self {
        Self { kind, id }
    }
}

/// What finds an act again in Microsoft's logs and in ours.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Correlation {
    /// Our `client-request-id`.
    pub client_request_id: Option<Uuid>,
    /// Graph's `request-id`.
    pub request_id: Option<RequestId>,
    /// `x-ms-request-id` of the response that brought the token.
    pub token_request_id: Option<RequestId>,
    /// The request to our own HTTP interface.
    pub request: Option<Uuid>,
}

/// An act that is about to be done, or was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    /// Its name, such as a tool's.
    pub name: ActName,
    /// Who does it.
    pub actor: Actor,
    /// What it will touch, as far as that is known.
    pub target: Target,
    /// What will find it again, as far as that is known.
    pub correlation: Correlation,
}

impl Act {
    /// An act that touches nothing in particular.
    pub fn new(name: ActName, actor: Actor) -> Self {
        Self { name, actor, target: Target::default(), correlation: Correlation::default() }
    }

    /// With what it touches.
    pub fn on(self, target: Target) -> Self {
        Self { target, ..self }
    }

    /// With what finds it again.
    pub fn correlated(self, correlation: Correlation) -> Self {
        Self { correlation, ..self }
    }
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It happened.
    Done,
    /// It did not happen.
    Failed,
    /// The platform refused it.
    Refused,
    /// Nobody can tell any more.
    Unknown,
}

/// The end of an act, with what became known on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// How it ended.
    pub verdict: Verdict,
    /// Why, when it did not happen.
    pub code: Option<Code>,
    /// What it touched, as far as the intent could not say.
    pub target: Target,
    /// What finds it again, as far as the intent could not say.
    pub correlation: Correlation,
}

impl Outcome {
    /// It happened.
    pub fn done() -> Self {
        Self::new(Verdict::Done, None)
    }

    /// It did not happen, for this reason.
    pub fn failed(code: Code) -> Self {
        Self::new(Verdict::Failed, Some(code))
    }

    /// The platform refused it, for this reason.
    pub fn refused(code: Code) -> Self {
        Self::new(Verdict::Refused, Some(code))
    }

    /// Nobody can tell any more whether it happened.
    pub fn unknown() -> Self {
        Self::new(Verdict::Unknown, None)
    }

    fn new(verdict: Verdict, code: Option<Code>) -> Self {
        Self { verdict, code, target: Target::default(), correlation: Correlation::default() }
    }

    /// With what it touched.
    pub fn on(self, target: Target) -> Self {
        Self { target, ..self }
    }

    /// With what finds it again.
    pub fn correlated(self, correlation: Correlation) -> Self {
        Self { correlation, ..self }
    }
}

//! What the ledger records of an act: who did it as whom, what it touched, what finds it again in
//! Microsoft's logs, and how it ended. Never the text of a message.

mod commitment;
mod draft;
mod leaf;
mod names;

use attache_terms::{ChatId, MessageId, ObjectId, TenantId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use commitment::Field;
pub use leaf::EntryError;
pub use names::{ActName, Code, EntryId, NameError, RequestId, WriterId};

pub(crate) use draft::{Draft, Drafter};
pub(crate) use leaf::erased_column;

use crate::tree::Hash;

/// The version of entries that this program writes, and the newest that it reads.
pub const ENTRY_VERSION: u32 = 1;

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
}

/// What finds an act again in Microsoft's logs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Correlation {
    /// Our `client-request-id`.
    pub client_request_id: Option<Uuid>,
    /// Graph's `request-id`.
    pub request_id: Option<RequestId>,
    /// `x-ms-request-id` of the response that brought the token.
    pub token_request_id: Option<RequestId>,
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

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// An act is about to be done.
    Intent {
        /// The act.
        act: ActName,
    },
    /// An act has ended.
    Outcome {
        /// The act.
        act: ActName,
        /// The entry that announced it.
        intent: EntryId,
        /// How it ended.
        verdict: Verdict,
        /// Why, when it did not happen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        code: Option<Code>,
    },
    /// An act was refused here before anything was sent.
    Refusal {
        /// The act.
        act: ActName,
        /// Why.
        code: Code,
    },
    /// The end of the file could not be read, as after a loss of power, and was removed.
    Repair(Repair),
    /// Withheld fields were destroyed on purpose.
    Erasure {
        /// Of how many entries.
        entries: u64,
    },
}

/// What a repair removed. None of it had been acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Repair {
    /// Where it began, in bytes from the start of the file.
    pub offset: u64,
    /// How many bytes there were.
    pub removed: u64,
    /// Their SHA-256.
    pub digest: Hash,
}

/// One entry as it stands in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Entry {
    /// Its number, from 0.
    pub sequence: u64,
    /// Its id (UUID version 7).
    pub id: EntryId,
    /// The time of day at which it was made.
    pub time: Timestamp,
    /// Which running program wrote it.
    pub writer: WriterId,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// Who did it.
    pub actor: Actor,
    /// What it touched.
    pub target: Target,
    /// What finds it again.
    pub correlation: Correlation,
    /// Fields that were recorded and later withheld or destroyed. They are `None` above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub erased: Vec<Field>,
}

impl Entry {
    /// The act that this is about, if any.
    pub fn act(&self) -> Option<&ActName> {
        match &self.event {
            Event::Intent { act } | Event::Outcome { act, .. } | Event::Refusal { act, .. } => Some(act),
            Event::Repair(_) | Event::Erasure { .. } => None,
        }
    }
}

//! The way back: removes what provisioning made, and nothing else, in the order that leaves nothing
//! unreachable behind: licence, agent user, agent identity, principal, blueprint. It has the shape of
//! provisioning: decide, begin, persist, perform, apply, persist.
//!
//! A blueprint that other agents use stays, with its principal and its consent. What was deleted can be
//! restored for 30 days (Entra reference §2.11); `left` says what is left, that included.

mod perform;
mod plan;

use std::collections::BTreeSet;
use std::fmt;

use attache_graph::Correlation;
use attache_terms::{AppId, ObjectId, SkuId, UserId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use self::perform::perform_removal;
pub use self::plan::{RemovalPlan, plan_removal};
use crate::record::RecordError;
use crate::waits::Waits;
use crate::{Act, Ended, Failure, Objects, Patience, Reason, Tag};

const VERSION: u32 = 1;

/// What to remove: what the tags find, and what a record knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The blueprint's tag.
    pub blueprint: Tag,
    /// The agent identity's tag.
    pub agent: Tag,
    /// The objects that a record knows; empty when it is lost.
    pub known: Objects,
    /// Whether the blueprint stays although nothing uses it any more: others are to come.
    #[serde(default)]
    pub keeps_blueprint: bool,
    /// How long to wait for what.
    pub patience: Patience,
}

/// One step of the way back, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemovalStep {
    /// Look at what is there.
    Search,
    /// Take the agent user's licences back.
    Licences,
    /// Delete the agent user.
    User,
    /// Delete the agent identity.
    Agent,
    /// Delete the blueprint's principal, and with it consent and permissions.
    Principal,
    /// Delete the blueprint.
    Blueprint,
    /// Look that nothing is there any more.
    Check,
}

impl RemovalStep {
    /// Every step, in order.
    pub const ALL: [Self; 7] = [
        Self::Search,
        Self::Licences,
        Self::User,
        Self::Agent,
        Self::Principal,
        Self::Blueprint,
        Self::Check,
    ];

    /// The name of its act in the ledger; `None` for a step that only reads.
    pub fn act(self) -> Option<&'static str> {
        match self {
            Self::Search | Self::Check => None,
            Self::Licences => Some("agent_user.licence.remove"),
            Self::User => Some("agent_user.delete"),
            Self::Agent => Some("agent_identity.delete"),
            Self::Principal => Some("blueprint_principal.delete"),
            Self::Blueprint => Some("blueprint.delete"),
        }
    }
}

impl fmt::Display for RemovalStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Search => "looking for what was made",
            Self::Licences => "taking the agent user's licences back",
            Self::User => "deleting the agent user",
            Self::Agent => "deleting the agent identity",
            Self::Principal => "deleting the blueprint principal",
            Self::Blueprint => "deleting the blueprint",
            Self::Check => "looking that nothing is left",
        })
    }
}

/// What the search found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) blueprint: Option<AppId>,
    pub(crate) principal: Option<ObjectId>,
    pub(crate) agent: Option<AppId>,
    pub(crate) user: Option<UserId>,
    pub(crate) licences: Vec<SkuId>,
    /// The other agent identities of the blueprint, which keep it.
    pub(crate) others: Vec<AppId>,
}

/// Something that is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// What kind of object.
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Why it is left.
    pub why: String,
}

/// One removal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    version: u32,
    target: Target,
    found: Found,
    done: BTreeSet<RemovalStep>,
    doing: Option<(RemovalStep, Uuid)>,
    waits: Waits,
    failure: Option<Failure>,
}

/// What whoever drives a removal does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemovalAction {
    /// Begin, persist and perform this step.
    Do(RemovalStep),
    /// Wait, then ask again.
    WaitUntil {
        /// When.
        at: Timestamp,
        /// For what.
        reason: Reason,
    },
    /// All that was to go is gone.
    Gone,
    /// Someone must act.
    Failed(Failure),
}

/// Decides what to do next.
pub fn next_removal(removal: &Removal, now: Timestamp) -> RemovalAction {
    if let Some(failure) = &removal.failure {
        return RemovalAction::Failed(failure.clone());
    }
    let Some(step) = removal.current() else { return RemovalAction::Gone };
    match removal.waits.pending(now) {
        Some((at, reason)) => RemovalAction::WaitUntil { at, reason },
        None => RemovalAction::Do(step),
    }
}

/// What came of a step of a removal.
#[derive(Debug, Clone)]
pub struct RemovalOutcome {
    /// The step.
    pub step: RemovalStep,
    /// How it ended; `found` when there was nothing to remove.
    pub ended: Ended,
    /// The ids of its last request.
    pub correlation: Option<Correlation>,
    found: Option<Found>,
}

impl RemovalOutcome {
    /// One word for programs and a sentence for people.
    pub fn result(&self) -> (&'static str, String) {
        match &self.ended {
            Ended::Done { found: true } => ("found", "there was nothing to remove".to_owned()),
            ended => ended.result(),
        }
    }
}

impl Removal {
    /// The beginning.
    pub fn new(target: Target) -> Self {
        Self {
            version: VERSION,
            target,
            found: Found::default(),
            done: BTreeSet::new(),
            doing: None,
            waits: Waits::default(),
            failure: None,
        }
    }

    /// Reads what [`Removal::to_json`] wrote.
    pub fn parse(text: &str) -> Result<Self, RecordError> {
        let removal: Self = serde_json::from_str(text)?;
        if removal.version > VERSION {
            return Err(RecordError::Newer { found: removal.version });
        }
        Ok(removal)
    }

    /// The removal as it is persisted.
    #[expect(clippy::expect_used, reason = "every map in it has keys that are strings in JSON")]
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("a removal is JSON")
    }

    /// The step that comes next; `None` when all are done.
    pub fn current(&self) -> Option<RemovalStep> {
        RemovalStep::ALL.into_iter().find(|step| !self.done.contains(step))
    }

    /// How many steps are done, of how many.
    pub fn progress(&self) -> (usize, usize) {
        (self.done.len(), RemovalStep::ALL.len())
    }

    /// Notes that a step is about to be performed. Persist the removal then.
    pub fn begin(&mut self, step: RemovalStep, correlation: Uuid) {
        self.doing = Some((step, correlation));
    }

    /// The act of the step that was begun; `None` when it only reads, or when there is nothing to remove.
    pub fn act(&self) -> Option<Act> {
        let (step, client_request_id) = self.doing?;
        let name = step.act()?.to_owned();
        let Found { blueprint, principal, agent, user, .. } = &self.found;
        let object = match step {
            RemovalStep::Licences if self.found.licences.is_empty() => None,
            RemovalStep::Licences | RemovalStep::User => user.map(|id| ("agent_user", id.to_string())),
            RemovalStep::Agent => agent.map(|id| ("agent_identity", id.to_string())),
            RemovalStep::Principal if self.shared() => None,
            RemovalStep::Principal => principal.map(|id| ("blueprint_principal", id.to_string())),
            RemovalStep::Blueprint if self.shared() => None,
            RemovalStep::Blueprint => blueprint.map(|id| ("blueprint", id.to_string())),
            RemovalStep::Search | RemovalStep::Check => None,
        };
        let (kind, id) = object?;
        Some(Act { name, objects: vec![(kind.to_owned(), id)], client_request_id })
    }

    /// Takes in what came of the step that was begun. `jitter` is a fraction from 0 to 1.
    pub fn apply(&mut self, outcome: &RemovalOutcome, now: Timestamp, jitter: f64) {
        self.doing = None;
        let news = outcome.found.as_ref().is_some_and(|found| *found != self.found);
        if let Some(found) = &outcome.found {
            self.found = found.clone();
        }
        let (reason, at_least, told) = match &outcome.ended {
            Ended::Done { .. } => {
                self.done.insert(outcome.step);
                self.waits = Waits::default();
                return;
            }
            Ended::Failed(failure) => {
                self.failure = Some(failure.clone());
                return;
            }
            Ended::Waits { reason, at_least, told } => (*reason, *at_least, told.clone()),
            Ended::Unknown { told } => (Reason::Outage, None, Some(told.clone())),
        };
        if outcome.step == RemovalStep::Check && news {
            // Something came to light: it goes the same way.
            self.done = [RemovalStep::Search].into();
            self.waits = Waits::default();
        }
        if !self.waits.wait(reason, at_least, &self.target.patience, now, jitter) {
            self.failure = Some(Failure::too_long(outcome.step, reason, told));
        }
    }

    /// Goes on after a failure, once someone has acted.
    pub fn retry(&mut self) {
        if self.failure.take().is_some() {
            self.waits = Waits::default();
            self.done.clear();
        }
    }

    /// What is left when all is done, and why.
    pub fn left(&self) -> Vec<Left> {
        let left =
            |kind: &str, id: String, why: &str| Left { kind: kind.to_owned(), id, why: why.to_owned() };
        let restorable =
            "deleted; can be restored for 30 days and counts against the directory's quota until then";
        let mut all = Vec::new();
        let Found { blueprint, principal, agent, user, others, .. } = &self.found;
        all.extend(user.map(|id| left("agent_user", id.to_string(), restorable)));
        all.extend(agent.map(|id| left("agent_identity", id.to_string(), restorable)));
        let why = if self.target.keeps_blueprint {
            "stays: it is there for other agent identities".to_owned()
        } else if self.shared() {
            format!("stays: {} other agent identities use it", others.len())
        } else {
            restorable.to_owned()
        };
        all.extend(principal.map(|id| left("blueprint_principal", id.to_string(), &why)));
        all.extend(blueprint.map(|id| left("blueprint", id.to_string(), &why)));
        all
    }

    /// Whether the blueprint has other children, or is to have.
    pub(crate) fn shared(&self) -> bool {
        self.target.keeps_blueprint || !self.found.others.is_empty()
    }
}

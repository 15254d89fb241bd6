//! What came of a step.

use std::time::Duration;

use attache_graph::Correlation;
use uuid::Uuid;

use crate::{Failure, Objects, Reason, Step, Told};

/// What came of a step.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The step.
    pub step: Step,
    /// How it ended.
    pub ended: Ended,
    /// The ids of its last request, where one was sent.
    pub correlation: Option<Correlation>,
    pub(crate) learnt: Objects,
    /// What a survey has found to be done.
    pub(crate) seen: Vec<Step>,
    pub(crate) resolves: Option<(Uuid, bool)>,
}

/// How a step ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// It is done; `found` when it had been done before.
    Done {
        /// Whether nothing was left to do.
        found: bool,
    },
    /// It must be tried again.
    Waits {
        /// Why.
        reason: Reason,
        /// What the platform asked for.
        at_least: Option<Duration>,
        /// What the platform said.
        told: Option<Told>,
    },
    /// Nobody knows whether it happened.
    Unknown {
        /// What came instead of an answer.
        told: Told,
    },
    /// Someone must act.
    Failed(Failure),
}

impl Outcome {
    /// One word for programs (`done`, `found`, `waits`, `unknown`, `failed`) and a sentence for people.
    pub fn result(&self) -> (&'static str, String) {
        self.ended.result()
    }

    /// The `client-request-id` of an earlier intent whose outcome was unknown until now, and whether its act
    /// happened.
    pub fn resolves(&self) -> Option<(Uuid, bool)> {
        self.resolves
    }

    /// The objects that the step made or found.
    pub fn objects(&self) -> &Objects {
        &self.learnt
    }
}

impl Ended {
    /// One word for programs and a sentence for people.
    pub fn result(&self) -> (&'static str, String) {
        match self {
            Self::Done { found: false } => ("done", "done".to_owned()),
            Self::Done { found: true } => ("found", "it was there already".to_owned()),
            Self::Waits { reason, told: Some(told), .. } => ("waits", format!("{reason} ({})", told.message)),
            Self::Waits { reason, .. } => ("waits", reason.to_string()),
            Self::Unknown { told } => ("unknown", told.message.clone()),
            Self::Failed(failure) => ("failed", failure.to_string()),
        }
    }
}

//! How far provisioning has come, for those who wait.

use std::time::Duration;

use attache_terms::Explain;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Provisioning, Stored};
use crate::profile::Holder;

/// What provisioning is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It has not begun.
    #[default]
    NotStarted,
    /// A step is being done.
    Working,
    /// The platform makes it wait.
    Waiting,
    /// The identity is complete.
    Ready,
    /// Somebody must act.
    Failed,
    /// It is being removed.
    Removing,
}

/// How far provisioning has come.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Progress {
    /// What it is doing.
    pub state: Phase,
    /// The step that is done, waited for, or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// How many steps are done.
    pub done: usize,
    /// How many there are.
    pub total: usize,
    /// Why it waits or has failed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do, when somebody must act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// When it looks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How long it has been going on, in whole seconds.
    pub waited_seconds: u64,
    /// What was wished too late, what it is instead, and what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// The other process that is at it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub holder: Option<Holder>,
}

impl Progress {
    pub(super) fn failed(mut self, error: &dyn Explain) -> Self {
        self.state = Phase::Failed;
        self.reason = Some(error.to_string());
        self.remedy = Some(error.remedy().to_string());
        self.until = None;
        self
    }
}

impl Provisioning {
    /// Tells those who wait how it stands.
    pub(super) fn publish(&self, stored: &Stored, holder: Option<Holder>) -> Progress {
        let now = self.connections.clock().now();
        let (done, total) = stored.record.progress();
        let mut progress = Progress {
            done,
            total,
            waited_seconds: waited(stored.began, now).as_secs(),
            holder,
            ignored: stored.ignored.iter().map(ToString::to_string).collect(),
            step: stored.record.current().map(|step| step.to_string()),
            ..Progress::default()
        };
        match attache_provision::next(&stored.record, now) {
            attache_provision::Action::Do(_) => progress.state = Phase::Working,
            attache_provision::Action::WaitUntil { at, reason } => {
                progress.state = Phase::Waiting;
                progress.reason = Some(reason.to_string());
                progress.until = Some(at);
            }
            attache_provision::Action::Ready => progress.state = Phase::Ready,
            attache_provision::Action::Failed(failure) => progress = progress.failed(&failure),
        }
        self.progress.send_replace(progress.clone());
        progress
    }
}

fn waited(began: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(began)).unwrap_or_default()
}

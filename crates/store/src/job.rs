//! Jobs: rows of the same unit as the change that asks for them, claimed under a lease, fenced by its token.

use std::time::Duration;

use attache_terms::Boot;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{JobId, NodeId, OrgId, StoreError};

/// A job to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its id.
    pub id: JobId,
    /// Who does it: `identity.provision`.
    pub kind: &'static str,
    /// For which organisation.
    pub org: Option<OrgId>,
    /// What makes it the same as another: while one with this kind, organisation and key waits or runs, a new
    /// one is not added; instead the waiting one becomes due when the new one would be, if that is earlier.
    /// (When it is running, it runs once more.) The body stays that of the first.
    pub key: Option<String>,
    /// What its kind needs to know, in JSON. Never a secret.
    pub body: String,
    /// Not before; at once when `None`.
    pub due: Option<Timestamp>,
}

/// Why a job failed whose lease lapsed.
pub const LAPSED: &str = "the worker that had it did not come back";

impl NewJob {
    /// A job for an organisation, or for the gateway itself.
    pub fn new(id: JobId, kind: &'static str, org: Option<OrgId>, body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).unwrap_or_else(|_| "null".to_owned());
        Self { id, kind, org, key: None, body, due: None }
    }

    /// The only one of its kind and organisation with this key.
    pub fn only(self, key: impl Into<String>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Not before this time.
    pub fn due(self, at: Timestamp) -> Self {
        Self { due: Some(at), ..self }
    }
}

/// What a worker asks for.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// Who asks.
    pub node: NodeId,
    /// Which kinds it can do.
    pub kinds: &'a [&'static str],
    /// For how long it is alone with each.
    pub lease: Duration,
    /// At most so many.
    pub limit: usize,
}

/// A job that is claimed. The lease is counted on boot time from before the claim was sent, so that its holder
/// never believes in it longer than the store does.
#[derive(Debug, Clone)]
pub struct Lease {
    /// The job.
    pub job: Job,
    /// What fences it: an end with another token is refused.
    pub token: Uuid,
    /// Until when the holder is alone, on its own boot time.
    pub until: Boot,
}

impl Lease {
    /// How long the holder is still alone.
    pub fn remaining(&self, now: Boot) -> Duration {
        now.until(self.until)
    }
}

/// How a claimed job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JobEnd {
    /// It is done.
    Done,
    /// It waits for something; its failures so far are forgotten.
    Wait {
        /// Until when.
        due: Timestamp,
        /// For what, for people; no content.
        reason: String,
    },
    /// It failed and is tried again.
    Retry {
        /// When.
        due: Timestamp,
        /// Why, for people; no content.
        reason: String,
    },
    /// It is given up, and stays visible.
    Dead {
        /// Why, for people; no content.
        reason: String,
    },
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// It waits until it is due, or for a worker.
    Waiting,
    /// A worker has it; when its lease lapses, another may take it.
    Running,
    /// It was given up.
    Dead,
    /// It is done.
    Done,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Who does it.
    pub kind: String,
    /// For which organisation.
    pub org: Option<OrgId>,
    /// What makes it the only one.
    pub key: Option<String>,
    /// What its kind needs to know, in JSON.
    pub body: String,
    /// How it stands.
    pub state: JobState,
    /// How often it has failed in a row.
    pub failures: u32,
    /// When it is due.
    pub due: Timestamp,
    /// Since when it exists.
    pub created: Timestamp,
    /// When it last changed.
    pub changed: Timestamp,
    /// What was said of it last.
    pub reason: Option<String>,
    /// Who has it.
    pub node: Option<NodeId>,
}

impl Job {
    /// Reads what its kind needs to know.
    pub fn body<T: DeserializeOwned>(&self) -> Result<T, StoreError> {
        serde_json::from_str(&self.body)
            .map_err(|error| StoreError::damaged("job", &self.id.to_string(), &error.to_string()))
    }
}

/// What an end makes of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// How it stands now.
    pub state: JobState,
    /// When it is due again, if it waits.
    pub due: Option<Timestamp>,
    /// How often it has failed in a row.
    pub failures: u32,
    /// What was said of it.
    pub reason: Option<String>,
}

impl JobEnd {
    /// What this end makes of a job that had failed so often. `again` is when it was asked for once more while
    /// it ran.
    pub fn settle(self, failures: u32, again: Option<Timestamp>) -> Settled {
        let waits = |due: Timestamp, failures, reason| Settled {
            state: JobState::Waiting,
            due: Some(again.map_or(due, |again| again.min(due))),
            failures,
            reason,
        };
        match (self, again) {
            (Self::Wait { due, reason }, _) => waits(due, 0, Some(reason)),
            (Self::Retry { due, reason }, _) => waits(due, failures.saturating_add(1), Some(reason)),
            (Self::Done, Some(again)) => waits(again, 0, None),
            (Self::Dead { reason }, Some(again)) => waits(again, 0, Some(reason)),
            (Self::Done, None) => Settled { state: JobState::Done, due: None, failures, reason: None },
            (Self::Dead { reason }, None) => Settled {
                state: JobState::Dead,
                due: None,
                failures: failures.saturating_add(1),
                reason: Some(reason),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn what_was_asked_for_while_it_ran_is_done_once_more() {
        let dead = JobEnd::Dead { reason: "no such tenant".into() };
        for end in [JobEnd::Done, dead] {
            let settled = end.settle(3, Some(at(9)));
            assert_eq!((settled.state, settled.due, settled.failures), (JobState::Waiting, Some(at(9)), 0));
        }
        let retry = JobEnd::Retry { due: at(20), reason: "throttled".into() };
        let settled = retry.clone().settle(3, Some(at(9)));
        assert_eq!((settled.due, settled.failures), (Some(at(9)), 4), "at the earlier time");
        assert_eq!(retry.settle(3, Some(at(30))).due, Some(at(20)));
    }

    #[test]
    fn a_wait_forgets_failures_and_a_retry_counts_them() {
        let wait = JobEnd::Wait { due: at(5), reason: "the mailbox".into() };
        assert_eq!(wait.settle(7, None).failures, 0);
        let retry = JobEnd::Retry { due: at(5), reason: "throttled".into() };
        assert_eq!(retry.settle(7, None).failures, 8);
    }
}

//! One turn at a job: what it is about, and the lease that makes it the only one.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{CommitError, Committed, Engine, GatewayScope, Job, Lease, OrgScope, Store, Unit};
use attache_terms::{Boot, Clock};
use tokio::sync::Mutex;
use tracing::warn;

use super::JobError;
use crate::Gateway;

/// How long a lease is taken for, and prolonged by.
pub(super) const LEASE: Duration = Duration::from_secs(90);

/// How long there must be for a request and its repetitions.
const WRITE: Duration = Duration::from_secs(45);

/// How long before the lease ends the last try may begin: longer than one takes (`TransportConfig::timeout`).
const LAST_TRY: Duration = Duration::from_secs(35);

/// Another node has the job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("another node has taken over the job")]
pub(crate) struct LeaseLost;

/// A claimed job, while it is worked on.
pub(crate) struct Turn {
    current: Arc<Current>,
    job: Job,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
}

/// What a turn shares with the runner, which sees to its end.
pub(super) struct Current {
    lease: Mutex<Lease>,
    known: Mutex<Unit>,
}

impl Current {
    /// The lease as it was prolonged last.
    pub(super) async fn lease(&self) -> Lease {
        self.lease.lock().await.clone()
    }

    /// Applies what is known and was not recorded: the turn failed, or its end was refused.
    pub(super) async fn keep_known(&self, store: &Store) {
        let known = std::mem::take(&mut *self.known.lock().await);
        if let Err(error) = store.commit(known).await {
            // Whoever changed it meanwhile has done the step again, and so told how it ended.
            warn!(%error, "how an act outside ended was not recorded");
        }
    }
}

impl Turn {
    pub(super) fn new(gateway: &Gateway, lease: Lease) -> (Self, Arc<Current>) {
        let job = lease.job.clone();
        let current = Arc::new(Current { lease: Mutex::new(lease), known: Mutex::default() });
        let engine = Arc::clone(gateway.store.engine(GatewayScope::granted()));
        let turn = Self { current: Arc::clone(&current), job, engine, clock: Arc::clone(&gateway.clock) };
        (turn, current)
    }

    /// The job.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// The scope of the organisation whose job it is; a job of the gateway's own that is looked for there is hopeless.
    pub(crate) fn scope(&self) -> Result<OrgScope, JobError> {
        let org = self.job.org.ok_or_else(|| JobError::Hopeless("the job has no organisation".into()))?;
        Ok(OrgScope::granted(org))
    }

    /// To be called before each request that changes something outside. No try of that request may begin after the
    /// time that this returns ([`attache_graph::Graph::before`]): then no other node takes the job over while one may
    /// be under way, be this process stopped and continued meanwhile or not.
    pub(crate) async fn before_write(&self) -> Result<Boot, JobError> {
        let mut lease = self.current.lease.lock().await;
        if lease.remaining(self.clock.boot()) < WRITE {
            *lease = self.engine.extend(&lease, LEASE).await?.ok_or(LeaseLost)?;
        }
        Ok(Boot(lease.until.0.saturating_sub(LAST_TRY)))
    }

    /// Applies a unit while the lease holds; it is refused when another node has the job.
    pub(crate) async fn commit(&self, mut unit: Unit) -> Result<Committed, CommitError> {
        let lease = self.current.lease().await;
        if lease.remaining(self.clock.boot()).is_zero() {
            return Err(CommitError::LeaseLost);
        }
        unit.under(&lease);
        let committed = self.engine.commit(unit).await?;
        *self.current.known.lock().await = Unit::new();
        Ok(committed)
    }

    /// What is so whatever becomes of the next unit, which tells it too: how an act outside ended, and what came of
    /// it. If that unit is refused, since somebody changed something else of it, this is applied by itself, and not
    /// only under the lease.
    pub(crate) async fn known(&self, unit: Unit) {
        *self.current.known.lock().await = unit;
    }

    /// The lease, for units that are committed elsewhere.
    pub(crate) async fn lease(&self) -> Lease {
        self.current.lease().await
    }
}

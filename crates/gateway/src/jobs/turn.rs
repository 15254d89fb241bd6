//! One turn at a job: what it is about, and the lease that makes it the only one.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{CommitError, Committed, Engine, GatewayScope, Job, Lease, Unit};
use attache_terms::{Boot, Clock};
use tokio::sync::Mutex;

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
    lease: Arc<Mutex<Lease>>,
    job: Job,
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
}

impl Turn {
    pub(super) fn new(gateway: &Gateway, lease: Lease) -> (Self, Arc<Mutex<Lease>>) {
        let job = lease.job.clone();
        let lease = Arc::new(Mutex::new(lease));
        let engine = Arc::clone(gateway.store.engine(GatewayScope::granted()));
        let turn = Self { lease: Arc::clone(&lease), job, engine, clock: Arc::clone(&gateway.clock) };
        (turn, lease)
    }

    /// The job.
    pub(crate) fn job(&self) -> &Job {
        &self.job
    }

    /// To be called before each request that changes something outside. No try of that request may begin after the
    /// time that this returns ([`attache_graph::Graph::before`]): then no other node takes the job over while one may
    /// be under way, be this process stopped and continued meanwhile or not.
    pub(crate) async fn before_write(&self) -> Result<Boot, crate::jobs::JobError> {
        let mut lease = self.lease.lock().await;
        if lease.remaining(self.clock.boot()) < WRITE {
            *lease = self.engine.extend(&lease, LEASE).await?.ok_or(LeaseLost)?;
        }
        Ok(Boot(lease.until.0.saturating_sub(LAST_TRY)))
    }

    /// Applies a unit while the lease holds; it is refused when another node has the job.
    pub(crate) async fn commit(&self, unit: Unit) -> Result<Committed, CommitError> {
        if self.lease.lock().await.remaining(self.clock.boot()).is_zero() {
            return Err(CommitError::LeaseLost);
        }
        self.engine.commit(unit).await
    }
}

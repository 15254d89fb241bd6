//! A node, as these tests see it: an engine, who it is, and what it asks for.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Actor, Composer, Draft, Verdict};
use attache_store::{Claim, Engine, JobId, JobState, Lease, NewJob, NodeId, Store, StoreError};
use attache_store_postgres::{Postgres, PostgresOptions};
use attache_terms::{SystemClock, SystemRng};
use serde::{Deserialize, Serialize};

/// What the jobs of these tests are called.
pub(crate) const KIND: &str = "test";

/// A gateway's share of a store.
#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) engine: Arc<dyn Engine>,
    id: NodeId,
}

impl Node {
    pub(crate) async fn on(address: &str) -> Self {
        let options = PostgresOptions::new(address.to_owned().into(), Arc::new(SystemClock));
        let engine = Arc::new(Postgres::open(options).await.unwrap());
        Self { engine, id: NodeId::make(&SystemClock, &SystemRng) }
    }

    pub(crate) fn store(&self) -> Store {
        Store::new(self.engine.clone())
    }

    pub(crate) async fn claim(&self, limit: usize, lease: Duration) -> Result<Vec<Lease>, StoreError> {
        self.engine.claim(Claim { node: self.id, kinds: &[KIND], lease, limit }).await
    }

    /// How many jobs stand so.
    pub(crate) async fn count(&self, state: JobState) -> Result<u64, StoreError> {
        let counts = self.engine.job_counts().await?;
        Ok(counts.iter().filter(|(_, of, _)| *of == state).map(|(.., count)| count).sum())
    }
}

pub(crate) fn job() -> NewJob {
    NewJob::new(JobId::make(&SystemClock, &SystemRng), KIND, None, &())
}

pub(crate) fn entry() -> Draft {
    let composer = Composer::new(Arc::new(SystemClock), Arc::new(SystemRng));
    composer.change(Act::new(ActName::new("note.change"), Actor::default()), Verdict::Done, None)
}

/// A record of the gateway's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) key: String,
    pub(crate) text: String,
}

impl Note {
    pub(crate) fn new(key: &str, text: &str) -> Self {
        Self { key: key.into(), text: text.into() }
    }
}

impl attache_store::Record for Note {
    const KIND: &'static str = "note";
    type Scope = attache_store::GatewayScope;

    fn key(&self) -> String {
        self.key.clone()
    }
}

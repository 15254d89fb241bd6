//! Snapshots of a tenant. They share what has not changed since, so they cost next to nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::tenant::Tenant;

/// What a snapshot is told by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Snapshot {
    /// To restore it by.
    pub(crate) id: u64,
    pub(crate) name: String,
    /// When it was taken, by the tenant's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(crate) taken: Timestamp,
}

/// The snapshots of a tenant.
#[derive(Debug, Default)]
pub(crate) struct Snapshots(Mutex<BTreeMap<u64, (Snapshot, Arc<Tenant>)>>);

impl Snapshots {
    /// Keeps one.
    pub(crate) fn keep(&self, tenant: Arc<Tenant>, name: String, taken: Timestamp) -> Snapshot {
        let mut kept = self.kept();
        let id = kept.last_key_value().map_or(1, |(last, _)| last + 1);
        let snapshot = Snapshot { id, name, taken };
        kept.insert(id, (snapshot.clone(), tenant));
        snapshot
    }

    /// All of them with what they hold, to be kept.
    pub(crate) fn held(&self) -> Vec<(Snapshot, Arc<Tenant>)> {
        self.kept().values().cloned().collect()
    }

    /// Takes up what was kept.
    pub(crate) fn resume(&self, snapshots: Vec<(Snapshot, Arc<Tenant>)>) {
        *self.kept() = snapshots.into_iter().map(|one| (one.0.id, one)).collect();
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<Snapshot> {
        self.kept().values().map(|(snapshot, _)| snapshot.clone()).collect()
    }

    /// What the tenant was, by the snapshot's id or its name; of several with that name the newest.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Tenant>> {
        let kept = self.kept();
        let by_id = id.parse().ok().and_then(|id: u64| kept.get(&id));
        let found = by_id.or_else(|| kept.values().rev().find(|(snapshot, _)| snapshot.name == id));
        found.map(|(_, tenant)| Arc::clone(tenant))
    }

    /// Forgets one, by its id; whether it was there.
    pub(crate) fn remove(&self, id: &str) -> bool {
        id.parse().is_ok_and(|id: u64| self.kept().remove(&id).is_some())
    }

    fn kept(&self) -> MutexGuard<'_, BTreeMap<u64, (Snapshot, Arc<Tenant>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

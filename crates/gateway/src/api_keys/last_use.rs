//! About when a key was last used: apart from the key, so that noting it never stands in the way of who changes the
//! key, and at most every ten minutes, since every use would be a write.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use attache_store::{CommitError, OrgScope, OrgStore, Page, Record, StoreError, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ApiKey, KeyId};
use crate::Gateway;

/// How often the use of a key is noted at most.
const OFTEN: Duration = Duration::from_secs(600);

/// When a key was last used, to the nearest ten minutes.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct LastUse {
    key: KeyId,
    at: Timestamp,
}

impl Record for LastUse {
    const KIND: &'static str = "api_key_use";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.key.to_string()
    }
}

/// What this process has noted.
#[derive(Debug, Default)]
pub(crate) struct Noted(Mutex<HashMap<KeyId, Timestamp>>);

impl Noted {
    /// Whether it is time to note a use again; if so, it counts as noted.
    fn is_due(&self, key: KeyId, now: Timestamp) -> bool {
        let mut noted = self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let recent = noted.get(&key).is_some_and(|last| now.duration_since(*last).unsigned_abs() < OFTEN);
        if !recent {
            noted.insert(key, now);
        }
        !recent
    }
}

/// Notes a use. No request waits for it; another node that notes it at the same time says the same.
pub(super) fn note(gateway: &Arc<Gateway>, key: &ApiKey, now: Timestamp) {
    if !gateway.noted.is_due(key.id, now) {
        return;
    }
    let (store, id, scope) = (gateway.store.clone(), key.id, OrgScope::granted(key.org));
    gateway.spawn(async move {
        let noting = async {
            let fresh = LastUse { key: id, at: now };
            let mut unit = Unit::new();
            match store.org(scope).get::<LastUse>(id).await? {
                Some(before) => unit.update(&before, &fresh),
                None => unit.create(scope, &fresh),
            };
            store.commit(unit).await
        };
        match noting.await {
            Ok(_) | Err(CommitError::Conflict { .. } | CommitError::Taken { .. }) => {}
            Err(error) => tracing::warn!(%error, "the use of a key was not noted"),
        }
    });
}

/// When a key was last used.
pub(super) async fn read(store: OrgStore<'_>, key: KeyId) -> Result<Option<Timestamp>, StoreError> {
    let found: Option<Versioned<LastUse>> = store.get(key).await?;
    Ok(found.map(|found| found.at))
}

/// When the keys of a page were last used, in one read. A key has one note at most and is never deleted, so the
/// same page of notes reaches as far as that of the keys, if it is read before them.
pub(super) async fn of_page(
    store: OrgStore<'_>,
    page: Page,
) -> Result<HashMap<KeyId, Timestamp>, StoreError> {
    let noted: Vec<Versioned<LastUse>> = store.list(page).await?;
    Ok(noted.iter().map(|noted| (noted.key, noted.at)).collect())
}

//! Entries as JSON lines, for a program that follows the log: it names the last number that it has, and is answered
//! when there is something after it, or when it has waited long enough.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{EntryQuery, EntryRow, OrgScope, StoreError};
use attache_terms::Boot;

use crate::Gateway;

/// The longest wait: below what a request may take.
pub(super) const LONGEST: u64 = 20;
/// How often it looks: another node may have written the entry.
const LOOK: Duration = Duration::from_millis(500);

/// The entries from this number on, at most so many, as soon as there is one, or nothing after the wait.
pub(super) async fn entries(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    from: u64,
    limit: usize,
    wait: Duration,
) -> Result<Vec<EntryRow>, StoreError> {
    let end: Boot = gateway.clock.boot().after(wait);
    let store = gateway.store.org(scope);
    loop {
        let query = EntryQuery { sequences: from..u64::MAX, ..EntryQuery::all(store.own_log(), limit) };
        let rows = store.entries(query).await?;
        let left = gateway.clock.boot().until(end);
        if !rows.is_empty() || left.is_zero() || gateway.stopping.is_cancelled() {
            return Ok(rows);
        }
        tokio::select! {
            () = gateway.stopping.cancelled() => {}
            () = gateway.clock.sleep(left.min(LOOK)) => {}
        }
    }
}

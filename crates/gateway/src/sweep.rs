//! Removes what has had its time: records that say themselves when they expire (sessions, invitations, links, kept
//! answers), and jobs that ended some days ago.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{GatewayScope, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::Gateway;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);
/// How many records, and how many jobs, are removed in one go.
const PART: usize = 1_000;
/// How long finished jobs are kept to be looked at.
const FINISHED: Duration = Duration::from_secs(3 * 24 * 3600);

/// Sweeps until `stop`.
pub(crate) async fn run(gateway: Arc<Gateway>, stop: CancellationToken) {
    loop {
        if let Err(error) = sweep(&gateway).await {
            warn!(%error, "what has expired is not swept");
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = gateway.clock.sleep(LOOK) => {}
        }
    }
}

async fn sweep(gateway: &Gateway) -> Result<(), StoreError> {
    let engine = gateway.store.engine(GatewayScope::granted());
    let now = gateway.clock.now();
    engine.sweep(now, PART).await?;
    if let Ok(before) = now.saturating_sub(FINISHED) {
        engine.forget_jobs(before, PART).await?;
    }
    Ok(())
}

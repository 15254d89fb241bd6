//! The clerk: signs what no checkpoint covers yet, some seconds after it was written or when somebody asks, and says
//! of acts that were interrupted that nobody can tell how they ended.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::sign_checkpoint;
use attache_store::{Checkpointed, GatewayScope, Log, LogHead};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{AuditError, key};
use crate::Gateway;
use crate::record::give_up_open_acts;

/// How often it looks.
const LOOK: Duration = Duration::from_secs(5);
/// How many logs it signs in one go.
const LOGS: usize = 500;

/// Works until `stop`.
pub(crate) async fn keep(gateway: Arc<Gateway>, stop: CancellationToken) {
    loop {
        if let Err(error) = give_up_open_acts(&gateway).await {
            warn!(%error, "acts that were interrupted stay open");
        }
        if let Err(error) = sign_all(&gateway).await {
            error!(%error, "checkpoints are not signed");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = gateway.clock.sleep(LOOK) => {}
        }
    }
    // What was written last is signed too, before the process ends.
    if let Err(error) = sign_all(&gateway).await {
        error!(%error, "the last checkpoints are not signed");
    }
}

async fn sign_all(gateway: &Gateway) -> Result<(), AuditError> {
    loop {
        let heads = gateway.store.engine(GatewayScope::granted()).unsigned(LOGS).await?;
        let more = heads.len() == LOGS;
        for head in heads {
            sign(gateway, head).await?;
        }
        if !more {
            return Ok(());
        }
    }
}

async fn sign(gateway: &Gateway, head: LogHead) -> Result<Checkpointed, AuditError> {
    let signer = key::signer(gateway).await?;
    let note = sign_checkpoint(&key::origin(gateway, head.log), &head.frontier, &*signer)?.encode();
    let size = head.frontier.size();
    gateway.store.engine(GatewayScope::granted()).put_checkpoint(head.log, size, &note).await?;
    Ok(Checkpointed { size, note })
}

/// The checkpoint over all entries of now; `None` before the first one.
pub(super) async fn checkpoint(gateway: &Gateway, log: Log) -> Result<Option<Checkpointed>, AuditError> {
    let Some(head) = gateway.store.engine(GatewayScope::granted()).log(log).await? else { return Ok(None) };
    match &head.checkpoint {
        Some(checkpoint) if checkpoint.size == head.frontier.size() => Ok(head.checkpoint),
        _ => sign(gateway, head).await.map(Some),
    }
}

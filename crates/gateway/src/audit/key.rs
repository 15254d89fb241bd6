//! The key that signs checkpoints: one for the gateway, sealed in its database, under a name for each log.

use std::sync::Arc;

use attache_ledger::{Ed25519Key, NoteSigner, VerifierKey};
use attache_store::{CommitError, GatewayScope, Log, Place, Record, Unit};
use serde::{Deserialize, Serialize};

use super::AuditError;
use crate::Gateway;
use crate::sealing::{Context, Sealed};

const CONTEXT: Context<'static> = Context { purpose: "audit_key", of: "gateway" };

/// The key as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct AuditKey {
    seed: Sealed,
}

impl Record for AuditKey {
    const KIND: &'static str = "audit_key";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        "gateway".to_owned()
    }
}

/// The signer; made when there is none. It is opened once.
pub(super) async fn signer(gateway: &Gateway) -> Result<Arc<Ed25519Key>, AuditError> {
    let made = gateway.audit_key.get_or_try_init(|| async { load(gateway).await.map(Arc::new) }).await?;
    Ok(Arc::clone(made))
}

async fn load(gateway: &Gateway) -> Result<Ed25519Key, AuditError> {
    loop {
        if let Some(kept) = gateway.system().get::<AuditKey>("gateway").await? {
            let seed = gateway.keyring.open(CONTEXT, &kept.seed).await?;
            return Ok(Ed25519Key::from_seed(&seed)?);
        }
        let seed = Ed25519Key::generate_seed(&*gateway.rng);
        let mut unit = Unit::new();
        unit.create(GatewayScope::granted(), &AuditKey { seed: gateway.keyring.seal(CONTEXT, &seed).await? });
        match gateway.store.commit(unit).await {
            // Another node may have made it at the same time: what is kept counts.
            Ok(_) | Err(CommitError::Taken { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The name of a log: the gateway's host, and whose log it is.
pub(super) fn origin(gateway: &Gateway, log: Log) -> String {
    let host = gateway.config.public_url.host_str().unwrap_or("gateway");
    match log.0 {
        Place::Org(org) => format!("{host}/attache/{org}"),
        Place::Gateway => format!("{host}/attache/gateway"),
    }
}

/// The public key of a log, as standard tools read it.
pub(super) async fn verifier(gateway: &Gateway, log: Log) -> Result<VerifierKey, AuditError> {
    let signer = signer(gateway).await?;
    let origin = origin(gateway, log);
    VerifierKey::new(&origin, signer.public_key())
        .map_err(|_| AuditError::Damaged(format!("{origin:?} cannot be the name of a log")))
}

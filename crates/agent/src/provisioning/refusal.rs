//! An attempt that came to nothing stands in the ledger, even when it never came to a step that has an entry
//! of its own: no seat was free, the provisioner lacks a permission, Entra could not be reached.

use std::sync::PoisonError;

use attache_ledger::{Act, ActName, Actor, Mode};
use attache_terms::Explain;
use tracing::warn;

use super::{Provisioning, ProvisioningError};
use crate::audit::Audit;

impl Provisioning {
    /// Records why an attempt came to nothing, if it did: once for each cause, since the background tries again
    /// for as long as the cause lasts.
    pub(crate) async fn record_refusal(&self, audit: &Audit, error: Option<&ProvisioningError>) {
        let code = error.map(Explain::code);
        let before =
            std::mem::replace(&mut *self.refused.lock().unwrap_or_else(PoisonError::into_inner), code);
        let Some(error) = error.filter(|_| code != before) else { return };
        let actor = Actor {
            tenant: Some(self.connections.settings().tenant),
            mode: Some(Mode::Application),
            ..Actor::default()
        };
        if let Err(unrecorded) = audit.refused(Act::new(ActName::new("provision"), actor), error).await {
            warn!(%unrecorded, "a refused attempt to provision could not be recorded");
        }
    }
}

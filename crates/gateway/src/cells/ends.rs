//! Until when a cell's certificate is good: Entra takes no assertion of the blueprint afterwards, so that all of its
//! agents stop. It is told before.

use std::time::Duration;

use attache_keys::Certificate;
use attache_store::{StoreError, Versioned};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

use super::Cell;
use crate::Gateway;

/// How long before its end somebody is told.
const SOON: Duration = Duration::from_secs(60 * 24 * 3600);

impl Cell {
    /// When its certificate ends; `None` of one that cannot be read.
    pub(crate) fn ends(&self) -> Option<Timestamp> {
        let der = STANDARD.decode(&self.certificate).ok()?;
        Some(Certificate::from_der(der).ok()?.not_after())
    }

    /// In how many days its certificate ends, if that is soon.
    pub(crate) fn ends_soon(&self, now: Timestamp) -> Option<i64> {
        let left = self.ends()?.duration_since(now);
        (left < SOON.try_into().ok()?).then(|| left.as_secs().max(0) / (24 * 3600))
    }
}

/// All cells whose blueprints are in their tenants.
pub(crate) async fn cells(gateway: &Gateway) -> Result<Vec<Cell>, StoreError> {
    let cells: Vec<Versioned<Cell>> = gateway.system().every().await?;
    Ok(cells.into_iter().map(|cell| cell.record).filter(|cell| !cell.lost).collect())
}

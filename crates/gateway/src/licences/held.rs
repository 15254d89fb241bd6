//! The licences of an identity's user, as its tenant has them.

use attache_graph::{Graph, GraphError};
use attache_terms::SkuId;

use crate::identities::Identity;

/// Which they are now; those that were seen last where there is no user, or none any more.
pub(crate) async fn held(graph: &Graph, identity: &Identity) -> Result<Vec<SkuId>, GraphError> {
    let Some(user) = identity.user else { return Ok(identity.licences.clone()) };
    match graph.user(user).await {
        Ok(user) => Ok(user.value.assigned_licences.into_iter().map(|licence| licence.sku_id).collect()),
        Err(error) if error.is_not_found() => Ok(identity.licences.clone()),
        Err(error) => Err(error),
    }
}

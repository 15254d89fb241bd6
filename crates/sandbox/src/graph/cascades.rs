//! What the deletion of a blueprint's principal takes with it, and when: its agent identities and their agent users
//! follow later, up to a day (Entra reference §2.11). Restoring the principal before that stops it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::service_principals::soft_delete;
use crate::files::FileError;
use crate::realm::{Inside, Realm};
use crate::tenant::Tenant;

/// A deletion that others are to follow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Cascade {
    /// The principal that was deleted.
    principal: String,
    /// Its blueprint.
    app_id: String,
    due: Timestamp,
}

/// Lets a principal's agents follow it, at once or when that is due.
pub(super) fn begin(tenant: &mut Tenant, principal: &str, app_id: &str, now: Timestamp, due: Timestamp) {
    if due <= now {
        return follow(tenant, app_id, now);
    }
    let cascade = Cascade { principal: principal.to_owned(), app_id: app_id.to_owned(), due };
    tenant.workloads.cascades.push(cascade);
}

/// The principal is back, before its agents followed it.
pub(super) fn stop(tenant: &mut Tenant, principal: &str) {
    tenant.workloads.cascades.retain(|cascade| cascade.principal != principal);
}

/// Deletes in a realm what is due by its clock.
///
/// # Errors
/// If it does not persist.
pub(super) fn catch_up(realm: &Realm, tenant: &mut Inside<'_>) -> Result<(), FileError> {
    let now = realm.clock.now();
    let is_due = |cascade: &Cascade| cascade.due <= now;
    if !tenant.workloads.cascades.iter().any(is_due) {
        return Ok(());
    }
    let tenant_now: &mut Tenant = tenant;
    let (due, later) = std::mem::take(&mut tenant_now.workloads.cascades).into_iter().partition(is_due);
    tenant_now.workloads.cascades = later;
    let due: Vec<Cascade> = due;
    for cascade in due {
        follow(tenant_now, &cascade.app_id, cascade.due);
    }
    realm.settle(tenant)
}

fn follow(tenant: &mut Tenant, app_id: &str, at: Timestamp) {
    let agents: Vec<String> = tenant.children_of(app_id).map(|sp| sp.id.clone()).collect();
    for agent in agents {
        soft_delete(tenant, &agent, at, at);
    }
}

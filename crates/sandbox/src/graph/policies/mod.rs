//! Policies: which consent people may give, how consent is asked for, which credentials applications may have,
//! and what sign-in asks for (Entra reference §8, §13).

mod agreements;
mod app_management;
mod authentication_strengths;
mod authorization;
mod conditional_access;
mod consent_requests;
mod grant_policies;
mod named_locations;
mod security_defaults;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::route::Route;

pub(crate) use agreements::Agreement;
pub(crate) use app_management::{AppManagement, Credential};
pub(crate) use consent_requests::{ConsentRequest, RequestPolicy};
pub(crate) use grant_policies::{Asking, GrantPolicy};

/// The policies of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Policies {
    /// `permissionGrantPoliciesAssigned` of ordinary users.
    pub(crate) assigned: Vec<String>,
    /// The tenant's own grant policies, by id.
    pub(crate) custom: BTreeMap<String, GrantPolicy>,
    /// Whether people may consent to risky-looking apps: multi-tenant, of an unverified publisher.
    pub(crate) allows_risky: bool,
    /// Whether ordinary users may register applications.
    pub(crate) allows_apps: bool,
    pub(crate) allows_groups: bool,
    pub(crate) request_policy: RequestPolicy,
    pub(crate) requests: Vec<ConsentRequest>,
    pub(crate) app_management: AppManagement,
    /// Terms of use.
    pub(crate) agreements: Vec<Agreement>,
}

impl Default for Policies {
    fn default() -> Self {
        Self {
            assigned: vec![format!("{FOR_SELF}{MANAGED}")],
            custom: BTreeMap::new(),
            allows_risky: false,
            allows_apps: true,
            allows_groups: true,
            request_policy: RequestPolicy::default(),
            requests: Vec::new(),
            app_management: AppManagement::default(),
            agreements: Vec::new(),
        }
    }
}

/// What stands before the id of a policy that is assigned to users for themselves.
pub(crate) const FOR_SELF: &str = "ManagePermissionGrantsForSelf.";

/// The default, which Microsoft manages.
pub(crate) const MANAGED: &str = "microsoft-user-default-recommended";
/// Verified publishers and permissions of low impact only.
pub(crate) const LOW: &str = "microsoft-user-default-low";
/// Everything that needs no administrator by itself.
pub(crate) const LEGACY: &str = "microsoft-user-default-legacy";

pub(super) fn routes() -> Vec<Route> {
    let mut routes = authorization::routes();
    routes.extend(grant_policies::routes());
    routes.extend(consent_requests::routes());
    routes.extend(app_management::routes());
    routes.extend(conditional_access::routes());
    routes.extend(authentication_strengths::routes());
    routes.extend(agreements::routes());
    routes.extend(named_locations::routes());
    routes.extend(security_defaults::routes());
    routes
}

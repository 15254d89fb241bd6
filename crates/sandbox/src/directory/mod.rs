//! What the directory holds: the objects that Entra ID and Graph both look at. State of one workload only
//! (chats, mail) stands beside its Graph resource.

mod application;
mod authentication_method;
mod foreign;
mod grant;
mod index;
mod licence;
mod objects;
mod properties;
mod service_principal;
mod user;
mod verified_domains;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use application::{
    ApiScope, Application, ApplicationKind, FederatedCredential, Inheritance, InheritedScopes, KeyCredential,
    PasswordCredential, PublishedRole,
};
pub(crate) use authentication_method::{AuthenticationMethod, Factor, MethodKind};
pub(crate) use foreign::Foreign;
pub(crate) use grant::{ConsentType, DelegatedGrant, RoleAssignment};
pub(crate) use licence::{AssignedLicence, ServicePlan, Sku};
pub(crate) use objects::{Named, Objects};
pub(crate) use properties::Properties;
pub(crate) use service_principal::{ServicePrincipal, ServicePrincipalKind};
pub(crate) use user::{User, UserKind};
pub(crate) use verified_domains::VerifiedDomains;

/// When an object was made, when readers see it, and when it was soft-deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Life {
    pub(crate) created: Timestamp,
    /// From when on reads, filters and references find it.
    pub(crate) visible: Timestamp,
    pub(crate) deleted: Option<Timestamp>,
}

impl Life {
    /// An object made at `created` that readers see from `visible` on.
    pub(crate) fn new(created: Timestamp, visible: Timestamp) -> Self {
        Self { created, visible, deleted: None }
    }

    /// Whether it is not soft-deleted: what uniqueness and quotas ask.
    pub(crate) fn is_live(&self) -> bool {
        self.deleted.is_none()
    }

    /// Whether a reader finds it now.
    pub(crate) fn is_visible(&self, now: Timestamp) -> bool {
        self.is_live() && crate::scope::shows(self.created, self.visible, now)
    }
}

/// A new object id.
pub(crate) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

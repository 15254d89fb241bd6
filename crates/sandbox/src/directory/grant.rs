//! Delegated grants and app role assignments (Entra reference §2.7).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An `oauth2PermissionGrant`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DelegatedGrant {
    pub(crate) id: String,
    /// The client's service principal.
    pub(crate) client_id: String,
    pub(crate) consent: ConsentType,
    /// The resource's service principal.
    pub(crate) resource_id: String,
    /// Space separated, as it was written and as it is read.
    pub(crate) scope: String,
    /// What tokens show until `effective`: the scopes before the last change.
    pub(crate) earlier_scope: String,
    pub(crate) effective: Timestamp,
}

/// For whom a grant holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ConsentType {
    AllPrincipals,
    /// One user's object id.
    Principal(String),
}

impl DelegatedGrant {
    /// A new grant: tokens show nothing of it until `effective`.
    pub(crate) fn new(
        client_id: &str,
        consent: ConsentType,
        resource_id: &str,
        scope: &str,
        effective: Timestamp,
    ) -> Self {
        Self {
            id: super::new_id().replace('-', ""),
            client_id: client_id.to_owned(),
            consent,
            resource_id: resource_id.to_owned(),
            scope: scope.to_owned(),
            earlier_scope: String::new(),
            effective,
        }
    }

    /// Replaces the scopes (a PATCH replaces them all).
    pub(crate) fn set_scope(&mut self, scope: &str, now: Timestamp, effective: Timestamp) {
        self.earlier_scope = self.effective_scope(now).to_owned();
        self.scope = scope.to_owned();
        self.effective = effective;
    }

    /// What a token that is issued now shows.
    pub(crate) fn effective_scope(&self, now: Timestamp) -> &str {
        if self.effective <= now { &self.scope } else { &self.earlier_scope }
    }

    /// Whether it covers that user.
    pub(crate) fn covers(&self, user_id: &str) -> bool {
        match &self.consent {
            ConsentType::AllPrincipals => true,
            ConsentType::Principal(principal) => principal == user_id,
        }
    }
}

/// An `appRoleAssignment`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RoleAssignment {
    pub(crate) id: String,
    /// The client's service principal.
    pub(crate) principal_id: String,
    /// The resource's service principal.
    pub(crate) resource_id: String,
    pub(crate) role_id: String,
    pub(crate) created: Timestamp,
    /// From when on new tokens show it.
    pub(crate) effective: Timestamp,
}

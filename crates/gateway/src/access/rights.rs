//! What can be allowed, and which role or scope allows it: one table.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a member is in their organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Role {
    /// Everything, other owners included.
    Owner,
    /// Everything but owners.
    Admin,
    /// Sees the organisation. It is for who will decide approvals, which there are none of yet.
    Approver,
    /// Sees the organisation and its audit log.
    Auditor,
}

/// What a handler needs. The text is the scope that an API key must have for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Needs {
    /// The scope of an API key: `identities:write`.
    pub(crate) scope: &'static str,
    /// The roles that have it.
    pub(crate) roles: &'static [Role],
    /// Whether a person must have signed in within the last minutes.
    pub(crate) step_up: bool,
    /// Whether operators have it in organisations that they do not belong to: they see to it that each has owners, and
    /// stop what must be stopped; its data is not theirs.
    pub(crate) operators: bool,
}

/// A right, as a type: `Allowed<right::ManageKeys>`.
pub(crate) trait Right: Send + Sync + 'static {
    /// What it needs.
    const NEEDS: Needs;
}

const ALL: &[Role] = Role::ALL;
const AUDITORS: &[Role] = &[Role::Owner, Role::Admin, Role::Auditor];
const MANAGERS: &[Role] = &[Role::Owner, Role::Admin];

/// The rights there are.
pub(crate) mod right {
    use super::{ALL, AUDITORS, MANAGERS, Needs, Right};

    macro_rules! rights {
        ($($(#[$doc:meta])* $name:ident = $scope:literal, $roles:expr, step_up: $step_up:literal, operators: $operators:literal;)*) => {
            $(
                $(#[$doc])*
                #[derive(Debug, Clone, Copy)]
                pub(crate) struct $name;

                impl Right for $name {
                    const NEEDS: Needs =
                        Needs { scope: $scope, roles: $roles, step_up: $step_up, operators: $operators };
                }
            )*

            /// Every right with its name, for the list of scopes and for tests.
            pub(crate) const EVERY: &[(&str, Needs)] = &[$((stringify!($name), $name::NEEDS)),*];
        };
    }

    rights! {
        /// See the organisation, its identities and its jobs.
        SeeOrganisation = "organisation:read", ALL, step_up: false, operators: true;
        /// Change the organisation's own settings.
        ChangeOrganisation = "organisation:write", MANAGERS, step_up: false, operators: true;
        /// See identities.
        SeeIdentities = "identities:read", ALL, step_up: false, operators: true;
        /// Provision, change, test.
        ManageIdentities = "identities:write", MANAGERS, step_up: false, operators: false;
        /// Suspend and resume: fast, so without another sign-in.
        SuspendIdentities = "identities:suspend", MANAGERS, step_up: false, operators: true;
        /// Name who answers for an identity.
        ManageSponsors = "sponsors:write", MANAGERS, step_up: false, operators: false;
        /// See who answers for which identity.
        SeeReviews = "reviews:read", ALL, step_up: false, operators: false;
        /// Confirm that an identity is still wanted.
        ConfirmReviews = "reviews:write", MANAGERS, step_up: false, operators: false;
        /// Deprovision.
        RemoveIdentities = "identities:remove", MANAGERS, step_up: true, operators: false;
        /// See how the organisation's own tenant is connected.
        SeeTenant = "tenant:read", ALL, step_up: false, operators: false;
        /// Connect the organisation's own tenant, settle how it is used, disconnect it.
        ConnectTenant = "tenant:write", MANAGERS, step_up: true, operators: false;
        /// See who belongs to the organisation.
        SeeMembers = "members:read", ALL, step_up: false, operators: true;
        /// Invite, change roles, remove.
        ManageMembers = "members:write", MANAGERS, step_up: true, operators: true;
        /// See which API keys there are.
        SeeKeys = "keys:read", AUDITORS, step_up: false, operators: false;
        /// Make, rotate and revoke API keys.
        ManageKeys = "keys:write", MANAGERS, step_up: true, operators: false;
        /// Read the audit log.
        ReadAudit = "audit:read", AUDITORS, step_up: false, operators: false;
        /// Change what becomes of the audit log: retention, erasure, links.
        ManageAudit = "audit:write", MANAGERS, step_up: true, operators: false;
        /// See jobs.
        SeeJobs = "jobs:read", AUDITORS, step_up: false, operators: true;
        /// Run a job again.
        ManageJobs = "jobs:write", MANAGERS, step_up: false, operators: false;
    }
}

/// Ask for an identity: whoever may [`right::ManageIdentities`], and operators, for they give users of our tenants away.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AskForIdentity;

impl Right for AskForIdentity {
    const NEEDS: Needs = Needs { operators: true, ..right::ManageIdentities::NEEDS };
}

/// The scopes of an API key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Scopes(pub(crate) Vec<String>);

impl Scopes {
    /// Whether they allow this.
    pub(crate) fn allow(&self, needs: Needs) -> bool {
        self.0.iter().any(|scope| scope == needs.scope)
    }

    /// The same, each named once.
    pub(crate) fn once(mut self) -> Self {
        let mut seen = HashSet::new();
        self.0.retain(|scope| seen.insert(scope.clone()));
        self
    }

    /// The first that is none.
    pub(crate) fn unknown(&self) -> Option<&str> {
        let known = |scope: &str| right::EVERY.iter().any(|(_, needs)| needs.scope == scope);
        self.0.iter().map(String::as_str).find(|scope| !known(scope))
    }
}

impl Role {
    /// Every role, the mightiest first.
    pub(crate) const ALL: &'static [Self] = &[Self::Owner, Self::Admin, Self::Approver, Self::Auditor];

    /// Whether it allows this.
    pub(crate) fn allows(self, needs: Needs) -> bool {
        needs.roles.contains(&self)
    }

    /// The word for people.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Approver => "approver",
            Self::Auditor => "auditor",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_right_has_a_scope_of_its_own_and_is_an_owners() {
        let mut scopes: Vec<_> = right::EVERY.iter().map(|(_, needs)| needs.scope).collect();
        scopes.sort_unstable();
        scopes.dedup();
        assert_eq!(scopes.len(), right::EVERY.len());
        assert!(right::EVERY.iter().all(|(_, needs)| Role::Owner.allows(*needs)));
    }

    #[test]
    fn an_auditor_changes_nothing() {
        let writes = right::EVERY.iter().filter(|(_, needs)| !needs.scope.ends_with(":read"));
        assert!(writes.clone().count() > 5);
        assert!(writes.clone().all(|(_, needs)| !Role::Auditor.allows(*needs)));
    }
}

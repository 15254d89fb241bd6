//! Who manages whom: a blueprint manages its own children, an application its owners, and the broad
//! permissions everybody (Entra reference §2.1, §2.3, §2.4, §2.8).

use crate::authorize::{Caller, CallerKind};
use crate::directory::{Application, ServicePrincipal, User};
use crate::tenant::Tenant;

use super::call::Call;
use super::error::GraphError;

/// An app may create, read, change and delete the agent identities of its own blueprint.
pub(crate) const CREATE_AS_MANAGER: &str = "AgentIdentity.CreateAsManager";

/// The calling blueprint may manage the agent users of its own agent identities.
pub(crate) const IDENTITY_PARENTED_BY: &str = "AgentIdUser.ReadWrite.IdentityParentedBy";

/// The caller's SP must own the application.
pub(crate) const OWNED_BY: &str = "Application.ReadWrite.OwnedBy";

/// Whether the caller's application is that blueprint, or one that the blueprint names in
/// `managerApplications`.
pub(crate) fn manages_blueprint(tenant: &Tenant, caller: &Caller, blueprint_id: &str) -> bool {
    if caller.app_id.eq_ignore_ascii_case(blueprint_id) {
        return true;
    }
    let named = tenant.applications.named(blueprint_id).into_iter();
    let blueprint = named.into_iter().find(|app| app.app_id.eq_ignore_ascii_case(blueprint_id));
    blueprint
        .and_then(|app| app.other.get("managerApplications"))
        .and_then(|list| list.as_array())
        .is_some_and(|list| {
            list.iter().filter_map(|one| one.as_str()).any(|one| one.eq_ignore_ascii_case(&caller.app_id))
        })
}

/// Whether that agent identity is a child of the caller's blueprint.
pub(crate) fn manages_identity(tenant: &Tenant, caller: &Caller, identity: &ServicePrincipal) -> bool {
    identity.blueprint_id().is_some_and(|blueprint| manages_blueprint(tenant, caller, blueprint))
}

/// Whether that user is an agent user below the caller's blueprint.
pub(crate) fn manages_user(tenant: &Tenant, caller: &Caller, user: &User) -> bool {
    user.identity_parent_id()
        .and_then(|parent| tenant.service_principals.get(parent))
        .is_some_and(|parent| manages_identity(tenant, caller, parent))
}

/// Whether the caller owns the application.
pub(crate) fn owns(caller: &Caller, application: &Application) -> bool {
    application.owners.iter().any(|owner| owner == &caller.object_id)
        || application.created_by_app_id.as_deref().is_some_and(|app_id| {
            matches!(caller.kind, CallerKind::App { .. }) && app_id.eq_ignore_ascii_case(&caller.app_id)
        })
}

impl Call<'_> {
    /// Whether the caller holds one of these.
    pub(crate) fn holds_any(&self, permissions: &[&str]) -> bool {
        permissions.iter().any(|permission| self.caller.holds(permission))
    }

    /// Whether the user has a directory role that administers what the path is about, directly or by a group.
    fn has_role_for(&self, user: &str) -> bool {
        let named = |name: &str| self.path.segments.iter().any(|one| one.eq_ignore_ascii_case(name));
        let first = self.path.segments.first().map(|name| name.to_ascii_lowercase()).unwrap_or_default();
        let roles: &[&str] = match first.as_str() {
            "users" | "me" if named("assignLicense") => &["License Administrator", "User Administrator"],
            "users" | "me" => &["User Administrator"],
            "groups" => &["Groups Administrator", "User Administrator", "Directory Writers"],
            "directoryroles" | "rolemanagement" => &["Privileged Role Administrator"],
            "policies" => &["Privileged Role Administrator", "Security Administrator"],
            "oauth2permissiongrants" | "identitygovernance" | "directory" => {
                &["Application Administrator", "Cloud Application Administrator"]
            }
            "applications" | "serviceprincipals" => {
                let is_agents = self.path.cast.is_some_and(|cast| cast.starts_with("agentIdentity"));
                if is_agents {
                    &[
                        "Agent ID Administrator",
                        "Application Administrator",
                        "Cloud Application Administrator",
                    ]
                } else {
                    &["Application Administrator", "Cloud Application Administrator"]
                }
            }
            _ => &[],
        };
        let groups = self.groups_of(user, true);
        std::iter::once(user)
            .chain(groups.iter().map(String::as_str))
            .flat_map(|holder| self.tenant.roles_of(holder))
            .any(|role| roles.contains(&role.name))
    }

    /// What a guest may not do whatever the token holds: read whole lists of the directory (Microsoft: "Default user
    /// permissions", guests with limited access). A role of the directory lifts that.
    pub(crate) fn refuse_guest(&self) -> Result<(), GraphError> {
        let user = self.caller.user_id().and_then(|id| self.tenant.users.get(id));
        match user.filter(|user| user.is_guest()) {
            Some(guest) if !guest.is_admin && self.tenant.roles_of(&guest.id).is_empty() => {
                Err(GraphError::denied())
            }
            _ => Ok(()),
        }
    }

    /// A delegated token does what both the app and its user may: here, a write that needs one of the
    /// directory's administrator roles.
    pub(crate) fn require_administrator(&self) -> Result<(), GraphError> {
        match self.caller.user_id() {
            None => Ok(()),
            Some(id) if self.tenant.users.get(id).is_some_and(|user| user.is_admin) => Ok(()),
            Some(id) if self.has_role_for(id) => Ok(()),
            Some(_) => Err(GraphError::denied()),
        }
    }
}

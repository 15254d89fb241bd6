//! What resources publish: applications their own scopes and roles, Microsoft Graph and its siblings their permissions.

use jiff::Timestamp;

use crate::directory::{ApiScope, PublishedRole};
use crate::first_party;
use crate::graph::{Permission, permission_of_role, permissions};
use crate::tenant::{GRAPH_APP_ID, Tenant};

/// A delegated permission of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope<'t> {
    pub(crate) id: &'t str,
    pub(crate) value: &'t str,
    pub(crate) is_enabled: bool,
    /// Whether only an administrator may consent.
    pub(crate) needs_admin: bool,
}

/// An application permission of a resource.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Role<'t> {
    pub(crate) id: &'t str,
    /// Empty if tokens do not show it.
    pub(crate) value: &'t str,
    /// Whether it can be granted.
    pub(crate) is_enabled: bool,
    pub(crate) is_for_people: bool,
    pub(crate) is_for_applications: bool,
}

/// The scopes of the resource with this app id.
pub(crate) fn scopes<'t>(
    tenant: &'t Tenant,
    app_id: &str,
    now: Timestamp,
) -> impl Iterator<Item = Scope<'t>> {
    let of_microsoft = of_microsoft(app_id).iter().filter_map(|one| {
        let needs_admin = one.needs_admin;
        Some(Scope { id: one.scope_id?, value: one.value, is_enabled: true, needs_admin })
    });
    let own = tenant.application_by_app_id(app_id, now).into_iter().flat_map(|app| &app.scopes);
    of_microsoft.chain(own.map(|scope| Scope {
        id: &scope.id,
        value: &scope.value,
        is_enabled: scope.is_enabled,
        needs_admin: scope.consent == "Admin",
    }))
}

/// The scope of that name that can be granted.
pub(crate) fn scope<'t>(tenant: &'t Tenant, app_id: &str, value: &str, now: Timestamp) -> Option<Scope<'t>> {
    scopes(tenant, app_id, now).find(|scope| scope.is_enabled && scope.value.eq_ignore_ascii_case(value))
}

/// The role of that id.
pub(crate) fn role<'t>(tenant: &'t Tenant, app_id: &str, id: &str, now: Timestamp) -> Option<Role<'t>> {
    let is_role = |one: &&Permission| one.role_id.is_some_and(|role| role.eq_ignore_ascii_case(id));
    let of_microsoft = match app_id {
        GRAPH_APP_ID => permission_of_role(id),
        _ => of_microsoft(app_id).iter().find(is_role),
    };
    if let Some(one) = of_microsoft {
        return Some(Role {
            id: one.role_id?,
            value: one.value,
            is_enabled: true,
            is_for_people: false,
            is_for_applications: true,
        });
    }
    let app = tenant.application_by_app_id(app_id, now)?;
    let role = app.roles.iter().find(|role| role.id.eq_ignore_ascii_case(id))?;
    let is_for = |kind: &str| role.allowed.iter().any(|allowed| allowed == kind);
    Some(Role {
        id: &role.id,
        value: &role.value,
        is_enabled: role.is_enabled,
        is_for_people: is_for("User"),
        is_for_applications: is_for("Application"),
    })
}

/// The permissions of a resource of Microsoft's; none of any other.
fn of_microsoft(app_id: &str) -> &'static [Permission] {
    match app_id {
        GRAPH_APP_ID => permissions(),
        _ => first_party::of(app_id).map_or(&[], |one| one.permissions),
    }
}

/// What the principal of a resource of Microsoft's shows of itself.
pub(crate) fn shown_of_microsoft(app_id: &str) -> (Vec<ApiScope>, Vec<PublishedRole>) {
    let scope = |one: &Permission| {
        Some(ApiScope {
            id: one.scope_id?.to_owned(),
            value: one.value.to_owned(),
            is_enabled: true,
            consent: if one.needs_admin { "Admin" } else { "User" }.to_owned(),
            display_name: one.title.to_owned(),
            description: one.title.to_owned(),
            user_display_name: None,
            user_description: None,
        })
    };
    let role = |one: &Permission| {
        Some(PublishedRole {
            id: one.role_id?.to_owned(),
            value: one.value.to_owned(),
            display_name: one.title.to_owned(),
            description: one.title.to_owned(),
            is_enabled: true,
            allowed: vec!["Application".to_owned()],
        })
    };
    let all = of_microsoft(app_id);
    (all.iter().filter_map(scope).collect(), all.iter().filter_map(role).collect())
}

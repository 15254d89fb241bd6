//! What Entra calls the changes of the directory.

use http::Method;

use crate::graph::call::Call;

/// One activity, as a row names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Activity {
    pub(super) name: &'static str,
    pub(super) category: &'static str,
    pub(super) operation: &'static str,
    /// The target's type.
    pub(super) target: &'static str,
}

const fn activity(
    name: &'static str,
    category: &'static str,
    operation: &'static str,
    target: &'static str,
) -> Activity {
    Activity { name, category, operation, target }
}

const USERS: &str = "UserManagement";
const GROUPS: &str = "GroupManagement";
const APPS: &str = "ApplicationManagement";
const ROLES: &str = "RoleManagement";
const POLICIES: &str = "Policy";

/// The activities of a call; none if it changes nothing that is audited.
pub(super) fn activities(call: &Call<'_>) -> Option<Vec<Activity>> {
    let method = &call.request.method;
    if *method == Method::GET {
        return None;
    }
    let lower: Vec<String> = call.path.segments.iter().map(|one| one.to_ascii_lowercase()).collect();
    // Ids say nothing about the activity.
    let at = |index: usize| lower.get(index).map_or("", String::as_str);
    let (first, last) = (at(0), lower.last().map_or("", String::as_str));
    let third = if first == "me" { at(1) } else { at(2) };
    let one = match (first, method.as_str(), third, last) {
        ("users", "POST", "", _) => activity("Add user", USERS, "Add", "User"),
        ("users" | "me", "PATCH", "", _) => return Some(update_user(call)),
        ("users", "DELETE", "", _) => activity("Delete user", USERS, "Delete", "User"),
        ("users", _, "assignlicense", _) => activity("Change user license", USERS, "Update", "User"),
        ("users" | "me", _, "revokesigninsessions", _) => {
            activity("Update StsRefreshTokenValidFrom Timestamp", USERS, "Update", "User")
        }
        ("users", "PUT", "manager", _) => activity("Set user manager", USERS, "Update", "User"),
        ("users", "DELETE", "manager", _) => activity("Remove user manager", USERS, "Update", "User"),
        ("me", _, "changepassword", _) => activity("Change user password", USERS, "Update", "User"),
        ("users", "POST", "approleassignments", _) => {
            activity("Add app role assignment grant to user", USERS, "Assign", "User")
        }
        ("users", "DELETE", "approleassignments", _) => {
            activity("Remove app role assignment from user", USERS, "Unassign", "User")
        }
        ("invitations", ..) => activity("Invite external user", USERS, "Invite", "User"),
        ("users" | "me", ..) => activity("Update user", USERS, "Update", "User"),

        ("groups", "POST", "", _) => activity("Add group", GROUPS, "Add", "Group"),
        ("groups", "PATCH", "", _) => activity("Update group", GROUPS, "Update", "Group"),
        ("groups", "DELETE", "", _) => activity("Delete group", GROUPS, "Delete", "Group"),
        ("groups", "POST", "members", _) => activity("Add member to group", GROUPS, "Assign", "Group"),
        ("groups", "DELETE", "members", _) => {
            activity("Remove member from group", GROUPS, "Unassign", "Group")
        }
        ("groups", "POST", "owners", _) => activity("Add owner to group", GROUPS, "Assign", "Group"),
        ("groups", "DELETE", "owners", _) => activity("Remove owner from group", GROUPS, "Unassign", "Group"),

        ("applications", "POST", "", _) => activity("Add application", APPS, "Add", "Application"),
        ("applications", "DELETE", "", _) => activity("Delete application", APPS, "Delete", "Application"),
        ("applications", "POST", "owners", _) => {
            activity("Add owner to application", APPS, "Assign", "Application")
        }
        ("applications", "DELETE", "owners", _) => {
            activity("Remove owner from application", APPS, "Unassign", "Application")
        }
        ("applications", _, "addpassword" | "removepassword" | "addkey" | "removekey", _) => activity(
            "Update application – Certificates and secrets management ",
            APPS,
            "Update",
            "Application",
        ),
        ("applications", ..) => activity("Update application", APPS, "Update", "Application"),

        ("serviceprincipals", "POST", "", _) => {
            activity("Add service principal", APPS, "Add", "ServicePrincipal")
        }
        ("serviceprincipals", "DELETE", "", _) => {
            activity("Remove service principal", APPS, "Delete", "ServicePrincipal")
        }
        ("serviceprincipals", "POST", "owners", _) => {
            activity("Add owner to service principal", APPS, "Assign", "ServicePrincipal")
        }
        ("serviceprincipals", "DELETE", "owners", _) => {
            activity("Remove owner from service principal", APPS, "Unassign", "ServicePrincipal")
        }
        ("serviceprincipals", "POST", "approleassignments" | "approleassignedto", _) => {
            activity("Add app role assignment to service principal", APPS, "Assign", "ServicePrincipal")
        }
        ("serviceprincipals", "DELETE", "approleassignments" | "approleassignedto", _) => activity(
            "Remove app role assignment from service principal",
            APPS,
            "Unassign",
            "ServicePrincipal",
        ),
        ("serviceprincipals", ..) => activity("Update service principal", APPS, "Update", "ServicePrincipal"),

        ("oauth2permissiongrants", "POST", ..) => {
            activity("Add delegated permission grant", APPS, "Assign", "ServicePrincipal")
        }
        ("oauth2permissiongrants", "PATCH", ..) => {
            activity("Update delegated permission grant", APPS, "Update", "ServicePrincipal")
        }
        ("oauth2permissiongrants", ..) => {
            activity("Remove delegated permission grant", APPS, "Unassign", "ServicePrincipal")
        }
        ("directoryroles" | "rolemanagement", "DELETE", ..) => {
            activity("Remove member from role", ROLES, "Unassign", "Role")
        }
        ("directoryroles" | "rolemanagement", ..) => activity("Add member to role", ROLES, "Assign", "Role"),
        ("directory", "POST", _, "restore") => return Some(vec![restored(call, true)]),
        ("directory", "DELETE", ..) => return Some(vec![restored(call, false)]),
        ("policies", "POST", ..) => activity("Add policy", POLICIES, "Add", "Policy"),
        ("policies", "DELETE", ..) => activity("Delete policy", POLICIES, "Delete", "Policy"),
        ("policies", _, _, "authorizationpolicy") => {
            activity("Update authorization policy", POLICIES, "Update", "Policy")
        }
        ("policies", ..) => activity("Update policy", POLICIES, "Update", "Policy"),
        _ => return None,
    };
    let asks_only = ["checkmembergroups", "checkmemberobjects", "getmembergroups", "getmemberobjects"];
    if asks_only.contains(&third) { None } else { Some(vec![one]) }
}

/// A changed user; enabling, disabling and a new password have rows of their own.
fn update_user(call: &Call<'_>) -> Vec<Activity> {
    let mut all = vec![activity("Update user", USERS, "Update", "User")];
    let body = call.body().unwrap_or_default();
    match body.get("accountEnabled").and_then(serde_json::Value::as_bool) {
        Some(true) => all.push(activity("Enable account", USERS, "Update", "User")),
        Some(false) => all.push(activity("Disable account", USERS, "Update", "User")),
        None => {}
    }
    if body.contains_key("passwordProfile") {
        all.push(activity("Reset user password", USERS, "Update", "User"));
    }
    all
}

fn restored(call: &Call<'_>, is_restore: bool) -> Activity {
    let id = call.params.get("id").to_ascii_lowercase();
    let tenant = &call.tenant;
    if tenant.users.contains_key(&id) {
        let name = if is_restore { "Restore user" } else { "Hard Delete user" };
        activity(name, USERS, if is_restore { "Restore" } else { "Delete" }, "User")
    } else if tenant.workloads.groups.contains_key(&id) {
        let name = if is_restore { "Restore Group" } else { "Hard Delete group" };
        activity(name, GROUPS, if is_restore { "Restore" } else { "Delete" }, "Group")
    } else if tenant.applications.contains_key(&id) {
        let name = if is_restore { "Restore application" } else { "Hard Delete application" };
        activity(name, APPS, if is_restore { "Restore" } else { "Delete" }, "Application")
    } else {
        let name = if is_restore { "Restore service principal" } else { "Hard delete service principal" };
        activity(name, APPS, if is_restore { "Restore" } else { "Delete" }, "ServicePrincipal")
    }
}

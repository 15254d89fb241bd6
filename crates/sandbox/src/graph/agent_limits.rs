//! Graph permissions that agents may not have (Entra reference §2.7).

use super::error::GraphError;

/// Blocked as delegated and as application permissions.
const BLOCKED: [&str; 14] = [
    "DelegatedPermissionGrant.ReadWrite.All",
    "Device.Write.Restricted",
    "Directory.ReadWrite.All",
    "Directory.Write.Restricted",
    "Domain.ReadWrite.All",
    "Group.ReadWrite.All",
    "GroupMember.ReadWrite.All",
    "RoleManagement.ReadWrite.Directory",
    "User-PasswordProfile.ReadWrite.All",
    "User.DeleteRestore.All",
    "User.EnableDisableAccount.All",
    "User.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
    "CustomSecAttributeAssignment.ReadWrite.All",
];

const BLOCKED_SCOPES: [&str; 4] = [
    "Directory.AccessAsUser.All",
    "RoleManagement.ReadWrite.All",
    "Group.Write.Restricted",
    "UserAuthenticationMethod.Read.All",
];

const BLOCKED_ROLES: [&str; 17] = [
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "AppRoleAssignment.ReadWrite.All",
    "BitlockerKey.Read.All",
    "Calendars.Read",
    "ChannelMessage.Read.All",
    "Chat.Read.All",
    "Chat.ReadWrite.All",
    "Device.ReadWrite.All",
    "Files.Read.All",
    "Files.ReadWrite.All",
    "Group.Create",
    "Organization.ReadWrite.All",
    "Tasks.ReadWrite.All",
    "User.Invite.All",
    "AgentIdentity.Create.All",
    "Sites.FullControl.All",
];

const BLOCKED_ROLE_FAMILIES: [&str; 11] = [
    "AgentIdentityBlueprint.",
    "AgentIdentityBlueprintPrincipal.",
    "ConsentRequest.",
    "EduRoster.",
    "EntitlementManagement.",
    "IdentityProvider.",
    "LifecycleManagement.",
    "Policy.ReadWrite.",
    "PrintJob.",
    "PrivilegedAccess.",
    "Sites.",
];

/// Whether a delegated permission is not for agents.
pub(crate) fn is_blocked_scope(value: &str) -> bool {
    is_in(&BLOCKED, value) || is_in(&BLOCKED_SCOPES, value) || value.starts_with("CustomSecAttribute")
}

/// Whether an application permission is not for agents. The role to create children comes with the principal
/// and is nobody's to give.
pub(crate) fn is_blocked_role(value: &str) -> bool {
    is_in(&BLOCKED, value)
        || is_in(&BLOCKED_ROLES, value)
        || value.starts_with("CustomSecAttribute")
        || BLOCKED_ROLE_FAMILIES.iter().any(|family| value.starts_with(family))
}

/// 400: that permission is not for agents.
pub(crate) fn blocked(value: &str) -> GraphError {
    GraphError::bad_request(format!(
        "The permission '{value}' cannot be granted to an agent identity or an agent identity blueprint."
    ))
}

fn is_in(list: &[&str], value: &str) -> bool {
    list.iter().any(|one| one.eq_ignore_ascii_case(value))
}

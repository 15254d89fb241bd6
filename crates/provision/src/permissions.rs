//! The permissions of the chain and who has them (Entra reference §2.8). Ids of application permissions are
//! read from the tenant's Microsoft Graph.

use std::collections::BTreeMap;

use uuid::Uuid;

/// Lets a blueprint manage the agent users of its own children, licences included.
pub(crate) const MANAGE_AGENT_USERS: &str = "AgentIdUser.ReadWrite.IdentityParentedBy";
/// Lets a blueprint make agent identities; Entra gives it to every blueprint principal.
pub(crate) const CREATE_AS_MANAGER: &str = "AgentIdentity.CreateAsManager";
/// Lets the provisioner consent for the tenant.
pub(crate) const GRANT_CONSENT: &str = "DelegatedPermissionGrant.ReadWrite.All";
/// Lets the provisioner give application permissions, itself included.
pub(crate) const ASSIGN_ROLES: &str = "AppRoleAssignment.ReadWrite.All";

/// The broad roles that serve the bootstrap only, in the order of their removal: the last one removes.
pub(crate) const BOOTSTRAP_ONLY: [&str; 2] = [GRANT_CONSENT, ASSIGN_ROLES];

/// What making something needs: one permission of each row suffices, the least first.
pub(crate) const CREATE_BLUEPRINT: &[&str] =
    &["AgentIdentityBlueprint.Create", "AgentIdentityBlueprint.ReadWrite.All"];
pub(crate) const APPEND_CERTIFICATE: &[&str] =
    &["AgentIdentityBlueprint.AddRemoveCreds.All", "AgentIdentityBlueprint.ReadWrite.All"];
pub(crate) const CREATE_PRINCIPAL: &[&str] =
    &["AgentIdentityBlueprintPrincipal.Create", "AgentIdentityBlueprintPrincipal.ReadWrite.All"];
pub(crate) const SET_INHERITANCE: &[&str] =
    &["AgentIdentityBlueprint.UpdateAuthProperties.All", "AgentIdentityBlueprint.ReadWrite.All"];
pub(crate) const READ_BLUEPRINTS: &[&str] =
    &["AgentIdentityBlueprint.Read.All", "AgentIdentityBlueprint.ReadWrite.All"];
pub(crate) const READ_AGENTS: &[&str] = &["AgentIdentity.Read.All", "AgentIdentity.ReadWrite.All"];
pub(crate) const READ_DIRECTORY: &[&str] = &["Directory.Read.All"];
pub(crate) const READ_APPLICATIONS: &[&str] = &["Application.Read.All", "Directory.Read.All"];
pub(crate) const READ_LICENCES: &[&str] = &["LicenseAssignment.Read.All", "Directory.Read.All"];
pub(crate) const READ_USERS: &[&str] = &["User.Read.All", "Directory.Read.All"];
pub(crate) const READ_DOMAINS: &[&str] = &["Domain.Read.All", "Directory.Read.All"];
pub(crate) const DELETE_BLUEPRINT: &[&str] =
    &["AgentIdentityBlueprint.DeleteRestore.All", "AgentIdentityBlueprint.ReadWrite.All"];
pub(crate) const DELETE_PRINCIPAL: &[&str] =
    &["AgentIdentityBlueprintPrincipal.DeleteRestore.All", "AgentIdentityBlueprintPrincipal.ReadWrite.All"];
pub(crate) const DELETE_AGENT: &[&str] = &["AgentIdentity.DeleteRestore.All", "AgentIdentity.ReadWrite.All"];

/// Every permission whose id provisioning looks up.
pub(crate) fn looked_up() -> impl Iterator<Item = &'static str> {
    [CREATE_BLUEPRINT, APPEND_CERTIFICATE, CREATE_PRINCIPAL, SET_INHERITANCE]
        .into_iter()
        .flatten()
        .copied()
        .chain([MANAGE_AGENT_USERS, CREATE_AS_MANAGER])
        .chain(BOOTSTRAP_ONLY)
}

/// The id of an application permission, as this tenant's Microsoft Graph has it. Published lists disagree
/// about the ids of the agent permissions, so none stands here.
pub(crate) fn role_id(name: &str, known: &BTreeMap<String, Uuid>) -> Option<Uuid> {
    known.get(name).copied()
}

/// One of these, for people.
pub(crate) fn any_of(permissions: &[&str]) -> String {
    permissions.join(" or ")
}

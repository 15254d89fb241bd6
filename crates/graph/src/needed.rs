//! Which permission a call wants of an application, for refusals that do not say: Graph names none in
//! `Authorization_RequestDenied` (Entra reference §2.8). Only what this crate calls is here, with the least permission that
//! Microsoft documents for it.

use http::Method;

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// A method, a path in which `*` is any segment, and what one of these permits. The first row that fits counts.
const CALLS: &[(Method, &str, &str)] = &[
    (POST, "domains", "Domain.ReadWrite.All"),
    (DELETE, "domains/*", "Domain.ReadWrite.All"),
    (POST, "users/*/sendMail", "Mail.Send"),
    (POST, "users/*/assignLicense", "LicenseAssignment.ReadWrite.All"),
    (
        POST,
        "users/*/revokeSignInSessions",
        "AgentIdUser.ReadWrite.All (agent users), User.RevokeSessions.All",
    ),
    (POST, "users/*/sponsors/$ref", "AgentIdUser.ReadWrite.All"),
    (DELETE, "users/*/sponsors/*/$ref", "AgentIdUser.ReadWrite.All"),
    (POST, "users", "User.ReadWrite.All"),
    (DELETE, "users/*", "AgentIdUser.ReadWrite.All (agent users), User.ReadWrite.All"),
    (
        PATCH,
        "users/*",
        "AgentIdUser.ReadWrite.All (agent users), User.EnableDisableAccount.All (accountEnabled), User.ReadWrite.All",
    ),
    (POST, "oauth2PermissionGrants", "DelegatedPermissionGrant.ReadWrite.All"),
    (PATCH, "oauth2PermissionGrants/*", "DelegatedPermissionGrant.ReadWrite.All"),
    (POST, "servicePrincipals/*/appRoleAssignments", "AppRoleAssignment.ReadWrite.All"),
    (DELETE, "servicePrincipals/*/appRoleAssignments/*", "AppRoleAssignment.ReadWrite.All"),
    (
        POST,
        "servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal",
        "AgentIdentityBlueprintPrincipal.Create",
    ),
    (
        PATCH,
        "servicePrincipals/microsoft.graph.agentIdentityBlueprintPrincipal/*",
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
    ),
    (DELETE, "servicePrincipals/microsoft.graph.agentIdentity/*", "AgentIdentity.DeleteRestore.All"),
    (GET, "servicePrincipals/microsoft.graph.agentIdentity", "AgentIdentity.ReadWrite.All"),
    (GET, "servicePrincipals/microsoft.graph.agentIdentity/*", "AgentIdentity.ReadWrite.All"),
    (PATCH, "servicePrincipals/microsoft.graph.agentIdentity/*", "AgentIdentity.ReadWrite.All"),
    (GET, "servicePrincipals/*/sponsors", "Application.Read.All"),
    (
        POST,
        "servicePrincipals/*/sponsors/$ref",
        "AgentIdentity.UpdateSponsors.All, AgentIdentity.ReadWrite.All",
    ),
    (
        DELETE,
        "servicePrincipals/*/sponsors/*/$ref",
        "AgentIdentity.UpdateSponsors.All, AgentIdentity.ReadWrite.All",
    ),
    (POST, "applications/microsoft.graph.agentIdentityBlueprint", "AgentIdentityBlueprint.Create"),
    (
        POST,
        "applications/microsoft.graph.agentIdentityBlueprint/*/inheritablePermissions",
        "AgentIdentityBlueprint.UpdateAuthProperties.All",
    ),
    (
        PATCH,
        "applications/microsoft.graph.agentIdentityBlueprint/*/inheritablePermissions/*",
        "AgentIdentityBlueprint.UpdateAuthProperties.All",
    ),
    (
        PATCH,
        "applications/microsoft.graph.agentIdentityBlueprint/*",
        "AgentIdentityBlueprint.AddRemoveCreds.All",
    ),
    (GET, "applications/microsoft.graph.agentIdentityBlueprint", "AgentIdentityBlueprint.Read.All"),
    (GET, "applications/microsoft.graph.agentIdentityBlueprint/*", "AgentIdentityBlueprint.Read.All"),
    (
        GET,
        "applications/microsoft.graph.agentIdentityBlueprint/*/inheritablePermissions",
        "AgentIdentityBlueprint.Read.All",
    ),
    (GET, "domains", "Directory.Read.All"),
    (GET, "domains/*", "Directory.Read.All"),
    (GET, "organization", "Directory.Read.All"),
    (GET, "subscribedSkus", "Directory.Read.All"),
    (GET, "users", "Directory.Read.All"),
    (GET, "users/*", "Directory.Read.All"),
    (GET, "users/*/licenseDetails", "Directory.Read.All"),
    (GET, "users/*/sponsors", "AgentIdUser.ReadWrite.All, User.Read.All"),
    (GET, "oauth2PermissionGrants", "Directory.Read.All"),
    (GET, "servicePrincipals", "Directory.Read.All, Application.Read.All"),
    (GET, "servicePrincipals/*/appRoleAssignments", "Directory.Read.All, Application.Read.All"),
];

/// The permissions of which one lets an application make this call; `path` begins with `/v1.0` and may have a query.
pub(crate) fn needed(method: &Method, path: &str) -> Option<&'static str> {
    let path = path.strip_prefix("/v1.0/")?;
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    CALLS.iter().find(|(own, pattern, _)| own == method && fits(pattern, path)).map(|(_, _, names)| *names)
}

fn fits(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('/'), path.split('/'));
    loop {
        match (pattern.next(), path.next()) {
            (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(wanted), Some(segment)) if wanted == segment => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_told_from_one_above_and_below_it() {
        let asked = |method: Method, path: &str| needed(&method, path);
        assert_eq!(asked(DELETE, "/v1.0/domains/acme.example"), Some("Domain.ReadWrite.All"));
        assert_eq!(asked(GET, "/v1.0/domains?$select=id"), Some("Directory.Read.All"));
        let blueprint = "/v1.0/applications/microsoft.graph.agentIdentityBlueprint";
        assert_eq!(asked(POST, blueprint), Some("AgentIdentityBlueprint.Create"));
        let within = asked(POST, &format!("{blueprint}/one/inheritablePermissions"));
        assert_eq!(within, Some("AgentIdentityBlueprint.UpdateAuthProperties.All"));
        assert_eq!(asked(DELETE, "/v1.0/domains"), None);
        assert_eq!(asked(GET, "/v1.0/chats"), None, "what we do not know is not named");
    }
}

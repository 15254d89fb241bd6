//! What an administrator consents to when they connect their tenant: each application permission of Microsoft Graph,
//! the least that does it (Entra reference §2.8), and what it is for. The list is what the tests are given, what the
//! page shows, and what is compared with what the tenant granted. What making ordinary users takes is no part of it: it
//! reaches every account, so that an administrator grants it by itself, where that is wanted.

use serde::Serialize;
use utoipa::ToSchema;

/// An application permission of Microsoft Graph, and why it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Permission {
    /// Its name: `Directory.Read.All`.
    pub name: &'static str,
    /// What it is for.
    pub why: &'static str,
    /// When it is needed.
    pub needed: Needed,
}

/// When a permission is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// Whenever identities live in the tenant.
    Always,
    /// Unless the organisation gives a blueprint of its own.
    WithOurBlueprint,
    /// Only for identities whose users somebody made by hand (`verify`, `adopt`).
    ForOrdinaryUsers,
    /// Only where the gateway makes ordinary users itself (`ordinary_user`, as `method` or as `fallback`). Consent does
    /// not ask for it: an administrator grants it besides.
    ForFallback,
}

const fn always(name: &'static str, why: &'static str) -> Permission {
    Permission { name, why, needed: Needed::Always }
}

const fn blueprint(name: &'static str, why: &'static str) -> Permission {
    Permission { name, why, needed: Needed::WithOurBlueprint }
}

const fn ordinary(name: &'static str, why: &'static str) -> Permission {
    Permission { name, why, needed: Needed::ForOrdinaryUsers }
}

/// What the application for customers' tenants is granted.
pub const OWN_TENANT: &[Permission] = &[
    always(
        "Directory.Read.All",
        "see the tenant's domains, licences and consents, sponsors, and whether whoever connects it is an administrator",
    ),
    always(
        "Application.Read.All",
        "see who an agent identity's sponsors are; giving the blueprint a permission needs it too",
    ),
    always(
        "AgentIdentityBlueprint.Read.All",
        "see the blueprint, its certificates and what is inherited of it",
    ),
    always(
        "AgentIdentity.ReadWrite.All",
        "find an agent identity again, stop it, let it go on, set its sponsor",
    ),
    always("AgentIdentity.DeleteRestore.All", "take an agent identity back"),
    always(
        "AgentIdUser.ReadWrite.All",
        "stop agent users, end their sessions, and say what people see of them; no people's accounts",
    ),
    blueprint("AgentIdentityBlueprint.Create", "make a blueprint in this tenant, for this tenant only"),
    blueprint("AgentIdentityBlueprint.AddRemoveCreds.All", "add the blueprint's certificate"),
    blueprint("AgentIdentityBlueprint.UpdateAuthProperties.All", "say what agent identities inherit"),
    blueprint("AgentIdentityBlueprintPrincipal.Create", "make the blueprint's principal"),
    blueprint(
        "AgentIdentityBlueprintPrincipal.EnableDisable.All",
        "stop every agent of the blueprint at once, and let them go on",
    ),
    blueprint(
        "AppRoleAssignment.ReadWrite.All",
        "let the blueprint manage its own agent users, and nothing else; the permission itself is wide",
    ),
    blueprint(
        "DelegatedPermissionGrant.ReadWrite.All",
        "consent for agent users to chat and mail; the permission itself is wide",
    ),
    ordinary("Mail.Send", "send mail from a mailbox that somebody made by hand"),
    ordinary("User.EnableDisableAccount.All", "stop such a user, and let it go on"),
    ordinary("User.RevokeSessions.All", "end such a user's sessions"),
];

/// What making ordinary users takes besides.
pub(super) const ORDINARY_USERS: Permission = Permission {
    name: "User.ReadWrite.All",
    why: "make an ordinary user with its licence where an organisation chose that, and delete it; it reaches every account",
    needed: Needed::ForFallback,
};

/// What the provisioner of a tenant of ours is granted: the same, the subdomains of organisations, and ordinary users.
pub fn hosted_permissions() -> impl Iterator<Item = Permission> {
    in_own_tenant().chain([always("Domain.ReadWrite.All", "add organisations' subdomains, and remove them")])
}

/// All that a customer's tenant may grant: by consent, and besides.
pub(super) fn in_own_tenant() -> impl Iterator<Item = Permission> {
    OWN_TENANT.iter().copied().chain([ORDINARY_USERS])
}

/// What is missing of the list for an organisation that has given a blueprint of its own, or not. What only serves
/// ordinary users is no fault.
pub(super) fn missing(granted: &[String], own_blueprint: bool) -> Vec<&'static str> {
    let needed = |permission: &&Permission| match permission.needed {
        Needed::Always => true,
        Needed::WithOurBlueprint => !own_blueprint,
        Needed::ForOrdinaryUsers | Needed::ForFallback => false,
    };
    let has = |name: &str| granted.iter().any(|own| own == name);
    OWN_TENANT.iter().filter(needed).map(|permission| permission.name).filter(|name| !has(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blueprint_of_ones_own_needs_none_of_the_wide_permissions() {
        assert!(missing(&[], false).contains(&"AppRoleAssignment.ReadWrite.All"));
        let without = missing(&[], true);
        assert!(without.contains(&"Directory.Read.All"), "{without:?}");
        assert!(without.iter().all(|name| !name.contains("AppRole") && !name.contains("Delegated")));
        let all: Vec<String> = OWN_TENANT.iter().map(|one| one.name.to_owned()).collect();
        assert_eq!(missing(&all, false), Vec::<&str>::new());
    }

    #[test]
    fn the_chapter_for_operators_names_every_permission() {
        let chapter = include_str!("../../../../docs/gateway.md");
        for permission in hosted_permissions() {
            assert!(chapter.contains(&format!("`{}`", permission.name)), "{}", permission.name);
        }
    }
}

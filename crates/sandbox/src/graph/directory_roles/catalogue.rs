//! Entra's built-in roles, those that concern what the sandbox emulates, with Microsoft's template ids.

/// A built-in role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RoleTemplate {
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    /// Microsoft labels it as privileged.
    pub(crate) is_privileged: bool,
}

pub(crate) const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

const fn role(
    id: &'static str,
    name: &'static str,
    description: &'static str,
    is_privileged: bool,
) -> RoleTemplate {
    RoleTemplate { id, name, description, is_privileged }
}

/// The role of that template id.
pub(crate) fn template(id: &str) -> Option<&'static RoleTemplate> {
    TEMPLATES.iter().find(|role| role.id.eq_ignore_ascii_case(id))
}

#[rustfmt::skip]
pub(super) const TEMPLATES: &[RoleTemplate] = &[
    role("db506228-d27e-4b7d-95e5-295956d6615f", "Agent ID Administrator", "Manage all aspects of agents in a tenant, their blueprints, identities and users.", true),
    role("adb2368d-a9be-41b5-8667-d96778e081b0", "Agent ID Developer", "Create an agent blueprint and its service principal, and own them.", false),
    role("9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3", "Application Administrator", "Can create and manage all aspects of app registrations and enterprise apps.", true),
    role("cf1c38e5-3621-4004-a7cb-879624dced7c", "Application Developer", "Can create application registrations independent of the setting for all users.", true),
    role("c4e39bd9-1100-46d3-8c65-fb160da0071f", "Authentication Administrator", "Can view, set and reset authentication methods of users who are no administrators.", true),
    role("158c047a-c907-4556-b7ef-446551a6b5f7", "Cloud Application Administrator", "Can manage all aspects of app registrations and enterprise apps except App Proxy.", true),
    role("b1be1c3e-b65d-4f19-8427-f6fa0d97feb9", "Conditional Access Administrator", "Can manage Conditional Access.", true),
    role("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers", "Can read basic directory information.", false),
    role("9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers", "Can read and write basic directory information.", true),
    role("29232cdf-9323-42fd-ade2-1d097af3e4de", "Exchange Administrator", "Can manage all aspects of Exchange.", false),
    role(GLOBAL_ADMINISTRATOR, "Global Administrator", "Can manage all aspects of Microsoft Entra ID and of the services that use it.", true),
    role("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader", "Can read everything that a Global Administrator can, and change nothing.", true),
    role("fdd7a751-b60b-444a-984c-02652fe8fa1c", "Groups Administrator", "Can manage groups and their settings.", false),
    role("729827e3-9c14-49f7-bb1b-9608f156bbb8", "Helpdesk Administrator", "Can reset passwords of users who are no administrators.", true),
    role("4d6ac14f-3453-41d0-bef9-a3e0c569773a", "License Administrator", "Can manage licences of users and groups.", false),
    role("e8611ab8-c189-46e8-94e1-60213ab1f814", "Privileged Role Administrator", "Can manage role assignments.", true),
    role("7be44c8a-adaf-4e2a-84d6-ab2649e08a13", "Privileged Authentication Administrator", "Can view, set and reset authentication methods of any user.", true),
    role("4a5d8f65-41da-4de4-8968-e035b65339cf", "Reports Reader", "Can read sign-in and audit reports.", false),
    role("194ae4cb-b126-40b2-bd5b-6091b380977d", "Security Administrator", "Can read security information and reports, and manage their configuration.", true),
    role("5d6b6bb7-de71-4623-b4af-96380a352509", "Security Reader", "Can read security information and reports.", true),
    role("69091246-20e8-4a56-aa4d-066075b2a7a8", "Teams Administrator", "Can manage Microsoft Teams.", false),
    role("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator", "Can manage all aspects of users and groups, passwords of limited administrators included.", true),
];

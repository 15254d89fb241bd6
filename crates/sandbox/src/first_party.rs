//! Microsoft's resources beside Graph that command lines and SDKs want tokens for. Every tenant knows them, and here
//! no API stands behind them. (Ids, names and permissions: Microsoft's list of first-party applications, and what
//! their service principals publish; not all that Exchange Online has.)

use crate::graph::Permission;

/// A resource of Microsoft's. Its tokens are of the first version.
#[derive(Debug)]
pub(crate) struct FirstParty {
    pub(crate) app_id: &'static str,
    pub(crate) name: &'static str,
    /// The names by which a scope may begin.
    pub(crate) uris: &'static [&'static str],
    pub(crate) permissions: &'static [Permission],
    /// Clients of Microsoft's whose users need no consent for it.
    pub(crate) pre_authorized: &'static [&'static str],
}

/// Microsoft Azure CLI, which azure-identity signs people in with, too.
pub(crate) const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
/// Microsoft Azure PowerShell.
pub(crate) const AZURE_POWERSHELL: &str = "1950a258-227b-4e31-a9cf-717495945fc2";

/// All of them.
pub(crate) const FIRST_PARTY: [FirstParty; 4] = [
    FirstParty {
        app_id: "797f4846-ba00-4fd7-ba43-dac1f8f63013",
        name: "Windows Azure Service Management API",
        uris: &["https://management.azure.com", "https://management.core.windows.net"],
        permissions: &[scope(
            "user_impersonation",
            "41094075-9dad-400e-a0bd-54e686782033",
            "Access Azure Service Management as organization users",
        )],
        pre_authorized: &[AZURE_CLI, AZURE_POWERSHELL],
    },
    FirstParty {
        app_id: "cfa8b339-82a2-471a-a3c9-0fc0be7a4093",
        name: "Azure Key Vault",
        uris: &["https://vault.azure.net"],
        permissions: &[scope(
            "user_impersonation",
            "f53da476-18e3-4152-8e01-aec403e6edc0",
            "Have full access to the Azure Key Vault service",
        )],
        pre_authorized: &[AZURE_CLI, AZURE_POWERSHELL],
    },
    FirstParty {
        app_id: "e406a681-f3d4-42a8-90b6-c2b029497af1",
        name: "Azure Storage",
        uris: &["https://storage.azure.com"],
        permissions: &[scope(
            "user_impersonation",
            "03e0da56-190b-40ad-a80c-ea378c433f7f",
            "Access Azure Storage",
        )],
        pre_authorized: &[AZURE_CLI, AZURE_POWERSHELL],
    },
    FirstParty {
        app_id: "00000002-0000-0ff1-ce00-000000000000",
        name: "Office 365 Exchange Online",
        uris: &["https://outlook.office365.com", "https://outlook.office.com"],
        permissions: &[
            scope(
                "EWS.AccessAsUser.All",
                "3b5f3d61-589b-4a3c-a359-5dd4b5ee5bd5",
                "Access mailboxes as the signed-in user via Exchange Web Services",
            ),
            scope(
                "IMAP.AccessAsUser.All",
                "195adc35-e27b-454b-a7ed-1ecdffa1c09f",
                "Read and write access to your mail via IMAP",
            ),
            scope(
                "POP.AccessAsUser.All",
                "fb698133-92fa-453e-a9ed-688e10f2e5ac",
                "Read and write access to your mail via POP",
            ),
            scope(
                "SMTP.Send",
                "76faac2a-0f20-42f1-928a-50de5b9dbe52",
                "Access to sending emails from your mailbox using SMTP AUTH",
            ),
            Permission {
                needs_admin: true,
                ..scope(
                    "Exchange.Manage",
                    "ab4f2b77-0b06-4fc1-a9de-02113fc2ab7c",
                    "Manage Exchange configuration",
                )
            },
            role(
                "full_access_as_app",
                "dc890d15-9560-4a4c-9b7f-a736ec74ec40",
                "Use Exchange Web Services with full access to all mailboxes",
            ),
            role(
                "Exchange.ManageAsApp",
                "dc50a0fb-09a3-484d-be87-e023b12c6440",
                "Manage Exchange As Application",
            ),
            role("IMAP.AccessAsApp", "5e5addcd-3e8d-4e90-baf5-964efab2b20a", "IMAP.AccessAsApp"),
            role("POP.AccessAsApp", "cb842b43-da6e-4506-86fe-bb12199c656d", "POP.AccessAsApp"),
        ],
        pre_authorized: &[],
    },
];

const fn scope(value: &'static str, id: &'static str, title: &'static str) -> Permission {
    Permission { value, scope_id: Some(id), role_id: None, needs_admin: false, title }
}

const fn role(value: &'static str, id: &'static str, title: &'static str) -> Permission {
    Permission { value, scope_id: None, role_id: Some(id), needs_admin: false, title }
}

/// The resource of that app id, if it is one of them.
pub(crate) fn of(app_id: &str) -> Option<&'static FirstParty> {
    FIRST_PARTY.iter().find(|one| one.app_id.eq_ignore_ascii_case(app_id))
}

/// The resource that a scope names, by its app id or by one of its URIs without a slash at the end.
pub(crate) fn named(name: &str) -> Option<&'static FirstParty> {
    of(name)
        .or_else(|| FIRST_PARTY.iter().find(|one| one.uris.iter().any(|uri| uri.eq_ignore_ascii_case(name))))
}

//! Microsoft's own public clients, which every tenant of Entra knows before anybody has registered anything: what
//! command lines and SDKs sign in with unless they are given an application. Those that may do a fixed set of things
//! at Graph ask nobody and get a principal when they are first used; the others when somebody consents, as other
//! tenants' applications do. (Ids: Microsoft's list of first-party applications. What they may do at Graph, and their
//! redirect URIs, was measured at the live service.)

use jiff::Timestamp;
use serde_json::json;

use crate::directory::{Application, ApplicationKind, Life};
use crate::first_party::{self, AZURE_CLI, AZURE_POWERSHELL};

use super::resource::{Resource, ResourceKind};

/// The tenant in which Microsoft registers its services.
pub(crate) const MICROSOFT_SERVICES: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

#[derive(Debug)]
struct Known {
    app_id: &'static str,
    name: &'static str,
    /// The redirect URIs of its public platform.
    public: &'static [&'static str],
    /// The redirect URIs of its single-page platform.
    single_page: &'static [&'static str],
    /// The scopes at Graph for which nobody is asked.
    at_graph: &'static [&'static str],
}

const KNOWN: [Known; 4] = [
    Known {
        app_id: "14d82eec-204b-4c2f-b7e8-296a70dab67e",
        name: "Microsoft Graph Command Line Tools",
        public: &["http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"],
        single_page: &[],
        at_graph: &[],
    },
    Known {
        app_id: AZURE_CLI,
        name: "Microsoft Azure CLI",
        public: &[
            "http://localhost",
            "https://login.microsoftonline.com/common/oauth2/nativeclient",
            "urn:ietf:wg:oauth:2.0:oob",
            "ms-appx-web://Microsoft.AAD.BrokerPlugin/04b07795-8ddb-461a-bbee-02f9e1bf7b46",
        ],
        single_page: &[],
        at_graph: &[
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "AuditLog.Read.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "Directory.AccessAsUser.All",
            "Group.ReadWrite.All",
            "User.Read.All",
            "User.ReadWrite.All",
        ],
    },
    Known {
        app_id: AZURE_POWERSHELL,
        name: "Microsoft Azure PowerShell",
        public: &[
            "http://localhost",
            "https://login.microsoftonline.com/common/oauth2/nativeclient",
            "urn:ietf:wg:oauth:2.0:oob",
            "ms-appx-web://Microsoft.AAD.BrokerPlugin/1950a258-227b-4e31-a9cf-717495945fc2",
        ],
        single_page: &[],
        at_graph: &[
            "Application.ReadWrite.All",
            "AppRoleAssignment.ReadWrite.All",
            "AuditLog.Read.All",
            "DelegatedPermissionGrant.ReadWrite.All",
            "Directory.AccessAsUser.All",
            "Group.ReadWrite.All",
            "User.Read.All",
        ],
    },
    Known {
        app_id: "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
        name: "Graph Explorer",
        public: &[],
        single_page: &["https://developer.microsoft.com/en-us/graph/graph-explorer"],
        at_graph: &[],
    },
];

fn known(app_id: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|known| known.app_id.eq_ignore_ascii_case(app_id))
}

/// The client of that app id, if it is one of theirs.
pub(super) fn client(app_id: &str) -> Option<Application> {
    let known = known(app_id)?;
    let owned = |uris: &[&str]| uris.iter().map(|uri| (*uri).to_owned()).collect();
    let life = Life::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let id = known.app_id.to_owned();
    let mut app = Application::new(id.clone(), id, life, ApplicationKind::Ordinary, known.name);
    app.public_redirects = owned(known.public);
    app.spa_redirects = owned(known.single_page);
    app.is_public = true;
    app.other.insert("signInAudience".to_owned(), json!("AzureADMultipleOrgs"));
    Some(app)
}

/// The scopes at Graph for which that client's users are asked no consent.
pub(super) fn scopes_at_graph(app_id: &str) -> &'static [&'static str] {
    known(app_id).map_or(&[], |known| known.at_graph)
}

/// Whether nobody can consent to what that client lacks at that resource, since both are Microsoft's.
pub(super) fn needs_preauthorization(client: &str, resource: &Resource) -> bool {
    let is_of_microsoft = resource.kind == ResourceKind::Graph || first_party::of(&resource.app_id).is_some();
    asks_nobody(client) && is_of_microsoft
}

/// Whether that is a client which is used without anybody's consent.
pub(super) fn asks_nobody(app_id: &str) -> bool {
    !scopes_at_graph(app_id).is_empty()
}

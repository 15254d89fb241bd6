//! Microsoft's own public clients, which every tenant of Entra knows before anybody has registered anything: what
//! command lines and SDKs sign in with unless they are given an application. Here they get a principal when somebody
//! consents, as other tenants' applications do. (Ids: Microsoft's list of first-party applications.)

use jiff::Timestamp;
use serde_json::json;

use crate::directory::{Application, ApplicationKind, Life};

/// The tenant in which Microsoft registers its services.
pub(crate) const MICROSOFT_SERVICES: &str = "f8cdef31-a31e-4b4a-93e4-5f571e91255a";

/// App id, name, and the redirect URIs of its public and single-page platforms.
type Known = (&'static str, &'static str, &'static [&'static str], &'static [&'static str]);

const DESKTOP: &[&str] =
    &["http://localhost", "https://login.microsoftonline.com/common/oauth2/nativeclient"];

const KNOWN: [Known; 4] = [
    ("14d82eec-204b-4c2f-b7e8-296a70dab67e", "Microsoft Graph Command Line Tools", DESKTOP, &[]),
    ("04b07795-8ddb-461a-bbee-02f9e1bf7b46", "Microsoft Azure CLI", DESKTOP, &[]),
    ("1950a258-227b-4e31-a9cf-717495945fc2", "Microsoft Azure PowerShell", DESKTOP, &[]),
    (
        "de8bc8b5-d9f9-48b1-a8ad-b748da725064",
        "Graph Explorer",
        &[],
        &["https://developer.microsoft.com/en-us/graph/graph-explorer"],
    ),
];

/// The client of that app id, if it is one of theirs.
pub(super) fn client(app_id: &str) -> Option<Application> {
    let (id, name, public, single_page) = KNOWN.iter().find(|known| known.0.eq_ignore_ascii_case(app_id))?;
    let owned = |uris: &[&str]| uris.iter().map(|uri| (*uri).to_owned()).collect();
    let life = Life::new(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH);
    let mut app = Application::new((*id).to_owned(), (*id).to_owned(), life, ApplicationKind::Ordinary, name);
    app.public_redirects = owned(public);
    app.spa_redirects = owned(single_page);
    app.is_public = true;
    app.other.insert("signInAudience".to_owned(), json!("AzureADMultipleOrgs"));
    Some(app)
}

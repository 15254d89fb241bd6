//! What a client needs to know to use the sandbox, as its first line of output says it.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

/// The sandbox is ready. Serialises to the one line that `attache sandbox --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "event", rename = "ready")]
pub struct Ready {
    /// `https://localhost:PORT`, for sign-in and Graph alike.
    pub url: String,
    /// A PEM bundle of two authorities: the first persists and vouches for loopback names only, the second
    /// vouches for Microsoft's names and lives as long as the process.
    pub ca: PathBuf,
    /// The tenant's id.
    pub tenant_id: String,
    /// The tenant's default domain.
    pub domain: String,
    /// The bearer token of `/_sandbox/…`.
    pub control_token: String,
    /// The registered applications.
    pub apps: ReadyApps,
    /// People of the tenant, at most a hundred; the first is the administrator.
    pub users: Vec<ReadyUser>,
}

/// The registered applications.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReadyApps {
    /// A confidential client with the application permissions of the provisioning chain.
    pub provisioner: ReadyProvisioner,
    /// A public client with the redirect URI `http://localhost`, consented for everybody.
    pub client: ReadyClient,
}

/// A confidential client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReadyProvisioner {
    /// Its client id.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
}

/// A public client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReadyClient {
    /// Its client id.
    pub client_id: String,
}

/// A person who can sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ReadyUser {
    /// The object id.
    pub id: String,
    /// The user principal name.
    pub upn: String,
    /// The password.
    pub password: String,
    /// The display name.
    pub display_name: String,
}

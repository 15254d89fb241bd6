//! What a device agent is told: plain values. The `cli` parses them from flags, environment and file, and
//! says in one message everything that is missing or wrong with them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use attache_terms::{AppId, ChatId, Cloud, Secret, TenantId, UserId};

use crate::profile::Profile;

/// Everything that a device agent is told.
#[derive(Clone)]
pub struct Settings {
    /// Where it keeps what it must remember.
    pub profile: Profile,
    /// Which Entra and Graph it speaks to.
    pub cloud: Cloud,
    /// A PEM bundle of authorities to trust beside the system's own.
    pub ca: Option<PathBuf>,
    /// The sponsor's tenant.
    pub tenant: TenantId,
    /// The public client by which the sponsor signs in.
    pub client_id: AppId,
    /// Where keys and tokens are kept.
    pub secrets: Secrets,
    /// What the agent user should be like.
    pub agent: AgentWishes,
    /// The application that may create the directory objects; without it, nothing is provisioned from here.
    pub provisioner: Option<Provisioner>,
    /// What every text begins with that is sent under the sponsor's token.
    pub prefix: Arc<str>,
    /// The chat that the sponsor chose, should Teams refuse the self-chat.
    pub conversation: Option<ChatId>,
    /// How often the inbox looks for messages.
    pub poll: Duration,
    /// Whether [`crate::Agent::start`] provisions in the background as soon as the sponsor has signed in.
    pub provision_in_background: bool,
    /// How long the waits of provisioning are, as a share of what the real platform needs: 1 is the real
    /// one, 0.01 suits a sandbox whose lag is scaled by a hundred.
    pub provision_scale: f64,
}

/// Where keys and tokens are kept.
#[derive(Clone)]
pub enum Secrets {
    /// A file sealed under a key that stands in another file (mode `0600`, made when missing).
    KeyFile {
        /// The sealed file.
        sealed: PathBuf,
        /// The file with the key.
        key: PathBuf,
    },
    /// A file sealed under a passphrase.
    Passphrase {
        /// The sealed file.
        sealed: PathBuf,
        /// The passphrase.
        passphrase: Secret,
    },
    /// The desktop's keyring (Secret Service).
    SecretService,
}

/// What the agent user should be like.
#[derive(Debug, Clone)]
pub struct AgentWishes {
    /// Its name in Teams and in the directory.
    pub display_name: String,
    /// The part of its user principal name before the `@`.
    pub nickname: String,
    /// The verified domain of its user principal name; the tenant's default when absent.
    pub domain: Option<String>,
    /// The two-letter country that its licence needs.
    pub usage_location: String,
    /// Licences that will do, the preferred first (`skuPartNumber`); empty for the built-in order.
    pub licences: Vec<String>,
    /// The human who is accountable, when it is not whoever signed in.
    pub sponsor: Option<UserId>,
}

/// The application that may create the directory objects.
#[derive(Clone)]
pub struct Provisioner {
    /// Its application id.
    pub client_id: AppId,
    /// Its secret.
    pub client_secret: Secret,
}

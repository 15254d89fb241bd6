//! What is waited for, and for how long at most.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Patience;

/// Why the next try must wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// An object that exists is not known everywhere yet.
    Replication,
    /// It is not known whether an object was made; it is looked for.
    Hidden,
    /// The certificate has no effect yet.
    Credential,
    /// A permission is in no token yet.
    Permission,
    /// The consent has no effect yet.
    Consent,
    /// Exchange is making the mailbox.
    Mailbox,
    /// Teams does not know the account yet.
    Teams,
    /// Too many requests.
    Throttled,
    /// Microsoft's service cannot be reached, or has a problem.
    Outage,
}

impl Reason {
    pub(crate) fn limit(self, patience: &Patience) -> Duration {
        match self {
            // A search goes on as long as replication may hide what it seeks; then the step is done anew.
            Self::Hidden => Duration::MAX,
            Self::Replication | Self::Credential | Self::Permission | Self::Consent => patience.effect,
            Self::Mailbox => patience.mailbox,
            Self::Teams => patience.teams,
            Self::Throttled | Self::Outage => patience.outage,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Replication => "Entra has not replicated an object yet",
            Self::Hidden => "looking whether an interrupted creation happened",
            Self::Credential => "Entra does not know the certificate yet",
            Self::Permission => "a new permission is in no token yet",
            Self::Consent => "the consent has no effect yet",
            Self::Mailbox => "Exchange is making the mailbox",
            Self::Teams => "Teams does not know the account yet",
            Self::Throttled => "Microsoft Graph asks for patience",
            Self::Outage => "Microsoft's service cannot be reached",
        })
    }
}

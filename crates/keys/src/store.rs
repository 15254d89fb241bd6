//! A place that keeps secrets by name.

use std::fmt;

use async_trait::async_trait;
use attache_terms::{Explain, Remedy, SecretBytes};

/// What a secret is kept under: `profile/purpose`, lower case, such as `default/refresh-token`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SecretName(String);

impl SecretName {
    /// The name of `purpose` in `profile`.
    pub fn new(profile: &str, purpose: &'static str) -> Self {
        Self(format!("{profile}/{purpose}"))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Keeps secrets. A write is durable when it returns.
#[async_trait]
pub trait SecretStore: Send + Sync {
    /// Where the secrets are, for people: `sealed file /home/ada/.attache/…`, `Secret Service`.
    fn place(&self) -> String;

    /// The secret of this name, `None` when there is none.
    async fn get(&self, name: &SecretName) -> Result<Option<SecretBytes>, StoreError>;

    /// Keeps a secret, replacing what was there.
    async fn put(&self, name: &SecretName, secret: &SecretBytes) -> Result<(), StoreError>;

    /// Forgets a secret; forgetting what is not there is fine.
    async fn delete(&self, name: &SecretName) -> Result<(), StoreError>;

    /// The secret of this name; `fresh` is kept first when there is none. Of two that find none at the same
    /// time, both get what the store holds in the end; a store that can make this one step does.
    async fn get_or_put(&self, name: &SecretName, fresh: &SecretBytes) -> Result<SecretBytes, StoreError> {
        if let Some(kept) = self.get(name).await? {
            return Ok(kept);
        }
        self.put(name, fresh).await?;
        Ok(self.get(name).await?.unwrap_or_else(|| fresh.clone()))
    }
}

/// Why a secret could not be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The store is locked, or its passphrase or key file is wrong.
    #[error("{place} is locked: {why}")]
    Locked {
        /// The store.
        place: String,
        /// What it said.
        why: String,
    },
    /// The store is not to be had here.
    #[error("{place} cannot be reached: {why}")]
    Unavailable {
        /// The store.
        place: String,
        /// What it said.
        why: String,
    },
    /// The disk did not read or write it.
    #[error("{place} cannot be read or written: {why}")]
    Disk {
        /// The store.
        place: String,
        /// What the system said.
        why: String,
    },
    /// What is stored cannot be believed.
    #[error("{place} is damaged: {why}")]
    Damaged {
        /// The store.
        place: String,
        /// What is wrong with it.
        why: String,
    },
    /// A newer Attaché wrote it.
    #[error("{place} has format {version}, which this version of Attaché does not know")]
    Newer {
        /// The store.
        place: String,
        /// The version of its format.
        version: u64,
    },
}

impl Explain for StoreError {
    fn code(&self) -> &'static str {
        match self {
            Self::Locked { .. } => "secret_store_locked",
            Self::Unavailable { .. } => "secret_store_unavailable",
            Self::Disk { .. } => "secret_store_disk",
            Self::Damaged { .. } => "secret_store_damaged",
            Self::Newer { .. } => "secret_store_newer",
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Locked { .. } => Remedy::operator(
                "unlock the keyring, or give the right passphrase (ATTACHE_PASSPHRASE) or key file",
            ),
            Self::Unavailable { .. } => Remedy::operator(
                "start the Secret Service (gnome-keyring or KWallet), or choose secret_store = \"sealed-file\"",
            ),
            Self::Disk { .. } => Remedy::operator(
                "see that the file and its folder belong to the user that this runs as, and that there is room left",
            ),
            Self::Damaged { .. } => {
                Remedy::operator("restore the file from a backup, or move it away and sign in again")
            }
            Self::Newer { .. } => Remedy::operator("update Attaché to the version that wrote it, or newer"),
        }
    }
}

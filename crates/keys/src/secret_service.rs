//! Secrets in the Linux desktop's keyring, reached over D-Bus (freedesktop Secret Service). KWallet keeps
//! text only, so values are stored as base64.

use std::sync::Arc;

use async_trait::async_trait;
use attache_terms::SecretBytes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use keyring_core::api::CredentialStoreApi as _;
use keyring_core::{Entry, Error};
use zbus_secret_service_keyring_store::Store;
use zeroize::Zeroizing;

use crate::{SecretName, SecretStore, StoreError};

const PLACE: &str = "Secret Service";

/// The keyring of whoever is logged in.
pub struct SecretServiceStore(Connection);

/// The connection, which blocks when it is closed, and panics where blocking is forbidden. So a thread of
/// its own closes it.
struct Connection(Option<Arc<Store>>);

impl Drop for Connection {
    fn drop(&mut self) {
        let store = self.0.take();
        std::thread::spawn(move || drop(store));
    }
}

impl SecretServiceStore {
    /// Connects to the keyring on the session's bus.
    pub async fn open() -> Result<Self, StoreError> {
        blocking(|| Store::new().map(|store| Self(Connection(Some(store))))).await
    }

    /// Talks to the keyring about one entry, on a thread that may wait for a person to unlock it.
    async fn with_entry<T: Send + 'static>(
        &self,
        name: &SecretName,
        work: impl FnOnce(Entry) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (store, name) = (self.0.0.clone(), name.clone());
        blocking(move || match store {
            Some(store) => work(store.build("attache", name.as_str(), None)?),
            None => Err(Error::NoDefaultStore),
        })
        .await
    }
}

#[async_trait]
impl SecretStore for SecretServiceStore {
    fn place(&self) -> String {
        PLACE.to_owned()
    }

    async fn get(&self, name: &SecretName) -> Result<Option<SecretBytes>, StoreError> {
        let kept = self
            .with_entry(name, |entry| match entry.get_secret() {
                Ok(text) => Ok(Some(Zeroizing::new(text))),
                Err(Error::NoEntry) => Ok(None),
                Err(error) => Err(error),
            })
            .await?;
        let Some(text) = kept else { return Ok(None) };
        let bytes = BASE64.decode(&*text).map_err(|_| StoreError::Damaged {
            place: PLACE.to_owned(),
            why: format!("the entry {name} of the service attache is not base64"),
        })?;
        Ok(Some(SecretBytes::new(bytes)))
    }

    async fn put(&self, name: &SecretName, secret: &SecretBytes) -> Result<(), StoreError> {
        let text = Zeroizing::new(BASE64.encode(secret.expose()));
        self.with_entry(name, move |entry| entry.set_secret(text.as_bytes())).await
    }

    async fn delete(&self, name: &SecretName) -> Result<(), StoreError> {
        self.with_entry(name, |entry| match entry.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(error) => Err(error),
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(|error| explained(&error)),
        Err(_) => Err(StoreError::Unavailable {
            place: PLACE.to_owned(),
            why: "the connection to the keyring broke".to_owned(),
        }),
    }
}

fn explained(error: &Error) -> StoreError {
    let place = PLACE.to_owned();
    match error {
        Error::NoStorageAccess(_) => StoreError::Locked { place, why: error.to_string() },
        Error::BadEncoding(_) | Error::BadDataFormat(..) | Error::BadStoreFormat(_) | Error::Ambiguous(_) => {
            StoreError::Damaged { place, why: error.to_string() }
        }
        _ => StoreError::Unavailable { place, why: error.to_string() },
    }
}

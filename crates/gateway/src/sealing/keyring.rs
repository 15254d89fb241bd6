//! The data keys: made when the first secret is sealed, opened once and then remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use attache_keys::{SecretName, SecretStore};
use attache_store::{CommitError, GatewayScope, Lookup, Page, Record, Store, Unit, Versioned};
use attache_terms::{Clock, Rng, SecretBytes};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Bytes, Context, SealError, Sealed};

/// A data key as it is kept: sealed by the master key.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct DataKey {
    id: Uuid,
    wrapped: Bytes,
    created: Timestamp,
}

impl Record for DataKey {
    const KIND: &'static str = "data_key";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.id.to_string()
    }

    fn lookups(&self) -> Vec<Lookup> {
        Vec::new()
    }
}

/// Seals and opens.
pub(crate) struct Keyring {
    store: Store,
    secrets: Arc<dyn SecretStore>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    opened: Mutex<HashMap<Uuid, Arc<LessSafeKey>>>,
}

impl Keyring {
    pub(crate) fn new(
        store: Store,
        secrets: Arc<dyn SecretStore>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self { store, secrets, clock, rng, opened: Mutex::default() }
    }

    /// Seals a secret for what it belongs to.
    pub(crate) async fn seal(&self, context: Context<'_>, secret: &SecretBytes) -> Result<Sealed, SealError> {
        let (id, key) = self.current().await?;
        Ok(Sealed { key: id, text: Bytes(self.close(&key, context, secret)?) })
    }

    /// Opens a secret for what it belongs to.
    pub(crate) async fn open(&self, context: Context<'_>, sealed: &Sealed) -> Result<SecretBytes, SealError> {
        let key = self.key(sealed.key).await?;
        unseal(&key, context, &sealed.text.0)
    }

    /// Makes a new data key: what is sealed from now on is sealed by it.
    pub(crate) async fn rotate(&self) -> Result<Uuid, SealError> {
        let id = attache_store::ids::uuid_v7(&*self.clock, &*self.rng);
        let mut fresh = Zeroizing::new(vec![0; 32]);
        self.rng.fill(&mut fresh);
        let fresh = SecretBytes::new(fresh.to_vec());
        let wrapped = Bytes(self.close(&self.master().await?, of(&id.to_string()), &fresh)?);
        let mut unit = Unit::new();
        unit.create(GatewayScope::granted(), &DataKey { id, wrapped, created: self.clock.now() });
        match self.store.commit(unit).await {
            Ok(_) | Err(CommitError::Taken { .. }) => Ok(id),
            Err(error) => Err(error.into()),
        }
    }

    /// The newest data key, made if there is none.
    async fn current(&self) -> Result<(Uuid, Arc<LessSafeKey>), SealError> {
        let system = self.store.system(GatewayScope::granted());
        let newest: Option<Versioned<DataKey>> = system.list(Page::newest(1)).await?.pop();
        let id = match newest {
            Some(newest) => newest.id,
            None => self.rotate().await?,
        };
        Ok((id, self.key(id).await?))
    }

    async fn key(&self, id: Uuid) -> Result<Arc<LessSafeKey>, SealError> {
        if let Some(key) = self.remembered().get(&id) {
            return Ok(Arc::clone(key));
        }
        let system = self.store.system(GatewayScope::granted());
        let kept: Versioned<DataKey> = system.get(id).await?.ok_or(SealError::NoKey(id))?;
        let master = self.master().await?;
        let bytes =
            unseal(&master, of(&id.to_string()), &kept.wrapped.0).map_err(|_| SealError::NoKey(id))?;
        let key = Arc::new(key_of(&bytes)?);
        self.remembered().insert(id, Arc::clone(&key));
        Ok(key)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<LessSafeKey>>> {
        self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The master key: made when there is none.
    async fn master(&self) -> Result<LessSafeKey, SealError> {
        let mut fresh = vec![0; 32];
        self.rng.fill(&mut fresh);
        let name = SecretName::new("gateway", "master-key");
        key_of(&self.secrets.get_or_put(&name, &SecretBytes::new(fresh)).await?)
    }

    fn close(
        &self,
        key: &LessSafeKey,
        context: Context<'_>,
        secret: &SecretBytes,
    ) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0; NONCE_LEN];
        self.rng.fill(&mut nonce);
        let mut text = nonce.to_vec();
        let mut sealed = secret.expose().to_vec();
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(context.bytes()),
            &mut sealed,
        )
        .map_err(|_| SealError::Altered)?;
        text.extend(sealed);
        Ok(text)
    }
}

/// What a data key is sealed for.
fn of(id: &str) -> Context<'_> {
    Context { purpose: "data_key", of: id }
}

fn key_of(bytes: &SecretBytes) -> Result<LessSafeKey, SealError> {
    UnboundKey::new(&AES_256_GCM, bytes.expose()).map(LessSafeKey::new).map_err(|_| SealError::Altered)
}

fn unseal(key: &LessSafeKey, context: Context<'_>, text: &[u8]) -> Result<SecretBytes, SealError> {
    let (nonce, sealed) = text.split_first_chunk::<NONCE_LEN>().ok_or(SealError::Altered)?;
    let mut opened = Zeroizing::new(sealed.to_vec());
    let plain = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(context.bytes()), &mut opened)
        .map_err(|_| SealError::Altered)?;
    Ok(SecretBytes::new(plain.to_vec()))
}

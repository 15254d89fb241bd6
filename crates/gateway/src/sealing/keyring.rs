//! The data keys: made when the first secret is sealed, opened once and then remembered.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use attache_keys::{SecretName, SecretStore};
use attache_store::{CommitError, GatewayScope, Page, Record, Store, Unit, Versioned};
use attache_terms::{Clock, Rng, SecretBytes};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Bytes, Context, KeysError, SealError, Sealed};

/// What the master key is kept as.
pub(super) const MASTER: &str = "master-key";
/// What the master key is kept as that is to come, while it takes the place of the other.
pub(super) const NEXT: &str = "master-key-next";

/// A data key as it is kept: sealed by the master key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct DataKey {
    pub(super) id: Uuid,
    pub(super) wrapped: Bytes,
    pub(super) created: Timestamp,
}

impl Record for DataKey {
    const KIND: &'static str = "data_key";
    type Scope = GatewayScope;

    fn key(&self) -> String {
        self.id.to_string()
    }
}

/// Seals and opens.
pub(crate) struct Keyring {
    pub(super) store: Store,
    pub(super) secrets: Arc<dyn SecretStore>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) rng: Arc<dyn Rng>,
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

    /// Whether what is kept sealed can be opened: the newest data key is opened anew, whatever is remembered.
    pub(crate) async fn check(&self) -> Result<(), KeysError> {
        let id = self.newest().await?;
        self.unsealed(id).await?;
        Ok(())
    }

    /// The newest data key.
    async fn current(&self) -> Result<(Uuid, Arc<LessSafeKey>), SealError> {
        let id = self.newest().await?;
        Ok((id, self.key(id).await?))
    }

    /// The id of the newest data key, which is made if there is none.
    async fn newest(&self) -> Result<Uuid, SealError> {
        let system = self.store.system(GatewayScope::granted());
        let newest: Option<Versioned<DataKey>> = system.list(Page::newest(1)).await?.pop();
        match newest {
            Some(newest) => Ok(newest.id),
            None => self.first().await,
        }
    }

    /// Keeps the first data key. Of two nodes that make one at once, both are kept, and the newest is used.
    async fn first(&self) -> Result<Uuid, SealError> {
        let master = match self.kept(NEXT).await? {
            Some(next) => next,
            None => self.master().await?,
        };
        let fresh = self.fresh_data_key(&master)?;
        let mut unit = Unit::new();
        unit.create(GatewayScope::granted(), &fresh);
        match self.store.commit(unit).await {
            Ok(_) | Err(CommitError::Taken { .. }) => Ok(fresh.id),
            Err(error) => Err(error.into()),
        }
    }

    /// A new data key, sealed by this master key.
    pub(super) fn fresh_data_key(&self, master: &LessSafeKey) -> Result<DataKey, SealError> {
        let id = attache_store::ids::uuid_v7(&*self.clock, &*self.rng);
        let wrapped = self.wrap(master, id, &self.fresh_bytes())?;
        Ok(DataKey { id, wrapped, created: self.clock.now() })
    }

    /// 256 random bits.
    pub(super) fn fresh_bytes(&self) -> SecretBytes {
        let mut fresh = Zeroizing::new(vec![0; 32]);
        self.rng.fill(&mut fresh);
        SecretBytes::new(fresh.to_vec())
    }

    /// A data key, sealed by a master key.
    pub(super) fn wrap(
        &self,
        master: &LessSafeKey,
        id: Uuid,
        bytes: &SecretBytes,
    ) -> Result<Bytes, SealError> {
        Ok(Bytes(self.close(master, of(&id.to_string()), bytes)?))
    }

    async fn key(&self, id: Uuid) -> Result<Arc<LessSafeKey>, SealError> {
        if let Some(key) = self.remembered().get(&id) {
            return Ok(Arc::clone(key));
        }
        let key = Arc::new(self.unsealed(id).await?);
        self.remembered().insert(id, Arc::clone(&key));
        Ok(key)
    }

    /// A data key, opened by a master key.
    async fn unsealed(&self, id: Uuid) -> Result<LessSafeKey, SealError> {
        let system = self.store.system(GatewayScope::granted());
        let kept: Versioned<DataKey> = system.get(id).await?.ok_or(SealError::NoKey(id))?;
        // While the master key is being replaced, either may open it.
        let mut opened = None;
        for name in [MASTER, NEXT] {
            if opened.is_none()
                && let Some(master) = self.kept(name).await?
            {
                opened = unwrap(&master, &kept);
            }
        }
        key_of(&opened.ok_or(SealError::NoKey(id))?)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Arc<LessSafeKey>>> {
        self.opened.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// The master key: made when there is none.
    async fn master(&self) -> Result<LessSafeKey, SealError> {
        key_of(&self.secrets.get_or_put(&name(MASTER), &self.fresh_bytes()).await?)
    }

    /// A master key, if it is kept.
    pub(super) async fn kept(&self, which: &'static str) -> Result<Option<LessSafeKey>, SealError> {
        self.secrets.get(&name(which)).await?.map(|bytes| key_of(&bytes)).transpose()
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

/// What a master key is kept under.
pub(super) fn name(which: &'static str) -> SecretName {
    SecretName::new("gateway", which)
}

/// The data key, if this master key opens it.
pub(super) fn unwrap(master: &LessSafeKey, data_key: &DataKey) -> Option<SecretBytes> {
    unseal(master, of(&data_key.id.to_string()), &data_key.wrapped.0).ok()
}

/// What a data key is sealed for.
fn of(id: &str) -> Context<'_> {
    Context { purpose: "data_key", of: id }
}

pub(super) fn key_of(bytes: &SecretBytes) -> Result<LessSafeKey, SealError> {
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

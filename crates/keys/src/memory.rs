//! Secrets in memory, gone when the process ends: for tests, and for a run that is to leave nothing.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;
use attache_terms::SecretBytes;

use crate::{SecretName, SecretStore, StoreError};

/// A store that forgets everything at the end.
#[derive(Default)]
pub struct MemoryStore(Mutex<BTreeMap<SecretName, SecretBytes>>);

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, BTreeMap<SecretName, SecretBytes>> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[async_trait]
impl SecretStore for MemoryStore {
    fn place(&self) -> String {
        "memory".to_owned()
    }

    async fn get(&self, name: &SecretName) -> Result<Option<SecretBytes>, StoreError> {
        Ok(self.kept().get(name).cloned())
    }

    async fn put(&self, name: &SecretName, secret: &SecretBytes) -> Result<(), StoreError> {
        self.kept().insert(name.clone(), secret.clone());
        Ok(())
    }

    async fn delete(&self, name: &SecretName) -> Result<(), StoreError> {
        self.kept().remove(name);
        Ok(())
    }

    async fn get_or_put(&self, name: &SecretName, fresh: &SecretBytes) -> Result<SecretBytes, StoreError> {
        Ok(self.kept().entry(name.clone()).or_insert_with(|| fresh.clone()).clone())
    }
}

//! A signing key that a secret store keeps.

use std::sync::Arc;

use crate::{KeyError, SecretName, SecretStore, SoftwareKey};

/// How a [`SoftwareKey`] lives in a [`SecretStore`].
#[derive(Debug)]
pub struct SigningKey;

impl SigningKey {
    /// The key of this name; made and kept first when there is none. When two callers find none at the
    /// same time, both get the key that was kept first.
    pub async fn load_or_create(
        store: &dyn SecretStore,
        name: &SecretName,
    ) -> Result<Arc<SoftwareKey>, KeyError> {
        let kept = match store.get(name).await? {
            Some(kept) => kept,
            None => store.get_or_put(name, &SoftwareKey::generate().await?.to_pkcs8()?).await?,
        };
        Ok(Arc::new(SoftwareKey::from_pkcs8(&kept)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryStore, Signer};
    use attache_terms::SecretBytes;

    #[tokio::test]
    async fn a_key_is_made_once_and_then_found() {
        let store = MemoryStore::default();
        let name = SecretName::new("default", "blueprint-key");
        let first = SigningKey::load_or_create(&store, &name).await.unwrap();
        let second = SigningKey::load_or_create(&store, &name).await.unwrap();
        assert_eq!(first.public_key(), second.public_key());
    }

    #[tokio::test]
    async fn two_that_find_none_at_once_get_the_same_key() {
        let store = MemoryStore::default();
        let name = SecretName::new("default", "blueprint-key");
        let (one, two) = tokio::join!(
            SigningKey::load_or_create(&store, &name),
            SigningKey::load_or_create(&store, &name)
        );
        assert_eq!(one.unwrap().public_key(), two.unwrap().public_key());
    }

    #[tokio::test]
    async fn a_damaged_key_is_an_error_and_is_not_replaced() {
        let store = MemoryStore::default();
        let name = SecretName::new("default", "blueprint-key");
        store.put(&name, &SecretBytes::new(vec![1, 2, 3])).await.unwrap();
        assert!(matches!(SigningKey::load_or_create(&store, &name).await, Err(KeyError::NotAKey(_))));
        assert_eq!(store.get(&name).await.unwrap().unwrap().expose(), [1, 2, 3]);
    }
}

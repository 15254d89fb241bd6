//! A real keyring. `cargo xtask test` starts one and sets `ATTACHE_TEST_SECRET_SERVICE=1`; then its absence
//! is a failure.

use attache_keys::{SecretName, SecretServiceStore, SecretStore, Signer, SigningKey, StoreError};
use attache_terms::SecretBytes;

fn keyring_is_promised() -> bool {
    std::env::var("ATTACHE_TEST_SECRET_SERVICE").is_ok_and(|value| value == "1")
}

#[tokio::test]
async fn the_keyring_keeps_replaces_and_forgets() {
    if !keyring_is_promised() {
        return;
    }
    let store = SecretServiceStore::open().await.unwrap();
    let name = SecretName::new(&format!("test-{}", std::process::id()), "refresh-token");
    assert!(store.get(&name).await.unwrap().is_none());
    for bytes in [b"first".to_vec(), vec![0, 159, 146, 150, 255]] {
        store.put(&name, &SecretBytes::new(bytes.clone())).await.unwrap();
        let other = SecretServiceStore::open().await.unwrap();
        assert_eq!(other.get(&name).await.unwrap().unwrap().expose(), bytes);
    }
    let key = SecretName::new(&format!("test-{}", std::process::id()), "blueprint-key");
    let made = SigningKey::load_or_create(&store, &key).await.unwrap();
    let found = SigningKey::load_or_create(&store, &key).await.unwrap();
    assert_eq!(made.public_key(), found.public_key());

    store.delete(&name).await.unwrap();
    store.delete(&name).await.unwrap();
    store.delete(&key).await.unwrap();
    assert!(store.get(&name).await.unwrap().is_none());
}

#[tokio::test]
async fn without_a_keyring_there_is_an_error_and_no_hang() {
    if keyring_is_promised() {
        return;
    }
    match SecretServiceStore::open().await.map(|_| ()) {
        // A developer's own desktop may have one.
        Ok(()) | Err(StoreError::Unavailable { .. } | StoreError::Locked { .. }) => {}
        Err(error) => panic!("{error}"),
    }
}

//! The master key's rotation. The one that is to come is kept beside the one that is; every data key is sealed anew by
//! it, in one unit with its entry; then it takes the other's place, and the old one is gone. Whatever dies in between
//! is taken up by whoever calls it next, and at each moment every data key opens by a key that is kept.

use attache_ledger::{Act, ActName, Actor, By, ByKind, Composer, Verdict};
use attache_store::{CommitError, GatewayScope, Unit, Versioned};
use attache_terms::{Explain, Remedy};

use super::SealError;
use super::keyring::{DataKey, Keyring, MASTER, NEXT, key_of, name, unwrap};
use crate::Parts;
use crate::record::{on, thing};

const ROTATED: ActName = ActName::new("master_key.rotated");

/// How far a rotation goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MasterKeyRotation {
    /// The new master key is kept beside the old one, so that the file can be brought to every node; nothing is
    /// sealed by it yet.
    Prepare,
    /// To its end.
    Whole,
}

/// What a rotation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rewrapped {
    /// How many data keys the new master key seals now that the old one sealed before.
    pub data_keys: u64,
}

/// Why the master key is not rotated. Nothing is lost: call it again.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct MasterKeyError(#[from] SealError);

impl Explain for MasterKeyError {
    fn code(&self) -> &'static str {
        self.0.code()
    }

    fn remedy(&self) -> Remedy {
        self.0.remedy()
    }
}

/// Rotates the master key of a gateway's database, or goes on with a rotation that was interrupted. Gateways may run
/// on the database meanwhile, if they read the same secret store or a copy that holds the new key.
pub async fn rotate_master_key(parts: Parts, how: MasterKeyRotation) -> Result<Rewrapped, MasterKeyError> {
    let Parts { store, secrets, clock, rng } = parts;
    let composer = Composer::new(clock.clone(), rng.clone());
    let keyring = Keyring::new(store, secrets, clock, rng);
    Ok(match how {
        MasterKeyRotation::Prepare => {
            keyring.next().await?;
            Rewrapped { data_keys: 0 }
        }
        MasterKeyRotation::Whole => keyring.replace_master(&composer).await?,
    })
}

impl Keyring {
    /// The master key that is to come: of two who begin at once, both go on with the same.
    async fn next(&self) -> Result<attache_terms::SecretBytes, SealError> {
        Ok(self.secrets.get_or_put(&name(NEXT), &self.fresh_bytes()).await?)
    }

    async fn replace_master(&self, composer: &Composer) -> Result<Rewrapped, SealError> {
        let next = self.next().await?;
        let mut data_keys = 0;
        loop {
            match self.rewrap(&next, composer).await {
                Ok(0) => break,
                Ok(count) => data_keys += count,
                // Another node made a data key, or another rotation was faster: what is kept now is looked at.
                Err(SealError::Commit(CommitError::Conflict { .. } | CommitError::Taken { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        // Nothing is sealed by the old one any more.
        self.secrets.put(&name(MASTER), &next).await?;
        self.secrets.delete(&name(NEXT)).await?;
        Ok(Rewrapped { data_keys })
    }

    /// Seals what the old master key seals by the next, and makes a new data key for what is sealed from now on, in
    /// one unit; how many it were.
    async fn rewrap(&self, next: &attache_terms::SecretBytes, composer: &Composer) -> Result<u64, SealError> {
        let (next, old) = (key_of(next)?, self.kept(MASTER).await?);
        let mut unit = Unit::new();
        let mut count = 0;
        let data_keys: Vec<Versioned<DataKey>> = self.store.system(GatewayScope::granted()).every().await?;
        for data_key in data_keys {
            if unwrap(&next, &data_key).is_some() {
                continue;
            }
            let bytes = old.as_ref().and_then(|old| unwrap(old, &data_key));
            let bytes = bytes.ok_or(SealError::NoKey(data_key.id))?;
            let wrapped = self.wrap(&next, data_key.id, &bytes)?;
            unit.update(&data_key, &DataKey { wrapped, ..data_key.record.clone() });
            count += 1;
        }
        if count > 0 {
            let fresh = self.fresh_data_key(&next)?;
            unit.create(GatewayScope::granted(), &fresh);
            // Whoever may run the command runs the gateway's machine; who it is, the system does not say.
            let by = Actor { by: Some(By { kind: ByKind::Operator, id: None }), ..Actor::default() };
            let act = Act::new(ROTATED, by).on(on([thing("data_key", fresh.id)]));
            unit.record(GatewayScope::granted(), composer.change(act, Verdict::Done, None));
            self.store.commit(unit).await?;
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use attache_keys::{MemoryStore, SecretName, SecretStore, StoreError};
    use attache_store::Store;
    use attache_store_sqlite::{Sqlite, SqliteOptions};
    use attache_terms::{Clock, Rng, SecretBytes, SystemClock, SystemRng};

    use super::super::{Context, Sealed};
    use super::*;

    /// A secret store whose process dies after so many of its operations.
    struct Mortal {
        kept: Arc<MemoryStore>,
        left: AtomicU32,
    }

    impl Mortal {
        fn live(&self) -> Result<(), StoreError> {
            let dead = |_| StoreError::Unavailable { place: "memory".into(), why: "killed".into() };
            let less = |left: u32| left.checked_sub(1);
            self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).map(drop).map_err(dead)
        }
    }

    #[async_trait::async_trait]
    impl SecretStore for Mortal {
        fn place(&self) -> String {
            self.kept.place()
        }

        async fn get(&self, name: &SecretName) -> Result<Option<SecretBytes>, StoreError> {
            self.live()?;
            self.kept.get(name).await
        }

        async fn put(&self, name: &SecretName, secret: &SecretBytes) -> Result<(), StoreError> {
            self.live()?;
            self.kept.put(name, secret).await
        }

        async fn delete(&self, name: &SecretName) -> Result<(), StoreError> {
            self.live()?;
            self.kept.delete(name).await
        }
    }

    const CONTEXT: Context<'static> = Context { purpose: "test", of: "1" };

    struct World {
        store: Store,
        kept: Arc<MemoryStore>,
        _folder: tempfile::TempDir,
    }

    impl World {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (clock, rng) = (Arc::new(SystemClock), Arc::new(SystemRng));
            let path = folder.path().join("gateway.db");
            let engine = Sqlite::open(SqliteOptions { path, clock, rng }).unwrap();
            let store = Store::new(Arc::new(engine));
            Self { store, kept: Arc::new(MemoryStore::default()), _folder: folder }
        }

        fn parts(&self, secrets: Arc<dyn SecretStore>) -> Parts {
            let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
            Parts { store: self.store.clone(), secrets, clock, rng }
        }

        /// A keyring that remembers nothing, as of a process that starts.
        fn keyring(&self) -> Keyring {
            let Parts { store, secrets, clock, rng } = self.parts(self.kept.clone());
            Keyring::new(store, secrets, clock, rng)
        }

        async fn rotate(&self, operations: u32) -> Result<Rewrapped, MasterKeyError> {
            let mortal = Mortal { kept: self.kept.clone(), left: AtomicU32::new(operations) };
            rotate_master_key(self.parts(Arc::new(mortal)), MasterKeyRotation::Whole).await
        }

        async fn opens(&self, sealed: &Sealed) -> Vec<u8> {
            self.keyring().open(CONTEXT, sealed).await.unwrap().expose().to_vec()
        }

        async fn master(&self) -> Vec<u8> {
            self.kept.get(&name(MASTER)).await.unwrap().unwrap().expose().to_vec()
        }
    }

    #[tokio::test]
    async fn killed_anywhere_nothing_is_lost_and_the_next_call_ends_it() {
        let mut interrupted = 0;
        for operations in 0.. {
            let world = World::new();
            let sealed = world.keyring().seal(CONTEXT, &SecretBytes::new(b"secret".to_vec())).await.unwrap();
            let before = world.master().await;
            let first = world.rotate(operations).await;
            assert_eq!(world.opens(&sealed).await, b"secret", "after {operations} operations");
            let meanwhile = SecretBytes::new(b"meanwhile".to_vec());
            let meanwhile = world.keyring().seal(CONTEXT, &meanwhile).await.unwrap();
            world.rotate(u32::MAX).await.unwrap();
            assert_eq!(world.opens(&sealed).await, b"secret", "after {operations} operations");
            assert_eq!(world.opens(&meanwhile).await, b"meanwhile", "after {operations} operations");
            assert_ne!(world.master().await, before);
            assert!(world.kept.get(&name(NEXT)).await.unwrap().is_none());
            if first.is_ok() {
                break;
            }
            interrupted += 1;
        }
        assert!(interrupted >= 4, "{interrupted}");
    }

    #[tokio::test]
    async fn the_old_master_key_opens_nothing_any_more_and_the_log_says_so() {
        let world = World::new();
        let sealed = world.keyring().seal(CONTEXT, &SecretBytes::new(b"secret".to_vec())).await.unwrap();
        let before = world.kept.get(&name(MASTER)).await.unwrap().unwrap();
        assert_eq!(world.rotate(u32::MAX).await.unwrap(), Rewrapped { data_keys: 1 });
        // What is sealed now is sealed by another data key.
        let later = world.keyring().seal(CONTEXT, &SecretBytes::new(b"later".to_vec())).await.unwrap();
        assert_ne!(sealed.key, later.key);
        let log = attache_store::Log(attache_store::Place::Gateway);
        let engine = world.store.engine(GatewayScope::granted());
        let entries = engine.entries(attache_store::EntryQuery::all(log, 9)).await.unwrap();
        assert_eq!(
            entries.iter().map(|entry| entry.act.as_str()).collect::<Vec<_>>(),
            ["master_key.rotated"]
        );
        world.kept.put(&name(MASTER), &before).await.unwrap();
        for gone in [&sealed, &later] {
            let refused = world.keyring().open(CONTEXT, gone).await;
            assert!(matches!(refused, Err(SealError::NoKey(_))));
        }
    }

    #[tokio::test]
    async fn a_node_with_a_copy_of_before_works_on_when_it_was_prepared() {
        let world = World::new();
        let sealed = world.keyring().seal(CONTEXT, &SecretBytes::new(b"secret".to_vec())).await.unwrap();
        let prepared = rotate_master_key(world.parts(world.kept.clone()), MasterKeyRotation::Prepare).await;
        assert_eq!(prepared.unwrap(), Rewrapped { data_keys: 0 });
        let copy = MemoryStore::default();
        for which in [MASTER, NEXT] {
            copy.put(&name(which), &world.kept.get(&name(which)).await.unwrap().unwrap()).await.unwrap();
        }
        world.rotate(u32::MAX).await.unwrap();
        let copied = World { kept: Arc::new(copy), ..world };
        assert_eq!(copied.opens(&sealed).await, b"secret");
        // It ends the rotation of its own copy: nothing is left to be sealed anew.
        assert_eq!(copied.rotate(u32::MAX).await.unwrap(), Rewrapped { data_keys: 0 });
        assert_eq!(copied.opens(&sealed).await, b"secret");
    }
}

//! Secrets in one encrypted file: the store for machines that have no keyring, chosen knowingly. The key
//! comes from a passphrase, or from a key file, which protects against a copied file and not against a
//! copied folder.

mod disk;
mod format;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use argon2::{Algorithm, Argon2, Params, Version};
use async_trait::async_trait;
use attache_terms::{Rng, Secret, SecretBytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::{SecretName, SecretStore, StoreError};
use format::{Derivation, Fault, FileKey, Sealed, Secrets};

/// What opens a sealed file.
pub enum SealingKey {
    /// A passphrase; argon2id makes the key.
    Passphrase(Secret),
    /// A file that holds the key. It is made with mode `0600` when it is missing and nothing is sealed yet.
    KeyFile(PathBuf),
}

/// Secrets in one encrypted file. Several processes may use it at the same time.
pub struct SealedFile(Arc<Shared>);

impl SealedFile {
    /// The store at `path`. Nothing is read or written yet.
    pub fn new(path: PathBuf, key: SealingKey, rng: Arc<dyn Rng>) -> Self {
        Self(Arc::new(Shared { path, key, rng, derived: Mutex::new(None) }))
    }

    /// Runs work on the file where blocking is allowed: disks wait, and argon2id is made to be slow.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let shared = Arc::clone(&self.0);
        let place = shared.place();
        tokio::task::spawn_blocking(move || work(&shared))
            .await
            .unwrap_or_else(|_| Err(StoreError::Unavailable { place, why: "the work was ended".to_owned() }))
    }
}

#[async_trait]
impl SecretStore for SealedFile {
    fn place(&self) -> String {
        self.0.place()
    }

    async fn get(&self, name: &SecretName) -> Result<Option<SecretBytes>, StoreError> {
        let name = name.as_str().to_owned();
        self.blocking(move |shared| Ok(shared.load()?.secrets.remove(&name))).await
    }

    async fn put(&self, name: &SecretName, secret: &SecretBytes) -> Result<(), StoreError> {
        let (name, secret) = (name.as_str().to_owned(), secret.clone());
        self.blocking(move |shared| {
            shared.change(|secrets| {
                secrets.insert(name, secret);
                true
            })
        })
        .await
    }

    async fn delete(&self, name: &SecretName) -> Result<(), StoreError> {
        let name = name.as_str().to_owned();
        self.blocking(move |shared| shared.change(|secrets| secrets.remove(&name).is_some())).await
    }

    async fn get_or_put(&self, name: &SecretName, fresh: &SecretBytes) -> Result<SecretBytes, StoreError> {
        let (name, fresh) = (name.as_str().to_owned(), fresh.clone());
        self.blocking(move |shared| {
            let mut kept = fresh.clone();
            shared.change(|secrets| match secrets.get(&name) {
                Some(there) => {
                    kept = there.clone();
                    false
                }
                None => {
                    secrets.insert(name, fresh);
                    true
                }
            })?;
            Ok(kept)
        })
        .await
    }
}

struct Shared {
    path: PathBuf,
    key: SealingKey,
    rng: Arc<dyn Rng>,
    /// The last key that was made, since argon2id takes a tenth of a second.
    derived: Mutex<Option<(Derivation, FileKey)>>,
}

/// What the system said, and whose the file is where that is the reason.
fn why(path: &Path, error: &io::Error) -> String {
    match disk::owners(path).filter(|_| error.kind() == io::ErrorKind::PermissionDenied) {
        Some((owner, own)) => format!("{error}; it belongs to user {owner}, and this runs as user {own}"),
        None => error.to_string(),
    }
}

/// The secrets with what they were sealed under; no key yet when there is no file.
struct Contents {
    secrets: Secrets,
    sealed_under: Option<(Derivation, FileKey)>,
}

impl Shared {
    fn load(&self) -> Result<Contents, StoreError> {
        let Some(bytes) = disk::read(&self.path).map_err(|error| self.disk(&error))? else {
            return Ok(Contents { secrets: Secrets::new(), sealed_under: None });
        };
        let sealed = Sealed::parse(&bytes).map_err(|fault| self.fault(fault))?;
        let derivation = sealed.derivation().clone();
        let key = self.file_key(&derivation)?;
        let secrets = sealed.open(&key).map_err(|fault| self.fault(fault))?;
        Ok(Contents { secrets, sealed_under: Some((derivation, key)) })
    }

    /// Reads, changes and replaces the file while no other process can; `change` says whether it did.
    fn change(&self, change: impl FnOnce(&mut Secrets) -> bool) -> Result<(), StoreError> {
        let lock = disk::Lock::take(&self.path).map_err(|error| self.disk(&error))?;
        let Contents { mut secrets, sealed_under } = self.load()?;
        if !change(&mut secrets) {
            return Ok(());
        }
        let (derivation, key) = match sealed_under {
            Some(under) => under,
            None => self.first_key(&lock)?,
        };
        let bytes =
            format::seal(&secrets, &derivation, &key, &*self.rng).map_err(|fault| self.fault(fault))?;
        disk::replace(&self.path, &bytes, &lock).map_err(|error| self.disk(&error))
    }

    /// The key for a file that is about to be written for the first time.
    fn first_key(&self, _lock: &disk::Lock) -> Result<(Derivation, FileKey), StoreError> {
        let derivation = match &self.key {
            SealingKey::Passphrase(_) => Derivation::of_passphrase(&*self.rng),
            SealingKey::KeyFile(path) => {
                self.make_key_file(path)?;
                Derivation::KeyFile
            }
        };
        let key = self.file_key(&derivation)?;
        Ok((derivation, key))
    }

    fn file_key(&self, derivation: &Derivation) -> Result<FileKey, StoreError> {
        let mut derived = self.derived.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some((of, key)) = &*derived
            && of == derivation
        {
            return Ok(key.clone());
        }
        let key = match (&self.key, derivation) {
            (SealingKey::Passphrase(passphrase), Derivation::Argon2id { memory, passes, salt }) => {
                self.argon2id(passphrase, *memory, *passes, salt)?
            }
            (SealingKey::KeyFile(path), Derivation::KeyFile) => self.read_key_file(path)?,
            (SealingKey::Passphrase(_), Derivation::KeyFile) => {
                return Err(self.locked("it was sealed with a key file, not with a passphrase"));
            }
            (SealingKey::KeyFile(_), Derivation::Argon2id { .. }) => {
                return Err(self.locked("it was sealed with a passphrase, not with a key file"));
            }
        };
        *derived = Some((derivation.clone(), key.clone()));
        Ok(key)
    }

    fn argon2id(
        &self,
        passphrase: &Secret,
        memory: u32,
        passes: u32,
        salt: &str,
    ) -> Result<FileKey, StoreError> {
        let refused = |why: String| self.damaged(format!("its key derivation is refused: {why}"));
        let salt = BASE64.decode(salt).map_err(|error| refused(error.to_string()))?;
        let params = Params::new(memory, passes, 1, Some(32)).map_err(|error| refused(error.to_string()))?;
        let mut key = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut key)
            .map_err(|error| refused(error.to_string()))?;
        Ok(FileKey::new(key))
    }

    fn make_key_file(&self, path: &Path) -> Result<(), StoreError> {
        let lock = disk::Lock::take(path).map_err(|error| self.disk(&error))?;
        let there = path.try_exists().map_err(|error| self.disk(&error))?;
        if !there {
            let mut key = [0; 32];
            self.rng.fill(&mut key);
            let line = format!("{}\n", BASE64.encode(key));
            disk::create(path, line.as_bytes(), &lock).map_err(|error| self.disk(&error))?;
        }
        Ok(())
    }

    fn read_key_file(&self, path: &Path) -> Result<FileKey, StoreError> {
        let shown = path.display();
        let bytes = disk::read(path)
            .map_err(|error| self.locked(format!("its key file {shown}: {}", why(path, &error))))?;
        let Some(bytes) = bytes else {
            return Err(self.locked(format!("its key file {shown} is missing")));
        };
        if disk::is_readable_by_others(path).map_err(|error| self.disk(&error))? {
            return Err(self.locked(format!("others may read its key file: chmod 600 {shown}")));
        }
        let key = std::str::from_utf8(&bytes).ok().and_then(|text| BASE64.decode(text.trim()).ok());
        let key = key.and_then(|key| <[u8; 32]>::try_from(key).ok());
        key.map(FileKey::new).ok_or_else(|| self.locked(format!("{shown} holds no key: 32 bytes in base64")))
    }

    fn place(&self) -> String {
        format!("sealed file {}", self.path.display())
    }

    fn locked(&self, why: impl Into<String>) -> StoreError {
        StoreError::Locked { place: self.place(), why: why.into() }
    }

    fn damaged(&self, why: String) -> StoreError {
        StoreError::Damaged { place: self.place(), why }
    }

    fn disk(&self, error: &io::Error) -> StoreError {
        StoreError::Disk { place: self.place(), why: why(&self.path, error) }
    }

    fn fault(&self, fault: Fault) -> StoreError {
        match fault {
            Fault::Newer(version) => StoreError::Newer { place: self.place(), version },
            Fault::Damaged(why) => self.damaged(why),
            Fault::WrongKey => match &self.key {
                SealingKey::Passphrase(_) => self.locked("the passphrase is wrong"),
                SealingKey::KeyFile(path) => {
                    self.locked(format!("the key in {} is not the one it was sealed with", path.display()))
                }
            },
        }
    }
}

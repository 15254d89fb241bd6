//! Keeps the tenants on disk, if there is a data folder: what a mutating request changed is written before it is
//! answered.

mod hold;
mod holdings;
mod keeper;
mod log;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

pub(crate) use holdings::{Holdings, KeptManners};
pub(crate) use keeper::Keeper;

use hold::Hold;

use crate::entra::{KeptKey, is_signing_key};
use crate::files::{self, FileError};
use crate::seed::Source;
use crate::start_error::StartError;

/// What a tenant was made with, as later starts and `reset` need it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seeded {
    /// Whether this is the tenant that was there first.
    pub(crate) is_home: bool,
    pub(crate) source: Source,
    pub(crate) tenant_id: String,
    pub(crate) control_token: String,
    pub(crate) provisioner_id: String,
    pub(crate) provisioner_secret: String,
    pub(crate) client_id: String,
}

/// The data folder, which is this sandbox's alone: files for each tenant, and one for the signing key.
#[derive(Debug)]
pub(crate) struct Store {
    folder: Arc<Path>,
    _hold: Hold,
}

impl Store {
    /// Opens the folder, and makes it if it is not there; nobody else may have it open.
    pub(crate) fn open(folder: &Path) -> Result<Self, StartError> {
        files::make_folder(folder)?;
        Ok(Self { _hold: Hold::take(folder)?, folder: folder.into() })
    }

    /// The tenants of the last run.
    pub(crate) fn load(&self) -> Result<Vec<Keeper>, StartError> {
        let mut tenants = Vec::new();
        for path in files::list(&self.folder)? {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name == "state.json" {
                return Err(StartError::Unreadable(path, "format 1".to_owned()));
            }
            if name.starts_with("tenant-") && name.ends_with(".json") {
                tenants.extend(Keeper::resume(Arc::clone(&self.folder), &path)?);
            }
        }
        Ok(tenants)
    }

    /// Begins to keep a tenant.
    pub(crate) fn keep(&self, seeded: &Seeded, holdings: &Holdings) -> Result<Keeper, FileError> {
        Keeper::begin(Arc::clone(&self.folder), seeded.clone(), holdings.clone())
    }

    /// The signing keys of the last run; none if there was none.
    pub(crate) fn signing_keys(&self) -> Result<Vec<KeptKey>, StartError> {
        let path = self.key_path();
        let Some(text) = files::read(&path)? else { return Ok(Vec::new()) };
        let unreadable = || StartError::Unreadable(path.clone(), "not PKCS#8 RSA keys".to_owned());
        text.lines().map(|line| kept_key(line).ok_or_else(unreadable)).collect()
    }

    /// Writes the signing keys.
    pub(crate) fn save_signing_keys(&self, keys: &[KeptKey]) -> Result<(), FileError> {
        let line = |key: &KeptKey| match key {
            KeptKey::Current(pkcs8) => format!("{}\n", STANDARD.encode(pkcs8)),
            KeptKey::Upcoming(pkcs8) => format!("upcoming {}\n", STANDARD.encode(pkcs8)),
            KeptKey::Retired(pkcs8) => format!("retired {}\n", STANDARD.encode(pkcs8)),
        };
        files::write(&self.key_path(), keys.iter().map(line).collect::<String>().as_bytes())
    }

    fn key_path(&self) -> PathBuf {
        self.folder.join("signing-key")
    }
}

/// A line of the file of signing keys; the key that signs stands there bare.
fn kept_key(line: &str) -> Option<KeptKey> {
    let (kind, text): (fn(Vec<u8>) -> KeptKey, &str) = match line.trim().split_once(' ') {
        None => (KeptKey::Current, line.trim()),
        Some(("upcoming", text)) => (KeptKey::Upcoming, text),
        Some(("retired", text)) => (KeptKey::Retired, text),
        Some(_) => return None,
    };
    STANDARD.decode(text).ok().filter(|pkcs8| is_signing_key(pkcs8)).map(kind)
}

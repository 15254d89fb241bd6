//! Keeps the tenants on disk, if there is a data folder: the whole state as one file, written before a
//! mutating request is answered.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::entra::is_signing_key;
use crate::files::{self, FileError};
use crate::start_error::StartError;
use crate::tenant::Tenant;

/// The format of `state.json`; another one is refused.
const VERSION: u32 = 1;

/// Everything that persists but the keys.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct World {
    version: u32,
    pub(crate) seeded: Seeded,
    /// By tenant id.
    pub(crate) tenants: BTreeMap<String, Tenant>,
}

/// What the first start chose, as later starts print it again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Seeded {
    pub(crate) tenant_id: String,
    /// Whether the secrets are the documented constants.
    pub(crate) is_constant: bool,
    pub(crate) control_token: String,
    pub(crate) provisioner_id: String,
    pub(crate) provisioner_secret: String,
    pub(crate) client_id: String,
}

impl World {
    /// One tenant, and what a client has to know of it.
    pub(crate) fn new(tenant: Tenant, seeded: Seeded) -> Self {
        Self { version: VERSION, seeded, tenants: BTreeMap::from([(tenant.id.clone(), tenant)]) }
    }

    /// The tenant that a URL names: by id or verified domain. `common` and `organizations` name the first.
    pub(crate) fn tenant_mut(&mut self, name: &str) -> Option<&mut Tenant> {
        let name = name.to_ascii_lowercase();
        if matches!(name.as_str(), "common" | "organizations") {
            return self.tenants.values_mut().next();
        }
        self.tenants.values_mut().find(|tenant| tenant.id == name || tenant.domains.contains(&name))
    }
}

/// The data folder.
#[derive(Debug)]
pub(crate) struct Store {
    folder: PathBuf,
}

impl Store {
    /// Opens the folder and makes it if it is not there.
    pub(crate) fn open(folder: &Path) -> Result<Self, StartError> {
        files::make_folder(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// The state of the last run.
    pub(crate) fn load(&self) -> Result<Option<World>, StartError> {
        let path = self.folder.join("state.json");
        let Some(text) = files::read(&path)? else { return Ok(None) };
        let world: World = serde_json::from_str(&text)
            .map_err(|error| StartError::Unreadable(path.clone(), error.to_string()))?;
        if world.version != VERSION {
            return Err(StartError::Unreadable(path, format!("format {}", world.version)));
        }
        Ok(Some(world))
    }

    /// Writes the state.
    pub(crate) fn save(&self, world: &World) -> Result<(), FileError> {
        // Only maps with keys that are no strings fail to serialise; there are none.
        files::write(&self.folder.join("state.json"), &serde_json::to_vec(world).unwrap_or_default())
    }

    /// The signing key of the last run.
    pub(crate) fn signing_key(&self) -> Result<Option<Vec<u8>>, StartError> {
        let path = self.key_path();
        let Some(text) = files::read(&path)? else { return Ok(None) };
        match STANDARD.decode(text.trim()) {
            Ok(key) if is_signing_key(&key) => Ok(Some(key)),
            _ => Err(StartError::Unreadable(path, "not a PKCS#8 RSA key".to_owned())),
        }
    }

    /// Writes the signing key.
    pub(crate) fn save_signing_key(&self, pkcs8: &[u8]) -> Result<(), FileError> {
        files::write(&self.key_path(), STANDARD.encode(pkcs8).as_bytes())
    }

    fn key_path(&self) -> PathBuf {
        self.folder.join("signing-key")
    }
}

//! Bringing the agent's own identity from nothing to ready: the driver of `attache_provision` on a device. It
//! keeps the record in `provisioning.json`, before and after each step; takes turns with the other processes
//! of the profile by a lease; waits on the clock; and has an intent in the ledger before every step that
//! changes the tenant, and its outcome after.

mod clients;
mod drive;
mod error;
mod progress;
mod refusal;
mod removal;
mod settle;
mod wish;

use std::sync::{Arc, Mutex};

use attache_provision::{Ignored, Plan, Record};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

pub use error::ProvisioningError;
pub use progress::{Phase, Progress};

use crate::connect::Connections;
use crate::identity::{AgentIds, BlueprintKey, Identity};
use crate::profile::{Document, Persisted};
use clients::Clients;
use settle::Came;

/// What is remembered of provisioning.
#[derive(Serialize, Deserialize)]
struct Stored {
    /// The decider's own record.
    record: Record,
    /// When it began.
    began: Timestamp,
    /// The complete identity.
    ready: Option<AgentIds>,
    /// The licences that the operator named, as the record's wish has taken them in.
    #[serde(default)]
    licences: Option<Vec<String>>,
    /// The wishes that came too late.
    #[serde(default)]
    ignored: Vec<Ignored>,
    /// What came of the last step that changed the tenant.
    #[serde(default)]
    came: Option<Came>,
}

impl Persisted for Stored {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "a provisioning";
}

/// The provisioning of one profile.
pub(crate) struct Provisioning {
    connections: Arc<Connections>,
    document: Document<Stored>,
    progress: watch::Sender<Progress>,
    /// Why the last attempt of this process came to nothing.
    refused: Mutex<Option<&'static str>>,
}

impl Provisioning {
    pub(crate) fn new(connections: Arc<Connections>) -> Self {
        let document = Document::at(connections.settings().profile.provisioning());
        Self {
            connections,
            document,
            progress: watch::Sender::new(Progress::default()),
            refused: Mutex::default(),
        }
    }

    /// How far it has come, as this process last saw it.
    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// The complete identity, if it is complete.
    pub(crate) fn ready(&self) -> Result<Option<AgentIds>, ProvisioningError> {
        let Some(stored) = self.document.load()? else { return Ok(None) };
        if stored.ready.is_some() {
            self.publish(&stored, None);
        }
        Ok(stored.ready)
    }

    /// Takes a look at what another process has done.
    pub(crate) fn refresh(&self) {
        if let Ok(Some(stored)) = self.document.load() {
            self.publish(&stored, None);
        }
    }

    /// What provisioning would make, without making it.
    pub(crate) async fn plan(&self, identity: &Identity) -> Result<Plan, ProvisioningError> {
        let key = BlueprintKey::load_or_create(&self.connections).await?;
        let clients = Clients::connect(&self.connections, &key).await?;
        let wish = self.wish(identity, &clients, &key).await?;
        Ok(attache_provision::plan(&clients, &wish).await?)
    }
}

//! The remembered identity: `identity.json`, read anew when another process has replaced it, changed by one
//! process at a time.

use std::sync::{Arc, Mutex};

use attache_terms::{Origin, TenantId};
use serde::{Deserialize, Serialize};

use super::error::{Elsewhere, IdentityError};
use super::machine::{Event, Record, State};
use crate::connect::Connections;
use crate::profile::{Document, Lease, Persisted, Stamp};

/// The remembered state and the file that it was read from.
pub(super) struct Known {
    stamp: Stamp,
    pub(super) record: Record,
}

/// The tenant and the sign-in service that the identity belongs to. Its tokens are never sent to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Home {
    tenant: TenantId,
    login: Origin,
}

#[derive(Debug, Default, Serialize, Deserialize)]
struct Remembered {
    home: Option<Home>,
    #[serde(flatten)]
    record: Record,
}

impl Persisted for Remembered {
    const VERSION: u32 = 1;
    const WHAT: &'static str = "an identity";
}

pub(super) struct Store {
    connections: Arc<Connections>,
    document: Document<Remembered>,
    known: Mutex<Option<Arc<Known>>>,
}

impl Store {
    pub(super) fn new(connections: Arc<Connections>) -> Self {
        let document = Document::at(connections.settings().profile.identity());
        Self { connections, document, known: Mutex::new(None) }
    }

    /// Which file stands there now.
    pub(super) fn stamp(&self) -> Stamp {
        self.document.stamp()
    }

    /// What is remembered now. One system call when nothing has changed.
    pub(super) fn known(&self) -> Result<Arc<Known>, IdentityError> {
        let stamp = self.document.stamp();
        if let Some(known) = &*self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
            && known.stamp == stamp
        {
            return Ok(known.clone());
        }
        let remembered = self.load()?;
        Ok(self.keep(stamp, remembered.record))
    }

    /// Takes in an event: under the lock, read, decide, replace.
    pub(super) async fn apply(&self, event: Event) -> Result<Arc<Known>, IdentityError> {
        let settings = self.connections.settings();
        let path = settings.profile.lock("identity");
        let lease = Lease::wait(&path, "change the identity", self.connections.clock()).await?;
        let remembered = self.load()?;
        let record = remembered.record.apply(event)?;
        let home = match record.state {
            State::SignedOut => None,
            _ => Some(self.home()),
        };
        let remembered = Remembered { home, record };
        self.document.save(&remembered)?;
        let known = self.keep(self.document.stamp(), remembered.record);
        drop(lease);
        Ok(known)
    }

    fn load(&self) -> Result<Remembered, IdentityError> {
        let remembered = self.document.load()?.unwrap_or_default();
        match &remembered.home {
            Some(home) if *home != self.home() => Err(IdentityError::AnotherHome(Box::new(Elsewhere {
                tenant: home.tenant,
                login: home.login.clone(),
                profile: self.connections.settings().profile.name().clone(),
            }))),
            _ => Ok(remembered),
        }
    }

    fn home(&self) -> Home {
        let settings = self.connections.settings();
        Home { tenant: settings.tenant, login: settings.cloud.login.clone() }
    }

    fn keep(&self, stamp: Stamp, record: Record) -> Arc<Known> {
        let known = Arc::new(Known { stamp, record });
        *self.known.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(known.clone());
        known
    }
}

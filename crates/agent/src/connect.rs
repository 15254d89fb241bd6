//! What reaches outside: the secret store, the connection pool, Entra. Each is opened when it is first needed
//! and never before, so that a host's `initialize` waits for none of it.

use std::sync::Arc;

use attache_entra::{Entra, TokenSource, Transport, TransportConfig, TransportError};
use attache_graph::Graph;
use attache_keys::{SealedFile, SealingKey, SecretName, SecretServiceStore, SecretStore, StoreError};
use attache_terms::{Clock, Explain, Remedy, Rng};
use tokio::sync::OnceCell;

use crate::settings::{Secrets, Settings};

/// The connections of one agent.
pub(crate) struct Connections {
    settings: Settings,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    secrets: OnceCell<Arc<dyn SecretStore>>,
    entra: OnceCell<Arc<Entra>>,
}

impl Connections {
    pub(crate) fn new(settings: Settings, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { settings, clock, rng, secrets: OnceCell::new(), entra: OnceCell::new() }
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn rng(&self) -> &Arc<dyn Rng> {
        &self.rng
    }

    /// The name of a secret of this profile.
    pub(crate) fn secret(&self, purpose: &'static str) -> SecretName {
        SecretName::new(self.settings.profile.name().as_str(), purpose)
    }

    /// Where this profile's secrets are kept.
    pub(crate) async fn secrets(&self) -> Result<&Arc<dyn SecretStore>, StoreError> {
        let sealed = |path: &std::path::Path, key: SealingKey| -> Arc<dyn SecretStore> {
            Arc::new(SealedFile::new(path.to_owned(), key, self.rng.clone()))
        };
        self.secrets
            .get_or_try_init(|| async {
                Ok(match &self.settings.secrets {
                    Secrets::KeyFile { sealed: path, key } => sealed(path, SealingKey::KeyFile(key.clone())),
                    Secrets::Passphrase { sealed: path, passphrase } => {
                        sealed(path, SealingKey::Passphrase(passphrase.clone()))
                    }
                    Secrets::SecretService => Arc::new(SecretServiceStore::open().await?),
                })
            })
            .await
    }

    /// The sign-in service, with its cache of tokens.
    pub(crate) async fn entra(&self) -> Result<&Arc<Entra>, TransportError> {
        self.entra
            .get_or_try_init(|| async {
                let config = TransportConfig { ca: self.settings.ca.clone(), ..TransportConfig::default() };
                let transport = Transport::new(config)?;
                Ok(Entra::new(self.settings.cloud.clone(), transport, self.clock.clone(), self.rng.clone()))
            })
            .await
    }

    /// The sign-in service, if anybody has needed it yet.
    pub(crate) fn opened_entra(&self) -> Option<&Arc<Entra>> {
        self.entra.get()
    }

    /// Graph under the identity that `source` gives tokens for.
    pub(crate) async fn graph(&self, source: Arc<dyn TokenSource>) -> Result<Graph, TransportError> {
        let transport = self.entra().await?.transport().clone();
        let cloud = &self.settings.cloud;
        Ok(Graph::new(cloud, transport, source, self.clock.clone(), self.rng.clone()))
    }
}

/// Why the outside cannot be reached from here.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The secrets cannot be read.
    #[error(transparent)]
    Secrets(#[from] StoreError),
    /// No connection can be made: an authority's file, a proxy.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl Explain for ConnectError {
    fn code(&self) -> &'static str {
        match self {
            Self::Secrets(error) => error.code(),
            Self::Transport(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Secrets(error) => error.remedy(),
            Self::Transport(error) => error.remedy(),
        }
    }
}

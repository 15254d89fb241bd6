//! A gateway: what its parts share, its start and its end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use attache_entra::{Entra, Transport, TransportConfig, TransportError};
use attache_keys::SecretStore;
use attache_ledger::{Composer, Ed25519Key};
use attache_store::{CommitError, GatewayScope, NodeId, Store, StoreError};
use attache_terms::{Clock, Explain, Remedy, Rng};
use tokio::net::TcpListener;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::api_keys::Noted;
use crate::health::Metrics;
use crate::limits::Meter;
use crate::nature::{NatureError, check_nature};
use crate::sealing::{Keyring, KeysError};
use crate::{Config, audit, jobs, licences, server, sweep};

/// What a gateway is made of.
pub struct Parts {
    /// Where it keeps everything.
    pub store: Store,
    /// Where it keeps the keys that open what it keeps.
    pub secrets: Arc<dyn SecretStore>,
    /// Its time.
    pub clock: Arc<dyn Clock>,
    /// Its randomness.
    pub rng: Arc<dyn Rng>,
}

/// What every request and every job can reach.
pub struct Gateway {
    pub(crate) config: Config,
    pub(crate) store: Store,
    pub(crate) keyring: Keyring,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) entra: Arc<Entra>,
    pub(crate) composer: Composer,
    /// This process among those that share a database.
    pub(crate) node: NodeId,
    /// What signs checkpoints, once it was needed.
    pub(crate) audit_key: OnceCell<Arc<Ed25519Key>>,
    /// Which uses of keys were noted.
    pub(crate) noted: Noted,
    /// What is counted.
    pub(crate) metrics: Metrics,
    /// How often who has asked.
    pub(crate) meter: Meter,
    /// That it is to end.
    pub(crate) stopping: CancellationToken,
    /// What is to be finished before it has ended.
    tasks: TaskTracker,
}

/// How much longer than requests jobs may take to end.
const SLACK: Duration = Duration::from_secs(5);

/// A gateway that runs. [`Running::stop`] ends it in order.
pub struct Running {
    address: SocketAddr,
    node: NodeId,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// How long what was accepted and what is under way may take to be finished.
    patience: Duration,
}

/// Why a gateway does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address is taken or not ours.
    #[error("nothing can listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
    /// An authority's file, a proxy.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The database is for something else.
    #[error(transparent)]
    Nature(#[from] NatureError),
    /// What is sealed in the database does not open.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The database does not take what is to be done first.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] server::TlsError),
}

impl Explain for StartError {
    fn code(&self) -> &'static str {
        match self {
            Self::Listen { .. } => "listen_refused",
            Self::Transport(error) => error.code(),
            Self::Store(error) => error.code(),
            Self::Nature(error) => error.code(),
            Self::Keys(error) => error.code(),
            Self::Commit(error) => error.code(),
            Self::Tls(error) => error.code(),
        }
    }

    fn remedy(&self) -> Remedy {
        match self {
            Self::Listen { .. } => {
                Remedy::operator("stop what listens there, or choose another address with --listen")
            }
            Self::Transport(error) => error.remedy(),
            Self::Store(error) => error.remedy(),
            Self::Nature(error) => error.remedy(),
            Self::Keys(error) => error.remedy(),
            Self::Commit(error) => error.remedy(),
            Self::Tls(error) => error.remedy(),
        }
    }
}

impl Gateway {
    /// Puts the parts together; nothing is asked of anybody yet.
    pub fn assemble(config: Config, parts: Parts) -> Result<Arc<Self>, StartError> {
        let Parts { store, secrets, clock, rng } = parts;
        let transport =
            Transport::new(TransportConfig { ca: config.ca.clone(), ..TransportConfig::default() })?;
        let entra = Entra::new(config.cloud.clone(), transport, Arc::clone(&clock), Arc::clone(&rng));
        let composer = Composer::new(Arc::clone(&clock), Arc::clone(&rng));
        let node = NodeId::make(&*clock, &*rng);
        let keyring = Keyring::new(store.clone(), secrets, Arc::clone(&clock), Arc::clone(&rng));
        let meter = Meter::new(config.limits);
        Ok(Arc::new(Self {
            config,
            store,
            keyring,
            clock,
            rng,
            entra,
            composer,
            node,
            audit_key: OnceCell::new(),
            noted: Noted::default(),
            metrics: Metrics::default(),
            meter,
            stopping: CancellationToken::new(),
            tasks: TaskTracker::new(),
        }))
    }

    /// Starts a gateway; when this returns, it answers.
    pub async fn start(config: Config, parts: Parts) -> Result<Running, StartError> {
        Self::begin(config, parts, None).await
    }

    /// The same on a listener that is there already, whatever the configuration says of the address.
    pub async fn start_on(
        listener: TcpListener,
        config: Config,
        parts: Parts,
    ) -> Result<Running, StartError> {
        Self::begin(config, parts, Some(listener)).await
    }

    async fn begin(
        config: Config,
        parts: Parts,
        listener: Option<TcpListener>,
    ) -> Result<Running, StartError> {
        let gateway = Self::assemble(config, parts)?;
        check_nature(&gateway.store, gateway.config.sandbox).await?;
        gateway.keyring.check().await?;
        licences::begin(&gateway).await?;
        let wanted = gateway.config.listen;
        let refused = |source| StartError::Listen { address: wanted, source };
        let listener = match listener {
            Some(listener) => listener,
            None => TcpListener::bind(wanted).await.map_err(refused)?,
        };
        let address = listener.local_addr().map_err(refused)?;
        let acceptor = server::Acceptor::new(gateway.config.tls.as_ref(), &gateway.clock)?;
        let (node, stop, tasks) = (gateway.node, gateway.stopping.clone(), gateway.tasks.clone());
        let timeout = gateway.config.stop_timeout;
        tasks.spawn(server::serve(Arc::clone(&gateway), listener, acceptor, stop.clone()));
        tasks.spawn(jobs::run(Arc::clone(&gateway), stop.clone()));
        tasks.spawn(audit::keep(Arc::clone(&gateway), stop.clone()));
        tasks.spawn(sweep::run(Arc::clone(&gateway), stop.clone()));
        tasks.close();
        Ok(Running { address, node, stop, tasks, patience: timeout + SLACK })
    }

    /// Sets something going that is finished whoever waits for it, and before the gateway has ended.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.tasks.spawn(task)
    }

    /// The system's scope, for what the gateway does by itself.
    pub(crate) fn system(&self) -> attache_store::SystemStore<'_> {
        self.store.system(GatewayScope::granted())
    }
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// This process among those that share a database: the `node` of the jobs that it has.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Ends it: no new connections, what was accepted is finished, jobs are put back. A job that does not come to an end
    /// is left to its lease, by which another turn takes it up: a gateway that is told to stop stops.
    pub async fn stop(self) {
        self.stop.cancel();
        if tokio::time::timeout(self.patience, self.tasks.wait()).await.is_err() {
            tracing::warn!("a job that was still under way was left to its lease");
        }
    }
}

//! The running sandbox: set up, listen, answer, end.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Weak};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::{Clock, system_now};
use crate::config::{Config, Seed};
use crate::control::Control;
use crate::directory::User;
use crate::entra::{Issuers, KeptKey, KeyRing};
use crate::files::FileError;
use crate::graph::Routes;
use crate::lag::Lag;
use crate::manners::Manners;
use crate::names::Names;
use crate::notifications::Couriers;
use crate::ready::{Ready, ReadyApps, ReadyClient, ReadyProvisioner, ReadyUser};
use crate::realm::{Domains, Realm, Realms};
use crate::seed::{self, Source};
use crate::start_error::StartError;
use crate::store::{Holdings, Keeper, KeptManners, Seeded, Store};
use crate::tenant::Tenant;
use crate::{server, tls};

/// What every request is answered from.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) realms: Realms,
    pub(crate) names: Names,
    /// One ring for all tenants, as Entra has it.
    pub(crate) key: KeyRing,
    pub(crate) issuers: Issuers,
    pub(crate) routes: Routes,
    pub(crate) couriers: Couriers,
    url: String,
    ca: PathBuf,
    store: Option<Store>,
    /// How tenants behave that were told nothing else.
    manners: Manners,
}

impl Shared {
    /// What a client needs to know of a realm's tenant.
    pub(crate) fn ready(&self, realm: &Realm) -> Ready {
        let (seeded, tenant) = (realm.seeded.clone(), realm.look());
        Ready {
            url: self.url.clone(),
            ca: self.ca.clone(),
            tenant_id: seeded.tenant_id,
            domain: tenant.domains.first().unwrap_or_default().to_owned(),
            control_token: seeded.control_token,
            apps: ReadyApps {
                provisioner: ReadyProvisioner {
                    client_id: seeded.provisioner_id,
                    client_secret: seeded.provisioner_secret,
                },
                client: ReadyClient { client_id: seeded.client_id },
            },
            users: people(&tenant),
        }
    }

    /// Adds a tenant; `None` if there is one of that seed.
    pub(crate) fn add(
        &self,
        seed: Seed,
        clock: Clock,
        manners: Manners,
    ) -> Result<Option<Arc<Realm>>, FileError> {
        let source = Source::new(seed).beside_others();
        let seeded = seed::seeded(&source, false);
        let tenant = seed::tenant(&source, clock.now());
        if self.realms.named(&tenant.id).is_some() {
            return Ok(None);
        }
        let holdings = Holdings {
            clock: (!clock.is_real()).then(|| clock.setting()),
            manners: (manners != self.manners).then_some(KeptManners { given: self.manners, now: manners }),
            ..Holdings::of(tenant)
        };
        let keeper = self.store.as_ref().map(|store| store.keep(&seeded, &holdings)).transpose()?;
        let domains = Arc::clone(self.realms.domains());
        let realm = Realm::new(holdings, seeded, Clock::running(), self.manners, domains, keeper);
        let realm = Arc::new(realm);
        Ok(self.realms.add(Arc::clone(&realm)).then_some(realm))
    }

    /// Takes a tenant away; whether it was there and may go: the first one stays.
    pub(crate) fn remove(&self, id: &str) -> Result<bool, FileError> {
        let Some(realm) = self.realms.named(id).and_then(|realm| self.realms.remove(&realm.id)) else {
            return Ok(false);
        };
        // Whoever is inside may still write the file.
        let _inside = realm.enter();
        realm.forget()?;
        Ok(true)
    }

    /// The next key signs from now on; the answer is its id.
    pub(crate) fn roll_keys(&self) -> Result<String, FileError> {
        let kid = self.key.roll();
        self.keep_keys().map(|()| kid)
    }

    /// Writes the signing keys, if there is a data folder.
    fn keep_keys(&self) -> Result<(), FileError> {
        self.store.as_ref().map_or(Ok(()), |store| store.save_signing_keys(&self.key.kept()))
    }
}

/// A running sandbox tenant. Dropping it stops it at once; [`Sandbox::shutdown`] ends it in order.
#[derive(Debug)]
pub struct Sandbox {
    shared: Arc<Shared>,
    ready: Ready,
    address: SocketAddr,
    smtp_address: Option<SocketAddr>,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Holds the authorities' files where there is no data folder.
    _folder: Option<TemporaryFolder>,
}

impl Sandbox {
    /// Starts a sandbox; when this returns, it answers.
    ///
    /// # Errors
    /// [`StartError`] says what is in the way and what to do.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        check(&config)?;
        let listener = listen(config.listen).await?;
        let address = listener.local_addr().map_err(|error| StartError::Listen(config.listen, error))?;
        let smtp = match config.smtp_listen {
            Some(address) => Some(listen(address).await?),
            None => None,
        };
        let smtp_address = smtp.as_ref().and_then(|smtp| smtp.local_addr().ok());
        let smtp_relay = config.smtp_relay.clone();
        let temporary = match config.data {
            Some(_) => None,
            None => Some(TemporaryFolder::new()?),
        };
        let folder = match (&config.data, &temporary) {
            (Some(folder), _) => folder.clone(),
            (None, Some(temporary)) => temporary.0.clone(),
            (None, None) => std::env::temp_dir(),
        };
        let store = config.data.as_deref().map(Store::open).transpose()?;
        let tls = tls::set_up(&folder, &config.san, system_now())?;
        let keys = signing_keys(&config, store.as_ref())?;
        let kept = store.as_ref().map(Store::load).transpose()?.unwrap_or_default();
        let manners = given(&config);
        let realms = realms(&config, kept, store.as_ref())?;
        check_exposure(config.listen, realms.home().seeded.source.is_constant(), config.expose)?;
        if !config.listen.ip().is_loopback() && keys.iter().any(seed::is_built_in) {
            return Err(StartError::WouldExposeKeys(config.listen));
        }
        let key = KeyRing::new(keys);
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let shared = Arc::new_cyclic(|shared| Shared {
            couriers: Couriers::new(
                Weak::clone(shared),
                config.allow_http_webhooks,
                config.webhook_ca,
                stop.clone(),
                tasks.clone(),
            ),
            realms,
            names: Names::new(config.san),
            key,
            issuers: Issuers::default(),
            routes: crate::graph::routes(),
            url: format!("https://localhost:{}", address.port()),
            ca: tls.ca,
            store,
            manners,
        });
        let control = Control::new(Arc::clone(&shared), Arc::clone(shared.realms.home()));
        if let Some(document) = &config.document {
            control.plant(document).map_err(StartError::Document)?;
        }
        let ready = shared.ready(shared.realms.home());
        for realm in shared.realms.all() {
            if !realm.look().workloads.subscriptions.is_empty() || !realm.outbox.is_empty() {
                shared.couriers.start(&realm);
            }
        }
        make_key_in_background(&shared, &tasks);
        tasks.spawn(server::run(listener, tls.server, Arc::clone(&shared), stop.clone(), tasks.clone()));
        if let Some(smtp) = smtp {
            tasks.spawn(crate::mail::smtp::run(smtp, Arc::clone(&shared), stop.clone(), tasks.clone()));
        }
        tasks.spawn(crate::mail::courier::run(Arc::clone(&shared), smtp_relay, stop.clone()));
        Ok(Self { shared, ready, address, smtp_address, stop, tasks, _folder: temporary })
    }

    /// What a client needs to know.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it takes mail by SMTP, if it does.
    pub fn smtp_address(&self) -> Option<SocketAddr> {
        self.smtp_address
    }

    /// The same powers as the control API's, in this process.
    pub fn control(&self) -> Control {
        Control::new(Arc::clone(&self.shared), Arc::clone(self.shared.realms.home()))
    }

    /// What requests are answered from, for tests inside the crate.
    #[cfg(any(test, feature = "fuzzing"))]
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Stops listening, closes the connections and waits for them. A data folder is free for another sandbox when the last
    /// [`Control`] is dropped, too, since it can still change what is there.
    pub async fn shutdown(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn check(config: &Config) -> Result<(), StartError> {
    check_exposure(config.listen, config.seed == Seed::Constants, config.expose)?;
    if let Some(name) = config.san.iter().find(|name| !Names::may_be_added(name)) {
        return Err(StartError::Name(name.clone()));
    }
    if let Some(address) = config.smtp_listen {
        check_exposure(address, config.seed == Seed::Constants, config.expose)?;
    }
    if !config.lag_scale.is_finite() || config.lag_scale < 0.0 {
        return Err(StartError::LagScale(config.lag_scale));
    }
    if !config.throttling.is_sound() {
        return Err(StartError::ThrottlingScale(config.throttling.scale));
    }
    Ok(())
}

/// The data folder may hold the constants whatever the seed of this start is, so this is asked twice.
fn check_exposure(listen: SocketAddr, is_constant: bool, expose: bool) -> Result<(), StartError> {
    if is_constant && !expose && !listen.ip().is_loopback() {
        return Err(StartError::WouldExposeConstants(listen));
    }
    Ok(())
}

async fn listen(address: SocketAddr) -> Result<TcpListener, StartError> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::PortTaken(address),
        _ => StartError::Listen(address, error),
    })
}

/// The keys of the last run, else the embedded ones for the constants, else none: they are made later.
fn signing_keys(config: &Config, store: Option<&Store>) -> Result<Vec<KeptKey>, StartError> {
    let mut kept = store.map(Store::signing_keys).transpose()?.unwrap_or_default();
    if config.fresh_keys {
        kept.retain(|key| !seed::is_built_in(key));
    } else if config.seed == Seed::Constants && kept.is_empty() {
        kept = seed::signing_keys();
    }
    Ok(kept)
}

/// Makes the key that signs ahead of its first use, and keeps the keys where something is kept.
fn make_key_in_background(shared: &Arc<Shared>, tasks: &TaskTracker) {
    let shared = Arc::clone(shared);
    tasks.spawn_blocking(move || {
        shared.key.warm();
        if let Err(error) = shared.keep_keys() {
            tracing::warn!(%error, "the signing keys are not kept: tokens will not outlive this run");
        }
    });
}

/// How the start says that a tenant behaves.
fn given(config: &Config) -> Manners {
    Manners { lag: Lag::new(config.lag, config.lag_scale), throttling: config.throttling }
}

/// The realms that were kept, or a new one.
fn realms(config: &Config, kept: Vec<Keeper>, store: Option<&Store>) -> Result<Realms, StartError> {
    let mut kept: Vec<_> =
        kept.into_iter().map(|keeper| (keeper.holdings(), keeper.seeded().clone(), Some(keeper))).collect();
    if !kept.iter().any(|(_, seeded, _)| seeded.is_home) {
        let source = Source::new(config.seed);
        let seeded = seed::seeded(&source, true);
        let holdings = Holdings::of(seed::tenant(&source, config.clock.now()));
        let keeper = store.map(|store| store.keep(&seeded, &holdings)).transpose()?;
        kept.push((holdings, seeded, keeper));
    }
    let domains = Arc::new(Domains::default());
    let manners = given(config);
    let realm = |(holdings, seeded, keeper): (Holdings, Seeded, Option<Keeper>)| {
        let clock = if seeded.is_home { config.clock.clone() } else { config.clock.apart() };
        Arc::new(Realm::new(holdings, seeded, clock, manners, Arc::clone(&domains), keeper))
    };
    let (homes, further): (Vec<_>, Vec<_>) =
        kept.into_iter().map(realm).partition(|realm: &Arc<Realm>| realm.seeded.is_home);
    let mut homes = homes.into_iter();
    let Some(home) = homes.next() else {
        return Err(StartError::Unreadable(PathBuf::from("tenant files"), "they hold no tenant".to_owned()));
    };
    Ok(Realms::new(home, further.into_iter().chain(homes).collect(), domains))
}

/// How many people a ready line lists at most.
const LISTED: usize = 100;

/// People who have a password, administrators first, then the longest there.
fn people(tenant: &Tenant) -> Vec<ReadyUser> {
    let users = tenant.users.values().filter(|user| user.life.is_live() && user.password.is_some());
    let mut people: Vec<_> = users.collect();
    let order = |a: &&User, b: &&User| {
        let rank = |user: &User| (!user.is_admin, user.life.created);
        rank(a).cmp(&rank(b)).then_with(|| a.upn.cmp(&b.upn))
    };
    if people.len() > LISTED {
        people.select_nth_unstable_by(LISTED, order);
        people.truncate(LISTED);
    }
    people.sort_by(order);
    people
        .into_iter()
        .map(|user| ReadyUser {
            id: user.id.clone(),
            upn: user.upn.clone(),
            password: user.password.clone().unwrap_or_default(),
            display_name: user.display_name.clone(),
        })
        .collect()
}

/// A folder that goes with the sandbox.
#[derive(Debug)]
struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    fn new() -> Result<Self, StartError> {
        let folder = std::env::temp_dir().join(format!("sandbox-{}", crate::directory::new_id()));
        crate::files::make_folder(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        // What is left behind is three small public files.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

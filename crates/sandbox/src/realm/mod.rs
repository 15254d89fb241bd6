//! A realm: one tenant with everything that is its own. A sandbox holds many, side by side; each has its own
//! state behind its own lock, its own clock, lag, faults, request log and feed, so that what happens in one
//! shows in no other.

mod others;
mod realms;
mod routing;
mod snapshots;

use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use others::{Absent, Others};
pub(crate) use realms::{Domains, Realms};
pub(crate) use routing::realm_of;
pub(crate) use snapshots::{Snapshot, Snapshots};

use crate::changes::Feed;
use crate::clock::{Clock, Setting};
use crate::faults::Faults;
use crate::files::FileError;
use crate::graph::throttling::Meter;
use crate::lag::Lag;
use crate::manners::Manners;
use crate::notifications::{Outbox, PostedLog};
use crate::requests::RequestLog;
use crate::scope::View;
use crate::seed;
use crate::store::{Holdings, Keeper, KeptManners, Seeded};
use crate::tenant::Tenant;
use crate::throttling::Throttling;

/// One tenant and its surroundings.
#[derive(Debug)]
pub(crate) struct Realm {
    /// The tenant's id.
    pub(crate) id: String,
    /// Where its ids and secrets come from, and what a client has to know.
    pub(crate) seeded: Seeded,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) feed: Feed,
    pub(crate) requests: RequestLog,
    /// What is to be told to subscribers.
    pub(crate) outbox: Outbox,
    /// What was posted to them.
    pub(crate) posted: PostedLog,
    pub(crate) snapshots: Snapshots,
    /// What throttling counts.
    pub(crate) meter: Meter,
    /// How the clock was set, and how it behaved, when the sandbox started.
    first_setting: Setting,
    given: Manners,
    /// What [`Self::reset`] goes back to.
    first_manners: Mutex<Manners>,
    /// What it was seeded with beyond its source.
    begun: Mutex<Option<Arc<Tenant>>>,
    manners: Mutex<Manners>,
    /// How many requests met an alternating replica.
    asked: AtomicU64,
    /// Behind an `Arc`, so that a look at it costs nothing and needs no lock for longer than a moment.
    tenant: Mutex<Arc<Tenant>>,
    domains: Arc<Domains>,
    /// Writes to the data folder, if there is one.
    keeper: Option<Keeper>,
}

impl Realm {
    /// A realm around what is kept of it; `clock` and `manners` are the start's.
    pub(crate) fn new(
        holdings: Holdings,
        seeded: Seeded,
        clock: Clock,
        manners: Manners,
        domains: Arc<Domains>,
        keeper: Option<Keeper>,
    ) -> Self {
        let Holdings { tenant, clock: setting, manners: kept, faults, snapshots, outbox } = holdings;
        domains.set(&tenant.id, &tenant.domains);
        let first_setting = clock.setting();
        // A start that is told a time of its own has it.
        if let Some(setting) = setting.filter(|_| clock.is_real()) {
            clock.follow(setting);
        }
        let is_home = seeded.is_home;
        let in_force = kept.map_or(manners, |kept| kept.at(manners));
        let realm = Self {
            id: tenant.id.clone(),
            seeded,
            clock,
            faults: Faults::default(),
            feed: Feed::default(),
            requests: RequestLog::default(),
            outbox: Outbox::default(),
            posted: PostedLog::default(),
            snapshots: Snapshots::default(),
            meter: Meter::default(),
            given: manners,
            first_manners: Mutex::new(if is_home { manners } else { in_force }),
            begun: Mutex::new(None),
            manners: Mutex::new(in_force),
            first_setting,
            asked: AtomicU64::new(0),
            tenant: Mutex::new(Arc::new(tenant)),
            domains,
            keeper,
        };
        realm.faults.resume(faults);
        realm.snapshots.resume(snapshots);
        realm.outbox.resume(outbox);
        realm
    }

    /// The tenant, to change it. Who holds this must not ask for another realm's: see [`Others`].
    pub(crate) fn enter(&self) -> Inside<'_> {
        Inside(self.tenant.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The tenant as it is now, to look at. It changes no more; holding it holds up nobody.
    pub(crate) fn look(&self) -> Arc<Tenant> {
        Arc::clone(&self.enter().0)
    }

    /// Whether that is the tenant's id or one of its domains.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let name = name.to_ascii_lowercase();
        name == self.id || self.domains.owner(&name).is_some_and(|owner| owner == self.id)
    }

    /// How it behaves now.
    pub(crate) fn manners(&self) -> Manners {
        *self.manners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes how it behaves.
    pub(crate) fn change_manners(&self, change: impl FnOnce(&mut Manners)) {
        change(&mut self.manners.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Changes how strictly it throttles; what was counted is forgotten.
    pub(crate) fn throttle(&self, throttling: Throttling) {
        self.change_manners(|manners| manners.throttling = throttling);
        self.meter.clear();
    }

    /// The lag in force.
    pub(crate) fn lag(&self) -> Lag {
        self.manners().lag
    }

    /// The replica that answers the next request.
    pub(crate) fn view(&self) -> View {
        if self.lag().alternating && self.asked.fetch_add(1, Ordering::Relaxed) % 2 == 1 {
            View::Fresh
        } else {
            View::Usual
        }
    }

    /// Changes the lag for what is written from now on.
    pub(crate) fn set_lag(&self, lag: Lag) {
        self.change_manners(|manners| manners.lag = lag);
    }

    /// Puts back what the tenant was.
    pub(crate) fn restore(&self, earlier: Arc<Tenant>) -> Result<(), FileError> {
        let mut inside = self.enter();
        *inside.0 = earlier;
        self.domains.set(&self.id, &inside.domains);
        self.keep(&inside)
    }

    /// What was said about clock, lag, limits, faults and snapshots is kept as well.
    pub(crate) fn keep_settings(&self) -> Result<(), FileError> {
        if self.keeper.is_some() { self.keep(&self.enter()) } else { Ok(()) }
    }

    /// Forgets what is kept.
    pub(crate) fn forget(&self) -> Result<(), FileError> {
        self.keeper.as_ref().map_or(Ok(()), Keeper::remove)
    }

    fn keep(&self, tenant: &Tenant) -> Result<(), FileError> {
        let Some(keeper) = &self.keeper else { return Ok(()) };
        let (given, now, setting) = (self.given, self.manners(), self.clock.setting());
        keeper.keep(Holdings {
            tenant: tenant.clone(),
            clock: (setting != self.first_setting).then_some(setting),
            manners: (now != given).then_some(KeptManners { given, now }),
            faults: self.faults.kept(),
            snapshots: self.snapshots.held(),
            outbox: self.outbox.kept(),
        })
    }

    /// What it holds now is what [`Self::reset`] goes back to, while the process lives.
    pub(crate) fn begin_here(&self) {
        let now = self.look();
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        *self.first_manners.lock().unwrap_or_else(PoisonError::into_inner) = self.manners();
    }

    /// Goes back to the seed. The clock runs on, and snapshots stay.
    pub(crate) fn reset(&self) -> Result<(), FileError> {
        self.faults.clear();
        self.faults.cut_all();
        let first = *self.first_manners.lock().unwrap_or_else(PoisonError::into_inner);
        self.change_manners(|manners| *manners = first);
        self.meter.clear();
        let begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let seeded = || Arc::new(seed::tenant(&self.seeded.source, self.clock.now()));
        self.restore(begun.unwrap_or_else(seeded))?;
        self.requests.clear();
        self.posted.clear();
        Ok(())
    }

    /// What a handler has changed stands: it persists, and the feed tells of it.
    pub(crate) fn settle(&self, tenant: &mut Tenant) -> Result<(), FileError> {
        let changes = std::mem::take(&mut tenant.changes);
        self.domains.set(&tenant.id, &tenant.domains);
        if !tenant.workloads.subscriptions.is_empty() {
            self.outbox.put(&changes);
        }
        self.keep(tenant)?;
        self.outbox.announce();
        self.feed.publish(changes);
        Ok(())
    }
}

/// The tenant while nobody else can change it.
#[derive(Debug)]
pub(crate) struct Inside<'r>(MutexGuard<'r, Arc<Tenant>>);

impl Deref for Inside<'_> {
    type Target = Tenant;

    fn deref(&self) -> &Tenant {
        &self.0
    }
}

impl DerefMut for Inside<'_> {
    fn deref_mut(&mut self) -> &mut Tenant {
        Arc::make_mut(&mut self.0)
    }
}

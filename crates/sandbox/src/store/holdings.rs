//! What is kept of a realm: its tenant, and what it was told about its clock, its manners, its faults
//! and its snapshots. A snapshot is written as what sets it apart from the tenant, for they share most.

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::clock::Setting;
use crate::faults::KeptFaults;
use crate::manners::Manners;
use crate::notifications::Waiting;
use crate::realm::Snapshot;
use crate::sharing::{Part, whole_since};
use crate::tenant::Tenant;

/// Everything that is kept.
#[derive(Debug, Clone)]
pub(crate) struct Holdings {
    pub(crate) tenant: Tenant,
    /// What the clock was set to; none if it was left alone.
    pub(crate) clock: Option<Setting>,
    /// How it behaves, if that is not what the start said.
    pub(crate) manners: Option<KeptManners>,
    pub(crate) faults: KeptFaults,
    pub(crate) snapshots: Vec<(Snapshot, Arc<Tenant>)>,
    /// What is to be told to subscribers.
    pub(crate) outbox: Waiting,
}

/// Manners that were changed. They hold at the next start, but for what that one is given otherwise than this
/// one was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptManners {
    /// Those of the start.
    pub(crate) given: Manners,
    pub(crate) now: Manners,
}

impl KeptManners {
    /// The manners in force at a start that is given these.
    pub(crate) fn at(&self, given: Manners) -> Manners {
        let (before, now) = (self.given, self.now);
        Manners {
            lag: if before.lag == given.lag { now.lag } else { given.lag },
            throttling: if before.throttling == given.throttling { now.throttling } else { given.throttling },
        }
    }
}

impl Holdings {
    /// A tenant of which nothing else is known.
    pub(crate) fn of(tenant: Tenant) -> Self {
        Self {
            tenant,
            clock: None,
            manners: None,
            faults: KeptFaults::default(),
            snapshots: Vec::new(),
            outbox: Waiting::default(),
        }
    }

    /// The same, apart from what the running realm goes on writing to.
    pub(super) fn apart(mut self) -> Self {
        self.tenant.entra.sign_ins = self.tenant.entra.sign_ins.apart();
        self
    }

    /// A snapshot with what sets it apart; null if nothing does.
    fn told(&self, (snapshot, held): &(Snapshot, Arc<Tenant>)) -> Told<Snapshot> {
        Told { snapshot: snapshot.clone(), apart: held.since(&self.tenant).unwrap_or_default() }
    }

    fn take_snapshot(&mut self, Told { snapshot, apart }: Told<Snapshot>) -> Result<(), serde_json::Error> {
        let mut held = self.tenant.clone();
        if !apart.is_null() {
            held.take_up(apart)?;
        }
        self.snapshots.push((snapshot, Arc::new(held)));
        Ok(())
    }
}

/// A snapshot as it is written.
#[derive(Debug, Serialize, Deserialize)]
struct Told<S> {
    snapshot: S,
    apart: Value,
}

/// The holdings as they are written.
#[derive(Debug, Serialize, Deserialize)]
struct Written<T, F, O> {
    tenant: T,
    clock: Option<Setting>,
    manners: Option<KeptManners>,
    faults: F,
    snapshots: Vec<Told<Snapshot>>,
    #[serde(default = "Option::default")]
    outbox: Option<O>,
}

impl Serialize for Holdings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { tenant, clock, manners, faults, snapshots, outbox } = self;
        let snapshots = snapshots.iter().map(|one| self.told(one)).collect();
        Written { tenant, clock: *clock, manners: *manners, faults, snapshots, outbox: Some(outbox) }
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Holdings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { tenant, clock, manners, faults, snapshots, outbox } =
            Written::deserialize(deserializer)?;
        let outbox = outbox.unwrap_or_default();
        let mut holdings = Self { tenant, clock, manners, faults, snapshots: Vec::new(), outbox };
        for told in snapshots {
            holdings.take_snapshot(told).map_err(D::Error::custom)?;
        }
        Ok(holdings)
    }
}

impl Part for Holdings {
    fn since(&self, earlier: &Self) -> Option<Value> {
        let is_in = |all: &[(Snapshot, Arc<Tenant>)], id| all.iter().any(|(one, _)| one.id == id);
        let taken = self.snapshots.iter().filter(|(one, _)| !is_in(&earlier.snapshots, one.id));
        let taken: Vec<_> = taken.map(|one| self.told(one)).collect();
        let gone = earlier.snapshots.iter().map(|(one, _)| one.id).filter(|id| !is_in(&self.snapshots, *id));
        let gone: Vec<u64> = gone.collect();
        let told = [
            ("tenant", self.tenant.since(&earlier.tenant)),
            ("clock", whole_since(&self.clock, &earlier.clock)),
            ("manners", whole_since(&self.manners, &earlier.manners)),
            ("faults", whole_since(&self.faults, &earlier.faults)),
            ("snapshots", (!taken.is_empty()).then(|| json!(taken))),
            ("outbox", self.outbox.since(&earlier.outbox)),
            ("forgotten", (!gone.is_empty()).then(|| json!(gone))),
        ];
        let changes: Map<String, Value> =
            told.into_iter().filter_map(|(name, change)| Some((name.to_owned(), change?))).collect();
        (!changes.is_empty()).then_some(Value::Object(changes))
    }

    fn take_up(&mut self, change: Value) -> Result<(), serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Change {
            tenant: Option<Value>,
            #[serde(default, deserialize_with = "some")]
            clock: Option<Option<Setting>>,
            #[serde(default, deserialize_with = "some")]
            manners: Option<Option<KeptManners>>,
            faults: Option<KeptFaults>,
            #[serde(default)]
            snapshots: Vec<Told<Snapshot>>,
            outbox: Option<Value>,
            #[serde(default)]
            forgotten: Vec<u64>,
        }
        let change: Change = serde_json::from_value(change)?;
        if let Some(tenant) = change.tenant {
            self.tenant.take_up(tenant)?;
        }
        self.clock = change.clock.unwrap_or(self.clock);
        self.manners = change.manners.unwrap_or(self.manners);
        if let Some(faults) = change.faults {
            self.faults = faults;
        }
        if let Some(outbox) = change.outbox {
            self.outbox.take_up(outbox)?;
        }
        self.snapshots.retain(|(one, _)| !change.forgotten.contains(&one.id));
        change.snapshots.into_iter().try_for_each(|told| self.take_snapshot(told))
    }
}

/// What is there, be it null.
fn some<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

//! Retention: what is older than an organisation keeps loses its text, while the hashes stay and prove the gap. What
//! is to be removed is on record, and signed for, before any of it is; a turn that dies in between is taken up where
//! it was left, and announces nothing twice.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{ActName, Correlation, EntryId, Retention};
use attache_store::{
    EntryQuery, EntryRow, GatewayScope, JobEnd, JobId, Log, NewJob, Order, OrgId, OrgScope, OrgStore, Place,
    Record, StoreError, Unit, Versioned,
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::clerk;
use super::http::find;
use crate::Gateway;
use crate::access::Grant;
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::organisations::Organisation;
use crate::record::{on, system, thing};
use crate::server::{Answer, Problem};

/// The job that removes what an organisation no longer keeps.
pub(crate) const FORGET: Kind = Kind {
    name: "audit.forget",
    tries: 10,
    recurring: true,
    work: |gateway, turn| Box::pin(forget(gateway, turn)),
};

/// The fewest days: whoever wants to hide what they did must wait for as long.
const FEWEST: u32 = 30;
/// The most days: a hundred years.
const MOST: u32 = 36_500;

/// How often the job looks.
const DAILY: Duration = Duration::from_secs(24 * 3600);

/// How many entries are removed in one go, before the lease is looked at.
const ROUND: u64 = 1_000;

const CHANGED: ActName = ActName::new("audit.retention_changed");

/// How far a log was emptied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Emptied {
    /// Whose log.
    org: OrgId,
    /// Up to which entry the log says that it is removed.
    announced: u64,
    /// Up to which it is.
    done: u64,
    /// The entry that says so.
    #[serde(default)]
    entry: Option<EntryId>,
}

impl Record for Emptied {
    const KIND: &'static str = "audit_emptied";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.org.to_string()
    }
}

/// Says for how long entries are kept: some days, or for ever. The job looks at once, and then daily.
pub(super) async fn keep_for(gateway: &Gateway, grant: &Grant, days: Option<u32>) -> Answer<()> {
    if days.is_some_and(|days| !(FEWEST..=MOST).contains(&days)) {
        let remedy = "give 30 to 36500 days, or none to keep entries for ever";
        return Err(Problem::invalid("days", "out of range", remedy));
    }
    let before = &grant.organisation;
    let mut unit = Unit::new();
    unit.update(before, &Organisation { audit_days: days, ..before.record.clone() });
    let about = on([
        thing("organisation", before.id),
        thing("audit_days", days.map_or_else(|| "for-ever".to_owned(), |days| days.to_string())),
    ]);
    unit.record(grant.scope, gateway.changed(&grant.caller, CHANGED, about));
    if days.is_some() {
        let id = JobId::make(&*gateway.clock, &*gateway.rng);
        unit.enqueue(NewJob::new(id, FORGET.name, Some(before.id), &()).only("retention"));
    }
    gateway.commit(&grant.caller, unit).await?;
    Ok(())
}

/// The entry that accounts for what was removed from a log, if anything was.
pub(super) async fn accounts(store: OrgStore<'_>) -> Answer<Option<EntryRow>> {
    let emptied = store.get::<Emptied>(store.scope().org()).await?;
    let Some(entry) = emptied.and_then(|emptied| emptied.entry) else { return Ok(None) };
    find(store, &entry.to_string()).await.map(Some)
}

async fn forget(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let scope = turn.scope()?;
    let org = scope.org();
    let emptied = finish(&gateway, &turn, scope).await?;
    let organisation = gateway.store.org(scope).get::<Organisation>(org).await?;
    let Some(days) = organisation.and_then(|organisation| organisation.record.audit_days) else {
        return Ok(Ending::done());
    };
    let now = gateway.clock.now();
    let before = now.saturating_sub(Duration::from_secs(u64::from(days) * 24 * 3600)).unwrap_or(now);
    let done = emptied.as_ref().map_or(0, |emptied| emptied.done);
    let to = end_of_old(&gateway, Log(Place::Org(org)), done, before).await?;
    if to > done {
        // All that is gone, so that the newest entry of this kind explains the whole gap: older ones go too.
        let removed = Retention { from: 0, to, entries: to - done };
        let said = gateway.composer.retention(removed, system(), Correlation::default());
        let announced = Emptied { org, announced: to, done, entry: Some(said.id()) };
        let mut unit = Unit::new();
        match &emptied {
            Some(emptied) => unit.update(emptied, &announced),
            None => unit.create(scope, &announced),
        };
        unit.record(scope, said);
        turn.commit(unit).await?;
        finish(&gateway, &turn, scope).await?;
    }
    let due = now.saturating_add(DAILY).unwrap_or(now);
    let end = JobEnd::Wait { due, reason: "looks again tomorrow".to_owned() };
    Ok(Ending { end, unit: Unit::new() })
}

/// Up to which entry all are older than `before`, from `done` on: one that a clock dated back, or another node's clock
/// is behind for, takes no younger one before it along.
async fn end_of_old(gateway: &Gateway, log: Log, done: u64, before: Timestamp) -> Result<u64, StoreError> {
    let engine = gateway.store.engine(GatewayScope::granted());
    let rest = EntryQuery { sequences: done..u64::MAX, ..EntryQuery::all(log, 1) };
    let newest = engine.entries(EntryQuery { order: Order::Descending, ..rest.clone() }).await?.pop();
    let Some(newest) = newest else { return Ok(done) };
    let young = engine.entries(EntryQuery { since: Some(before), ..rest }).await?.pop();
    Ok(young.map_or(newest.sequence + 1, |young| young.sequence))
}

/// Removes what the log says is removed, if something of it is still there.
async fn finish(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
) -> Result<Option<Versioned<Emptied>>, JobError> {
    let org = scope.org();
    let Some(mut emptied) = gateway.store.org(scope).get::<Emptied>(org).await? else { return Ok(None) };
    if emptied.done >= emptied.announced {
        return Ok(Some(emptied));
    }
    let log = Log(Place::Org(org));
    clerk::checkpoint(gateway, log).await?;
    let engine = gateway.store.engine(GatewayScope::granted());
    let (from, to) = (emptied.done, emptied.announced);
    let mut at = from;
    while at < to {
        turn.before_write().await?;
        let end = to.min(at + ROUND);
        engine.retain(log, at..end).await?;
        at = end;
    }
    let done = Emptied { done: to, ..emptied.record };
    let mut unit = Unit::new();
    unit.update(&emptied, &done);
    turn.commit(unit).await?;
    emptied = emptied.replaced(done);
    tracing::info!(count = to - from, "audit entries past their time were removed");
    Ok(Some(emptied))
}

//! The job that counts a tenant's seats again and again (`/subscribedSkus`, Entra reference §3.3), and says it once
//! when few are left for agents, and once when there are enough again: in the gateway's own log.

use std::sync::Arc;

use attache_ledger::{ActName, Target};
use attache_store::{CommitError, GatewayScope, JobEnd, JobId, NewJob, Unit, Versioned};
use attache_terms::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::seats::{TenantSeats, products};
use crate::Gateway;
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::record::{on, thing};
use crate::tenants::Home;

/// The kind of job.
pub(crate) const COUNT: Kind = Kind {
    name: "licence.count",
    tries: 50,
    recurring: true,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

const LOW: ActName = ActName::new("licence.seats_low");
const ENOUGH: ActName = ActName::new("licence.seats_enough");

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Body {
    tenant: TenantId,
}

/// The job for a tenant, due at once.
fn count_now(gateway: &Gateway, tenant: TenantId) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    NewJob::new(id, COUNT.name, None, &Body { tenant }).only(tenant.to_string())
}

/// The same after the usual time: where an identity begins to use a tenant.
pub(crate) fn count_later(gateway: &Gateway, tenant: TenantId) -> NewJob {
    let due = gateway.clock.now().saturating_add(gateway.config.governance.seats_look);
    count_now(gateway, tenant).due(due.unwrap_or(Timestamp::MAX))
}

/// Has the seats of every tenant of ours counted, now that the gateway starts.
pub(crate) async fn begin(gateway: &Gateway) -> Result<(), CommitError> {
    let mut unit = Unit::new();
    for hosted in &gateway.config.hosted {
        unit.enqueue(count_now(gateway, hosted.tenant));
    }
    gateway.store.commit(unit).await.map(|_| ())
}

/// What is to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Crossing {
    Low,
    Enough,
}

/// Whether the threshold was crossed since the count before.
fn crossing(was_low: bool, is_low: bool) -> Option<Crossing> {
    match (was_low, is_low) {
        (false, true) => Some(Crossing::Low),
        (true, false) => Some(Crossing::Enough),
        _ => None,
    }
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { tenant } = turn.job().body()?;
    let Some(hosted) = gateway.hosted(tenant) else { return Ok(Ending::done()) };
    let skus = gateway.provisioner(&Home::from(hosted)).subscribed_skus().await?.value;
    let governance = &gateway.config.governance;
    let now = gateway.clock.now();
    let mut seats =
        TenantSeats { tenant, products: products(&skus, &hosted.licences), low: false, counted: now };
    seats.low = seats.free() <= i64::from(governance.seats_low);
    let before: Option<Versioned<TenantSeats>> = gateway.system().get(tenant).await?;
    let mut unit = Unit::new();
    match &before {
        Some(before) => unit.update(before, &seats),
        None => unit.create(GatewayScope::granted(), &seats),
    };
    if let Some(crossing) = crossing(before.is_some_and(|before| before.low), seats.low) {
        let act = match crossing {
            Crossing::Low => LOW,
            Crossing::Enough => ENOUGH,
        };
        let about =
            Target { subject: Some(format!("{} seats left", seats.free())), ..on([thing("tenant", tenant)]) };
        unit.record(GatewayScope::granted(), gateway.changed_by_itself(act, about));
    }
    let due = now.saturating_add(governance.seats_look).unwrap_or(Timestamp::MAX);
    Ok(Ending { end: JobEnd::Wait { due, reason: "counts the seats again".to_owned() }, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_told_when_it_is_crossed_and_not_again() {
        assert_eq!(crossing(false, true), Some(Crossing::Low));
        assert_eq!(crossing(true, true), None);
        assert_eq!(crossing(true, false), Some(Crossing::Enough));
        assert_eq!(crossing(false, false), None);
    }
}

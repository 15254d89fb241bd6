//! The job that counts a tenant's seats again and again (`/subscribedSkus`, Entra reference §3.3), and says it once
//! when few are left for agents, and once when there are enough again: of a tenant of ours in the gateway's own log,
//! of a customer's in their organisation's.

use std::sync::Arc;

use attache_ledger::{ActName, Target};
use attache_store::{CommitError, GatewayScope, JobEnd, JobId, NewJob, OrgId, OrgScope, Unit};
use attache_terms::TenantId;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::seats::{TenantSeats, products};
use crate::Gateway;
use crate::connection::Connection;
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

/// The job for a tenant of ours, or for an organisation's own, due at once. It ends when the tenant is neither.
pub(crate) fn count_now(gateway: &Gateway, tenant: TenantId, owner: Option<OrgId>) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    NewJob::new(id, COUNT.name, owner, &Body { tenant }).only(tenant.to_string())
}

/// The same after the usual time: where an identity begins to use a tenant.
pub(crate) fn count_later(gateway: &Gateway, tenant: TenantId, owner: Option<OrgId>) -> NewJob {
    let due = gateway.clock.now().saturating_add(gateway.config.governance.seats_look);
    count_now(gateway, tenant, owner).due(due.unwrap_or(Timestamp::MAX))
}

/// Has the seats of every tenant of ours counted, now that the gateway starts.
pub(crate) async fn begin(gateway: &Gateway) -> Result<(), CommitError> {
    let mut unit = Unit::new();
    for hosted in &gateway.config.hosted {
        unit.enqueue(count_now(gateway, hosted.tenant, None));
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

/// The tenant as it is used now; `None` when it is neither configured nor connected any more.
async fn home(gateway: &Gateway, tenant: TenantId, owner: Option<OrgId>) -> Result<Option<Home>, JobError> {
    let Some(org) = owner else { return Ok(gateway.hosted(tenant).map(Home::from)) };
    let connection = Connection::of(gateway.store.org(OrgScope::granted(org))).await?;
    let Some(connection) = connection.filter(|connection| connection.tenant == tenant) else {
        return Ok(None);
    };
    let home = gateway.connected_home(&connection);
    let lacks = "this gateway has no application for customers' own tenants (connect_client_id)";
    home.map(Some).ok_or_else(|| JobError::Failed(lacks.to_owned()))
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { tenant } = turn.job().body()?;
    let owner = turn.job().org;
    let before = TenantSeats::of(gateway.system(), tenant, owner).await?;
    let mut unit = Unit::new();
    let Some(home) = home(&gateway, tenant, owner).await? else {
        before.iter().for_each(|before| _ = unit.delete(before));
        return Ok(Ending::done_with(unit));
    };
    let skus = gateway.provisioner(&home).subscribed_skus().await?.value;
    let governance = &gateway.config.governance;
    let counted = gateway.clock.now();
    let products = products(&skus, &home.licences);
    let mut seats = TenantSeats { tenant, owner, products, low: false, counted };
    seats.low = seats.free() <= i64::from(governance.seats_low);
    match &before {
        Some(before) => unit.update(before, &seats),
        None => unit.create(GatewayScope::granted(), &seats),
    };
    if let Some(crossing) = crossing(before.is_some_and(|before| before.low), seats.low) {
        tell(&gateway, &mut unit, &seats, crossing);
    }
    let due = counted.saturating_add(governance.seats_look).unwrap_or(Timestamp::MAX);
    Ok(Ending { end: JobEnd::Wait { due, reason: "counts the seats again".to_owned() }, unit })
}

/// The entry, where whoever buys the seats reads it.
fn tell(gateway: &Gateway, unit: &mut Unit, seats: &TenantSeats, crossing: Crossing) {
    let act = match crossing {
        Crossing::Low => LOW,
        Crossing::Enough => ENOUGH,
    };
    let left = Some(format!("{} seats left", seats.free()));
    let about = Target { subject: left, ..on([thing("tenant", seats.tenant)]) };
    let entry = gateway.changed_by_itself(act, about);
    match seats.owner {
        Some(org) => unit.record(OrgScope::granted(org), entry),
        None => unit.record(GatewayScope::granted(), entry),
    };
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

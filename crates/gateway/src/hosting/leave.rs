//! A subdomain leaves its tenant when the last identity has left it: the domain that we added there is removed, and its
//! place and its name are free again. While that happens no identity comes to it.
//!
//! Entra removes no domain that something still refers to, which deleted users do until they are gone for good, 30 days
//! after; then it is tried again daily, and identities may come back meanwhile.

use std::sync::Arc;
use std::time::Duration;

use attache_graph::{Cause, Graph};
use attache_ledger::{Act, ActName, Actor, Mode as As};
use attache_store::{JobEnd, JobId, NewJob, OrgId, OrgScope, OrgStore, StoreError, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Claim, Load};
use crate::Gateway;
use crate::identities::{Identity, Mode, State};
use crate::jobs::{Ending, JobError, Kind, Turn, outside};
use crate::organisations::Organisation;
use crate::record::{on, system, thing};
use crate::tenants::Home;

/// The kind of job.
pub(crate) const LEAVE: Kind = Kind {
    name: "subdomain.remove",
    tries: 20,
    recurring: false,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

const REMOVE: ActName = ActName::new("domain.remove");

/// When it is tried again to remove a domain that something still refers to.
const DAILY: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Body {
    label: String,
}

/// The job that sees whether a subdomain is still needed, for the unit with which an identity leaves it.
pub(crate) fn leave(gateway: &Gateway, org: OrgId, label: &str) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    NewJob::new(id, LEAVE.name, Some(org), &Body { label: label.to_owned() }).only(label)
}

/// The domain that would go with an identity: that of its subdomain, if it is the last there and we added it.
pub(crate) async fn goes_with(
    gateway: &Gateway,
    scope: OrgScope,
    identity: &Identity,
) -> Result<Option<String>, StoreError> {
    let (Some(label), Some(tenant)) = (&identity.subdomain, identity.tenant) else { return Ok(None) };
    let store = gateway.store.org(scope);
    let claim = store.get::<Claim>(label).await?;
    let is_ours = claim.is_some_and(|claim| claim.added && claim.tenant == Some(tenant));
    if !is_ours || is_used(store, label, Some(identity)).await? {
        return Ok(None);
    }
    Ok(gateway.hosted(tenant).map(|hosted| format!("{label}.{}", hosted.domain)))
}

/// Remembers that we add the domain of a subdomain, before we do: what others added is not ours to remove.
pub(crate) async fn adding(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    label: &str,
) -> Result<(), JobError> {
    match gateway.store.org(scope).get::<Claim>(label).await? {
        Some(claim) if !claim.added => {
            let mut unit = Unit::new();
            unit.update(&claim, &Claim { added: true, ..claim.record.clone() });
            turn.commit(unit).await?;
            Ok(())
        }
        _ => Ok(()),
    }
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { label } = turn.job().body()?;
    let scope = turn.scope()?;
    let store = gateway.store.org(scope);
    let Some(claim) = store.get::<Claim>(&label).await? else { return Ok(Ending::done()) };
    let Some(tenant) = claim.tenant.filter(|_| claim.added) else { return Ok(Ending::done()) };
    let hosted = gateway
        .hosted(tenant)
        .ok_or_else(|| JobError::Failed(format!("the tenant {tenant} is not configured on this gateway")))?;
    // From here on nobody comes to it; who came just before is seen then.
    let claim = closed(&turn, claim).await?;
    if is_used(store, &label, None).await? {
        return Ok(Ending::done_with(opened(&claim)));
    }
    let domain = format!("{label}.{}", hosted.domain);
    let actor = Actor { tenant: Some(tenant), mode: Some(As::Application), ..system() };
    let act = Act::new(REMOVE, actor).on(on([thing("subdomain", &label)]));
    let graph = gateway.provisioner(&Home::from(hosted));
    let remove = |graph: Graph| async move { graph.delete_domain(&domain).await };
    match outside(&gateway, &turn, scope, act, &graph, remove).await? {
        Ok(_) => {}
        Err(error) if matches!(error.cause(), Cause::NotFound { .. }) => {}
        Err(error) if matches!(error.cause(), Cause::Rejected { .. } | Cause::Conflict { .. }) => {
            let due = gateway.clock.now().saturating_add(DAILY).unwrap_or(Timestamp::MAX);
            let reason = "the domain is still referred to, as by deleted users".to_owned();
            return Ok(Ending { end: JobEnd::Wait { due, reason }, unit: opened(&claim) });
        }
        Err(error) => return Err(error.into()),
    }
    let mut unit = Unit::new();
    // An organisation's short name stays with it.
    let is_its_name = store.get::<Organisation>(scope.org()).await?.is_some_and(|found| found.slug == label);
    if is_its_name {
        unit.update(&claim, &Claim { tenant: None, added: false, leaving: false, ..claim.record.clone() });
    } else {
        unit.delete(&claim);
    }
    if let Some(load) = gateway.system().get::<Load>(tenant).await? {
        unit.update(&load, &Load { tenant, subdomains: load.subdomains.saturating_sub(1) });
    }
    Ok(Ending::done_with(unit))
}

/// Closes a subdomain to whoever wants to come.
async fn closed(turn: &Turn, claim: Versioned<Claim>) -> Result<Versioned<Claim>, JobError> {
    if claim.leaving {
        return Ok(claim);
    }
    let leaving = Claim { leaving: true, ..claim.record.clone() };
    let mut unit = Unit::new();
    unit.update(&claim, &leaving);
    turn.commit(unit).await?;
    Ok(claim.replaced(leaving))
}

/// Opens it again.
fn opened(claim: &Versioned<Claim>) -> Unit {
    let mut unit = Unit::new();
    unit.update(claim, &Claim { leaving: false, ..claim.record.clone() });
    unit
}

/// Whether an identity lives under a subdomain, or is to, other than this one.
async fn is_used(store: OrgStore<'_>, label: &str, but: Option<&Identity>) -> Result<bool, StoreError> {
    let identities: Vec<Versioned<Identity>> = store.every().await?;
    Ok(identities.iter().any(|one| {
        one.mode == Mode::Hosted
            && one.state != State::Deprovisioned
            && one.subdomain.as_deref() == Some(label)
            && but.is_none_or(|but| but.id != one.id)
    }))
}

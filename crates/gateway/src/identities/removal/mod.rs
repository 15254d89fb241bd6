//! Taking an identity back: a plan first, then sign-in is blocked, the licence reclaimed and the objects deleted in
//! the right order, and what is left is told. The record and its audit stay.

mod plan;

use std::sync::Arc;

use attache_ledger::{Act, ActName, Actor, EntryId, Mode as As};
use attache_provision::{Left, Removal, RemovalAction, Target as Aim, next_removal, perform_removal};
use attache_store::{JobEnd, OrgScope, Record, Unit, Versioned};
use serde::{Deserialize, Serialize};

pub(super) use self::plan::{Plan, plan};
use super::drive::{act_of, ended};
use super::http::accepted;
use super::provisioning::Provisioning;
use super::{
    Identity, IdentityId, Method, State, Trouble, job_for, ordinary, setback, subject, suspend, unheard,
};
use crate::Gateway;
use crate::access::Grant;
use crate::cells::{self, Cell};
use crate::hosting;
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::record::{on, system, thing};
use crate::server::{Answer, Problem};
use crate::tenants::TenantClients;

/// The name of the kind of job.
pub(super) const NAME: &str = "identity.remove";

/// The kind of job.
pub(crate) const REMOVE: Kind = Kind {
    name: NAME,
    tries: 20,
    recurring: false,
    work: |gateway, turn| Box::pin(setback::unless_refused(gateway, turn, work)),
};

const ASKED: ActName = ActName::new("identity.deprovision_requested");
pub(super) const REMOVED: ActName = ActName::new("identity.deprovisioned");

/// What is remembered of a removal.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Removing {
    /// Of which identity.
    pub(super) identity: IdentityId,
    /// The decider's own record.
    steps: Removal,
    /// The intent whose outcome is not recorded yet.
    open: Option<EntryId>,
}

impl Record for Removing {
    const KIND: &'static str = "removal";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.identity.to_string()
    }
}

impl Removing {
    /// What is left, and why.
    pub(super) fn left(&self) -> Vec<Left> {
        self.steps.left()
    }
}

/// Asks for it. An identity that is on its way out already stays so.
pub(super) async fn ask(
    gateway: &Gateway,
    grant: &Grant,
    identity: &Versioned<Identity>,
) -> Answer<Identity> {
    if matches!(identity.state, State::Deprovisioned) {
        return Ok(identity.record.clone());
    }
    let now = gateway.clock.now();
    let leaving = Identity {
        state: State::Deprovisioning,
        waiting: None,
        trouble: None,
        changed: now,
        ..identity.record.clone()
    };
    let mut unit = Unit::new();
    unit.update(identity, &leaving);
    let about = on([thing("identity", identity.id)]);
    unit.record(grant.scope, gateway.changed(&grant.caller, ASKED, about));
    unit.enqueue(job_for(gateway, &REMOVE, identity.org, identity.id));
    gateway.commit_answered(&grant.caller, unit, || accepted(leaving.clone())).await?;
    Ok(leaving)
}

/// What to remove and as whom; `None` for an identity that has nothing in a tenant.
async fn aim(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    identity: &Identity,
) -> Answer<Option<(Aim, TenantClients)>> {
    let Some(cell) = identity.cell else { return Ok(None) };
    let Some(cell) = gateway.system().get::<Cell>(cell).await? else { return Ok(None) };
    let home = gateway.home(scope, identity).await?.ok_or_else(|| {
        Problem::new(
            http::StatusCode::CONFLICT,
            "tenant_not_configured",
            format!("the tenant {} is neither configured nor connected", cell.tenant),
            "have an operator configure it, or connect it again",
        )
    })?;
    let (credential, _) = cells::credential(gateway, &cell).await?;
    let clients = TenantClients::new(gateway, cell.tenant, home.provisioner.clone(), credential);
    let provisioning = gateway.store.org(scope).get::<Provisioning>(identity.id).await?;
    let (known, patience) = match &provisioning {
        Some(provisioning) => (provisioning.steps.objects().clone(), provisioning.steps.wish().patience),
        None => Default::default(),
    };
    let known = attache_provision::Objects {
        blueprint: known.blueprint.or(cell.given),
        agent: known.agent.or(identity.agent),
        user: known.user.or(identity.user),
        ..known
    };
    let aim = Aim {
        blueprint: cell.blueprint().tag,
        agent: cells::tag("identity", &identity.id.to_string()),
        known,
        keeps_blueprint: true,
        patience,
    };
    Ok(Some((aim, clients)))
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Some((scope, identity)) = subject(&gateway, turn.job()).await? else { return Ok(Ending::done()) };
    let store = gateway.store.org(scope);
    if identity.state != State::Deprovisioning {
        return Ok(Ending::done());
    }
    let begun = store.get::<Removing>(identity.id).await?;
    if begun.is_none() {
        suspend::block(&gateway, &turn, scope, &identity).await?;
        if let Some(unheard) = unheard::look(&gateway, scope, &identity, identity.changed).await? {
            return Ok(unheard.ending(&gateway, &identity));
        }
    }
    if identity.method == Method::OrdinaryUser {
        ordinary::remove(&gateway, &turn, scope, &identity).await?;
    }
    let aim =
        aim(&gateway, scope, &identity).await.map_err(|problem| JobError::Failed(problem.detail.clone()))?;
    let Some((aim, clients)) = aim else { return gone(&gateway, scope, &identity, Unit::new()).await };
    let removing = match begun {
        Some(removing) => removing,
        None => {
            let fresh = Removing { identity: identity.id, steps: Removal::new(aim), open: None };
            let mut unit = Unit::new();
            unit.create(scope, &fresh);
            turn.commit(unit).await?;
            let kept = store.get::<Removing>(identity.id).await?;
            kept.ok_or_else(|| JobError::Failed("the removal is gone".into()))?
        }
    };
    Leaving { gateway: Arc::clone(&gateway), scope, identity, removing, clients }.run(&turn).await
}

/// One removal, on its way.
struct Leaving {
    gateway: Arc<Gateway>,
    scope: OrgScope,
    identity: Versioned<Identity>,
    removing: Versioned<Removing>,
    clients: TenantClients,
}

impl Leaving {
    async fn run(mut self, turn: &Turn) -> Result<Ending, JobError> {
        self.removing.record.steps.retry();
        let mut unit = Unit::new();
        loop {
            let now = self.gateway.clock.now();
            match next_removal(&self.removing.steps, now) {
                RemovalAction::Do(step) => {
                    self.clients.send_before(turn.before_write().await?);
                    let mut after = self.removing.record.clone();
                    // What an earlier turn left open is settled by doing its step again.
                    let killed = after.open.take();
                    after.steps.begin(step, self.gateway.rng.uuid());
                    if let Some(act) = after.steps.act() {
                        let act = act_of(&act, &self.identity)?;
                        after.open = Some(self.gateway.open_in(turn.job().id, &mut unit, self.scope, act));
                    }
                    unit.update(&self.removing, &after);
                    turn.commit(std::mem::take(&mut unit)).await?;
                    self.removing = self.removing.replaced(after);
                    let outcome = perform_removal(&self.clients, &self.removing.steps).await;
                    self.removing.record.steps.apply(
                        &outcome,
                        self.gateway.clock.now(),
                        self.gateway.rng.fraction(),
                    );
                    let verdict = ended(&outcome.ended, outcome.correlation.as_ref());
                    for open in [killed, self.removing.record.open.take()].into_iter().flatten() {
                        self.gateway.close(&mut unit, open, verdict.clone()).await?;
                    }
                    let mut known = unit.clone();
                    known.update(&self.removing, &self.removing.record);
                    turn.known(known).await;
                }
                RemovalAction::WaitUntil { at, reason } => {
                    unit.update(&self.removing, &self.removing.record);
                    let reason = reason.to_string();
                    unit.update(&self.identity, &self.identity.waits(now, &reason, at, None));
                    return Ok(Ending { end: JobEnd::Wait { due: at, reason }, unit });
                }
                RemovalAction::Failed(failure) => {
                    unit.update(&self.removing, &self.removing.record);
                    let (before, trouble) = (&self.identity, Trouble::from(&failure));
                    let after = before.record.clone();
                    setback::stop(&self.gateway, self.scope, &mut unit, before, after, trouble);
                    return Ok(Ending::done_with(unit));
                }
                RemovalAction::Gone => {
                    unit.update(&self.removing, &self.removing.record);
                    return gone(&self.gateway, self.scope, &self.identity, unit).await;
                }
            }
        }
    }
}

/// Nothing of it is in a tenant any more.
async fn gone(
    gateway: &Gateway,
    scope: OrgScope,
    identity: &Versioned<Identity>,
    mut unit: Unit,
) -> Result<Ending, JobError> {
    let now = gateway.clock.now();
    let gone = Identity {
        state: State::Deprovisioned,
        waiting: None,
        trouble: None,
        suspended: None,
        changed: now,
        ..identity.record.clone()
    };
    unit.update(identity, &gone);
    if let Some(label) = &identity.subdomain {
        unit.enqueue(hosting::leave(gateway, identity.org, label));
    }
    if let Some(cell) = identity.cell {
        unit.enqueue(cells::give_back_later(gateway, cell, identity.id));
    }
    let actor = Actor { tenant: identity.tenant, mode: Some(As::Application), ..system() };
    let act = Act::new(REMOVED, actor).on(on([thing("identity", identity.id)]));
    unit.record(scope, gateway.composer.change(act, attache_ledger::Verdict::Done, None));
    Ok(Ending::done_with(unit))
}

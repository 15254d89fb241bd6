//! The job that brings an identity from nothing to ready: decide, remember, record the intent, perform, remember,
//! record the outcome. What came of one step and the intent of the next are one unit, so that a step costs one
//! commit.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{
    Act, ActName, Actor, Code, Correlation, EntryId, Mode as As, Outcome as Verdict, Target,
};
use attache_provision::{Action, Ended, Failure, Outcome, Record as Steps, Step, Wish, next, perform};
use attache_store::{JobEnd, OrgScope, Unit, Versioned};
use attache_terms::{Explain as _, ObjectId, UserId};
use jiff::Timestamp;

use super::opening::{Blueprint, Opening};
use super::provisioning::Provisioning;
use super::{
    Fallback, Identity, Method, Mode, State, Trouble, Waiting, opening, ordinary, setback, subdomain,
    subject, verify, wait, watch, wish,
};
use crate::Gateway;
use crate::cells::{self, Cell};
use crate::jobs::{Ending, JobError, Kind, Turn, correlated};
use crate::licences;
use crate::organisations::Organisation;
use crate::record::{on, system, thing};
use crate::sponsors;
use crate::tenants::{Home, TenantClients};

/// The name of the kind of job.
pub(super) const NAME: &str = "identity.provision";

/// The kind of job.
pub(crate) const PROVISION: Kind = Kind {
    name: NAME,
    tries: 20,
    recurring: false,
    work: |gateway, turn| Box::pin(setback::unless_refused(gateway, turn, work)),
};

/// How long provisioning waits before it looks again whether the identity is still suspended.
const SUSPENDED: Duration = Duration::from_secs(60);

pub(super) const PROVISIONED: ActName = ActName::new("identity.provisioned");

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Some((scope, identity)) = subject(&gateway, turn.job()).await? else { return Ok(Ending::done()) };
    if identity.state.acts() || matches!(identity.state, State::Deprovisioning | State::Deprovisioned) {
        return Ok(Ending::done());
    }
    if identity.mode == Mode::Shared {
        return Ok(Ending::done());
    }
    let organisation = gateway.store.org(scope).get::<Organisation>(scope.org()).await?;
    if identity.suspended.is_some() || organisation.is_some_and(|found| found.suspended.is_some()) {
        // What is made now would be enabled, and nothing would suspend it.
        return Ok(wait::ending(
            &gateway,
            &identity,
            SUSPENDED,
            "it is suspended, and goes on when it is resumed",
        ));
    }
    let home = gateway.home_needed(scope, &identity).await?;
    if identity.method == Method::OrdinaryUser {
        subdomain::ensure(&gateway, &turn, scope, &identity, &home).await?;
        return ordinary::go_on(&gateway, &turn, scope, identity, &home).await;
    }
    if identity.method != Method::Create {
        return verify::look(&gateway, scope, identity, &home).await;
    }
    let (identity, cell) = seat(&gateway, &turn, scope, identity, &home).await?;
    if cell.suspended.is_some() {
        return Ok(wait::ending(&gateway, &identity, SUSPENDED, "its blueprint is suspended"));
    }
    subdomain::ensure(&gateway, &turn, scope, &identity, &home).await?;
    let opening = match opening::look(&gateway, &turn, &identity, &cell).await? {
        Blueprint::Made => {
            if cell.opening {
                cells::made(&gateway, cell.id).await?;
            }
            None
        }
        Blueprint::Make(opening) => Some(opening),
        Blueprint::Wait => {
            return Ok(wait::ending(&gateway, &identity, opening::LOOK, opening::REASON));
        }
    };
    Drive::begin(&gateway, &turn, scope, identity, &cell, opening, home).await?.run(&turn).await
}

/// The identity with its cell, allotted now if it has none, or if the blueprint of the one that it has was deleted.
async fn seat(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    identity: Versioned<Identity>,
    home: &Home,
) -> Result<(Versioned<Identity>, Cell), JobError> {
    let store = gateway.store.org(scope);
    let mut begun = None;
    if let Some(id) = identity.cell {
        let cell: Option<Versioned<Cell>> = gateway.system().get(id).await?;
        let cell = cell.ok_or(cells::CellError::Gone(id))?;
        if !cell.lost {
            return Ok((identity, cell.record));
        }
        begun = store.get::<Provisioning>(identity.id).await?;
    }
    let lease = turn.lease().await;
    let with = |unit: &mut Unit, cell: &Cell| {
        unit.under(&lease);
        unit.update(&identity, &Identity { cell: Some(cell.id), ..identity.record.clone() });
        if let Some(begun) = &begun {
            // What came of the other blueprint is no more.
            let mut anew = begun.record.clone();
            anew.steps.restart();
            unit.update(begun, &anew);
        }
    };
    let cell = match home.cell {
        Some(given) => cells::take(gateway, given, with).await,
        None => cells::allot(gateway, home.tenant, home.owner, with).await,
    };
    let cell = cell?;
    let seated = store.get::<Identity>(identity.id).await?;
    Ok((seated.ok_or_else(|| JobError::Failed("the identity is gone".into()))?, cell))
}

/// One provisioning, on its way.
struct Drive {
    gateway: Arc<Gateway>,
    scope: OrgScope,
    identity: Versioned<Identity>,
    provisioning: Versioned<Provisioning>,
    clients: TenantClients,
    /// What the last step came to, to be committed with the intent of the next.
    unit: Unit,
    /// That it makes the cell's blueprint, until it has.
    opening: Option<Versioned<Opening>>,
}

impl Drive {
    async fn begin(
        gateway: &Arc<Gateway>,
        turn: &Turn,
        scope: OrgScope,
        identity: Versioned<Identity>,
        cell: &Cell,
        opening: Option<Versioned<Opening>>,
        home: Home,
    ) -> Result<Self, JobError> {
        let (credential, certificate) = cells::credential(gateway, cell).await?;
        let store = gateway.store.org(scope);
        let sponsor = identity.sponsor.unwrap_or(home.sponsor);
        let (scale, shares) = (gateway.config.provision_scale, opening.is_none());
        let wish = wish::of(&identity, cell, certificate, &home, sponsor, shares, scale);
        let provisioning = match store.get::<Provisioning>(identity.id).await? {
            Some(provisioning) => provisioning,
            None => {
                let wish = wish.clone();
                let fresh = Provisioning { identity: identity.id, steps: Steps::new(wish), open: None };
                let mut unit = Unit::new();
                unit.create(scope, &fresh);
                turn.commit(unit).await?;
                let kept = store.get::<Provisioning>(identity.id).await?;
                kept.ok_or_else(|| JobError::Failed("the provisioning is gone".into()))?
            }
        };
        let clients = TenantClients::new(gateway, cell.tenant, home.provisioner.clone(), credential);
        let mut drive = Self {
            gateway: Arc::clone(gateway),
            scope,
            identity,
            provisioning,
            clients,
            unit: Unit::new(),
            opening,
        };
        drive.go_on(wish);
        Ok(drive)
    }

    /// Takes in what may have changed since the last turn: what is wished of it, and what is configured. What comes too
    /// late was refused to whoever asked, or is told by what the tenant shows.
    fn go_on(&mut self, wish: Wish) {
        let steps = &mut self.provisioning.record.steps;
        steps.set_wish(wish);
        if let Action::Failed(failure) = next(steps, self.gateway.clock.now()) {
            let falls_back = falls_back(&self.identity, &failure, steps.current());
            if !falls_back {
                self.provisioning.record.steps.retry();
            }
        }
    }

    async fn run(mut self, turn: &Turn) -> Result<Ending, JobError> {
        loop {
            let now = self.gateway.clock.now();
            let action = next(&self.provisioning.steps, now);
            match action {
                Action::Do(step) => {
                    self.clients.send_before(turn.before_write().await?);
                    let made = self.opening.take_if(|_| step > Step::Inheritance);
                    if let Some(opening) = &made {
                        self.unit.update(opening, &opening.made());
                    }
                    let mut after = self.provisioning.record.clone();
                    let before = after.open.take();
                    after.steps.begin(step, self.gateway.rng.uuid(), now);
                    if let Some(act) = after.steps.act() {
                        let act = act_of(&act, &self.identity)?;
                        after.open =
                            Some(self.gateway.open_in(turn.job().id, &mut self.unit, self.scope, act));
                    }
                    // A step that only reads may be done again at any time: it is not worth a commit of its own.
                    if step.act().is_none() && self.unit.is_empty() {
                        self.provisioning.record = after;
                    } else {
                        self.persist(turn, after, State::of(&action, Some(step)), None).await?;
                    }
                    if let (Some(_), Some(cell)) = (made, self.identity.cell) {
                        cells::made(&self.gateway, cell).await?;
                    }
                    let outcome = perform(&self.clients, &self.provisioning.steps).await;
                    self.take_in(turn, &outcome, before).await?;
                }
                Action::WaitUntil { at, reason } => {
                    let state = State::of(&action, self.provisioning.steps.current());
                    let unit = self.finish(state, Some((reason.to_string(), at)), None);
                    return Ok(Ending { end: JobEnd::Wait { due: at, reason: reason.to_string() }, unit });
                }
                Action::Failed(_) if self.is_stopped().await? => {
                    // What failed did so because its blueprint was suspended meanwhile.
                    let due = now.saturating_add(SUSPENDED).unwrap_or(Timestamp::MAX);
                    let reason = "its blueprint is suspended".to_owned();
                    let unit = self.finish(State::Pending, Some((reason.clone(), due)), None);
                    return Ok(Ending { end: JobEnd::Wait { due, reason }, unit });
                }
                Action::Failed(failure)
                    if falls_back(&self.identity, &failure, self.provisioning.steps.current()) =>
                {
                    let mut unit = std::mem::take(&mut self.unit);
                    let identity = self.identity_in(State::Pending, None, None);
                    let identity =
                        ordinary::fall_back(&self.gateway, self.scope, &mut unit, identity, &failure);
                    unit.update(&self.provisioning, &self.provisioning.record);
                    unit.update(&self.identity, &identity);
                    let reason = "goes on as an ordinary user".to_owned();
                    return Ok(Ending { end: JobEnd::Wait { due: now, reason }, unit });
                }
                Action::Failed(failure) => {
                    let step = self.provisioning.steps.current();
                    let trouble = ordinary::trouble(&self.identity, &failure, step);
                    let mut unit = self.finish(State::Error, None, Some(trouble));
                    let code = failure.code().parse().unwrap_or(Code::new("failed"));
                    let act = Act::new(PROVISIONED, system()).on(self.about());
                    unit.record(
                        self.scope,
                        self.gateway.composer.change(act, attache_ledger::Verdict::Failed, Some(code)),
                    );
                    return Ok(Ending::done_with(unit));
                }
                Action::Ready => {
                    let mut unit = self.finish(State::Active, None, None);
                    unit.record(self.scope, self.gateway.changed_by_itself(PROVISIONED, self.about()));
                    unit.enqueue(sponsors::watching(&self.gateway, &self.identity));
                    unit.enqueue(watch::watching(&self.gateway, &self.identity));
                    if let Some(tenant) = self.identity.tenant {
                        unit.enqueue(licences::count_later(&self.gateway, tenant, self.identity.owner()));
                    }
                    return Ok(Ending::done_with(unit));
                }
            }
        }
    }

    /// Whether the blueprint is suspended by now.
    async fn is_stopped(&self) -> Result<bool, JobError> {
        let Some(cell) = self.identity.cell else { return Ok(false) };
        let cell = self.gateway.system().get::<Cell>(cell).await?;
        Ok(cell.is_some_and(|cell| cell.suspended.is_some()))
    }

    /// Takes in what came of a step: the record now, the outcomes with the next commit.
    async fn take_in(
        &mut self,
        turn: &Turn,
        outcome: &Outcome,
        before: Option<EntryId>,
    ) -> Result<(), JobError> {
        let gateway = &self.gateway;
        let steps = &mut self.provisioning.record.steps;
        steps.apply(outcome, gateway.clock.now(), gateway.rng.fraction());
        if let Some(killed) = before {
            // An earlier turn died with this intent open; doing its step again has shown what became of it.
            let verdict = settled(&outcome.ended, outcome.resolves().map(|(_, happened)| happened));
            gateway.close(&mut self.unit, killed, verdict).await?;
        }
        if let Some(open) = self.provisioning.record.open.take() {
            let verdict = ended(&outcome.ended, outcome.correlation.as_ref());
            gateway.close(&mut self.unit, open, verdict).await?;
        }
        // Whoever suspends or takes back the identity meanwhile refuses the next unit, and not what was done.
        let mut known = self.unit.clone();
        known.update(&self.provisioning, &self.provisioning.record);
        turn.known(known).await;
        Ok(())
    }

    /// Commits what the last step came to, and what is about to be done.
    async fn persist(
        &mut self,
        turn: &Turn,
        after: Provisioning,
        state: State,
        waiting: Option<(String, Timestamp)>,
    ) -> Result<(), JobError> {
        let identity = self.identity_in(state, waiting, None);
        let mut unit = std::mem::take(&mut self.unit);
        unit.update(&self.provisioning, &after);
        let changed = identity != self.identity.record;
        if changed {
            unit.update(&self.identity, &identity);
        } else {
            // Whoever suspends or takes back the identity meanwhile ends this turn.
            unit.expect(&self.identity);
        }
        turn.commit(unit).await?;
        self.provisioning = self.provisioning.clone().replaced(after);
        if changed {
            self.identity = self.identity.clone().replaced(identity);
        }
        Ok(())
    }

    /// The last unit of a turn.
    fn finish(
        &mut self,
        state: State,
        waiting: Option<(String, Timestamp)>,
        trouble: Option<Trouble>,
    ) -> Unit {
        let identity = self.identity_in(state, waiting, trouble);
        let mut unit = std::mem::take(&mut self.unit);
        unit.update(&self.provisioning, &self.provisioning.record);
        unit.update(&self.identity, &identity);
        unit
    }

    fn identity_in(
        &self,
        state: State,
        waiting: Option<(String, Timestamp)>,
        trouble: Option<Trouble>,
    ) -> Identity {
        let (now, objects) = (self.gateway.clock.now(), self.provisioning.steps.objects());
        let before = &self.identity.record;
        let since = before.waiting.as_ref().filter(|_| before.state == state).map(|waiting| waiting.since);
        let waiting = waiting.map(|(reason, next_attempt)| Waiting {
            reason,
            since: since.unwrap_or(now),
            deadline: self.deadline(state, since.unwrap_or(now)),
            next_attempt,
        });
        let changed = if state == before.state { before.changed } else { now };
        Identity {
            state,
            waiting,
            trouble,
            changed,
            agent: objects.agent.or(before.agent),
            user: objects.user.or(before.user),
            licences: match (objects.user, objects.licence) {
                (Some(_), Some(sku)) => vec![sku],
                _ => before.licences.clone(),
            },
            // Until it is made, whoever is configured may yet be another.
            sponsor: before.sponsor.or(objects.agent.map(|_| self.provisioning.steps.wish().sponsor)),
            ..before.clone()
        }
    }

    /// Until when the decider has patience, counted from the beginning of the wait.
    fn deadline(&self, state: State, since: Timestamp) -> Option<Timestamp> {
        let patience = self.provisioning.steps.wish().patience;
        let span = match state {
            State::WaitingForMailbox => patience.mailbox,
            State::WaitingForTeams => patience.teams,
            _ => patience.effect,
        };
        since.saturating_add(span).ok()
    }

    fn about(&self) -> Target {
        on([thing("identity", self.identity.id)])
    }
}

/// Whether an ordinary user takes its place: the organisation has chosen that, and nobody can mend what stopped it.
fn falls_back(identity: &Identity, failure: &Failure, step: Option<Step>) -> bool {
    identity.fallback == Fallback::OrdinaryUser && ordinary::gives_way(failure, step)
}

/// A step as the log tells it.
pub(super) fn act_of(act: &attache_provision::Act, identity: &Identity) -> Result<Act, JobError> {
    let mut target = on([thing("identity", identity.id)]);
    for (kind, id) in &act.objects {
        match kind.as_str() {
            "agent_user" => target.user = id.parse::<UserId>().ok().or(target.user),
            _ => target.object = id.parse::<ObjectId>().ok().or(target.object),
        }
    }
    let actor = Actor { tenant: identity.tenant, mode: Some(As::Application), ..system() };
    let correlation =
        Correlation { client_request_id: Some(act.client_request_id), ..Correlation::default() };
    Ok(Act::new(act_name(&act.name)?, actor).on(target).correlated(correlation))
}

/// The name of an act of provisioning.
fn act_name(name: &str) -> Result<ActName, JobError> {
    name.parse().map_err(|_| JobError::Hopeless(format!("{name} is no act")))
}

/// An end in the log's terms.
pub(super) fn ended(ended: &Ended, correlation: Option<&attache_graph::Correlation>) -> Verdict {
    let code = |code: &str| code.parse().unwrap_or(Code::new("waits"));
    let verdict = match ended {
        Ended::Done { found: false } => Verdict::done(),
        Ended::Done { found: true } => Verdict { code: Some(Code::new("already_there")), ..Verdict::done() },
        Ended::Waits { told: Some(told), .. } => Verdict::failed(code(&told.code)),
        Ended::Waits { .. } => Verdict::failed(Code::new("waits")),
        Ended::Failed(failure) => Verdict::refused(code(failure.code())),
        Ended::Unknown { told } => Verdict { code: Some(code(&told.code)), ..Verdict::unknown() },
    };
    match correlation {
        Some(correlation) => verdict.correlated(correlated(correlation)),
        None => verdict,
    }
}

/// What became of an intent whose turn died, now that its step was done again.
fn settled(ended: &Ended, resolved: Option<bool>) -> Verdict {
    match (ended, resolved) {
        (_, Some(true)) | (Ended::Done { found: true }, None) => Verdict::done(),
        (_, Some(false)) => Verdict::failed(Code::new("not_done")),
        _ => Verdict::unknown(),
    }
}

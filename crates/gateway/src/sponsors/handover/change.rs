//! The job that makes a successor the sponsor: added on both objects, the one before removed, and only then known
//! here. Each turn looks first, so that it may be killed anywhere. If the identity was paused for want of a sponsor,
//! it is enabled again, and the last turns try the hops until they work.

use std::sync::Arc;
use std::time::Duration;

use attache_graph::{Graph, Sponsored};
use attache_ledger::{Act, ActName, Actor, Mode as As, Target};
use attache_store::{JobEnd, NewJob, OrgScope, Unit, Versioned};
use attache_terms::{ObjectId, UserId};

use crate::Gateway;
use crate::identities::{Cause, Identity, acting, enforcement, job_for, subject};
use crate::jobs::{Ending, JobError, Kind, Turn, outside};
use crate::record::{on, system, thing};
use crate::sponsors::look::sponsored;
use crate::sponsors::sponsorship::{Sponsorship, Successor};

/// The kind of job.
pub(crate) const HAND_OVER: Kind = Kind {
    name: "sponsor.hand_over",
    tries: 50,
    recurring: false,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

const ADD: ActName = ActName::new("sponsor.add");
const REMOVE: ActName = ActName::new("sponsor.remove");
const CHANGED: ActName = ActName::new("sponsor.changed");
const RESUMED: ActName = ActName::new("identity.resumed");
const PROVED: ActName = ActName::new("identity.acts_again");

/// How long to wait before the hops are tried: what was enabled takes a moment to be so everywhere.
const SOON: Duration = Duration::from_secs(5);

/// The job for a successor who has accepted.
pub(super) fn job(gateway: &Gateway, accepted: &Sponsorship) -> NewJob {
    job_for(gateway, &HAND_OVER, accepted.org, accepted.identity)
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Some((scope, identity)) = subject(&gateway, turn.job()).await? else { return Ok(Ending::done()) };
    let store = gateway.store.org(scope);
    let Some(known) = Sponsorship::of(store, identity.id).await? else { return Ok(Ending::done()) };
    match known.successor {
        Some(successor) if successor.is_under_way() => {
            change(&gateway, &turn, scope, &identity, &known, successor).await
        }
        Some(successor) if successor.changed.is_some() && successor.proved.is_none() => {
            prove(&gateway, scope, &identity, &known, successor).await
        }
        _ => Ok(Ending::done()),
    }
}

/// In Entra, then here.
async fn change(
    gateway: &Arc<Gateway>,
    turn: &Turn,
    scope: OrgScope,
    identity: &Versioned<Identity>,
    known: &Versioned<Sponsorship>,
    successor: Successor,
) -> Result<Ending, JobError> {
    let home = gateway.home_needed(scope, identity).await?;
    let graph = gateway.provisioner(&home);
    let hand = Hand { gateway, turn, scope, identity, graph };
    for of in sponsored(identity) {
        hand.replace(of, identity.sponsor, successor.user).await?;
    }
    let now = gateway.clock.now();
    let paused = identity.suspended.as_ref().is_some_and(|suspension| suspension.cause == Cause::Sponsor);
    let after = Identity {
        sponsor: Some(successor.user),
        suspended: identity.suspended.clone().filter(|_| !paused),
        changed: now,
        ..identity.record.clone()
    };
    // What was not paused need not be proved.
    let proved = (!paused || identity.agent.is_none()).then_some(now);
    let done = Successor { changed: Some(now), proved, ..successor };
    let mut unit = Unit::new();
    unit.update(identity, &after);
    unit.update(
        known,
        &Sponsorship {
            amiss: None,
            in_entra: vec![ObjectId::new(successor.user.uuid())],
            successor: Some(done),
            ..known.record.clone()
        },
    );
    let about = Target { user: Some(successor.user), ..on([thing("identity", identity.id)]) };
    unit.record(scope, gateway.changed_by_itself(CHANGED, about));
    unit.enqueue(crate::sponsors::watching(gateway, &after));
    if paused {
        let about = on([thing("identity", identity.id)]);
        unit.record(scope, gateway.changed_by_itself(RESUMED, about));
        unit.enqueue(enforcement(gateway, identity.org, identity.id));
        // Its organisation may be suspended by now.
        unit.enqueue(crate::organisations::follow(gateway, identity.org));
    }
    let end = match proved {
        Some(_) => JobEnd::Done,
        None => soon(gateway),
    };
    Ok(Ending { end, unit })
}

/// Whether it acts again.
async fn prove(
    gateway: &Arc<Gateway>,
    scope: OrgScope,
    identity: &Identity,
    known: &Versioned<Sponsorship>,
    successor: Successor,
) -> Result<Ending, JobError> {
    // Whoever suspended it meanwhile has their own proof.
    if identity.suspended.is_some() || !identity.state.acts() {
        return Ok(Ending::done());
    }
    let Some(graph) = acting(gateway, scope, identity).await? else { return Ok(Ending::done()) };
    graph.renew().await;
    if let Err(error) = graph.me().await {
        return Err(JobError::Failed(format!("the agent user cannot sign in yet: {error}")));
    }
    let proved = Successor { proved: Some(gateway.clock.now()), ..successor };
    let mut unit = Unit::new();
    unit.update(known, &Sponsorship { successor: Some(proved), ..known.record.clone() });
    let actor = Actor {
        tenant: identity.tenant,
        agent: identity.agent.map(|agent| ObjectId::new(agent.uuid())),
        user: identity.user,
        mode: Some(As::AgentUser),
        ..system()
    };
    let act = Act::new(PROVED, actor).on(on([thing("identity", identity.id)]));
    unit.record(scope, gateway.composer.change(act, attache_ledger::Verdict::Done, None));
    Ok(Ending::done_with(unit))
}

fn soon(gateway: &Gateway) -> JobEnd {
    let now = gateway.clock.now();
    let due = now.saturating_add(SOON.mul_f64(gateway.config.provision_scale)).unwrap_or(now);
    JobEnd::Wait { due, reason: "tries whether the identity acts again".to_owned() }
}

/// What changes the sponsors of one object.
struct Hand<'a> {
    gateway: &'a Arc<Gateway>,
    turn: &'a Turn,
    scope: OrgScope,
    identity: &'a Identity,
    graph: Graph,
}

impl Hand<'_> {
    /// The next first, then the one before goes: an agent identity is never without.
    async fn replace(&self, of: Sponsored, before: Option<UserId>, next: UserId) -> Result<(), JobError> {
        let Some(sponsors) = self.graph.sponsors(of).await?.value else { return Ok(()) };
        let has = |user: UserId| sponsors.contains(&ObjectId::new(user.uuid()));
        if !has(next) {
            let call = |graph: Graph| async move { graph.add_sponsor(of, next).await };
            outside(self.gateway, self.turn, self.scope, self.act(ADD, of, next), &self.graph, call)
                .await??;
        }
        let Some(before) = before.filter(|before| *before != next && has(*before)) else { return Ok(()) };
        let call = |graph: Graph| async move { graph.remove_sponsor(of, before).await };
        match outside(self.gateway, self.turn, self.scope, self.act(REMOVE, of, before), &self.graph, call)
            .await?
        {
            Ok(_) => Ok(()),
            // Somebody else was faster.
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn act(&self, name: ActName, of: Sponsored, user: UserId) -> Act {
        let object = match of {
            Sponsored::AgentIdentity(agent) => ObjectId::new(agent.uuid()),
            Sponsored::AgentUser(user) => ObjectId::new(user.uuid()),
        };
        let actor = Actor { tenant: self.identity.tenant, mode: Some(As::Application), ..system() };
        let about =
            Target { user: Some(user), object: Some(object), ..on([thing("identity", self.identity.id)]) };
        Act::new(name, actor).on(about)
    }
}

//! The job that looks at an identity that can act, again and again, and says when it is not as it should be any more:
//! somebody deleted or disabled its user, its agent identity or the blueprint's principal, or took the licence, the
//! mailbox or the consent. One look decides nothing of that. What we stopped ourselves is not looked at.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Verdict};
use attache_store::{JobEnd, NewJob, OrgScope, Record, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::{self, Amiss};
use super::provisioning::Provisioning;
use super::{Identity, IdentityId, State, job_for, subject};
use crate::Gateway;
use crate::cells::{self, Cell};
use crate::jobs::{Ending, JobError, Kind, Turn, Weighed, weigh};
use crate::record::{on, system, thing};

/// The kind of job.
pub(crate) const WATCH: Kind = Kind {
    name: "identity.watch",
    tries: 50,
    recurring: true,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

const DEGRADED: ActName = ActName::new("identity.degraded");
const RECOVERED: ActName = ActName::new("identity.recovered");

/// How much more often one is looked at that is degraded: whoever puts it right need not wait long.
const OFTENER: u32 = 12;

/// Since when something is amiss with an identity. It is there as long as that is so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Doubt {
    identity: IdentityId,
    since: Timestamp,
}

impl Record for Doubt {
    const KIND: &'static str = "identity_doubt";
    type Scope = OrgScope;

    fn key(&self) -> String {
        self.identity.to_string()
    }
}

/// The job for an identity that has become active: its first look is due after the usual time.
pub(super) fn watching(gateway: &Gateway, identity: &Identity) -> NewJob {
    let due = gateway.clock.now().saturating_add(usual(gateway));
    look_now(gateway, identity).due(due.unwrap_or(Timestamp::MAX))
}

/// The same, to look at once.
pub(crate) fn look_now(gateway: &Gateway, identity: &Identity) -> NewJob {
    job_for(gateway, &WATCH, identity.org, identity.id)
}

/// The usual time between looks, a tenth more or less: identities that came to be together are not looked at together.
fn usual(gateway: &Gateway) -> Duration {
    gateway.config.governance.identity_look.mul_f64(0.9 + 0.2 * gateway.rng.fraction())
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Some((scope, identity)) = subject(&gateway, turn.job()).await? else { return Ok(Ending::done()) };
    let store = gateway.store.org(scope);
    let doubted = store.get::<Doubt>(identity.id).await?;
    let mut unit = Unit::new();
    if !identity.state.acts() || identity.tenant.is_none() {
        // Whoever makes it active again has it watched again.
        if let Some(doubted) = &doubted {
            unit.delete(doubted);
        }
        return Ok(Ending::done_with(unit));
    }
    let cell: Option<Versioned<Cell>> = match identity.cell {
        Some(cell) => gateway.system().get(cell).await?,
        None => None,
    };
    if identity.suspended.is_some() || cell.as_ref().is_some_and(|cell| cell.suspended.is_some()) {
        if let Some(doubted) = &doubted {
            unit.delete(doubted);
        }
        return Ok(Ending { end: wait(&gateway, usual(&gateway)), unit });
    }
    let home = gateway.home_needed(scope, &identity).await?;
    let made = store.get::<Provisioning>(identity.id).await?;
    let steps = made.as_ref().map(|made| &made.steps);
    let seen = condition::look(&gateway.provisioner(&home), &identity, steps).await?;
    let now = gateway.clock.now();
    let governance = &gateway.config.governance;
    let since = doubted.as_ref().map(|doubted| doubted.since);
    let (state, trouble, pause) = match weigh(condition::judge(&seen), since, governance.doubt, now) {
        Weighed::Well => {
            if let Some(doubted) = &doubted {
                unit.delete(doubted);
            }
            if let Some(cell) = &cell {
                cells::found(&gateway, &mut unit, cell);
            }
            (State::Active, None, usual(&gateway))
        }
        Weighed::Doubtful => {
            if doubted.is_none() {
                unit.create(scope, &Doubt { identity: identity.id, since: now });
            }
            (identity.state, identity.trouble.clone(), governance.doubt)
        }
        Weighed::Certain(amiss) => {
            if let (Amiss::BlueprintGone, Some(cell)) = (amiss, &cell) {
                cells::lost(&gateway, &mut unit, cell);
            }
            let oftener = (governance.identity_look / OFTENER).max(governance.doubt);
            (State::Degraded, Some(amiss.trouble(identity.method)), oftener)
        }
    };
    let changed = if state == identity.state { identity.changed } else { now };
    let after = Identity { state, trouble, changed, licences: seen.licences, ..identity.record.clone() };
    if after != identity.record {
        unit.update(&identity, &after);
        tell(&gateway, scope, &mut unit, &identity, &after);
    }
    Ok(Ending { end: wait(&gateway, pause), unit })
}

/// The entry of what has changed, if it is one to tell of.
fn tell(gateway: &Gateway, scope: OrgScope, unit: &mut Unit, before: &Versioned<Identity>, after: &Identity) {
    if after.state == before.state && after.trouble == before.trouble {
        return;
    }
    let about = on([thing("identity", after.id)]);
    match Amiss::of(after.trouble.as_ref()) {
        Some(amiss) => {
            let act = Act::new(DEGRADED, system()).on(about);
            unit.record(scope, gateway.composer.change(act, Verdict::Done, Some(amiss.code())));
        }
        None => {
            unit.record(scope, gateway.changed_by_itself(RECOVERED, about));
        }
    }
}

fn wait(gateway: &Gateway, span: Duration) -> JobEnd {
    let due = gateway.clock.now().saturating_add(span).unwrap_or(Timestamp::MAX);
    JobEnd::Wait { due, reason: "looks again whether the identity is as it should be".to_owned() }
}

//! The job that looks at an identity that can act, again and again, and says when it is not as it should be any more:
//! somebody deleted or disabled its user, its agent identity or the blueprint's principal, or took the licence, the
//! mailbox or the consent. What is amiss must be so at two looks with some time between: the replicas of a directory may
//! differ. What we stopped ourselves is not looked at.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Verdict};
use attache_store::{JobEnd, JobId, NewJob, OrgScope, Record, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::condition::{self, Amiss};
use super::provisioning::Provisioning;
use super::{Identity, IdentityId, State};
use crate::Gateway;
use crate::cells::{self, Cell};
use crate::jobs::{Ending, JobError, Kind, Turn};
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

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Body {
    identity: IdentityId,
}

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
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let body = Body { identity: identity.id };
    NewJob::new(id, WATCH.name, Some(identity.org), &body).only(identity.id.to_string())
}

/// The usual time between looks, a tenth more or less: identities that came to be together are not looked at together.
fn usual(gateway: &Gateway) -> Duration {
    gateway.config.governance.identity_look.mul_f64(0.9 + 0.2 * gateway.rng.fraction())
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Well,
    /// Something is amiss for the first time: look again soon.
    Doubt,
    /// It was amiss before, and still is.
    Degraded(Amiss),
}

/// Decides. `since` is when something was amiss first.
fn decide(amiss: Option<Amiss>, since: Option<Timestamp>, doubt: Duration, now: Timestamp) -> Next {
    match (amiss, since) {
        (None, _) => Next::Well,
        (Some(amiss), Some(since)) if now.duration_since(since).unsigned_abs() >= doubt => {
            Next::Degraded(amiss)
        }
        (Some(_), _) => Next::Doubt,
    }
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { identity } = turn.job().body()?;
    let scope = turn.scope()?;
    let store = gateway.store.org(scope);
    let Some(identity) = store.get::<Identity>(identity).await? else { return Ok(Ending::done()) };
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
    let (state, trouble, pause) = match decide(condition::judge(&seen), since, governance.doubt, now) {
        Next::Well => {
            if let Some(doubted) = &doubted {
                unit.delete(doubted);
            }
            if let Some(cell) = &cell {
                cells::found(&gateway, &mut unit, cell);
            }
            (State::Active, None, usual(&gateway))
        }
        Next::Doubt => {
            if doubted.is_none() {
                unit.create(scope, &Doubt { identity: identity.id, since: now });
            }
            (identity.state, identity.trouble.clone(), governance.doubt)
        }
        Next::Degraded(amiss) => {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_degrades_nothing_and_two_too_close_neither() {
        const DOUBT: Duration = Duration::from_secs(120);
        let at = |second| Timestamp::from_second(second).unwrap();
        let gone = Some(Amiss::UserGone);
        assert_eq!(decide(gone, None, DOUBT, at(0)), Next::Doubt);
        assert_eq!(decide(gone, Some(at(0)), DOUBT, at(60)), Next::Doubt);
        assert_eq!(decide(gone, Some(at(0)), DOUBT, at(120)), Next::Degraded(Amiss::UserGone));
        assert_eq!(decide(None, Some(at(0)), DOUBT, at(120)), Next::Well);
    }
}

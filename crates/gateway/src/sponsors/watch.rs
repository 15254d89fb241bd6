//! The job that looks at the sponsor of an identity again and again, and pauses the identity when nobody answers for
//! it. What is amiss must be so at two looks with some time between: the replicas of a directory may differ.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Target, Verdict};
use attache_store::{JobEnd, JobId, NewJob, OrgScope, Unit, Versioned};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::look::{self, Finding, Seen};
use super::sponsorship::Sponsorship;
use crate::Gateway;
use crate::identities::{Identity, IdentityId, State, pause};
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::record::{on, system, thing};

/// The kind of job.
pub(crate) const WATCH: Kind = Kind {
    name: "sponsor.watch",
    tries: 50,
    recurring: true,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

const LOST: ActName = ActName::new("sponsor.lost");

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Body {
    identity: IdentityId,
}

/// The job for an identity that has become active: its first look is due after the usual time.
pub(crate) fn watching(gateway: &Gateway, identity: &Identity) -> NewJob {
    let due = gateway.clock.now().saturating_add(gateway.config.governance.sponsor_look);
    look_now(gateway, identity).due(due.unwrap_or(Timestamp::MAX))
}

/// The same, to look at once.
pub(crate) fn look_now(gateway: &Gateway, identity: &Identity) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let body = Body { identity: identity.id };
    NewJob::new(id, WATCH.name, Some(identity.org), &body).only(identity.id.to_string())
}

/// What follows from a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// All is well, or known: look again after the usual time.
    Usual,
    /// Something is amiss for the first time: look again soon.
    Doubt,
    /// It was amiss before, and still is.
    Pause(Finding),
}

/// Decides. `known` is what was amiss at the look before, and since when.
fn decide(
    finding: Option<Finding>,
    known: Option<(Finding, Timestamp)>,
    suspended: bool,
    doubt: Duration,
    now: Timestamp,
) -> Next {
    match (finding, known) {
        (None, _) => Next::Usual,
        (Some(_), _) if suspended => Next::Usual,
        (Some(finding), Some((_, since))) if now.duration_since(since).unsigned_abs() >= doubt => {
            Next::Pause(finding)
        }
        (Some(_), _) => Next::Doubt,
    }
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { identity } = turn.job().body()?;
    let scope = turn.scope()?;
    let store = gateway.store.org(scope);
    let Some(identity) = store.get::<Identity>(identity).await? else { return Ok(Ending::done()) };
    if matches!(identity.state, State::Deprovisioning | State::Deprovisioned) {
        return Ok(Ending::done());
    }
    // Where nobody is named, there is nobody to look at; who is named later is looked at then.
    let (Some(tenant), Some(sponsor)) = (identity.tenant, identity.sponsor) else {
        return Ok(Ending::done());
    };
    let home = gateway.home_needed(scope, &identity).await?;
    let known = Sponsorship::of(store, identity.id).await?;
    let governance = &gateway.config.governance;
    let now = gateway.clock.now();
    if known
        .as_ref()
        .and_then(|known| known.successor)
        .is_some_and(super::sponsorship::Successor::is_under_way)
    {
        // The relations in Entra are just being changed.
        return Ok(Ending { end: wait(now, governance.doubt), unit: Unit::new() });
    }
    let graph = gateway.provisioner(&home);
    let seen = look::look(&graph, &identity, sponsor).await?;
    let finding = look::judge(sponsor, &seen);
    let before = known.as_ref().and_then(|known| known.amiss);
    let next = decide(finding, before, identity.suspended.is_some(), governance.doubt, now);
    let base =
        known.as_ref().map_or_else(|| Sponsorship::fresh(&identity, tenant), |known| known.record.clone());
    let mut unit = Unit::new();
    note(&base, finding, &seen, now).keep(&mut unit, known.as_ref());
    let end = match next {
        Next::Usual => wait(now, governance.sponsor_look),
        Next::Doubt => wait(now, governance.doubt),
        Next::Pause(finding) => {
            lose(&gateway, scope, &mut unit, &identity, finding);
            wait(now, governance.sponsor_look)
        }
    };
    Ok(Ending { end, unit })
}

fn wait(now: Timestamp, span: Duration) -> JobEnd {
    let due = now.saturating_add(span).unwrap_or(Timestamp::MAX);
    JobEnd::Wait { due, reason: "looks at the sponsor again".to_owned() }
}

fn note(base: &Sponsorship, finding: Option<Finding>, seen: &Seen, now: Timestamp) -> Sponsorship {
    Sponsorship {
        looked: Some(now),
        amiss: finding.map(|finding| (finding, base.amiss.map_or(now, |(_, since)| since))),
        in_entra: seen.in_entra(),
        ..base.clone()
    }
}

/// Nobody answers for it any more: it pauses.
fn lose(
    gateway: &Gateway,
    scope: OrgScope,
    unit: &mut Unit,
    identity: &Versioned<Identity>,
    finding: Finding,
) {
    let about = Target { user: identity.sponsor, ..on([thing("identity", identity.id)]) };
    let act = Act::new(LOST, system()).on(about);
    unit.record(scope, gateway.composer.change(act, Verdict::Done, Some(finding.code())));
    pause(gateway, scope, unit, identity, finding.words());
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOUBT: Duration = Duration::from_secs(120);

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_identity_pauses_when_a_second_look_still_finds_it_amiss() {
        let gone = Some(Finding::Gone);
        assert_eq!(decide(gone, None, false, DOUBT, at(0)), Next::Doubt);
        let known = Some((Finding::Gone, at(0)));
        assert_eq!(decide(gone, known, false, DOUBT, at(60)), Next::Doubt);
        assert_eq!(decide(gone, known, false, DOUBT, at(120)), Next::Pause(Finding::Gone));
        assert_eq!(decide(None, known, false, DOUBT, at(120)), Next::Usual);
    }

    #[test]
    fn what_is_suspended_is_not_paused_on_top() {
        let known = Some((Finding::Gone, at(0)));
        assert_eq!(decide(Some(Finding::Gone), known, true, DOUBT, at(500)), Next::Usual);
    }
}

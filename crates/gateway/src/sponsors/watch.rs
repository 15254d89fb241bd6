//! The job that looks at the sponsor of an identity again and again, and pauses the identity when nobody answers for
//! it. One look decides nothing of that.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Target, Verdict};
use attache_store::{JobEnd, NewJob, OrgScope, Unit, Versioned};
use jiff::Timestamp;

use super::look::{self, Finding, Seen};
use super::sponsorship::Sponsorship;
use crate::Gateway;
use crate::identities::{Identity, State, job_for, pause, subject};
use crate::jobs::{Ending, JobError, Kind, Turn, Weighed, weigh};
use crate::record::{on, system, thing};

/// The kind of job.
pub(crate) const WATCH: Kind = Kind {
    name: "sponsor.watch",
    tries: 50,
    recurring: true,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

const LOST: ActName = ActName::new("sponsor.lost");

/// The job for an identity that has become active: its first look is due after the usual time.
pub(crate) fn watching(gateway: &Gateway, identity: &Identity) -> NewJob {
    let due = gateway.clock.now().saturating_add(gateway.config.governance.sponsor_look);
    look_now(gateway, identity).due(due.unwrap_or(Timestamp::MAX))
}

/// The same, to look at once.
pub(crate) fn look_now(gateway: &Gateway, identity: &Identity) -> NewJob {
    job_for(gateway, &WATCH, identity.org, identity.id)
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Some((scope, identity)) = subject(&gateway, turn.job()).await? else { return Ok(Ending::done()) };
    if matches!(identity.state, State::Deprovisioning | State::Deprovisioned) {
        return Ok(Ending::done());
    }
    // Where nobody is named, there is nobody to look at; who is named later is looked at then.
    let (Some(tenant), Some(sponsor)) = (identity.tenant, identity.sponsor) else {
        return Ok(Ending::done());
    };
    let home = gateway.home_needed(scope, &identity).await?;
    let known = Sponsorship::of(gateway.store.org(scope), identity.id).await?;
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
    let since = known.as_ref().and_then(|known| known.amiss).map(|(_, since)| since);
    // What is suspended is not paused on top.
    let pausing = finding.filter(|_| identity.suspended.is_none());
    let base =
        known.as_ref().map_or_else(|| Sponsorship::fresh(&identity, tenant), |known| known.record.clone());
    let mut unit = Unit::new();
    note(&base, finding, &seen, now).keep(&mut unit, known.as_ref());
    let end = match weigh(pausing, since, governance.doubt, now) {
        Weighed::Well => wait(now, governance.sponsor_look),
        Weighed::Doubtful => wait(now, governance.doubt),
        Weighed::Certain(finding) => {
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

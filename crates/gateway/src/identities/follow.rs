//! Identities follow their organisation: the job that suspends what is not suspended yet, has the tenant told again
//! where that came to nothing, and lets go on what this suspension alone stopped. It compares what is with what is
//! wanted, so that it may be killed anywhere.

use std::sync::Arc;

use attache_ledger::ActName;
use attache_store::{CommitError, OrgScope, Page, Unit, Versioned};
use jiff::Timestamp;

use super::suspend::{self, RESUMED, SUSPENDED};
use super::{Cause, Identity, State, Suspension};
use crate::Gateway;
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::organisations::{OrgSuspension, Organisation};
use crate::record::{on, thing};
use crate::sponsors;

/// The kind of job.
pub(crate) const FOLLOW: Kind = Kind {
    name: "organisation.follow",
    tries: 50,
    recurring: false,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

/// How many identities are looked at in one read.
const PAGE: usize = 200;

/// What an identity's suspension is to become; `None` when it is as it should be.
fn wanted(
    identity: &Identity,
    organisation: Option<&OrgSuspension>,
    now: Timestamp,
) -> Option<Option<Suspension>> {
    if matches!(identity.state, State::Deprovisioning | State::Deprovisioned) {
        return None;
    }
    match (organisation, &identity.suspended) {
        (Some(organisation), None) => {
            let stopped = Suspension::new(now, organisation.reason.clone(), Cause::Asked);
            Some(Some(Suspension { with: Some(organisation.id), ..stopped }))
        }
        (Some(organisation), Some(own)) if own.with.is_some_and(|with| with != organisation.id) => {
            // The organisation was suspended again before this one was let go.
            Some(Some(Suspension { with: Some(organisation.id), ..own.clone() }))
        }
        (None, Some(own)) if own.with.is_some() => Some(None),
        _ => None,
    }
}

async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let scope = turn.scope()?;
    let store = gateway.store.org(scope);
    let Some(organisation) = store.get::<Organisation>(scope.org()).await? else { return Ok(Ending::done()) };
    let mut page = Page::first(PAGE);
    loop {
        let identities: Vec<Versioned<Identity>> = store.list(page).await?;
        let last = identities.last().map(|identity| identity.id.to_string());
        for identity in identities {
            bring(&gateway, &turn, scope, identity, organisation.suspended.as_ref()).await?;
        }
        match last {
            Some(last) => page = Page::first(PAGE).after(Some(last)),
            None => return Ok(Ending::done()),
        }
    }
}

/// Brings one identity to where its organisation is, whoever else changes it meanwhile.
async fn bring(
    gateway: &Gateway,
    turn: &Turn,
    scope: OrgScope,
    mut identity: Versioned<Identity>,
    organisation: Option<&OrgSuspension>,
) -> Result<(), JobError> {
    loop {
        let now = gateway.clock.now();
        let Some(suspended) = wanted(&identity, organisation, now) else {
            return if is_untold(&identity) { tell(gateway, turn, &identity).await } else { Ok(()) };
        };
        let act: ActName = if suspended.is_some() { SUSPENDED } else { RESUMED };
        let after = Identity { suspended, changed: now, ..identity.record.clone() };
        let mut unit = Unit::new();
        unit.update(&identity, &after);
        unit.record(scope, gateway.changed_by_itself(act, on([thing("identity", after.id)])));
        if after.suspended.is_none() {
            // Whether somebody answers for it was of no concern meanwhile.
            unit.enqueue(sponsors::look_now(gateway, &after));
        }
        unit.enqueue(suspend::enforcement(gateway, after.org, after.id));
        match turn.commit(unit).await {
            Ok(_) => return Ok(()),
            Err(CommitError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        let again = gateway.store.org(scope).get::<Identity>(identity.id).await?;
        let Some(again) = again else { return Ok(()) };
        identity = again;
    }
}

/// Whether it is suspended, and its tenant does not know.
fn is_untold(identity: &Identity) -> bool {
    identity.suspended.as_ref().is_some_and(|suspension| !suspension.proof.enforced)
}

/// Asks for the job that tells the tenant: whatever became of the one before.
async fn tell(gateway: &Gateway, turn: &Turn, identity: &Identity) -> Result<(), JobError> {
    let mut unit = Unit::new();
    unit.enqueue(suspend::enforcement(gateway, identity.org, identity.id));
    turn.commit(unit).await?;
    Ok(())
}

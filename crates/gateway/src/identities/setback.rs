//! What an identity says when a turn of the job that works on it came to nothing: what stands in the way, when it is
//! tried again and until when; or, where only somebody else can go on with it, what they have to do.

use std::sync::Arc;

use attache_ledger::{Act, Code, Verdict};
use attache_store::{Job, JobEnd, OrgScope, StoreError, Unit, Versioned};
use jiff::Timestamp;

use super::drive::PROVISIONED;
use super::removal::REMOVED;
use super::{Identity, State, Trouble, drive, removal, subject};
use crate::Gateway;
use crate::jobs::{Ending, JobError, Turn};
use crate::record::{on, system, thing};

/// What becomes of an identity whose job failed and ends so; `until` is when it is given up at the latest.
pub(crate) async fn set_back(
    gateway: Arc<Gateway>,
    job: Job,
    end: JobEnd,
    until: Timestamp,
) -> Result<Unit, StoreError> {
    let mut unit = Unit::new();
    let Some((scope, identity)) = worked_on(&gateway, &job).await? else { return Ok(unit) };
    match end {
        JobEnd::Retry { due, reason } => {
            unit.update(&identity, &identity.waits(gateway.clock.now(), &reason, due, Some(until)));
        }
        JobEnd::Dead { reason } => {
            let trouble = Trouble {
                code: "given_up".to_owned(),
                message: format!("the work on it was given up: {reason}"),
                remedy: format!("put right what is said, then {} again", asked_for(&identity)),
            };
            stop(&gateway, scope, &mut unit, &identity, identity.record.clone(), trouble);
        }
        JobEnd::Done | JobEnd::Wait { .. } => {}
    }
    Ok(unit)
}

/// Works on an identity; what is refused until somebody acts stops it at once, since no other try would do better.
pub(super) async fn unless_refused<F>(
    gateway: Arc<Gateway>,
    turn: Turn,
    work: impl FnOnce(Arc<Gateway>, Turn) -> F,
) -> Result<Ending, JobError>
where
    F: Future<Output = Result<Ending, JobError>>,
{
    let job = turn.job().clone();
    let worked = work(Arc::clone(&gateway), turn).await;
    let Err(JobError::Refused { code, message, remedy }) = worked else { return worked };
    let Some((scope, identity)) = worked_on(&gateway, &job).await? else { return Ok(Ending::done()) };
    let remedy = format!("{remedy}; then {} again", asked_for(&identity));
    let trouble = Trouble { code: code.to_owned(), message, remedy };
    let mut unit = Unit::new();
    stop(&gateway, scope, &mut unit, &identity, identity.record.clone(), trouble);
    Ok(Ending::done_with(unit))
}

/// Goes on with an identity no more until somebody acts, and says so: in what it shows, and in the log.
pub(super) fn stop(
    gateway: &Gateway,
    scope: OrgScope,
    unit: &mut Unit,
    before: &Versioned<Identity>,
    after: Identity,
    trouble: Trouble,
) {
    // Since when it is being taken back decides for how long things are looked for that may be hidden.
    let (state, changed, act) = match before.state {
        State::Deprovisioning => (State::Deprovisioning, before.changed, REMOVED),
        _ => (State::Error, gateway.clock.now(), PROVISIONED),
    };
    let code = trouble.code.parse().unwrap_or(Code::new("failed"));
    unit.update(before, &Identity { state, changed, waiting: None, trouble: Some(trouble), ..after });
    let act = Act::new(act, system()).on(on([thing("identity", before.id)]));
    unit.record(scope, gateway.composer.change(act, Verdict::Failed, Some(code)));
}

/// The identity that a job is about, if it is still the job's to work on.
async fn worked_on(
    gateway: &Gateway,
    job: &Job,
) -> Result<Option<(OrgScope, Versioned<Identity>)>, StoreError> {
    let is_its = |identity: &Identity| match identity.state {
        State::Deprovisioning => job.kind == removal::NAME,
        state => job.kind == drive::NAME && !state.acts() && state != State::Deprovisioned,
    };
    Ok(subject(gateway, job).await?.filter(|(_, identity)| is_its(identity)))
}

/// What somebody asks for who wants the work to go on.
fn asked_for(identity: &Identity) -> &'static str {
    if identity.state == State::Deprovisioning { "deprovision" } else { "provision" }
}

//! Claims due jobs and works on as many at once as it may, until it is told to stop.

use std::sync::Arc;
use std::time::Duration;

use attache_ledger::{Act, ActName, Verdict};
use attache_store::{Claim, CommitError, GatewayScope, Job, JobEnd, Lease, OrgScope, Unit};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{Instrument, error, info_span, warn};

use super::pace::{LONGEST, longest, pause};
use super::turn::LEASE;
use super::{Ending, JobError, KINDS, Kind, SETBACKS, Turn};
use crate::Gateway;
use crate::record::{on, system, thing};

const GIVEN_UP: ActName = ActName::new("job.given_up");

/// How long it sleeps at most when nothing wakes it: another node may have added a job unheard.
const LOOK: Duration = Duration::from_secs(5);

/// How long it sleeps at least when the store has just said that nothing is due, and names a time that is over by our
/// clock: the store's clock is behind ours, and asking it without a pause would not move it.
const SOON: Duration = Duration::from_millis(100);

/// Runs jobs until `stop`; those under way are finished first.
pub(crate) async fn run(gateway: Arc<Gateway>, stop: CancellationToken) {
    let names: Vec<&'static str> = KINDS.iter().map(|kind| kind.name).collect();
    let (room, turns) = (Arc::new(Semaphore::new(gateway.config.workers)), TaskTracker::new());
    let engine = Arc::clone(gateway.store.engine(GatewayScope::granted()));
    // Interest is registered before the first look, so that no wake-up falls between the two.
    let mut woken = engine.woken();
    while !stop.is_cancelled() {
        woken.mark_unchanged();
        let free = room.available_permits();
        let claim = Claim { node: gateway.node, kinds: &names, lease: LEASE, limit: free };
        let leases = match engine.claim(claim).await {
            Ok(leases) => leases,
            Err(error) => {
                warn!(%error, "jobs cannot be claimed");
                Vec::new()
            }
        };
        let full = !leases.is_empty() && leases.len() == free;
        for lease in leases {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { break };
            let gateway = Arc::clone(&gateway);
            turns.spawn(async move {
                take_turn(gateway, lease).await;
                drop(permit);
            });
        }
        if full {
            // There may be more that are due: go on as soon as there is room.
            tokio::select! {
                () = stop.cancelled() => {}
                permit = room.acquire() => drop(permit),
            }
            continue;
        }
        let due = engine.next_due(&names).await.ok().flatten();
        let span = due.map_or(LOOK, |due| {
            Duration::try_from(due.duration_since(gateway.clock.now()))
                .ok()
                .filter(|span| !span.is_zero())
                .map_or(SOON, |span| span.min(LOOK))
        });
        tokio::select! {
            () = stop.cancelled() => {}
            _ = woken.changed() => {}
            () = gateway.clock.sleep(span) => {}
            // A turn that ended may have left its job due again.
            permit = room.acquire(), if room.available_permits() == 0 => drop(permit),
        }
    }
    turns.close();
    turns.wait().await;
}

async fn take_turn(gateway: Arc<Gateway>, lease: Lease) {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == lease.job.kind) else { return };
    let span = info_span!("job", kind = kind.name, id = %lease.job.id, failures = lease.job.failures);
    async {
        let (turn, current) = Turn::new(&gateway, lease);
        let job = turn.job().clone();
        let worked = if job.failures < kind.tries {
            (kind.work)(Arc::clone(&gateway), turn).await
        } else {
            // Only a turn that did not come to an end leaves so many: its worker died of it.
            Err(JobError::Failed(
                "it ended in the middle, each time with the process that worked on it".into(),
            ))
        };
        if worked.is_err() {
            current.keep_known(&gateway.store).await;
        }
        let ending = match worked {
            Ok(ending) => ending,
            // Whoever has the job now goes on with it.
            Err(JobError::LeaseLost(_) | JobError::Commit(CommitError::LeaseLost)) => {
                warn!("another node has taken the job over");
                return;
            }
            Err(error) => failed_ending(&gateway, kind, &job, &error).await,
        };
        let lease = current.lease().await;
        let Err(error) = conclude(&gateway, kind, &lease, ending).await else { return };
        current.keep_known(&gateway.store).await;
        if matches!(error, CommitError::LeaseLost) {
            return;
        }
        // What the turn came to does not stand: that counts as a failure, so that it is not repeated for ever.
        let ending = failed_ending(&gateway, kind, &job, &error.into()).await;
        let end = ending.end.clone();
        let mut concluded = conclude(&gateway, kind, &lease, ending).await;
        if matches!(concluded, Err(CommitError::Conflict { .. } | CommitError::Taken { .. })) {
            // What it was about changed meanwhile, and says for itself how it stands.
            concluded = conclude(&gateway, kind, &lease, Ending { end, unit: Unit::new() }).await;
        }
        if let Err(error) = concluded {
            // The lease lapses, and the job is done again: it looks before it writes.
            error!(%error, "the end of a job was not recorded");
        }
    }
    .instrument(span)
    .await;
}

/// How a turn that failed ends, and how what it was about stands then.
async fn failed_ending(gateway: &Arc<Gateway>, kind: &Kind, job: &Job, error: &JobError) -> Ending {
    let end = failed(gateway, kind, job.failures + 1, error);
    let setback = SETBACKS.iter().find(|(name, _)| *name == kind.name).map(|(_, setback)| setback);
    let unit = match setback {
        Some(setback) => {
            let now = gateway.clock.now();
            let until = now.saturating_add(longest(job.failures + 1, kind.tries)).unwrap_or(now);
            setback(Arc::clone(gateway), job.clone(), end.clone(), until).await.unwrap_or_else(|error| {
                error!(%error, "what a job is about does not say what stands in its way");
                Unit::new()
            })
        }
        None => Unit::new(),
    };
    Ending { end, unit }
}

/// Commits how a turn ended, with what it came to.
async fn conclude(gateway: &Gateway, kind: &Kind, lease: &Lease, ending: Ending) -> Result<(), CommitError> {
    let Ending { end, mut unit } = ending;
    let word = word(&end);
    // Only a turn that failed, or died, leaves something open, and the next one may find out how it ended.
    if lease.job.failures > 0 && !matches!(end, JobEnd::Retry { .. }) {
        gateway.give_up_acts_of(lease.job.id, &mut unit).await?;
    }
    if matches!(end, JobEnd::Dead { .. }) {
        let act = Act::new(GIVEN_UP, system()).on(on([thing("job", lease.job.id), thing("kind", kind.name)]));
        let entry = gateway.composer.change(act, Verdict::Failed, None);
        match lease.job.org {
            Some(org) => unit.record(OrgScope::granted(org), entry),
            None => unit.record(GatewayScope::granted(), entry),
        };
    }
    unit.end(lease, end);
    gateway.store.commit(unit).await?;
    gateway.metrics.turned(kind.name, word);
    Ok(())
}

fn word(end: &JobEnd) -> &'static str {
    match end {
        JobEnd::Done => "done",
        JobEnd::Wait { .. } => "waits",
        JobEnd::Retry { .. } => "failed",
        JobEnd::Dead { .. } => "given_up",
    }
}

fn failed(gateway: &Gateway, kind: &Kind, failures: u32, error: &JobError) -> JobEnd {
    let reason = error.reason();
    let now = gateway.clock.now();
    if failures >= kind.tries && kind.recurring && !matches!(error, JobError::Hopeless(_)) {
        error!(%error, failures, "a job that is there for good keeps failing; it begins again later");
        let due = now.saturating_add(LONGEST).unwrap_or(now);
        let reason = format!("failed {failures} times in a row, and begins again later: {reason}");
        return JobEnd::Wait { due, reason };
    }
    if matches!(error, JobError::Hopeless(_)) || failures >= kind.tries {
        error!(%error, failures, "a job is given up");
        return JobEnd::Dead { reason };
    }
    warn!(%error, failures, "a job failed and will be tried again");
    let due = now.saturating_add(pause(failures, gateway.rng.fraction())).unwrap_or(now);
    JobEnd::Retry { due, reason }
}

//! The job that gives an identity's seat back. Entra keeps what was deleted for 30 days, and counts it meanwhile (Entra
//! reference §2.11); so does the cell.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{JobId, NewJob, Unit};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Cell, CellId};
use crate::Gateway;
use crate::identities::IdentityId;
use crate::jobs::{Ending, JobError, Kind, Turn};

/// The kind of job.
pub(crate) const GIVE_BACK: Kind = Kind {
    name: "cell.give_back",
    tries: 50,
    recurring: true,
    work: |gateway, turn| Box::pin(work(gateway, turn)),
};

/// For how long what was deleted is kept, and a day for its purge.
const KEPT: Duration = Duration::from_secs(31 * 24 * 3600);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Body {
    cell: CellId,
}

/// The job for an identity of which nothing is in its tenant any more.
pub(crate) fn give_back_later(gateway: &Gateway, cell: CellId, identity: IdentityId) -> NewJob {
    let id = JobId::make(&*gateway.clock, &*gateway.rng);
    let due = gateway.clock.now().saturating_add(KEPT).unwrap_or(Timestamp::MAX);
    NewJob::new(id, GIVE_BACK.name, None, &Body { cell }).only(identity.to_string()).due(due)
}

/// One seat less is taken, in the unit that ends the job: it is given back once.
async fn work(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let Body { cell } = turn.job().body()?;
    let Some(cell) = gateway.system().get::<Cell>(cell).await? else { return Ok(Ending::done()) };
    let mut unit = Unit::new();
    // Another may be opened by now, and there is never more than one.
    let after = Cell { taken: cell.taken.saturating_sub(1), opening: false, ..cell.record.clone() };
    unit.update(&cell, &after);
    Ok(Ending::done_with(unit))
}

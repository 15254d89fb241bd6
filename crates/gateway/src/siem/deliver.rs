//! The job that sends an organisation's entries on: a part, the receiver's end, and only then the number of the next
//! one. When it dies in between, the same part is sent again.

use std::sync::Arc;
use std::time::Duration;

use attache_store::{EntryQuery, JobEnd, Unit};
use attache_terms::Explain as _;

use super::send::{SendError, send};
use super::{Destination, ONLY, Progress, Trouble, syslog};
use crate::Gateway;
use crate::audit::line;
use crate::jobs::{Ending, JobError, Kind, Turn};
use crate::organisations::Organisation;

/// The job.
pub(crate) const DELIVER: Kind = Kind {
    name: "audit.deliver",
    tries: 20,
    recurring: true,
    work: |gateway, turn| Box::pin(deliver(gateway, turn)),
};

/// How many entries go with one connection.
const PART: usize = 200;
/// How often it looks for new ones.
const LOOK: Duration = Duration::from_secs(5);
/// How long it waits at most before it tries a receiver again that does not take them.
const LONGEST: Duration = Duration::from_secs(5 * 60);

async fn deliver(gateway: Arc<Gateway>, turn: Turn) -> Result<Ending, JobError> {
    let scope = turn.scope()?;
    let store = gateway.store.org(scope);
    let (destination, progress) = (store.get::<Destination>(ONLY).await?, store.get::<Progress>(ONLY).await?);
    let organisation = store.get::<Organisation>(scope.org()).await?;
    let (Some(destination), Some(progress), Some(organisation)) = (destination, progress, organisation)
    else {
        // An owner does not want them sent any more.
        return Ok(Ending::done());
    };
    let query = EntryQuery { sequences: progress.next..u64::MAX, ..EntryQuery::all(store.own_log(), PART) };
    let rows = store.entries(query).await?;
    let Some(last) = rows.last() else {
        return Ok(wait(&gateway, LOOK, "every entry has arrived", Unit::new()));
    };
    let host = gateway.config.public_url.host_str().unwrap_or_default().to_owned();
    let frames: String =
        rows.iter().map(|row| syslog::frame(row, &line(&organisation, row), &host)).collect();
    // While this part is on its way, no other node sends it.
    turn.before_write().await?;
    let sent = send(&destination, &gateway.config.outbound_allowed, frames.as_bytes()).await;
    let now = gateway.clock.now();
    let mut unit = Unit::new();
    Ok(match sent {
        Ok(()) => {
            let arrived = Progress { next: last.sequence + 1, arrived: Some(now), trouble: None };
            unit.update(&progress, &arrived);
            let span = if rows.len() == PART { Duration::ZERO } else { LOOK };
            wait(&gateway, span, "looks for new entries", unit)
        }
        Err(error) => {
            let trouble = trouble(progress.trouble.as_ref(), &error, now);
            let span = pause(trouble.tries);
            gateway.metrics.not_delivered(error.code());
            tracing::warn!(
                code = error.code(),
                tries = trouble.tries,
                "audit entries do not arrive at a SIEM"
            );
            unit.update(&progress, &Progress { trouble: Some(trouble), ..progress.record.clone() });
            wait(&gateway, span, error.code(), unit)
        }
    })
}

fn wait(gateway: &Gateway, span: Duration, reason: &str, unit: Unit) -> Ending {
    let now = gateway.clock.now();
    let due = now.saturating_add(span).unwrap_or(now);
    Ending { end: JobEnd::Wait { due, reason: reason.to_owned() }, unit }
}

fn trouble(before: Option<&Trouble>, error: &SendError, now: jiff::Timestamp) -> Trouble {
    Trouble {
        code: error.code().to_owned(),
        detail: error.to_string(),
        remedy: error.remedy().to_string(),
        since: before.map_or(now, |before| before.since),
        tries: before.map_or(1, |before| before.tries.saturating_add(1)),
    }
}

/// How long to wait after so many tries: a receiver that is down for days gets its entries when it is back.
fn pause(tries: u32) -> Duration {
    LOOK.saturating_mul(1_u32.checked_shl(tries.saturating_sub(1)).unwrap_or(u32::MAX)).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receiver_that_is_down_is_tried_for_ever() {
        assert_eq!(pause(1), LOOK);
        assert_eq!(pause(2), LOOK * 2);
        for tries in [7, 31, 33, u32::MAX] {
            assert_eq!(pause(tries), LONGEST);
        }
    }
}

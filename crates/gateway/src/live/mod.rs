//! Live pages: one event stream says that something of the organisation changed, and the page fetches its live
//! parts again. The stream carries no content, so that nothing is shown to whoever may not see it.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use attache_store::{JobQuery, OrgScope, StoreError};
use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::routing::get;
use http::HeaderName;

use crate::Gateway;
use crate::access::{Allowed, right};
use crate::server::Pages;

/// How often it is looked whether something changed: other nodes change things too.
const LOOK: Duration = Duration::from_secs(1);

/// Tells nginx, and proxies that took it over from nginx, to hand on each event at once.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

/// The route.
pub(crate) fn pages() -> Pages {
    Pages::new().route("/orgs/{org}/events", get(events))
}

/// What tells one moment of an organisation from another.
type Stamp = (u64, Option<jiff::Timestamp>);

struct Watching {
    gateway: Arc<Gateway>,
    scope: OrgScope,
    seen: Option<Stamp>,
}

async fn events(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeOrganisation>,
) -> impl IntoResponse {
    let watching = Watching { gateway, scope: allowed.scope, seen: None };
    let events = Sse::new(futures_util::stream::unfold(watching, next)).keep_alive(KeepAlive::new());
    ([(X_ACCEL_BUFFERING, "no")], events)
}

/// The next change; the end when the gateway stops or its database does not answer.
async fn next(mut watching: Watching) -> Option<(Result<Event, Infallible>, Watching)> {
    loop {
        let gateway = Arc::clone(&watching.gateway);
        let now = stamp(&gateway, watching.scope).await.ok()?;
        let before = watching.seen.replace(now);
        if before.is_some_and(|before| before != now) {
            // A browser drops an event without data.
            return Some((Ok(Event::default().event("changed").data("look")), watching));
        }
        tokio::select! {
            () = gateway.stopping.cancelled() => return None,
            () = gateway.clock.sleep(LOOK) => {}
        }
    }
}

async fn stamp(gateway: &Gateway, scope: OrgScope) -> Result<Stamp, StoreError> {
    let store = gateway.store.org(scope);
    let size = store.log().await?.map_or(0, |head| head.frontier.size());
    let jobs = store.jobs(JobQuery { limit: 1, ..JobQuery::default() }).await?;
    Ok((size, jobs.first().map(|job| job.changed)))
}

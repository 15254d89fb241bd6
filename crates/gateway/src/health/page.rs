//! The health of an organisation's part of the gateway, for people.

use std::sync::Arc;

use askama::Template;
use attache_store::{GatewayScope, JobQuery, JobState, OrgScope};
use axum::extract::State;
use axum::routing::get;

use crate::Gateway;
use crate::access::{Allowed, right};
use crate::cells;
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::identities::{Identity, State as IdentityState};
use crate::licences::{TenantSeats, seats_of};
use crate::reviews;
use crate::server::{Answer, Pages};

/// How many jobs that were given up are counted.
const MOST: usize = 100;

/// The route.
pub(crate) fn pages() -> Pages {
    Pages::new().route("/orgs/{org}/health", get(show))
}

/// The seats of each tenant that the organisation's identities live in.
async fn licences(gateway: &Gateway, scope: OrgScope) -> Answer<Vec<Check>> {
    let seats = seats_of(gateway, scope).await?;
    let check = |seats: &TenantSeats| {
        Check {
        name: "Licences",
        tone: if seats.low { "bad" } else { "good" },
        words: format!("{} seats remain for agents", seats.free()),
        todo: seats.low.then(|| {
            "have seats bought (Microsoft 365 admin centre > Billing), before none is left for the next identity".to_owned()
        }),
    }
    };
    Ok(seats.iter().map(check).collect())
}

/// The certificates of the blueprints that the organisation's identities come from.
async fn certificates(gateway: &Gateway, scope: OrgScope) -> Answer<Check> {
    let now = gateway.clock.now();
    let (mut stopping, mut first) = (0, None);
    for cell in cells::cells(gateway).await? {
        let Some(days) = cell.ends_soon(now) else { continue };
        let own = gateway.store.org(scope);
        let own = own.count::<Identity>(Some((Identity::BY_CELL, &cell.id.to_string()))).await?;
        if own > 0 {
            stopping += own;
            first = Some(first.unwrap_or(days).min(days));
        }
    }
    Ok(match first {
        None => Check {
            name: "Certificates",
            tone: "good",
            words: "none ends within 60 days".to_owned(),
            todo: None,
        },
        Some(days) => Check {
            name: "Certificates",
            tone: "bad",
            words: format!("the first ends in {days} days, and {stopping} identities stop with theirs"),
            todo: Some(
                "ask whoever runs the gateway, whose page Blueprints says which it is and what to do before"
                    .to_owned(),
            ),
        },
    })
}

struct Check {
    name: &'static str,
    tone: &'static str,
    words: String,
    todo: Option<String>,
}

#[derive(Template)]
#[template(path = "health/page.html")]
struct Health {
    look: Look,
    place: PlaceOf,
    checks: Vec<Check>,
}

async fn show(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeOrganisation>) -> Page {
    let store = gateway.store.org(allowed.scope);
    let engine = gateway.store.engine(GatewayScope::granted());
    let database = match engine.ping().await {
        Ok(()) => Check { name: "Database", tone: "good", words: "answers".to_owned(), todo: None },
        Err(_) => Check {
            name: "Database",
            tone: "bad",
            words: "does not answer".to_owned(),
            todo: Some("ask whoever runs the gateway; work goes on by itself when it answers".to_owned()),
        },
    };
    let dead =
        store.jobs(JobQuery { state: Some(JobState::Dead), limit: MOST, ..JobQuery::default() }).await?;
    let jobs = match dead.len() {
        0 => Check { name: "Jobs", tone: "good", words: "none was given up".to_owned(), todo: None },
        count => Check {
            name: "Jobs",
            tone: "bad",
            words: format!("{count}{} were given up", if count < MOST { "" } else { " or more" }),
            todo: Some(
                "see on the Jobs page, in the state given up, what they say, mend it, and do them again"
                    .to_owned(),
            ),
        },
    };
    let mut troubled = 0;
    for state in [IdentityState::Error, IdentityState::Degraded] {
        troubled += store.count::<Identity>(Some((Identity::BY_STATE, state.as_str()))).await?;
    }
    let identities = match troubled {
        0 => Check { name: "Identities", tone: "good", words: "none is in trouble".to_owned(), todo: None },
        count => Check {
            name: "Identities",
            tone: "bad",
            words: format!("{count} in trouble"),
            todo: Some("each says on its page what to do".to_owned()),
        },
    };
    let log = store.log().await?;
    let behind = log.as_ref().map_or(0, |head| {
        head.frontier.size() - head.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size)
    });
    let signed = match behind {
        0 => Check { name: "Audit log", tone: "good", words: "signed to its end".to_owned(), todo: None },
        count => Check {
            name: "Audit log",
            tone: "wait",
            words: format!("{count} entries are about to be signed"),
            todo: None,
        },
    };
    let overdue = reviews::overdue(&gateway, allowed.scope).await?;
    let reviews = match overdue {
        0 => Check { name: "Access reviews", tone: "good", words: "none is overdue".to_owned(), todo: None },
        count => Check {
            name: "Access reviews",
            tone: "bad",
            words: format!("{count} overdue"),
            todo: Some("confirm them on the page Access reviews, or suspend what is not wanted".to_owned()),
        },
    };
    let mut checks = vec![database, identities, reviews, jobs, signed];
    checks.push(certificates(&gateway, allowed.scope).await?);
    checks.extend(licences(&gateway, allowed.scope).await?);
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/health"));
    Ok(page(&Health { look, place, checks }))
}

//! The log as people see it: a list with filters, an entry with its proof, and what a link shows.

use std::sync::Arc;

use askama::Template;
use attache_store::OrgScope;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderName;
use http::header::REFERRER_POLICY;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::http::{ProvedView, Wanted, find, outcome, proved, select};
use super::view::{EntryView, how_it_ended, who};
use super::{keeping, link};
use crate::Gateway;
use crate::access::{Allowed, Role, Visitor, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Pages, Problem};
use crate::siem::{DestinationView, Transport, destination};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/audit", get(list))
        .route("/orgs/{org}/audit/{entry}", get(one))
        .merge(keeping::pages())
        .route("/a/{secret}", get(shown))
}

#[derive(Template)]
#[template(path = "audit/page.html")]
struct List {
    look: Look,
    place: PlaceOf,
    entries: Vec<EntryView>,
    wanted: Filter,
    next: Option<u64>,
    /// For how many days entries are kept.
    days: Option<u32>,
    siem: Option<DestinationView>,
    owner: bool,
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Query(wanted): Query<Filter>,
) -> Page {
    let (rows, next) = select(gateway.store.org(allowed.scope), &wanted.select()?).await?;
    Ok(page(&List {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, "/audit"),
        entries: rows.iter().map(EntryView::of).collect(),
        wanted,
        next,
        days: allowed.organisation.audit_days,
        siem: destination(&gateway, &allowed).await?,
        owner: allowed.role == Some(Role::Owner),
    }))
}

/// Which entries the page shows; a form sends empty what is left open.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Filter {
    act: String,
    about: String,
    by: String,
    /// The first day.
    since: String,
    /// The last day.
    until: String,
    failures: bool,
    cursor: Option<u64>,
}

impl Filter {
    fn select(&self) -> Answer<Wanted> {
        let until = day("until", &self.until)?.map(|day| day.tomorrow().unwrap_or(day));
        Ok(Wanted {
            act: Some(self.act.clone()),
            about: Some(self.about.clone()),
            by: Some(self.by.clone()),
            since: day("since", &self.since)?.and_then(begin),
            until: until.and_then(begin),
            failures: self.failures,
            cursor: self.cursor,
            ..Wanted::default()
        })
    }
}

fn day(field: &str, text: &str) -> Answer<Option<Date>> {
    let given = (!text.is_empty()).then(|| text.parse::<Date>()).transpose();
    given.map_err(|error| Problem::invalid(field, error, "give a day such as 2027-01-31"))
}

/// When a day begins, in UTC.
fn begin(day: Date) -> Option<Timestamp> {
    day.to_zoned(TimeZone::UTC).ok().map(|midnight| midnight.timestamp())
}

#[derive(Template)]
#[template(path = "audit/one.html")]
struct One {
    look: Look,
    place: PlaceOf,
    shown: ProvedView,
    path: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Which {
    entry: String,
}

async fn one(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Path(Which { entry }): Path<Which>,
) -> Page {
    let store = gateway.store.org(allowed.scope);
    let row = find(store, &entry).await?;
    let shown = proved(&gateway, store, &row).await?;
    Ok(page(&One {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, "/audit"),
        path: hashes(&shown),
        shown,
    }))
}

/// The hashes of a proof, for people.
fn hashes(shown: &ProvedView) -> Vec<String> {
    let path = shown.proof["path"].as_array();
    path.into_iter().flatten().filter_map(|hash| hash.as_str().map(str::to_owned)).collect()
}

#[derive(Template)]
#[template(path = "audit/linked.html")]
struct Shown {
    look: Look,
    time: String,
    act: String,
    outcome: String,
    tone: &'static str,
    /// The entry that says how what was meant ended.
    ended: Option<u64>,
    who: &'static str,
    shown: ProvedView,
    path: Vec<String>,
}

/// What a link shows: nothing that tells who, to whom or about what, but that it was done, when, and the proof.
async fn shown(State(gateway): State<Arc<Gateway>>, _: Visitor, Path(secret): Path<String>) -> Page {
    let (link, row) = link::follow(&gateway, &secret).await?;
    let store = gateway.store.org(OrgScope::granted(link.org));
    let shown = proved(&gateway, store, &row).await?;
    let by = row.entry().and_then(Result::ok).and_then(|entry| entry.actor.by).map(|by| by.kind);
    let view = &shown.entry;
    let ended = match view.kind {
        "intent" => outcome(store, &row).await?.map(|row| EntryView::of(&row)),
        _ => None,
    };
    let response = page(&Shown {
        look: Look::plain(&gateway),
        time: view.time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        act: view.act.clone(),
        outcome: how_it_ended(view, ended.as_ref()),
        tone: ended.as_ref().unwrap_or(view).tone(),
        ended: ended.map(|ended| ended.sequence),
        who: who(by),
        path: hashes(&shown),
        shown,
    });
    Ok(unlisted(response))
}

/// No search engine lists it, and no other site learns its address.
fn unlisted(response: Response) -> Response {
    let headers = [
        (HeaderName::from_static("x-robots-tag"), "noindex, nofollow, noarchive"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    (headers, response).into_response()
}

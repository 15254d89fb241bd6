//! The first page after signing in: one's organisations, and for operators all of them and the form that makes one.

use std::sync::Arc;

use askama::Template;
use attache_store::{OrgScope, Page as Part, Versioned};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::search::{every, search};
use super::{NewOrganisation, OrgSuspension, Organisation, service, stop_page};
use crate::Gateway;
use crate::access::{Allowed, AsOperator, Caller, right};
use crate::audit::Course;
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::identities::{Identity, IdentityCard};
use crate::members::{Member, user_key};
use crate::server::{Answer, Cursor, Form, Listed, Pages, Problem};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/", get(home))
        .route("/orgs", post(create))
        .route("/orgs/{org}", get(overview))
        .merge(stop_page::pages())
}

#[derive(Template)]
#[template(path = "organisations/home.html")]
struct Home {
    look: Look,
    own: Vec<Organisation>,
    all: Option<Vec<Organisation>>,
    /// What was looked for.
    sought: String,
    next: Option<String>,
    /// What else the way to the next part carries.
    kept: &'static str,
}

async fn home(
    State(gateway): State<Arc<Gateway>>,
    caller: Result<Caller, Problem>,
    Query(Sought { q: sought }): Query<Sought>,
    Query(cursor): Query<Cursor>,
) -> Page {
    let Ok(caller) = caller else { return Ok(Redirect::to("/sign-in").into_response()) };
    let Some(session) = caller.session() else {
        return Ok(Redirect::to("/api/openapi.json").into_response());
    };
    let user = user_key(session.tenant, session.user);
    let memberships =
        gateway.system().list_by::<Member>(Member::BY_USER_ANYWHERE, &user, Part::first(200)).await?;
    let mut own = Vec::new();
    for member in memberships {
        let store = gateway.store.org(OrgScope::granted(member.org));
        own.extend(store.get::<Organisation>(member.org).await?.map(|found| found.record));
    }
    let (all, next) = match session.operator {
        false => (None, None),
        true if sought.trim().is_empty() => {
            let Listed { items, next } = every(&gateway, &cursor).await?;
            (Some(items.into_iter().map(|found| found.record).collect()), next)
        }
        true => (Some(search(&gateway, sought.trim()).await?), None),
    };
    if let (None, [only]) = (&all, own.as_slice()) {
        return Ok(Redirect::to(&format!("/orgs/{}", only.slug)).into_response());
    }
    Ok(page(&Home { look: Look::of(&gateway, &caller), own, all, sought, next, kept: "" }))
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Sought {
    q: String,
}

#[derive(Debug, Deserialize)]
struct Wanted {
    slug: String,
    name: String,
    #[serde(default)]
    region: String,
}

async fn create(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Form(Wanted { slug, name, region }): Form<Wanted>,
) -> Answer<Response> {
    let region = Some(region.trim().to_owned()).filter(|region| !region.is_empty());
    let wanted = NewOrganisation { slug, name, region };
    let organisation = service::create(&gateway, &caller, wanted).await?;
    Ok(Redirect::to(&format!("/orgs/{}", organisation.slug)).into_response())
}

#[derive(Template)]
#[template(path = "organisations/overview.html")]
struct Overview {
    look: Look,
    place: PlaceOf,
    identities: Vec<IdentityCard>,
    /// Whether there are more of them.
    more: bool,
    entries: u64,
    course: Course,
    region: Option<String>,
    suspended: Option<OrgSuspension>,
}

async fn overview(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeOrganisation>) -> Page {
    let store = gateway.store.org(allowed.scope);
    // As many as the live part shows.
    let first = Cursor::default();
    let identities: Vec<Versioned<Identity>> = store.list(first.oldest()?).await?;
    let Listed { items: identities, next } =
        first.listed(identities, |row| row.id.to_string(), |row| IdentityCard::of(&row))?;
    let entries = store.log().await?.map_or(0, |head| head.frontier.size());
    let course = Course::of(store, gateway.clock.now()).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, ""));
    let region = allowed.organisation.region.clone();
    let suspended = allowed.organisation.suspended.clone();
    Ok(page(&Overview { look, place, identities, more: next.is_some(), entries, course, region, suspended }))
}

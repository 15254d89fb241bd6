//! API keys as people see them.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use attache_store::Versioned;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::service::{self, GRACE, NewKey};
use super::{ApiKey, http, last_use};
use crate::Gateway;
use crate::access::{Allowed, Prefix, Scopes, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Cursor, Form, Listed, Nothing, Pages, Problem};

const PATH: &str = "/settings/api-keys";

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/settings/api-keys", get(list).post(create))
        .route("/orgs/{org}/settings/api-keys/{key}/rotate", post(rotate))
        .route("/orgs/{org}/settings/api-keys/{key}/revoke", post(revoke))
}

struct Row {
    id: String,
    name: String,
    scopes: String,
    tone: &'static str,
    state: &'static str,
    last_used: String,
    /// Until when it works, and from where, as far as that is limited.
    limits: String,
    works: bool,
}

impl Row {
    fn of(key: &ApiKey, last_used: Option<Timestamp>, now: Timestamp) -> Self {
        let (tone, state) = match key {
            key if key.revoked.is_some() => ("idle", "revoked"),
            key if key.expires.is_some_and(|expires| expires <= now) => ("idle", "expired"),
            key if key.successor.is_some() => ("wait", "being replaced"),
            _ => ("good", "works"),
        };
        let day = |time: Timestamp| time.strftime("%Y-%m-%d %H:%M").to_string();
        let until = key.expires.map(|expires| format!("until {} UTC", day(expires)));
        let addresses: Vec<String> = key.allowed_from.iter().map(ToString::to_string).collect();
        let from = (!addresses.is_empty()).then(|| format!("from {}", addresses.join(", ")));
        Self {
            limits: until.into_iter().chain(from).collect::<Vec<_>>().join(", "),
            id: key.id.to_string(),
            name: key.name.clone(),
            scopes: key.scopes.0.join(", "),
            tone,
            state,
            last_used: last_used.map_or_else(|| "never".to_owned(), day),
            works: tone == "good",
        }
    }
}

#[derive(Template)]
#[template(path = "api_keys/page.html")]
struct List {
    look: Look,
    place: PlaceOf,
    keys: Vec<Row>,
    scopes: Vec<&'static str>,
    next: Option<String>,
    /// What else the way to the next part carries.
    kept: &'static str,
}

async fn list(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeKeys>,
    Query(cursor): Query<Cursor>,
) -> Page {
    let store = gateway.store.org(allowed.scope);
    let used = last_use::of_page(store, cursor.page()?).await?;
    let keys: Vec<Versioned<ApiKey>> = store.list(cursor.page()?).await?;
    let now = gateway.clock.now();
    let row = |key: Versioned<ApiKey>| Row::of(&key, used.get(&key.id).copied(), now);
    let Listed { items: keys, next } = cursor.listed(keys, |key| key.id.to_string(), row)?;
    Ok(page(&List {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, PATH),
        keys,
        scopes: right::EVERY.iter().map(|(_, needs)| needs.scope).collect(),
        next,
        kept: "",
    }))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    name: String,
    /// The last day on which it works, if any.
    #[serde(default)]
    expires: String,
    /// The addresses that it may be used from, if not any.
    #[serde(default)]
    allowed_from: String,
    /// The boxes that were ticked, each of a name of its own, since a form here sends one value a name.
    #[serde(flatten)]
    ticked: BTreeMap<String, String>,
}

impl Wanted {
    fn scopes(&self) -> Scopes {
        Scopes(self.ticked.keys().filter_map(|name| name.strip_prefix("scope ")).map(str::to_owned).collect())
    }

    fn allowed_from(&self) -> Answer<Vec<Prefix>> {
        let parts = self.allowed_from.split([',', ' ', '\n', '\r']).filter(|part| !part.is_empty());
        http::prefixes(parts)
    }

    fn expires(&self) -> Answer<Option<Timestamp>> {
        if self.expires.is_empty() {
            return Ok(None);
        }
        let end = self.expires.parse::<Date>().and_then(|day| day.tomorrow()?.to_zoned(TimeZone::UTC));
        let end = end.map_err(|error| Problem::invalid("expires", error, "give a day such as 2027-01-31"))?;
        Ok(Some(end.timestamp()))
    }
}

#[derive(Template)]
#[template(path = "api_keys/made.html")]
struct Made {
    look: Look,
    place: PlaceOf,
    name: String,
    secret: String,
}

async fn create(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageKeys>,
    Form(wanted): Form<Wanted>,
) -> Page {
    let (allowed_from, expires, scopes) = (wanted.allowed_from()?, wanted.expires()?, wanted.scopes());
    let wanted = NewKey { name: wanted.name, scopes, allowed_from, expires };
    let (key, secret) = service::create(&gateway, &allowed, wanted).await?;
    Ok(made(&gateway, &allowed, key, secret.expose()))
}

async fn rotate(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageKeys>,
    Path((_, key)): Path<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Page {
    let old = http::find(&gateway, &allowed, &key).await?;
    let (key, secret) = service::rotate(&gateway, &allowed, &old, GRACE).await?;
    Ok(made(&gateway, &allowed, key, secret.expose()))
}

fn made(gateway: &Gateway, allowed: &Allowed<right::ManageKeys>, key: ApiKey, secret: &str) -> Response {
    page(&Made {
        look: Look::of(gateway, &allowed.caller),
        place: PlaceOf::new(allowed, PATH),
        name: key.name,
        secret: secret.to_owned(),
    })
}

async fn revoke(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageKeys>,
    Path((_, key)): Path<(String, String)>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let key = http::find(&gateway, &allowed, &key).await?;
    service::revoke(&gateway, &allowed, &key).await?;
    Ok(Redirect::to(&format!("/orgs/{}{PATH}", allowed.organisation.slug)).into_response())
}

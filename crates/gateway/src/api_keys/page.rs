//! API keys as people see them.

use std::sync::Arc;

use askama::Template;
use attache_store::{Page as Part, Versioned};
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::service::{self, GRACE, NewKey};
use super::{ApiKey, http, last_use};
use crate::Gateway;
use crate::access::{Allowed, Scopes, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Form, Nothing};

const PATH: &str = "/settings/api-keys";

/// The routes.
pub(crate) fn pages() -> Router<Arc<Gateway>> {
    Router::new()
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
    works: bool,
}

impl Row {
    fn of(key: &ApiKey, last_used: Option<jiff::Timestamp>, now: jiff::Timestamp) -> Self {
        let (tone, state) = match key {
            key if key.revoked.is_some() => ("idle", "revoked"),
            key if key.expires.is_some_and(|expires| expires <= now) => ("idle", "expired"),
            key if key.successor.is_some() => ("wait", "being replaced"),
            _ => ("good", "works"),
        };
        let day = |time: jiff::Timestamp| time.strftime("%Y-%m-%d %H:%M").to_string();
        Self {
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
}

async fn list(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeKeys>) -> Page {
    let store = gateway.store.org(allowed.scope);
    let used = last_use::of_page(store, Part::newest(200)).await?;
    let keys: Vec<Versioned<ApiKey>> = store.list(Part::newest(200)).await?;
    let now = gateway.clock.now();
    let rows = keys.iter().map(|key| Row::of(key, used.get(&key.id).copied(), now)).collect();
    Ok(page(&List {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, PATH),
        keys: rows,
        scopes: right::EVERY.iter().map(|(_, needs)| needs.scope).collect(),
    }))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    name: String,
    /// Scopes with spaces between: a form sends one value a name.
    scopes: String,
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
    let scopes = Scopes(wanted.scopes.split_whitespace().map(str::to_owned).collect());
    let wanted = NewKey { name: wanted.name, scopes, allowed_from: Vec::new(), expires: None };
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

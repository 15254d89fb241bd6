//! The organisation's own tenant as people see it: the way to it drawn as a chain, what is consented to, how it is
//! used, and the page on which its administrator names the organisation.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::attempt::{Administrator, Attempt, Awaits, granted};
use super::begin::{self, CALLBACK};
use super::bind::{self, Organisations};
use super::blueprint::{self, Handed};
use super::callback::{callback, note};
use super::instructions::{Instruction, instructions};
use super::permissions::{Needed, Permission, in_own_tenant};
use super::settings::{self, Change};
use super::{Connection, http, look};
use crate::Gateway;
use crate::access::{Allowed, Caller, Grant, right};
use crate::dashboard::{Look, Page, PlaceOf, onward, page};
use crate::identities::stoppable;
use crate::server::{Answer, Form, Nothing, Pages, Problem};

const PATH: &str = "/settings/agent-identity";

/// The routes.
pub(crate) fn pages() -> Pages {
    let below = |rest: &str| format!("/orgs/{{org}}{PATH}/tenant{rest}");
    Pages::new()
        .route(&below(""), get(show).post(change))
        .route(&below("/connect"), post(connect))
        .route(&below("/look"), post(look_again))
        .route(&below("/blueprint"), post(give))
        .route(&below("/blueprint/take-back"), post(take_back))
        .route(&below("/disconnect"), post(disconnect))
        .route(CALLBACK, get(callback))
        .route("/connect/confirm/{state}", get(confirm).post(confirmed))
}

/// One link of the way to a connected tenant.
pub(crate) struct Link {
    pub(crate) what: &'static str,
    pub(crate) tone: &'static str,
    pub(crate) words: String,
}

/// The way to the organisation's own tenant, for the page of settings.
pub(crate) struct Card {
    /// Whether this gateway offers it.
    pub(crate) offered: bool,
    /// The address of an identity there, once a tenant is connected.
    pub(crate) address: Option<String>,
    pub(crate) links: Vec<Link>,
}

impl Card {
    /// How it stands.
    pub(crate) async fn of(gateway: &Gateway, grant: &Grant) -> Answer<Self> {
        let connection = Connection::of(gateway.store.org(grant.scope)).await?;
        let connection = connection.map(|found| found.record);
        let address = connection.as_ref().map(|found| format!("{}@{}", found.local_part, found.domain));
        Ok(Self { offered: gateway.config.connect.is_some(), address, links: links(connection.as_ref()) })
    }
}

fn links(connection: Option<&Connection>) -> Vec<Link> {
    let link = |what, tone, words: String| Link { what, tone, words };
    let Some(connection) = connection else {
        let to_come = |what| link(what, "", "to come".to_owned());
        return [
            "Consent of an administrator",
            "Their sign-in",
            "The organisation, named by them",
            "Permissions",
        ]
        .map(to_come)
        .into();
    };
    let missing = connection.missing();
    let permissions = if missing.is_empty() {
        link("Permissions", "done", "all that is needed".to_owned())
    } else {
        link("Permissions", "failed", format!("missing: {}", missing.join(", ")))
    };
    let blueprint = match &connection.blueprint {
        Some(given) => format!("yours, {}", given.client),
        None => "ours, made in your tenant for you alone".to_owned(),
    };
    vec![
        link("Consent of an administrator", "done", format!("in {}", connection.name)),
        link("Their sign-in", "done", connection.administrator_name.clone()),
        link(
            "The organisation, named by them",
            "done",
            format!("on {}", connection.since.strftime("%Y-%m-%d")),
        ),
        permissions,
        link("Blueprint", "done", blueprint),
    ]
}

#[derive(Template)]
#[template(path = "connection/page.html")]
struct Shown {
    look: Look,
    place: PlaceOf,
    card: Card,
    permissions: Vec<Asked>,
    connected: Option<Connected>,
}

/// A permission in the list.
struct Asked {
    permission: Permission,
    needed: &'static str,
    tone: &'static str,
    words: &'static str,
}

/// What is shown of a connected tenant besides.
struct Connected {
    connection: Connection,
    domains: Vec<String>,
    trouble: Option<Problem>,
    blueprint: Option<Handed>,
    instructions: Vec<Instruction>,
}

async fn show(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeTenant>) -> Page {
    let store = gateway.store.org(allowed.scope);
    let connection = Connection::of(store).await?.map(|found| found.record);
    let permissions = in_own_tenant().map(|permission| asked(permission, connection.as_ref())).collect();
    let connected = match connection {
        None => None,
        Some(connection) => {
            // The page shows even when the tenant does not answer.
            let (domains, trouble) = match look::look(&gateway, connection.tenant).await {
                Ok(seen) => (seen.domains, None),
                Err(problem) => (vec![connection.domain.clone()], Some(problem)),
            };
            let agents = stoppable(store, connection.tenant).await?;
            let app = gateway.config.connect.as_ref().map(|app| app.client_id);
            Some(Connected {
                blueprint: blueprint::handed(&gateway, &connection).await?,
                instructions: app
                    .map(|app| instructions(connection.tenant, app, &agents))
                    .unwrap_or_default(),
                domains,
                trouble,
                connection,
            })
        }
    };
    Ok(page(&Shown {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, PATH),
        card: Card::of(&gateway, &allowed).await?,
        permissions,
        connected,
    }))
}

fn asked(permission: Permission, connection: Option<&Connection>) -> Asked {
    let needed = match permission.needed {
        Needed::Always => "always",
        Needed::WithOurBlueprint => "unless you give a blueprint of your own",
        Needed::ForOrdinaryUsers => "only for users made by hand",
        Needed::ForFallback => {
            "only for ordinary users that the gateway makes; granted as shown below, not by consent"
        }
    };
    let granted = |connection: &Connection| connection.granted.iter().any(|own| own == permission.name);
    let (tone, words) = match connection {
        None => ("", "not asked yet"),
        Some(connection) if granted(connection) => ("good", "granted"),
        Some(connection) if connection.missing().contains(&permission.name) => ("bad", "missing"),
        Some(_) => ("", "not granted, not needed"),
    };
    Asked { permission, needed, tone, words }
}

#[derive(Debug, Deserialize)]
struct Hint {
    tenant: Option<String>,
}

async fn connect(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Form(hint): Form<Hint>,
) -> Answer<Response> {
    let begun = begin::begin(&gateway, &allowed, hint.tenant.as_deref()).await?;
    Ok(onward(Look::of(&gateway, &allowed.caller), &begun.url))
}

#[derive(Debug, Deserialize)]
struct Settings {
    domain: String,
    local_part: String,
    sponsor: String,
    usage_location: String,
    licence: String,
}

async fn change(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Form(form): Form<Settings>,
) -> Answer<Response> {
    let change = Change {
        domain: Some(form.domain),
        local_part: Some(form.local_part),
        sponsor: Some(form.sponsor),
        usage_location: Some(form.usage_location),
        licence: Some(form.licence),
    };
    settings::change(&gateway, &allowed, change).await?;
    Ok(back(&allowed))
}

async fn look_again(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    settings::look_again(&gateway, &allowed).await?;
    Ok(back(&allowed))
}

#[derive(Debug, Deserialize)]
struct Client {
    client_id: String,
}

async fn give(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Form(form): Form<Client>,
) -> Answer<Response> {
    blueprint::give(&gateway, &allowed, http::parsed(&form.client_id)?).await?;
    Ok(back(&allowed))
}

async fn take_back(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    blueprint::take_back(&gateway, &allowed).await?;
    Ok(back(&allowed))
}

async fn disconnect(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    bind::disconnect(&gateway, &allowed).await?;
    Ok(back(&allowed))
}

fn back(grant: &Grant) -> Response {
    Redirect::to(&format!("/orgs/{}{PATH}/tenant", grant.organisation.slug)).into_response()
}

#[derive(Template)]
#[template(path = "connection/confirm.html")]
struct Confirm {
    look: Look,
    organisation: String,
    slug: String,
    administrator: Administrator,
}

async fn confirm(State(gateway): State<Arc<Gateway>>, caller: Caller, Path(state): Path<String>) -> Page {
    let attempt = Attempt::find(&gateway, &caller, &state).await?;
    let grant = granted(&gateway, caller, &attempt).await?;
    let administrator = administrator(&attempt)?.clone();
    Ok(page(&Confirm {
        look: Look::of(&gateway, &grant.caller),
        organisation: grant.organisation.name.clone(),
        slug: grant.organisation.slug.clone(),
        administrator,
    }))
}

#[derive(Debug, Deserialize)]
struct Named {
    organisation: String,
    several: Option<String>,
}

async fn confirmed(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Path(state): Path<String>,
    Form(named): Form<Named>,
) -> Answer<Response> {
    let attempt = Attempt::find(&gateway, &caller, &state).await?;
    let grant = granted(&gateway, caller, &attempt).await?;
    let administrator = administrator(&attempt)?;
    if named.organisation.trim().to_ascii_lowercase() != grant.organisation.slug {
        let remedy = format!("go back and write {}, if that is the organisation", grant.organisation.slug);
        return Err(Problem::invalid("organisation", "another one than the connection is for", remedy));
    }
    let allowed = if named.several.is_some() { Organisations::Several } else { Organisations::One };
    if let Err(problem) = bind::bind(&gateway, &grant, &attempt, administrator, allowed).await {
        note(&gateway, &grant, &problem).await?;
        return Err(problem);
    }
    Ok(back(&grant))
}

fn administrator(attempt: &Attempt) -> Answer<&Administrator> {
    match &attempt.awaits {
        Awaits::Name(administrator) => Ok(administrator),
        Awaits::Consent | Awaits::SignIn { .. } => Err(Problem::not_found("connection to confirm")),
    }
}

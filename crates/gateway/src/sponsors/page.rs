//! Sponsors as people see them: the page of an identity on who answers for it, and the page of whoever is asked to.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::handover;
use super::http::{self, AskedView};
use super::sponsorship::Sponsorship;
use crate::Gateway;
use crate::access::{Allowed, Caller, person, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::identities::{Identity, find};
use crate::reviews::{self, ReviewView};
use crate::server::{Answer, Form, Nothing, Pages, Problem};

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/identities/{identity}/sponsor", get(show).post(name))
        .route("/orgs/{org}/identities/{identity}/sponsor/withdraw", post(withdraw))
        .route("/orgs/{org}/identities/{identity}/sponsor/check", post(check))
        .route("/sponsorships", get(asked))
        .route("/sponsorships/{identity}/accept", post(accept))
        .route("/sponsorships/{identity}/decline", post(decline))
}

#[derive(Template)]
#[template(path = "sponsors/page.html")]
struct Shown {
    look: Look,
    place: PlaceOf,
    identity: Identity,
    known: Option<Sponsorship>,
    link: String,
}

#[derive(Debug, Deserialize)]
struct Which {
    identity: String,
}

async fn show(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(Which { identity }): Path<Which>,
) -> Page {
    let identity = find(&gateway, allowed.scope, &identity).await?;
    let known = Sponsorship::of(gateway.store.org(allowed.scope), identity.id).await?;
    Ok(page(&Shown {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, "/identities"),
        identity: identity.record,
        known: known.map(|known| known.record),
        link: gateway.config.url("/sponsorships"),
    }))
}

#[derive(Debug, Deserialize)]
struct Wanted {
    sponsor: String,
}

async fn name(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageSponsors>,
    Path(Which { identity }): Path<Which>,
    Form(wanted): Form<Wanted>,
) -> Answer<Response> {
    let user = http::user(&wanted.sponsor)?;
    let (identity, _) = handover::name(&gateway, &allowed, &identity, user).await?;
    Ok(back(&allowed, &identity))
}

async fn withdraw(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageSponsors>,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &identity).await?;
    handover::withdraw(&gateway, &allowed, &identity).await?;
    Ok(back(&allowed, &identity))
}

async fn check(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageSponsors>,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &identity).await?;
    handover::check(&gateway, &allowed.caller, &identity).await?;
    Ok(back(&allowed, &identity))
}

fn back(allowed: &Allowed<right::ManageSponsors>, identity: &Identity) -> Response {
    let slug = &allowed.organisation.slug;
    Redirect::to(&format!("/orgs/{slug}/identities/{}/sponsor", identity.id)).into_response()
}

#[derive(Template)]
#[template(path = "sponsors/asked.html")]
struct Asked {
    look: Look,
    asked: Vec<AskedView>,
    own: Vec<ReviewView>,
}

async fn asked(State(gateway): State<Arc<Gateway>>, caller: Result<Caller, Problem>) -> Page {
    let Ok(caller) = caller else { return Ok(Redirect::to("/sign-in?next=/sponsorships").into_response()) };
    let person = person(&caller)?;
    let asked = http::asked(&gateway, person).await?;
    let own = reviews::own(&gateway, person).await?;
    Ok(page(&Asked { look: Look::of(&gateway, &caller), asked, own }))
}

async fn accept(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    handover::accept(&gateway, &caller, person(&caller)?, &identity).await?;
    Ok(Redirect::to("/sponsorships").into_response())
}

async fn decline(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    handover::decline(&gateway, &caller, person(&caller)?, &identity).await?;
    Ok(Redirect::to("/sponsorships").into_response())
}

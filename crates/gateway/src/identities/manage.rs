//! What people do with an identity on its pages: see and wish for its extra addresses, have it send a test message,
//! and take it back, the plan first.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::aliases::{self, Aliases};
use super::http::{Which, find};
use super::named::deprovision_named;
use super::{Identity, State, removal, send};
use crate::Gateway;
use crate::access::{Allowed, Grant, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Form, Nothing, Pages};

/// The routes.
pub(super) fn pages() -> Pages {
    let below = |rest: &str| format!("/orgs/{{org}}/identities/{{identity}}{rest}");
    Pages::new()
        .route(&below("/aliases"), get(see_aliases).post(want_aliases))
        .route(&below("/test-send"), get(compose).post(send_test))
        .route(&below("/deprovision"), get(plan).post(deprovision))
}

/// The identity that a page is about, beside what every page shows.
struct About {
    look: Look,
    place: PlaceOf,
    identity: Identity,
}

impl About {
    fn new(gateway: &Gateway, grant: &Grant, identity: Identity) -> Self {
        let look = Look::of(gateway, &grant.caller);
        Self { look, place: PlaceOf::new(grant, "/identities"), identity }
    }
}

fn back(grant: &Grant, identity: &Identity, rest: &str) -> Response {
    let slug = &grant.organisation.slug;
    Redirect::to(&format!("/orgs/{slug}/identities/{}{rest}", identity.id)).into_response()
}

#[derive(Template)]
#[template(path = "identities/aliases.html")]
struct AliasesPage {
    look: Look,
    place: PlaceOf,
    identity: Identity,
    aliases: Aliases,
}

async fn see_aliases(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(which): Path<Which>,
) -> Page {
    let identity = find(&gateway, allowed.scope, &which.identity).await?.record;
    let aliases = aliases::read(&gateway, allowed.scope, &identity).await?;
    let About { look, place, identity } = About::new(&gateway, &allowed, identity);
    Ok(page(&AliasesPage { look, place, identity, aliases }))
}

#[derive(Debug, Deserialize)]
struct Wish {
    aliases: String,
}

async fn want_aliases(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    Form(wish): Form<Wish>,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    let parts = wish.aliases.split([',', ' ', '\n', '\r']).map(str::trim).filter(|part| !part.is_empty());
    let names: Vec<String> = parts.map(str::to_owned).collect();
    aliases::want(&gateway, &allowed, &identity, &names).await?;
    Ok(back(&allowed, &identity, "/aliases"))
}

#[derive(Template)]
#[template(path = "identities/test_send.html")]
struct TestSend {
    look: Look,
    place: PlaceOf,
    identity: Identity,
    sent: Option<send::Delivered>,
}

async fn compose(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
) -> Page {
    let identity = find(&gateway, allowed.scope, &which.identity).await?.record;
    let About { look, place, identity } = About::new(&gateway, &allowed, identity);
    Ok(page(&TestSend { look, place, identity, sent: None }))
}

#[derive(Debug, Deserialize)]
struct To {
    to: String,
}

async fn send_test(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    Form(To { to }): Form<To>,
) -> Page {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    let sent = send::test(&gateway, &allowed, &identity, &to).await?;
    let About { look, place, identity } = About::new(&gateway, &allowed, identity.record);
    Ok(page(&TestSend { look, place, identity, sent: Some(sent) }))
}

#[derive(Template)]
#[template(path = "identities/deprovision.html")]
struct Deprovision {
    look: Look,
    place: PlaceOf,
    identity: Identity,
    plan: removal::Plan,
}

async fn plan(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::SeeIdentities>,
    Path(which): Path<Which>,
) -> Page {
    let identity = find(&gateway, allowed.scope, &which.identity).await?.record;
    let plan = removal::plan(&gateway, &allowed, &identity).await?;
    let About { look, place, identity } = About::new(&gateway, &allowed, identity);
    Ok(page(&Deprovision { look, place, identity, plan }))
}

async fn deprovision(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::RemoveIdentities>,
    Path(which): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let leaving = deprovision_named(&gateway, &allowed, &which.identity).await?;
    Ok(back(&allowed, &leaving, ""))
}

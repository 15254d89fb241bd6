//! Licences as people see them: what each identity costs, and whether seats remain for more.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::routing::get;

use super::http::{self, BillView};
use crate::Gateway;
use crate::access::{Allowed, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::Pages;

const PATH: &str = "/settings/licences";

/// The route.
pub(crate) fn pages() -> Pages {
    Pages::new().route("/orgs/{org}/settings/licences", get(show))
}

#[derive(Template)]
#[template(path = "licences/page.html")]
struct Shown {
    look: Look,
    place: PlaceOf,
    bill: BillView,
}

async fn show(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeIdentities>) -> Page {
    let bill = http::view(&gateway, allowed.scope).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, PATH));
    Ok(page(&Shown { look, place, bill }))
}

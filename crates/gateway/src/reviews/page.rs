//! Access reviews as people see them: the list of an organisation, and the button of a sponsor.

use std::sync::Arc;

use askama::Template;
use attache_store::OrgScope;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::http::ReviewView;
use super::{list, service};
use crate::Gateway;
use crate::access::{Allowed, Caller, person, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::identities::find;
use crate::server::{Answer, Form, Nothing, Pages};

const PATH: &str = "/reviews";

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/reviews", get(show))
        .route("/orgs/{org}/reviews/{identity}", post(confirm))
        .route("/sponsorships/{identity}/confirm", post(confirm_sponsored))
}

#[derive(Template)]
#[template(path = "reviews/page.html")]
struct Shown {
    look: Look,
    place: PlaceOf,
    reviews: Vec<ReviewView>,
    days: u64,
    may_confirm: bool,
}

async fn show(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeReviews>) -> Page {
    let lines = list::lines(&gateway, allowed.scope).await?;
    let needs = <right::ConfirmReviews as crate::access::Right>::NEEDS;
    Ok(page(&Shown {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, PATH),
        reviews: lines.into_iter().map(ReviewView::from).collect(),
        days: gateway.config.governance.review.as_secs() / (24 * 3600),
        may_confirm: allowed.role.is_some_and(|role| role.allows(needs)),
    }))
}

#[derive(Debug, Deserialize)]
struct Which {
    identity: String,
}

async fn confirm(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConfirmReviews>,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &identity).await?;
    service::confirm(&gateway, allowed.scope, &allowed.caller, &identity).await?;
    Ok(Redirect::to(&format!("/orgs/{}{PATH}", allowed.organisation.slug)).into_response())
}

async fn confirm_sponsored(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    let identity = service::one_sponsored(&gateway, person(&caller)?, &identity).await?;
    service::confirm(&gateway, OrgScope::granted(identity.org), &caller, &identity).await?;
    Ok(Redirect::to("/sponsorships").into_response())
}

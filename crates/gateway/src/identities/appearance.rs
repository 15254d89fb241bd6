//! How an identity appears to people, as a page: its names and its photo, to be changed.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State as Shared};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;

use super::http::{Which, find};
use super::names::{self, Names};
use super::{Identity, Mode};
use crate::Gateway;
use crate::access::{Allowed, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Form, Pages};

/// The route.
pub(super) fn pages() -> Pages {
    Pages::new().route("/orgs/{org}/identities/{identity}/appearance", get(see).post(change))
}

#[derive(Template)]
#[template(path = "identities/appearance.html")]
struct Appearance {
    look: Look,
    place: PlaceOf,
    identity: Identity,
}

impl Appearance {
    fn may_change(&self) -> bool {
        self.identity.state.acts() && self.identity.suspended.is_none()
    }

    fn is_shared(&self) -> bool {
        self.identity.mode == Mode::Shared
    }
}

async fn see(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
) -> Page {
    let identity = find(&gateway, allowed.scope, &which.identity).await?.record;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, "/identities"));
    Ok(page(&Appearance { look, place, identity }))
}

async fn change(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Path(which): Path<Which>,
    Form(written): Form<Names>,
) -> Answer<Response> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    // What was left as it is, or empty, is not written again.
    let other = |text: Option<String>, was: &str| text.filter(|text| !text.trim().is_empty() && text != was);
    let names = Names {
        display_name: other(written.display_name, &identity.display_name),
        job_title: other(written.job_title, &identity.job_title),
        department: other(written.department, &identity.department),
    };
    names::change(&gateway, &allowed, &identity, names).await?;
    let slug = &allowed.organisation.slug;
    Ok(Redirect::to(&format!("/orgs/{slug}/identities/{}", identity.id)).into_response())
}

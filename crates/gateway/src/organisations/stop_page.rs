//! The page on which an organisation, or one of its identities, is stopped and let go on, and which says how an
//! administrator of the tenant does it without us.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::{OrgSuspension, suspension};
use crate::Gateway;
use crate::access::{Allowed, Grant, right};
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::identities::{Halted, Stopped, halted, resume_named, suspend_named};
use crate::server::{Answer, Form, Nothing, Pages};

const HERE: &str = "/settings/suspension";

/// The routes.
pub(super) fn pages() -> Pages {
    Pages::new()
        .route("/orgs/{org}/settings/suspension", get(show))
        .route("/orgs/{org}/settings/suspension/state", get(show_state))
        .route("/orgs/{org}/settings/suspension/suspend", post(suspend))
        .route("/orgs/{org}/settings/suspension/resume", post(resume))
        .route("/orgs/{org}/settings/suspension/identity", post(suspend_one))
        .route("/orgs/{org}/settings/suspension/identities/{identity}/resume", post(resume_one))
}

#[derive(Template)]
#[template(path = "organisations/suspension.html")]
struct Shown {
    look: Look,
    place: PlaceOf,
    suspended: Option<OrgSuspension>,
    halted: Halted,
    identities: Vec<Stopped>,
}

impl Shown {
    /// Whether the tenant was not told yet of everything that is suspended with the organisation.
    fn is_untold(&self) -> bool {
        self.identities.iter().any(|identity| identity.is_untold(true))
    }

    /// Whether there is something to do for an identity that is suspended by itself.
    fn has_single(&self) -> bool {
        let single = |identity: &Stopped| {
            identity.is_untold(false) || self.suspended.is_none() && identity.suspended.is_some()
        };
        self.identities.iter().any(single)
    }
}

#[derive(Template)]
#[template(path = "organisations/suspension_state.html")]
struct StateShown {
    suspended: Option<OrgSuspension>,
    halted: Halted,
    identities: Vec<Stopped>,
}

async fn state(gateway: &Gateway, grant: &Grant) -> Answer<StateShown> {
    let (halted, identities) = halted(gateway, grant.scope).await?;
    let suspended = grant.organisation.suspended.clone();
    Ok(StateShown { suspended, halted, identities: identities.iter().map(Stopped::of).collect() })
}

async fn show(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeOrganisation>) -> Page {
    let StateShown { suspended, halted, identities } = state(&gateway, &allowed).await?;
    let (look, place) = (Look::of(&gateway, &allowed.caller), PlaceOf::new(&allowed, HERE));
    Ok(page(&Shown { look, place, suspended, halted, identities }))
}

async fn show_state(State(gateway): State<Arc<Gateway>>, allowed: Allowed<right::SeeOrganisation>) -> Page {
    Ok(page(&state(&gateway, &allowed).await?))
}

#[derive(Debug, Deserialize)]
struct Why {
    reason: String,
}

async fn suspend(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Form(Why { reason }): Form<Why>,
) -> Answer<Response> {
    suspension::suspend(&gateway, &allowed, &reason).await?;
    Ok(back(&allowed))
}

async fn resume(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    suspension::resume(&gateway, &allowed).await?;
    Ok(back(&allowed))
}

#[derive(Debug, Deserialize)]
struct One {
    identity: String,
    reason: String,
}

async fn suspend_one(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Form(One { identity, reason }): Form<One>,
) -> Answer<Response> {
    suspend_named(&gateway, &allowed, &identity, &reason).await?;
    Ok(back(&allowed))
}

#[derive(Debug, Deserialize)]
struct Which {
    identity: String,
}

async fn resume_one(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Path(Which { identity }): Path<Which>,
    Form(Nothing {}): Form<Nothing>,
) -> Answer<Response> {
    resume_named(&gateway, &allowed, &identity).await?;
    Ok(back(&allowed))
}

fn back(grant: &Grant) -> Response {
    Redirect::to(&format!("/orgs/{}{HERE}", grant.organisation.slug)).into_response()
}

//! The page that provisions a specialist: an identity beside the default one.

use std::sync::Arc;

use askama::Template;
use axum::extract::State as Shared;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;

use super::names::Names;
use super::service::{self, Wanted};
use super::{Method, Mode};
use crate::access::{Allowed, right};
use crate::connection::Connection;
use crate::dashboard::{Look, Page, PlaceOf, page};
use crate::server::{Answer, Form, Pages};
use crate::{Gateway, hosting};

/// The route. It is none below `identities`, where a specialist of the same name would hide it.
pub(super) fn pages() -> Pages {
    Pages::new().route("/orgs/{org}/settings/specialist", get(see).post(provision))
}

#[derive(Template)]
#[template(path = "identities/specialist.html")]
struct Specialist {
    look: Look,
    place: PlaceOf,
    /// The domain of a hosted one's subdomain.
    domain: Option<String>,
    /// The domain of the organisation's own tenant.
    own_domain: Option<String>,
    /// Whether there is a sender that organisations share.
    shared: bool,
}

async fn see(Shared(gateway): Shared<Arc<Gateway>>, allowed: Allowed<right::ManageIdentities>) -> Page {
    let own = Connection::of(gateway.store.org(allowed.scope)).await?;
    Ok(page(&Specialist {
        look: Look::of(&gateway, &allowed.caller),
        place: PlaceOf::new(&allowed, "/identities"),
        domain: hosting::expected(&gateway, allowed.scope).await?.map(|hosted| hosted.domain.clone()),
        own_domain: own.map(|own| own.record.domain),
        shared: gateway.config.shared_sender.is_some(),
    }))
}

#[derive(Debug, Deserialize)]
struct Asked {
    template: String,
    mode: Mode,
    method: Method,
    subdomain: Option<String>,
    display_name: String,
    job_title: String,
    department: String,
}

async fn provision(
    Shared(gateway): Shared<Arc<Gateway>>,
    allowed: Allowed<right::ManageIdentities>,
    Form(asked): Form<Asked>,
) -> Answer<Response> {
    let given = |text: String| Some(text).filter(|text| !text.trim().is_empty());
    let wanted = Wanted {
        template: asked.template,
        mode: Some(asked.mode),
        method: Some(asked.method),
        subdomain: asked.subdomain.and_then(given),
        names: Names {
            display_name: given(asked.display_name),
            job_title: given(asked.job_title),
            department: given(asked.department),
        },
        ..Wanted::default()
    };
    let identity = service::provision(&gateway, &allowed, &wanted).await?;
    let slug = &allowed.organisation.slug;
    Ok(Redirect::to(&format!("/orgs/{slug}/identities/{}", identity.id)).into_response())
}

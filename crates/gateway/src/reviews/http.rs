//! Access reviews over HTTP.

use std::sync::Arc;

use attache_store::OrgScope;
use axum::extract::{Path, State};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::list::{self, Line};
use super::service;
use crate::Gateway;
use crate::access::{Allowed, AsPerson, Caller, InOrg, Session, person, right};
use crate::identities::find;
use crate::server::{Answer, Json, Listed, Problem};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(list_reviews))
        .routes(routes!(confirm_identity))
        .routes(routes!(list_sponsored))
        .routes(routes!(confirm_sponsored))
}

/// An identity as it is reviewed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReviewView {
    /// The identity's id.
    pub(crate) identity: String,
    /// `default`, or the specialist's name.
    pub(crate) template: String,
    /// The name that people see.
    pub(crate) display_name: String,
    /// Its address.
    pub(crate) address: Option<String>,
    /// The object id of who answers for it.
    pub(crate) sponsor_id: Option<String>,
    /// When it last did something itself, as far as its newest 200 entries tell.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_used: Option<Timestamp>,
    /// When it was last confirmed.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) confirmed: Option<Timestamp>,
    /// By whom.
    pub(crate) confirmed_by: Option<String>,
    /// When it is to be confirmed.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) due: Timestamp,
    /// Whether that is over.
    pub(crate) overdue: bool,
}

impl From<Line> for ReviewView {
    fn from(line: Line) -> Self {
        let Line { identity, last_used, last, due, overdue } = line;
        Self {
            identity: identity.id.to_string(),
            template: identity.template,
            display_name: identity.display_name,
            address: identity.address,
            sponsor_id: identity.sponsor.map(|id| id.to_string()),
            last_used,
            confirmed: last.as_ref().map(|last| last.confirmed),
            confirmed_by: last.map(|last| last.name),
            due,
            overdue,
        }
    }
}

/// List who answers for which identity, when each was last used, and when it is to be confirmed.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/access-reviews", tag = "Reviews",
    params(InOrg),
    responses((status = 200, body = Listed<ReviewView>), (status = "default", body = Problem)),
)]
async fn list_reviews(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeReviews>,
) -> Answer<Json<Listed<ReviewView>>> {
    let lines = list::lines(&gateway, allowed.scope).await?;
    Ok(Json(Listed { items: lines.into_iter().map(ReviewView::from).collect(), next: None }))
}

/// Which identity.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct Which {
    /// The identity's id, or its template.
    identity: String,
}

/// Confirm that an identity is still wanted, and that its sponsor is the right one.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/agent-identities/{identity}/review", tag = "Reviews", params(InOrg, Which),
    responses((status = 200, body = ReviewView), (status = "default", body = Problem)),
)]
async fn confirm_identity(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConfirmReviews>,
    Path(which): Path<Which>,
) -> Answer<Json<ReviewView>> {
    let identity = find(&gateway, allowed.scope, &which.identity).await?;
    Ok(confirmed(service::confirm(&gateway, allowed.scope, &allowed.caller, &identity).await?))
}

/// The answer to whoever confirms.
pub(super) fn confirmed(line: Line) -> Json<ReviewView> {
    Json(line.into())
}

/// List the identities that whoever is signed in answers for.
#[utoipa::path(
    get, path = "/api/v1/sponsored-identities", tag = "Reviews",
    responses((status = 200, body = Listed<ReviewView>), (status = "default", body = Problem)),
)]
async fn list_sponsored(
    State(gateway): State<Arc<Gateway>>,
    caller: Caller,
) -> Answer<Json<Listed<ReviewView>>> {
    Ok(Json(Listed { items: own(&gateway, person(&caller)?).await?, next: None }))
}

/// The identities that somebody answers for.
pub(crate) async fn own(gateway: &Gateway, session: &Session) -> Answer<Vec<ReviewView>> {
    let mut own = Vec::new();
    for identity in service::sponsored(gateway, session).await? {
        let scope = OrgScope::granted(identity.org);
        own.push(list::line(gateway, scope, identity.record).await?.into());
    }
    Ok(own)
}

/// Which identity, for those who need not belong to its organisation.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct WhichSponsored {
    /// The identity's id.
    identity: String,
}

/// Confirm an identity as its sponsor.
#[utoipa::path(
    post, path = "/api/v1/sponsored-identities/{identity}/review", tag = "Reviews", params(WhichSponsored),
    responses((status = 200, body = ReviewView), (status = "default", body = Problem)),
)]
async fn confirm_sponsored(
    State(gateway): State<Arc<Gateway>>,
    AsPerson(caller): AsPerson,
    Path(which): Path<WhichSponsored>,
) -> Answer<Json<ReviewView>> {
    let identity = service::one_sponsored(&gateway, person(&caller)?, &which.identity).await?;
    let scope = OrgScope::granted(identity.org);
    Ok(confirmed(service::confirm(&gateway, scope, &caller, &identity).await?))
}

//! Organisations over HTTP.

use std::sync::Arc;

use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::search::every;
use super::{NewOrganisation, OrgSuspension, Organisation, service, suspension};
use crate::Gateway;
use crate::access::{Allowed, AsOperator, InOrg, right};
use crate::identities::{Halted, Suspension, halted};
use crate::server::{Answer, Cursor, IfNoneMatch, Json, Listed, Problem, Tag, Tagged};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(read))
        .routes(routes!(read_suspension))
        .routes(routes!(suspend))
        .routes(routes!(resume))
}

/// What an organisation is made from.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CreateOrganisation {
    /// Its short name in addresses: 2 to 40 letters, digits and inner hyphens.
    #[schema(example = "acme", min_length = 2, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    slug: String,
    /// The name that people see.
    #[schema(
        example = "Acme Corporation",
        max_length = 100,
        pattern = r"^[^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*[^\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069][^\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]*$"
    )]
    name: String,
    /// Its region, if its contract names one: `eu`. A gateway that serves one region takes no other.
    #[schema(example = "eu", min_length = 2, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    region: Option<String>,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct OrganisationView {
    /// Its id.
    id: String,
    /// Its short name in addresses.
    slug: String,
    /// The name that people see.
    name: String,
    /// Its region.
    region: Option<String>,
    /// That nothing is done for it for now.
    suspended: Option<OrgSuspensionView>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    created: Timestamp,
}

impl From<&Organisation> for OrganisationView {
    fn from(organisation: &Organisation) -> Self {
        Self {
            id: organisation.id.to_string(),
            slug: organisation.slug.clone(),
            name: organisation.name.clone(),
            region: organisation.region.clone(),
            suspended: organisation.suspended.as_ref().map(OrgSuspensionView::from),
            created: organisation.created,
        }
    }
}

/// Create an organisation.
#[utoipa::path(
    post, path = "/api/v1/orgs", tag = "Organisations", request_body = CreateOrganisation,
    responses((status = 201, body = OrganisationView), (status = "default", body = Problem)),
)]
async fn create(
    State(gateway): State<Arc<Gateway>>,
    AsOperator(caller): AsOperator,
    Json(wanted): Json<CreateOrganisation>,
) -> Answer<(StatusCode, Json<OrganisationView>)> {
    let CreateOrganisation { slug, name, region } = wanted;
    let wanted = NewOrganisation { slug, name, region };
    let organisation = service::create(&gateway, &caller, wanted).await?;
    Ok(created(&organisation))
}

/// The answer to whoever makes one.
pub(super) fn created(organisation: &Organisation) -> (StatusCode, Json<OrganisationView>) {
    (StatusCode::CREATED, Json(OrganisationView::from(organisation)))
}

/// The answer to whoever asks for something that the gateway then sees to.
pub(super) fn accepted(organisation: &Organisation) -> (StatusCode, Json<OrganisationView>) {
    (StatusCode::ACCEPTED, Json(OrganisationView::from(organisation)))
}

/// List the organisations of this gateway.
#[utoipa::path(
    get, path = "/api/v1/orgs", tag = "Organisations", params(Cursor),
    responses((status = 200, body = Listed<OrganisationView>), (status = "default", body = Problem)),
)]
async fn list(
    State(gateway): State<Arc<Gateway>>,
    _operator: AsOperator,
    Query(cursor): Query<Cursor>,
) -> Answer<Json<Listed<OrganisationView>>> {
    let Listed { items, next } = every(&gateway, &cursor).await?;
    Ok(Json(Listed { items: items.iter().map(|row| OrganisationView::from(&row.record)).collect(), next }))
}

/// Read an organisation.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}", tag = "Organisations",
    params(InOrg, IfNoneMatch),
    responses((status = 200, body = OrganisationView), (status = 304), (status = "default", body = Problem)),
)]
async fn read(allowed: Allowed<right::SeeOrganisation>, has: IfNoneMatch) -> Response {
    let organisation = &allowed.organisation;
    has.show(Tagged(Tag::of(organisation), OrganisationView::from(&organisation.record)))
}

/// That nothing is done for an organisation for now.
#[derive(Debug, Serialize, ToSchema)]
struct OrgSuspensionView {
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    /// Why, as whoever did it wrote.
    reason: String,
    /// Whether an operator of the gateway did it; then only an operator ends it.
    by_operator: bool,
}

impl From<&OrgSuspension> for OrgSuspensionView {
    fn from(suspension: &OrgSuspension) -> Self {
        let OrgSuspension { since, reason, by_operator, .. } = suspension.clone();
        Self { since, reason, by_operator }
    }
}

/// How far an organisation is stopped.
#[derive(Debug, Serialize, ToSchema)]
struct StoppedView {
    /// That nothing is done for the organisation; absent when only some of its identities are suspended, or none.
    organisation: Option<OrgSuspensionView>,
    /// What is known of its identities.
    #[serde(flatten)]
    halted: Halted,
    /// Each that is suspended.
    stopped: Vec<StoppedIdentity>,
}

/// An identity that is suspended.
#[derive(Debug, Serialize, ToSchema)]
struct StoppedIdentity {
    /// Its id.
    id: String,
    /// `default`, or the specialist's name.
    template: String,
    /// Since when, why, and what proves it.
    suspended: Suspension,
}

/// See how far an organisation's identities are stopped, and what proves it.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/suspension", tag = "Organisations",
    params(InOrg),
    responses((status = 200, body = StoppedView), (status = "default", body = Problem)),
)]
async fn read_suspension(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeOrganisation>,
) -> Answer<Json<StoppedView>> {
    let organisation = allowed.organisation.suspended.as_ref().map(OrgSuspensionView::from);
    let (halted, identities) = halted(&gateway, allowed.scope).await?;
    let stopped = identities.into_iter().filter_map(|identity| {
        let (id, template) = (identity.id.to_string(), identity.template);
        identity.suspended.map(|suspended| StoppedIdentity { id, template, suspended })
    });
    Ok(Json(StoppedView { organisation, halted, stopped: stopped.collect() }))
}

/// Why an organisation is to be suspended.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SuspendOrganisation {
    /// Why, for those who look at it later.
    reason: String,
}

/// Suspend an organisation: nothing is done for its identities from now on, none is provisioned, and the tenant is told
/// to let each of them do nothing.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/suspend", tag = "Organisations",
    params(InOrg),
    request_body = SuspendOrganisation,
    responses((status = 202, body = OrganisationView), (status = "default", body = Problem)),
)]
async fn suspend(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
    Json(request): Json<SuspendOrganisation>,
) -> Answer<(StatusCode, Json<OrganisationView>)> {
    let organisation = suspension::suspend(&gateway, &allowed, &request.reason).await?;
    Ok(accepted(&organisation))
}

/// Let a suspended organisation go on, and those of its identities that its suspension stopped.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/resume", tag = "Organisations",
    params(InOrg),
    responses((status = 202, body = OrganisationView), (status = "default", body = Problem)),
)]
async fn resume(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SuspendIdentities>,
) -> Answer<(StatusCode, Json<OrganisationView>)> {
    let organisation = suspension::resume(&gateway, &allowed).await?;
    Ok(accepted(&organisation))
}

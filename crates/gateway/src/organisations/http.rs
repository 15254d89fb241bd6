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

use super::{NewOrganisation, Organisation, service};
use crate::Gateway;
use crate::access::{Allowed, AsOperator, right};
use crate::server::{Answer, Cursor, IfNoneMatch, Json, Listed, Problem, Tag, Tagged};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(create, list)).routes(routes!(read))
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
        pattern = r"^[^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f][^\x00-\x1f\x7f-\x9f]*$"
    )]
    name: String,
    /// Its region, if its contract names one: `eu`. A gateway that serves one region takes no other.
    #[schema(example = "eu", min_length = 2, max_length = 40, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    region: Option<String>,
}

/// An organisation.
#[derive(Debug, Serialize, ToSchema)]
struct OrganisationView {
    /// Its id.
    id: String,
    /// Its short name in addresses.
    slug: String,
    /// The name that people see.
    name: String,
    /// Its region.
    region: Option<String>,
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
    Ok((StatusCode::CREATED, Json(OrganisationView::from(&organisation))))
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
    let rows = gateway.system().list::<Organisation>(cursor.page()?).await?;
    let listed = cursor.listed(rows, |row| row.id.to_string(), |row| OrganisationView::from(&row.record))?;
    Ok(Json(listed))
}

/// Read an organisation.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}", tag = "Organisations",
    params(("org" = String, Path, description = "The organisation's id or slug"), IfNoneMatch),
    responses((status = 200, body = OrganisationView), (status = 304), (status = "default", body = Problem)),
)]
async fn read(allowed: Allowed<right::SeeOrganisation>, has: IfNoneMatch) -> Response {
    let organisation = &allowed.organisation;
    has.show(Tagged(Tag::of(organisation), OrganisationView::from(&organisation.record)))
}

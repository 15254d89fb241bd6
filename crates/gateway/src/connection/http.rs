//! A customer's own tenant over HTTP.

use std::sync::Arc;

use axum::extract::State;
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::begin::Begun;
use super::instructions::{Instruction, instructions};
use super::permissions::{Needed, in_own_tenant};
use super::settings::{self, Change};
use super::{Connection, begin, bind, blueprint};
use crate::Gateway;
use crate::access::{Allowed, InOrg, right};
use crate::identities::stoppable;
use crate::server::{Answer, Json, Problem, Secretly, ShownOnce};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new()
        .routes(routes!(read, change, disconnect))
        .routes(routes!(connect))
        .routes(routes!(look))
        .routes(routes!(give_blueprint, take_blueprint_back))
        .routes(routes!(read_instructions))
}

/// How an organisation's own tenant is connected.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TenantView {
    /// Whether this gateway offers identities in customers' own tenants at all.
    offered: bool,
    /// Whether a tenant is connected.
    connected: bool,
    /// The connection.
    connection: Option<ConnectionView>,
    /// What an administrator consents to, or may grant besides, and what of it the tenant has granted.
    permissions: Vec<PermissionView>,
}

/// A connected tenant.
#[derive(Debug, Serialize, ToSchema)]
struct ConnectionView {
    /// The tenant's id.
    tenant_id: String,
    /// Its name.
    name: String,
    /// The object id of the administrator who bound it.
    administrator_id: String,
    /// The domain of its agents' addresses.
    domain: String,
    /// The default identity's address before the @.
    local_part: String,
    /// The object id of who answers for its agents.
    sponsor_id: String,
    /// The country of its agent users.
    usage_location: String,
    /// The licence of its agent users, by `skuId`; any with mailbox and Teams when absent.
    licence: Option<String>,
    /// The blueprint that the organisation owns, if it has given one.
    blueprint: Option<BlueprintView>,
    /// Permissions that are needed and not granted.
    missing: Vec<String>,
    /// When that was looked at.
    #[schema(value_type = String, format = DateTime)]
    looked: Timestamp,
    /// Since when it is connected.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

/// A blueprint that the organisation owns.
#[derive(Debug, Serialize, ToSchema)]
struct BlueprintView {
    /// Its client id.
    client_id: String,
    /// The certificate that its owner adds to it, PEM; the key never leaves the gateway.
    certificate: String,
    /// How many identities come from it.
    taken: u32,
    /// How many may.
    seats: u32,
}

/// A permission that an administrator consents to, or may grant besides.
#[derive(Debug, Serialize, ToSchema)]
struct PermissionView {
    /// The application permission of Microsoft Graph.
    name: &'static str,
    /// What it is for.
    why: &'static str,
    /// When it is needed.
    needed: Needed,
    /// Whether the tenant has granted it; absent while none is connected.
    granted: Option<bool>,
}

/// What is shown of it.
pub(super) async fn view(gateway: &Gateway, connection: Option<Connection>) -> Answer<TenantView> {
    let granted =
        |name: &str| connection.as_ref().map(|connection| connection.granted.iter().any(|own| own == name));
    let permissions = in_own_tenant().map(|one| PermissionView {
        name: one.name,
        why: one.why,
        needed: one.needed,
        granted: granted(one.name),
    });
    let permissions = permissions.collect();
    let handed = match &connection {
        Some(connection) => blueprint::handed(gateway, connection).await?,
        None => None,
    };
    let blueprint = handed.map(|handed| BlueprintView {
        client_id: handed.client.to_string(),
        certificate: handed.certificate,
        taken: handed.taken,
        seats: handed.seats,
    });
    Ok(TenantView {
        offered: gateway.config.connect.is_some(),
        connected: connection.is_some(),
        connection: connection.map(|connection| ConnectionView {
            missing: connection.missing().into_iter().map(str::to_owned).collect(),
            tenant_id: connection.tenant.to_string(),
            name: connection.name,
            administrator_id: connection.administrator.to_string(),
            domain: connection.domain,
            local_part: connection.local_part,
            sponsor_id: connection.sponsor.to_string(),
            usage_location: connection.usage_location,
            licence: connection.licence.map(|sku| sku.to_string()),
            blueprint,
            looked: connection.looked,
            since: connection.since,
        }),
        permissions,
    })
}

/// See how the organisation's own tenant is connected, and what its administrator consents to.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/tenant", tag = "Own tenant", operation_id = "read_tenant",
    params(InOrg),
    responses((status = 200, body = TenantView), (status = "default", body = Problem)),
)]
async fn read(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeTenant>,
) -> Answer<Json<TenantView>> {
    let connection = Connection::of(gateway.store.org(allowed.scope)).await?;
    Ok(Json(view(&gateway, connection.map(|found| found.record)).await?))
}

/// What a connection begins with.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct ConnectRequest {
    /// A domain or the id of the tenant, if it is known.
    #[schema(example = "contoso.example")]
    tenant: Option<String>,
}

/// Where a connection goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectView {
    /// Entra's page of consent; to be opened in the browser whose session asked for it.
    url: String,
    /// Until when.
    #[schema(value_type = String, format = DateTime)]
    ends: Timestamp,
}

/// Begin to connect the organisation's own tenant, as a person in a browser's session.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/tenant/connect", tag = "Own tenant", operation_id = "connect_tenant",
    params(InOrg),
    request_body = ConnectRequest,
    responses((status = 200, body = ConnectView), (status = "default", body = Problem)),
)]
async fn connect(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Json(request): Json<ConnectRequest>,
) -> Answer<Secretly<ConnectView>> {
    let begun = begin::begin(&gateway, &allowed, request.tenant.as_deref()).await?;
    Ok(begun_at(&begun))
}

/// The answer to whoever begins. The state in it is the way to go on.
pub(super) fn begun_at(begun: &Begun) -> Secretly<ConnectView> {
    Secretly(ShownOnce("url"), ConnectView { url: begun.url.to_string(), ends: begun.ends })
}

/// How a connected tenant is to be used; what is left out stays.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
struct TenantChange {
    /// A verified domain of the tenant.
    domain: Option<String>,
    /// The default identity's address before the @.
    local_part: Option<String>,
    /// The object id of a user of the tenant.
    sponsor: Option<String>,
    /// Two letters.
    usage_location: Option<String>,
    /// A product that the tenant has, by part number or `skuId`; empty for any with mailbox and Teams.
    licence: Option<String>,
}

/// Change how the organisation's own tenant is used. Identities that exist stay as they are.
#[utoipa::path(
    patch, path = "/api/v1/orgs/{org}/tenant", tag = "Own tenant", operation_id = "change_tenant",
    params(InOrg),
    request_body = TenantChange,
    responses((status = 200, body = TenantView), (status = "default", body = Problem)),
)]
async fn change(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Json(request): Json<TenantChange>,
) -> Answer<Json<TenantView>> {
    let TenantChange { domain, local_part, sponsor, usage_location, licence } = request;
    let change = Change { domain, local_part, sponsor, usage_location, licence };
    let changed = settings::change(&gateway, &allowed, change).await?;
    Ok(Json(view(&gateway, Some(changed)).await?))
}

/// Look again at what the tenant grants.
#[utoipa::path(
    post, path = "/api/v1/orgs/{org}/tenant/look", tag = "Own tenant", operation_id = "look_at_tenant",
    params(InOrg),
    responses((status = 200, body = TenantView), (status = "default", body = Problem)),
)]
async fn look(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
) -> Answer<Json<TenantView>> {
    Ok(Json(settings::look_again(&gateway, &allowed).await?))
}

/// Disconnect the organisation's own tenant. Identities that live there must be deprovisioned first.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/tenant", tag = "Own tenant", operation_id = "disconnect_tenant",
    params(InOrg),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn disconnect(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
) -> Answer<StatusCode> {
    bind::disconnect(&gateway, &allowed).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A blueprint that the organisation owns.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct GiveBlueprint {
    /// Its client id, which is that of its principal too.
    #[schema(format = "uuid")]
    client_id: String,
}

/// Give a blueprint of the organisation's own, from which new identities come.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/tenant/blueprint", tag = "Own tenant", operation_id = "give_blueprint",
    params(InOrg),
    request_body = GiveBlueprint,
    responses((status = 200, body = TenantView), (status = "default", body = Problem)),
)]
async fn give_blueprint(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
    Json(request): Json<GiveBlueprint>,
) -> Answer<Json<TenantView>> {
    let client = parsed(&request.client_id)?;
    let changed = blueprint::give(&gateway, &allowed, client).await?;
    Ok(Json(view(&gateway, Some(changed)).await?))
}

/// A client id that somebody has written.
pub(super) fn parsed(text: &str) -> Answer<attache_terms::AppId> {
    text.trim().parse().map_err(|error| {
        Problem::invalid("client_id", error, "give the blueprint's client id (Application ID), a GUID")
    })
}

/// Use blueprints of ours again for new identities.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/tenant/blueprint", tag = "Own tenant", operation_id = "take_blueprint_back",
    params(InOrg),
    responses((status = 200, body = TenantView), (status = "default", body = Problem)),
)]
async fn take_blueprint_back(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ConnectTenant>,
) -> Answer<Json<TenantView>> {
    let changed = blueprint::take_back(&gateway, &allowed).await?;
    Ok(Json(view(&gateway, Some(changed)).await?))
}

/// See what the tenant's administrator can do without this gateway: stop an agent, a blueprint, everything; and how they
/// let it make ordinary users.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/tenant/instructions", tag = "Own tenant", operation_id = "read_instructions",
    params(InOrg),
    responses((status = 200, body = Vec<Instruction>), (status = "default", body = Problem)),
)]
async fn read_instructions(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::SeeTenant>,
) -> Answer<Json<Vec<Instruction>>> {
    let connection = settings::own(&gateway, &allowed).await?;
    let agents = stoppable(gateway.store.org(allowed.scope), connection.tenant).await?;
    Ok(Json(instructions(connection.tenant, begin::app(&gateway)?.client_id, &agents)))
}

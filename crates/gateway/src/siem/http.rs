//! Export to a SIEM over HTTP.

use std::sync::Arc;
use std::time::Duration;

use attache_store::Versioned;
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::service::{self, Wanted};
use super::{Destination, ONLY, Progress, Transport, Trouble, follow};
use crate::Gateway;
use crate::access::{Allowed, Grant, InOrg, right};
use crate::audit::line;
use crate::server::{Answer, Json, Problem};

/// The routes.
pub(crate) fn api() -> OpenApiRouter<Arc<Gateway>> {
    OpenApiRouter::new().routes(routes!(events)).routes(routes!(read, set, remove))
}

/// Which entries.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct After {
    /// Only entries with a greater number; from the first one on when absent.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}$")]
    after: Option<u64>,
    /// For how many seconds to wait for one, when there is none; 20 at most.
    #[param(minimum = 0, maximum = 20)]
    wait: Option<u64>,
    /// At most so many; 200 unless said, 1000 at most.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// Follow the audit log: entries after a number, the oldest first, as JSON lines with their organisation and region.
/// Ask again with the `sequence` of the last line.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/events", tag = "SIEM",
    params(InOrg, After),
    responses((status = 200, body = String, content_type = "application/jsonl"), (status = "default", body = Problem)),
)]
async fn events(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
    Query(wanted): Query<After>,
) -> Answer<Response> {
    let limit @ 1..=1000 = wanted.limit.unwrap_or(200) else {
        return Err(Problem::invalid("limit", "out of range", "ask for 1 to 1000 entries"));
    };
    let wait @ 0..=follow::LONGEST = wanted.wait.unwrap_or(0) else {
        return Err(Problem::invalid("wait", "out of range", "wait for 0 to 20 seconds"));
    };
    let from = wanted.after.map_or(0, |after| after.saturating_add(1));
    let wait = Duration::from_secs(wait);
    let rows = follow::entries(&gateway, allowed.scope, from, limit, wait).await?;
    let lines: String = rows.iter().map(|row| line(&allowed.organisation, row) + "\n").collect();
    Ok(([(CONTENT_TYPE, "application/jsonl")], lines).into_response())
}

/// Where an organisation's entries are sent, and how far they are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DestinationView {
    /// The host.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// How.
    pub(crate) transport: Transport,
    /// The authorities that may have signed the receiver's certificate, in PEM; the machine's when absent.
    pub(crate) ca: Option<String>,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// The number of the next entry to be sent.
    pub(crate) next: u64,
    /// How many entries have not arrived yet.
    pub(crate) backlog: u64,
    /// When something arrived last.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) arrived: Option<Timestamp>,
    /// Why nothing arrives.
    pub(crate) trouble: Option<Trouble>,
}

/// See where the audit log is sent, and how far the receiver is behind.
#[utoipa::path(
    get, path = "/api/v1/orgs/{org}/audit/siem", tag = "SIEM",
    params(InOrg),
    responses((status = 200, body = DestinationView), (status = "default", body = Problem)),
)]
async fn read(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ReadAudit>,
) -> Answer<Json<DestinationView>> {
    view(&gateway, &allowed).await
}

async fn view(gateway: &Gateway, grant: &Grant) -> Answer<Json<DestinationView>> {
    let view = destination(gateway, grant).await?;
    view.map(Json).ok_or_else(|| Problem::not_found("destination"))
}

/// Where the organisation's entries are sent, if they are.
pub(crate) async fn destination(gateway: &Gateway, grant: &Grant) -> Answer<Option<DestinationView>> {
    let store = gateway.store.org(grant.scope);
    let (destination, progress) = (store.get::<Destination>(ONLY).await?, store.get::<Progress>(ONLY).await?);
    let (Some(Versioned { record: destination, .. }), Some(Versioned { record: progress, .. })) =
        (destination, progress)
    else {
        return Ok(None);
    };
    let size = store.log().await?.map_or(0, |head| head.frontier.size());
    Ok(Some(DestinationView {
        host: destination.host,
        port: destination.port,
        transport: destination.transport,
        ca: destination.ca,
        since: destination.since,
        next: progress.next,
        backlog: size.saturating_sub(progress.next),
        arrived: progress.arrived,
        trouble: progress.trouble,
    }))
}

/// Where to send them.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct SetDestination {
    /// The receiver's host, a name or an address, which must be public.
    #[schema(example = "siem.example.com", min_length = 1, max_length = 253)]
    host: String,
    /// Its port; 6514 unless said.
    #[schema(minimum = 1)]
    port: Option<u16>,
    /// How; `tls` unless said.
    transport: Option<Transport>,
    /// The authorities that may have signed its certificate, in PEM; the machine's when absent.
    #[schema(max_length = 65536)]
    ca: Option<String>,
    /// The number of the first entry to be sent. When absent it goes on where it was, or begins at the beginning.
    from: Option<u64>,
}

/// Send the audit log to a syslog receiver, from now on: RFC 5424 in octet-counted frames. Owners only.
#[utoipa::path(
    put, path = "/api/v1/orgs/{org}/audit/siem", tag = "SIEM", request_body = SetDestination,
    params(InOrg),
    responses((status = 200, body = DestinationView), (status = "default", body = Problem)),
)]
async fn set(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
    Json(wanted): Json<SetDestination>,
) -> Answer<Json<DestinationView>> {
    let SetDestination { host, port, transport, ca, from } = wanted;
    let transport = transport.unwrap_or(Transport::Tls);
    let wanted = Wanted { host, port: port.unwrap_or(6514), transport, ca, from };
    service::set(&gateway, &allowed, wanted).await?;
    view(&gateway, &allowed).await
}

/// Send the audit log nowhere any more. Owners only.
#[utoipa::path(
    delete, path = "/api/v1/orgs/{org}/audit/siem", tag = "SIEM",
    params(InOrg),
    responses((status = 204), (status = "default", body = Problem)),
)]
async fn remove(
    State(gateway): State<Arc<Gateway>>,
    allowed: Allowed<right::ManageAudit>,
) -> Answer<StatusCode> {
    service::remove(&gateway, &allowed).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! From a request to its handler and back: route, token, permission, handler, persistence, headers.

use http::header::{CACHE_CONTROL, HeaderName, STRICT_TRANSPORT_SECURITY, VARY};
use http::{Method, StatusCode};

use crate::authorize::{authenticate, check_subject, require};
use crate::exchange::{Request, Response};
use crate::sandbox::Shared;

use super::call::Call;
use super::error::{Answer, GraphError};
use super::path::Path;

/// Answers a Graph request; `path` is the parsed path of `request`.
pub(crate) fn answer(shared: &Shared, request: &Request, path: &Path) -> Response {
    let request_id = crate::directory::new_id();
    let client_request_id = request.header("client-request-id").unwrap_or(&request_id).to_owned();
    let response = handle(shared, request, path).unwrap_or_else(|error| {
        let date = shared.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        error.to_response(&date, &request_id, &client_request_id)
    });
    response
        .with(HeaderName::from_static("request-id"), &request_id)
        .with(HeaderName::from_static("client-request-id"), &client_request_id)
        .with(HeaderName::from_static("odata-version"), "4.0")
        .with(CACHE_CONTROL, "no-cache")
        .with(STRICT_TRANSPORT_SECURITY, "max-age=31536000")
        .with(VARY, "Accept-Encoding")
        .with(
            HeaderName::from_static("x-ms-ags-diagnostic"),
            r#"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"SANDBOX"}}"#,
        )
}

fn handle(shared: &Shared, request: &Request, path: &Path) -> Answer {
    let (route, params) = shared.routes.find(&request.method, path).ok_or_else(|| not_emulated(request))?;
    let now = shared.clock.now();
    let caller = authenticate(request, &shared.key, now)?;
    let mut world = shared.world();
    let tenant = world
        .tenants
        .get_mut(&caller.tenant_id)
        .ok_or_else(|| GraphError::invalid_token("Access token validation failure. Invalid tenant."))?;
    check_subject(&caller, tenant, now)?;
    require(&caller, route.needs, route.area)?;
    let mut call = Call {
        tenant,
        caller: &caller,
        request,
        path,
        params,
        now,
        lag: shared.lag(),
        area: route.area,
        names: &shared.names,
    };
    let answer = (route.handler)(&mut call);
    let changes = std::mem::take(&mut tenant.changes);
    if request.method != Method::GET && answer.is_ok() {
        shared.save(&world).map_err(|error| {
            GraphError::new(StatusCode::SERVICE_UNAVAILABLE, "sandboxNotSaved", error.to_string())
        })?;
    }
    if answer.is_ok() {
        shared.feed.publish(changes);
    }
    answer
}

fn not_emulated(request: &Request) -> GraphError {
    GraphError::new(
        StatusCode::NOT_IMPLEMENTED,
        "sandboxNotEmulated",
        format!("The sandbox does not emulate {} {}.", request.method, request.path),
    )
}

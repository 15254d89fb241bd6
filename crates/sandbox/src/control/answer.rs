//! From a request below `/_sandbox/` to its operation: which tenant, whose token, which parameters.

use std::sync::{Arc, LazyLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use http::header::{ALLOW, WWW_AUTHENTICATE};
use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::exchange::{Request, Response};
use crate::realm::Realm;
use crate::sandbox::Shared;

use super::steer::{Refusal, Steer};
use super::table::{Handler, Operation, Who, operations};

static OPERATIONS: LazyLock<Vec<Operation>> = LazyLock::new(operations);

/// Answers a request to `/_sandbox/…`.
pub(crate) async fn answer(shared: &Shared, request: &Request) -> Response {
    let path = request.path.trim_start_matches("/_sandbox");
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let answer = match direct(shared, request, &segments) {
        Ok((operation, steer)) => {
            let answer = match operation.handler {
                Handler::Now(handle) => handle(&steer),
                Handler::Waiting(handle) => handle(&steer).await,
            };
            // Whatever was steered is kept.
            let kept = if request.method == Method::GET { Ok(()) } else { steer.realm.keep_settings() };
            answer.and_then(|answer| kept.map(|()| answer).map_err(|error| Refusal::not_saved(&error)))
        }
        Err(refusal) => Err(refusal),
    };
    match answer {
        Ok(response) => response,
        Err(refusal) if refusal.status == StatusCode::UNAUTHORIZED => {
            refusal.to_response().with(WWW_AUTHENTICATE, "Bearer")
        }
        Err(refusal) if refusal.status == StatusCode::METHOD_NOT_ALLOWED => {
            refusal.to_response().with(ALLOW, &allowed(&segments))
        }
        Err(refusal) => refusal.to_response(),
    }
}

/// Finds the operation and whoever it is for.
fn direct<'a>(
    shared: &'a Shared,
    request: &'a Request,
    segments: &[&str],
) -> Result<(&'static Operation, Steer<'a>), Refusal> {
    // `/tenants/{id}/clock` is `/clock?tenant={id}`.
    let (named, segments) = match segments {
        ["tenants", id, rest @ ..] if !rest.is_empty() => (Some(*id), rest),
        all => (request.query("tenant"), all),
    };
    let mut fitting = OPERATIONS.iter().filter_map(|one| Some((one, one.matches(segments)?))).peekable();
    if fitting.peek().is_none() {
        let message = "There is no such operation: see /_sandbox/openapi.json.";
        return Err(Refusal::new(StatusCode::NOT_FOUND, message));
    }
    let (operation, id) = fitting.find(|(one, _)| one.method == request.method).ok_or_else(|| {
        let message = format!("{} is not for this path.", request.method);
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, message)
    })?;
    let (realm, is_main) = match operation.who {
        Who::Anybody => (Arc::clone(shared.realms.home()), false),
        Who::Tenant | Who::Main => steered(shared, request, named)?,
    };
    if operation.who == Who::Main && !is_main {
        let message = "This takes the control_token of the first tenant.";
        return Err(Refusal::new(StatusCode::FORBIDDEN, message));
    }
    for (name, _) in &request.query {
        if name != "tenant" && !operation.query.iter().any(|one| one.name == name) {
            return Err(Refusal::bad(format!("There is no query parameter {name:?} here.")));
        }
    }
    let id = percent_decode_str(id).decode_utf8_lossy().into_owned();
    Ok((operation, Steer { shared, realm, is_main, request, id }))
}

fn allowed(segments: &[&str]) -> String {
    let segments = match segments {
        ["tenants", _, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    let fitting = OPERATIONS.iter().filter(|one| one.matches(segments).is_some());
    fitting.map(|one| one.method.as_str()).collect::<Vec<_>>().join(", ")
}

/// Whom the token steers: its own tenant, or any with the main token.
fn steered(shared: &Shared, request: &Request, named: Option<&str>) -> Result<(Arc<Realm>, bool), Refusal> {
    let unknown = || {
        Refusal::new(StatusCode::UNAUTHORIZED, "Send the control_token of the ready line as a bearer token.")
    };
    let token = request.bearer().ok_or_else(unknown)?;
    let fits = |realm: &Realm| {
        verify_slices_are_equal(token.as_bytes(), realm.seeded.control_token.as_bytes()).is_ok()
    };
    let home = shared.realms.home();
    if fits(home) {
        let realm = match named {
            Some(name) => shared
                .realms
                .named(name)
                .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "There is no such tenant (any more)."))?,
            None => Arc::clone(home),
        };
        return Ok((realm, true));
    }
    let own = shared.realms.all().into_iter().find(|realm| fits(realm)).ok_or_else(unknown)?;
    if named.is_none_or(|name| own.is_called(name)) { Ok((own, false)) } else { Err(unknown()) }
}

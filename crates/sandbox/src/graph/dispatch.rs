//! From a request to its handler and back: route, token, permission, handler, persistence, headers.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HeaderName, STRICT_TRANSPORT_SECURITY, VARY};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use crate::authorize::{Caller, authenticate, check_subject, require};
use crate::exchange::{Request, Response};
use crate::files::FileError;
use crate::realm::{Others, Realm};
use crate::sandbox::Shared;
use crate::scope::note;

use super::audit_logs;
use super::batch;
use super::call::{Awaited, Call, Found};
use super::cascades;
use super::cross_origin;
use super::derived;
use super::drives;
use super::error::{Answer, GraphError};
use super::front;
use super::known;
use super::mail;
use super::path::{Params, Path};
use super::route::Route;
use super::tags;

/// Answers a Graph request to a realm; `path` is the parsed path of `request`.
pub(crate) async fn answer(shared: &Shared, realm: &Arc<Realm>, request: &Request, path: &Path) -> Response {
    let plain = front::plain(request);
    let asked = plain.as_ref();
    let response = match (front::at_once(request, path), front::check(request)) {
        (Some(response), _) => finish(realm, request, Ok(response)),
        (None, Err(error)) => finish(realm, request, Err(error)),
        (None, Ok(())) if batch::is_one(asked, path) => {
            let answer = match authenticate(asked, &shared.key, realm.clock.now()) {
                Ok(_) => batch::answer(shared, realm, asked, path).await,
                Err(error) => Err(error),
            };
            finish(realm, request, answer)
        }
        (None, Ok(())) => answer_part(shared, realm, asked, path).await,
    };
    front::fit(request, response)
}

/// Answers a request, or one of a batch.
pub(super) async fn answer_part(
    shared: &Shared,
    realm: &Arc<Realm>,
    request: &Request,
    path: &Path,
) -> Response {
    let mut answer = handle(shared, realm, request, path, None);
    if let Err(GraphError { awaited: Some(awaited), .. }) = &answer {
        answer = match find_out(shared, realm, request, awaited).await {
            Ok(found) => handle(shared, realm, request, path, Some(&found)),
            Err(error) => Err(error),
        };
    }
    tags::unless_known(request, finish(realm, request, answer))
}

/// The same for calls that wait for nothing.
#[cfg(test)]
pub(crate) fn answer_at_once(shared: &Shared, realm: &Realm, request: &Request, path: &Path) -> Response {
    finish(realm, request, handle(shared, realm, request, path, None))
}

/// What a caller of the past would read now: a resource as it stands in a notification.
pub(crate) fn read_as(
    shared: &Shared,
    realm: &Realm,
    caller: &Caller,
    path: &str,
) -> Result<Value, GraphError> {
    let (path, raw_query) = path.split_once('?').unwrap_or((path, ""));
    let request = Request {
        method: Method::GET,
        path: format!("/v1.0/{}", path.trim_start_matches('/')),
        raw_query: raw_query.to_owned(),
        query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        headers: HeaderMap::new(),
        body: Bytes::new(),
        origin: "https://graph.microsoft.com".to_owned(),
    };
    let path = Path::parse(&request.path).ok_or_else(|| not_emulated(&request))?;
    let answer = as_caller(shared, realm, &request, &path, caller, None)?;
    Ok(serde_json::from_slice(&answer.body).unwrap_or_default())
}

async fn find_out(
    shared: &Shared,
    realm: &Arc<Realm>,
    request: &Request,
    awaited: &Awaited,
) -> Result<Found, GraphError> {
    let caller = authenticate(request, &shared.key, realm.clock.now())?;
    let read = match awaited.reads.as_deref().map(|path| read_as(shared, realm, &caller, path)) {
        None => Value::Null,
        Some(Err(error)) if error.status == StatusCode::NOT_IMPLEMENTED => Value::Null,
        Some(read) => read?,
    };
    for endpoint in &awaited.endpoints {
        shared.couriers.validate(&realm.clock, endpoint).await?;
    }
    // It listens from before the subscription stands, so that it misses nothing.
    shared.couriers.start(realm);
    Ok(Found { read })
}

pub(super) fn finish(realm: &Realm, request: &Request, answer: Answer) -> Response {
    let told = answer.as_ref().ok().and_then(|response| response.headers.get("request-id"));
    let told = told.and_then(|id| id.to_str().ok()).map(str::to_owned);
    let request_id = told.unwrap_or_else(crate::directory::new_id);
    let client_request_id = request.header("client-request-id").unwrap_or(&request_id).to_owned();
    let response = answer.unwrap_or_else(|error| {
        let date = realm.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        error.to_response(&date, &request_id, &client_request_id)
    });
    response
        .with(HeaderName::from_static("request-id"), &request_id)
        .with(HeaderName::from_static("client-request-id"), &client_request_id)
        .with_fixed(HeaderName::from_static("odata-version"), "4.0")
        .with_fixed(CACHE_CONTROL, "no-cache")
        .with_fixed(STRICT_TRANSPORT_SECURITY, "max-age=31536000")
        .with_fixed(VARY, "Accept-Encoding")
        .with_fixed(
            HeaderName::from_static("x-ms-ags-diagnostic"),
            r#"{"ServerInfo":{"DataCenter":"Sandbox","Slice":"E","Ring":"0","ScaleUnit":"000","RoleInstance":"SANDBOX"}}"#,
        )
}

pub(super) fn handle(
    shared: &Shared,
    realm: &Realm,
    request: &Request,
    path: &Path,
    found: Option<&Found>,
) -> Answer {
    let Some((route, params)) = shared.routes.find(&request.method, path) else {
        return derived::answer(shared, realm, request, path)
            .unwrap_or_else(|| Err(known::no_route(request, path, &shared.routes.methods(path))));
    };
    let caller = authenticate(request, &shared.key, realm.clock.now())?;
    if caller.tenant_id != realm.id {
        return Err(GraphError::invalid_token("Access token validation failure. Invalid tenant."));
    }
    let others = Others::new(&shared.realms, &realm.id);
    let calling = Calling { shared, realm, request, path, caller: &caller, others: &others, found };
    calling.answer(route, params)
}

/// Answers a caller whose token has been read.
pub(super) fn as_caller(
    shared: &Shared,
    realm: &Realm,
    request: &Request,
    path: &Path,
    caller: &Caller,
    found: Option<&Found>,
) -> Answer {
    let (route, params) = shared.routes.find(&request.method, path).ok_or_else(|| not_emulated(request))?;
    let others = Others::new(&shared.realms, &realm.id);
    Calling { shared, realm, request, path, caller, others: &others, found }.answer(route, params)
}

/// An authenticated call on its way to its handler.
struct Calling<'a> {
    shared: &'a Shared,
    realm: &'a Realm,
    request: &'a Request,
    path: &'a Path,
    caller: &'a Caller,
    others: &'a Others<'a>,
    found: Option<&'a Found>,
}

impl Calling<'_> {
    /// Calls the handler, again if it has to look at another tenant first.
    fn answer(&self, route: &Route, params: Params) -> Answer {
        let mut answer = self.call(route, params);
        while self.others.fetch() {
            // Most calls look nowhere else, and keep no copy of their parameters for it.
            let again = self.shared.routes.find(&self.request.method, self.path);
            let (route, params) = again.ok_or_else(|| not_emulated(self.request))?;
            answer = self.call(route, params);
        }
        if answer.is_ok() {
            self.others.run_errands();
        }
        answer
    }

    fn call(&self, route: &Route, params: Params) -> Answer {
        let Self { shared, realm, request, path, caller, others, found } = *self;
        note(|decision| decision.route = Some(route.name().to_owned()));
        let now = realm.clock.now();
        let mut tenant = realm.enter();
        let not_saved = |error: FileError| {
            GraphError::new(StatusCode::SERVICE_UNAVAILABLE, "sandboxNotSaved", error.to_string())
        };
        mail::catch_up(realm, &mut tenant).map_err(not_saved)?;
        cascades::catch_up(realm, &mut tenant).map_err(not_saved)?;
        check_subject(caller, &tenant, now)?;
        let is_mine = path.segments.first().is_some_and(|first| first.eq_ignore_ascii_case("me"));
        if is_mine && caller.user_id().is_none() {
            return Err(GraphError::me_of_an_app());
        }
        require(caller, route.needs, route.area)?;
        let mut call = Call {
            tenant: &mut tenant,
            caller,
            request,
            path,
            params,
            now,
            lag: realm.lag(),
            area: route.area,
            names: &shared.names,
            others,
            found,
        };
        let before = audit_logs::before(&call);
        let answer = (route.handler)(&mut call);
        let answer = match before {
            // What is audited carries the id by which the row is found, if the client sent none.
            Some(before) => {
                let request_id = crate::directory::new_id();
                audit_logs::after(&mut call, before, &answer, &request_id);
                answer.map(|response| response.with(HeaderName::from_static("request-id"), &request_id))
            }
            None => answer,
        };
        if request.method == Method::GET || answer.is_err() {
            tenant.changes.clear();
            return answer;
        }
        realm.settle(&mut tenant).map_err(not_saved)?;
        answer
    }
}

/// Answers a request whose body is larger than `limit` and was not kept.
pub(crate) fn too_large(realm: &Realm, request: &Request, limit: usize) -> Response {
    finish(realm, request, Err(GraphError::too_large(limit)))
}

/// Answers a request to a version that Graph does not have.
pub(crate) fn no_such_version(realm: &Realm, request: &Request) -> Response {
    let version = request.path.split('/').find(|part| !part.is_empty()).unwrap_or_default();
    finish(realm, request, Err(GraphError::unreadable(format!("Invalid version: {version}"))))
}

/// Whether a path is that of an address that needs no token: files are read and written there, and attachments
/// written.
pub(crate) fn is_address(path: &str) -> bool {
    drives::host::is_address(path) || mail::is_upload(path)
}

/// Answers a request at such an address.
pub(crate) fn answer_address(realm: &Realm, request: &Request) -> Response {
    if request.method == Method::OPTIONS {
        cross_origin::preflight(request)
    } else if drives::host::is_address(&request.path) {
        answer_files(realm, request)
    } else {
        mail::upload(realm, request)
    }
}

fn answer_files(realm: &Realm, request: &Request) -> Response {
    let request_id = crate::directory::new_id();
    let client_request_id = request.header("client-request-id").unwrap_or(&request_id).to_owned();
    let answer = files(realm, request).unwrap_or_else(|error| {
        let date = realm.clock.now().strftime("%Y-%m-%dT%H:%M:%S").to_string();
        error.to_response(&date, &request_id, &client_request_id)
    });
    answer
        .with(HeaderName::from_static("sprequestguid"), &request_id)
        .with(HeaderName::from_static("request-id"), &request_id)
        .with(STRICT_TRANSPORT_SECURITY, "max-age=31536000")
}

fn files(realm: &Realm, request: &Request) -> Answer {
    let mut tenant = realm.enter();
    let answer = drives::host::answer(&mut tenant, request, realm.clock.now());
    if answer.is_err() || request.method == Method::GET || request.method == Method::HEAD {
        tenant.changes.clear();
        return answer;
    }
    realm.settle(&mut tenant).map_err(|error| {
        GraphError::new(StatusCode::SERVICE_UNAVAILABLE, "sandboxNotSaved", error.to_string())
    })?;
    answer
}

fn not_emulated(request: &Request) -> GraphError {
    GraphError::not_emulated(&format!("{} {}", request.method, request.path))
}

//! The listener: TLS, HTTP/1.1 and HTTP/2, and the way of a request through faults, the answer and the log.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, DATE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::body::{Answered, Cut};
use crate::exchange::{Request, Response};
use crate::faults::{Effect, Release};
use crate::graph::Path;
use crate::names::Names;
use crate::raw_target::RawTarget;
use crate::realm::{Realm, realm_of};
use crate::requests::{Decision, LoggedRequest};
use crate::sandbox::Shared;
use crate::scope::{Scope, View, within};
use crate::{compression, control, entra, graph, host, portal};

/// The largest body that is read; Graph takes 4 MB.
const BODY_LIMIT: usize = 4 * 1024 * 1024;

/// The largest fragment of an upload, and the largest file that comes whole.
const FRAGMENT_LIMIT: usize = 60 * 1024 * 1024;
const FILE_LIMIT: usize = 250 * 1024 * 1024;

/// How much is read and thrown away of a body that is too large.
const DISCARDED: usize = 64 * 1024 * 1024;

/// How long a client may take for its TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Accepts connections until `stop`.
pub(crate) async fn run(
    listener: TcpListener,
    tls: Arc<rustls::ServerConfig>,
    shared: Arc<Shared>,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let acceptor = TlsAcceptor::from(tls);
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let (acceptor, shared, stop) = (acceptor.clone(), Arc::clone(&shared), stop.clone());
                tasks.spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = serve(stream, acceptor, shared) => {}
                    }
                });
            }
            Err(error) => {
                // Out of file descriptors, most likely: let connections end before the next attempt.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

async fn serve(stream: TcpStream, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot switch off Nagle's algorithm");
    }
    let stream = match tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => return tracing::debug!(%error, "the TLS handshake failed"),
        Err(_) => return tracing::debug!("the TLS handshake took too long"),
    };
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { answer(&shared, request).await }
    });
    let connection = auto::Builder::new(TokioExecutor::new());
    if let Err(error) = connection.serve_connection(TokioIo::new(RawTarget::new(stream)), service).await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// Answers a request; HEAD gets the headers of what GET would get (RFC 9110 §9.3.2).
async fn answer(
    shared: &Shared,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Answered>, Cut> {
    let is_head = request.method() == Method::HEAD;
    let mut response = answer_whole(shared, request).await?;
    if is_head {
        if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
            response.headers_mut().insert(CONTENT_LENGTH, length.into());
        }
        *response.body_mut() = Answered::whole(Bytes::new());
    }
    Ok(response)
}

async fn answer_whole(
    shared: &Shared,
    request: hyper::Request<Incoming>,
) -> Result<hyper::Response<Answered>, Cut> {
    let home = shared.realms.home();
    let (request, exceeded) = match read(shared, request).await {
        Ok(read) => read,
        Err(refusal) => return Ok(finish(home, refusal).map(Answered::whole)),
    };
    if let Some(response) = own(shared, &request, exceeded).await {
        return Ok(finish(home, response).map(Answered::whole));
    }
    let path = Path::parse(&request.path);
    let realm = realm_of(&shared.realms, &request, path.as_ref());
    let at = realm.clock.now();
    let met = realm.faults.meet(&request);
    let (fault, effect) = met.map_or((None, None), |(id, effect)| (Some(id), Some(effect)));
    if fault.is_some()
        && let Err(error) = realm.keep_settings()
    {
        tracing::warn!(%error, "how often a fault applied is not kept");
    }
    let view = match effect {
        Some(Effect::StaleReplica { seconds }) => View::Behind(seconds),
        _ => realm.view(),
    };
    let passing = async {
        match exceeded {
            Some(limit) => Ok(too_large(&realm, &request, path.as_ref(), limit)),
            None => admitted(shared, &realm, &request, path.as_ref(), effect.as_ref()).await,
        }
    };
    let page = match effect {
        Some(Effect::ShortPage { items }) => Some(items),
        _ => None,
    };
    let (response, decision) = within(Scope::of(view, page), passing).await;
    let decision = Decision { fault, ..decision };
    realm.requests.add(LoggedRequest { decision, ..logged(at, &request, response.as_ref().ok()) });
    let response = response?;
    let response = match path {
        Some(_) => graph::readable(&request, compression::fit(&request, response)),
        None if graph::is_address(&request.path) => graph::readable(&request, response),
        None => response,
    };
    Ok(match effect {
        Some(Effect::ResetInBody) => finish(&realm, response).map(Answered::half),
        _ => finish(&realm, response).map(Answered::whole),
    })
}

/// The sandbox's own pages, and its steering.
async fn own(shared: &Shared, request: &Request, exceeded: Option<usize>) -> Option<Response> {
    let is_page = portal::is_address(&request.path);
    if !is_page && !request.path.starts_with("/_sandbox/") {
        return None;
    }
    Some(match exceeded {
        Some(limit) => graph::too_large(shared.realms.home(), request, limit),
        None if is_page => portal::answer(shared, request).await,
        None => control::answer(shared, request).await,
    })
}

/// The refusal of whom the request was for.
fn too_large(realm: &Realm, request: &Request, path: Option<&Path>, limit: usize) -> Response {
    if path.is_some() || graph::is_address(&request.path) {
        graph::too_large(realm, request, limit)
    } else {
        entra::too_large(request, realm.clock.now(), limit)
    }
}

/// Past the limits, and on.
async fn admitted(
    shared: &Shared,
    realm: &Arc<Realm>,
    request: &Request,
    path: Option<&Path>,
    effect: Option<&Effect>,
) -> Result<Response, Cut> {
    let admitted = match path.map(|path| graph::throttling::admit(shared, realm, request, path)) {
        Some(Err(refusal)) => return Ok(*refusal),
        Some(Ok(admitted)) => admitted,
        None => None,
    };
    let response = pass(shared, realm, request, path, effect).await?;
    Ok(match admitted {
        Some(admitted) => admitted.mark(response),
        None => response,
    })
}

/// Through the faults, to the tenant, and through the faults again.
async fn pass(
    shared: &Shared,
    realm: &Arc<Realm>,
    request: &Request,
    path: Option<&Path>,
    effect: Option<&Effect>,
) -> Result<Response, Cut> {
    match effect {
        Some(Effect::Answer { status, body, retry_after }) => {
            return Ok(refuse(*status, body.as_ref(), *retry_after));
        }
        Some(Effect::Delay { ms }) => tokio::time::sleep(Duration::from_millis((*ms).into())).await,
        Some(Effect::ResetBeforeCommit) => return Err(Cut),
        Some(Effect::HoldBeforeCommit) => {
            if realm.faults.hold(request, false).await == Release::Cut {
                return Err(Cut);
            }
        }
        Some(
            Effect::ResetAfterCommit
            | Effect::HoldAfterCommit
            | Effect::ResetInBody
            | Effect::TruncateBody
            | Effect::WrongJson
            | Effect::StaleReplica { .. }
            | Effect::ShortPage { .. }
            | Effect::DuplicateNotification
            | Effect::ReorderNotification,
        )
        | None => {}
    }
    if path.is_none() {
        entra::prepare(shared, request).await;
    }
    let response = dispatch(shared, realm, request, path).await;
    match effect {
        Some(Effect::ResetAfterCommit) => Err(Cut),
        Some(Effect::HoldAfterCommit) => match realm.faults.hold(request, true).await {
            Release::GoOn => Ok(response),
            Release::Cut => Err(Cut),
        },
        Some(Effect::TruncateBody) => {
            let half = response.body.slice(..response.body.len() / 2);
            Ok(Response { body: half, ..response })
        }
        Some(Effect::WrongJson) => {
            Ok(Response { body: Bytes::from_static(br#"["not what was asked for"]"#), ..response })
        }
        _ => Ok(response),
    }
}

/// Graph answers below `/v1.0` and `/beta`, sign-in everywhere else, whatever the host's name.
pub(crate) async fn dispatch(
    shared: &Shared,
    realm: &Arc<Realm>,
    request: &Request,
    path: Option<&Path>,
) -> Response {
    match path {
        Some(path) => graph::answer(shared, realm, request, path).await,
        None if graph::is_address(&request.path) => graph::answer_address(realm, request),
        None if graph::is_other_version(&request.path) => graph::no_such_version(realm, request),
        None => entra::answer(shared, realm, request),
    }
}

/// The request; and the limit, if its body is larger and has been thrown away.
async fn read(
    shared: &Shared,
    request: hyper::Request<Incoming>,
) -> Result<(Request, Option<usize>), Response> {
    let (parts, mut body) = request.into_parts();
    let authority = host::authority(&parts, &shared.names).map_err(|refusal| *refusal)?;
    let limit = body_limit(&parts.method, parts.uri.path());
    let (body, exceeded) = match Limited::new(&mut body, limit).collect().await {
        Ok(body) => (body.to_bytes(), None),
        Err(_) => {
            discard(&mut body).await;
            (Bytes::new(), Some(limit))
        }
    };
    let raw_query = parts.uri.query().unwrap_or("").to_owned();
    let request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        raw_query,
        headers: parts.headers,
        body,
        origin: Names::origin(&authority),
    };
    Ok((request, exceeded))
}

/// Reads on: most clients look for an answer only when they have sent everything.
async fn discard(body: &mut Incoming) {
    let mut rest = DISCARDED;
    while let Some(Ok(frame)) = body.frame().await {
        let read = frame.data_ref().map_or(0, Bytes::len);
        match rest.checked_sub(read) {
            Some(left) => rest = left,
            None => return,
        }
    }
}

/// Files are larger than anything else, and come in by these two ways only.
fn body_limit(method: &Method, path: &str) -> usize {
    if graph::drives::host::is_address(path) {
        FRAGMENT_LIMIT
    } else if *method == Method::PUT && path.ends_with("/content") {
        FILE_LIMIT
    } else {
        BODY_LIMIT
    }
}

fn refuse(status: u16, body: Option<&serde_json::Value>, retry_after: Option<u32>) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let response = body.map_or_else(|| Response::empty(status), |body| Response::json(status, body));
    match retry_after {
        Some(seconds) => response.with(http::header::RETRY_AFTER, &seconds.to_string()),
        None => response,
    }
}

/// `Date` is by the tenant's clock: clients measure their own clock by it.
fn finish(realm: &Realm, response: Response) -> hyper::Response<Bytes> {
    let Response { status, mut headers, body } = response;
    if let Some(date) = date(realm.clock.now()) {
        headers.insert(DATE, date);
    }
    let mut response = hyper::Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The header of a time; the last one is remembered, for many answers fall into one second.
fn date(now: jiff::Timestamp) -> Option<HeaderValue> {
    thread_local! {
        static LAST: RefCell<Option<(i64, HeaderValue)>> = const { RefCell::new(None) };
    }
    let second = now.as_second();
    LAST.with_borrow_mut(|last| {
        if last.as_ref().is_none_or(|(known, _)| *known != second) {
            let text = now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
            *last = HeaderValue::from_str(&text).ok().map(|value| (second, value));
        }
        last.as_ref().map(|(_, value)| value.clone())
    })
}

fn logged(at: jiff::Timestamp, request: &Request, response: Option<&Response>) -> LoggedRequest {
    let text = |headers: &HeaderMap, name: &'static str| {
        headers.get(HeaderName::from_static(name)).and_then(|value| value.to_str().ok()).map(str::to_owned)
    };
    let answered = |name| response.and_then(|response| text(&response.headers, name));
    let is_token_request = request.path.ends_with("/token");
    LoggedRequest {
        at,
        origin: request.origin.clone(),
        method: request.method.to_string(),
        path: request.path.clone(),
        query: request.raw_query.clone(),
        status: response.map(|response| response.status.as_u16()),
        request_id: answered("request-id").or_else(|| answered("x-ms-request-id")),
        client_request_id: text(&request.headers, "client-request-id"),
        grant_type: is_token_request
            .then(|| {
                request.form().into_iter().find(|(name, _)| name == "grant_type").map(|(_, value)| value)
            })
            .flatten(),
        ..LoggedRequest::default()
    }
}

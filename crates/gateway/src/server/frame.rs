//! The frame around every request: an id, a time limit, headers that browsers are to obey, a span, and the
//! count. Nothing of a request's content is logged.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::extract::{ConnectInfo, MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use http::header::{
    ACCEPT, CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tower::{Layer, Service};
use uuid::Uuid;

use super::demands::Demands;
use super::unread::Arriving;
use super::{Problem, foreign, host};
use crate::access::{Prefix, Visit};
use crate::limits::Standing;
use crate::{Gateway, idempotency};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

/// No script, style or frame but our own; nothing inline.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Puts every route into its frame. [`axum::middleware::from_fn`] would copy the route once more for each request, and box
/// it with what is around it.
#[derive(Clone)]
pub(super) struct Frame {
    gateway: Arc<Gateway>,
    usual: Arc<HeaderMap>,
    demands: Arc<Demands>,
}

impl Frame {
    pub(super) fn new(gateway: &Arc<Gateway>, demands: Demands) -> Self {
        let usual = Arc::new(usual(gateway.config.is_https()));
        Self { gateway: Arc::clone(gateway), usual, demands: Arc::new(demands) }
    }
}

impl Layer<Route> for Frame {
    type Service = Framed;

    fn layer(&self, route: Route) -> Framed {
        Framed { frame: self.clone(), route }
    }
}

/// A route in its frame.
#[derive(Clone)]
pub(super) struct Framed {
    frame: Frame,
    route: Route,
}

impl Service<Request> for Framed {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        Box::pin(around(self.frame.clone(), request, self.route.clone()))
    }
}

/// Does what is done for every request.
async fn around(frame: Frame, mut request: Request, route: Route) -> Result<Response, Infallible> {
    let Frame { gateway, usual, demands } = frame;
    let id = gateway.rng.uuid();
    // Both are taken, since nobody asks for them after this: the map of the extensions need not grow then.
    let (peer, matched) = (request.extensions_mut().remove(), request.extensions_mut().remove());
    let from = from(peer, request.headers(), &gateway.config.trusted_proxies);
    let standing = Standing::default();
    request.extensions_mut().insert(Visit { from, request: id });
    request.extensions_mut().insert(standing.clone());
    let pattern = matched.as_ref().map_or("none", MatchedPath::as_str);
    let span = tracing::info_span!("http", %id, method = %request.method(), route = %pattern, status = tracing::field::Empty);
    let browser = wants_page(&request);
    let begun = gateway.clock.boot();
    let arriving = request.extensions_mut().remove::<Arriving>();
    let answer = {
        let answer = async {
            let fit = host::judge(&request)
                .and_then(|()| demands.judge(request.method(), request.headers(), pattern));
            match fit {
                Ok(()) => idempotency::around(&gateway, request, route).await,
                Err(problem) => Ok(problem.into_response()),
            }
        };
        let mut answer = pin!(tokio::time::timeout(gateway.config.request_timeout, answer));
        // `Instrument` would enter the span once more, for what has ended to be dropped in it.
        let ended = poll_fn(|context| span.in_scope(|| answer.as_mut().poll(context))).await;
        ended.map_err(|_| too_slow(arriving.as_ref()))
    };
    let mut response =
        foreign::in_our_words(answer.unwrap_or_else(|problem| Ok(problem.into_response()))?).await;
    if browser && let Some(problem) = response.extensions().get::<Problem>() {
        response = crate::dashboard::problem(&gateway, problem);
    }
    let status = response.status().as_u16();
    span.record("status", status);
    let took = begun.until(gateway.clock.boot());
    tracing::debug!(parent: &span, status, took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX), "answered");
    gateway.metrics.answered(pattern, status, took);
    let own = std::mem::take(response.headers_mut());
    *response.headers_mut() = dressed(own, &usual, id);
    standing.tell(response.headers_mut());
    Ok(response)
}

/// Whose address it is: the connection's, or what the nearest trusted proxies say, the last of them first.
fn from(peer: Option<ConnectInfo<SocketAddr>>, headers: &HeaderMap, trusted: &[Prefix]) -> IpAddr {
    let peer = peer.map(|ConnectInfo(address)| address.ip());
    let mut from = peer.unwrap_or(IpAddr::from([0, 0, 0, 0])).to_canonical();
    let said = headers.get_all(FORWARDED_FOR);
    let said = said.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    // What a client wrote before them may be anything, and must not hide them.
    let said: Vec<&str> = said.collect();
    for hop in said.into_iter().rev().map_while(|part| address(part.trim())) {
        if !trusted.iter().any(|proxy| proxy.has(from)) {
            break;
        }
        from = hop;
    }
    from
}

/// An address as a proxy writes it, with or without a port. One of IPv4 is itself however it is written: a socket for
/// both versions has it as `::ffff:192.0.2.7` (RFC 4291 §2.5.5.2).
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().map(|address| address.ip());
    text.parse::<IpAddr>().or_else(|_| with_port()).ok().map(|address| address.to_canonical())
}

/// Whether a person looks at the answer: a browser that goes somewhere, not a program of the API.
fn wants_page(request: &Request) -> bool {
    let accepts = request.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
    accepts.is_some_and(|accepts| accepts.contains("text/html")) && !request.uri().path().starts_with("/api/")
}

fn too_slow(arriving: Option<&Arriving>) -> Problem {
    if arriving.is_some_and(Arriving::goes_on) {
        return Problem::new(
            StatusCode::REQUEST_TIMEOUT,
            "body_too_slow",
            "the request's body did not arrive in time, and nothing was done",
            "send it again, all of it at once",
        );
    }
    Problem::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_slow",
        "the request took too long and was given up",
        "try again; whether it had an effect shows when you read what it was to change",
    )
}

/// What an answer says itself, what is usual, and the id of its request.
fn dressed(own: HeaderMap, usual: &HeaderMap, id: Uuid) -> HeaderMap {
    let mut headers = usual.clone();
    headers.extend(own);
    if let Ok(id) = HeaderValue::try_from(id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers
}

/// What every answer says, unless its route says otherwise.
fn usual(https: bool) -> HeaderMap {
    let mut usual = HeaderMap::from_iter([
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (CONTENT_SECURITY_POLICY, POLICY),
        // With no referrer at all a browser would say `Origin: null` of the page's own forms.
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (OPENER_POLICY, HeaderValue::from_static("same-origin")),
    ]);
    if https {
        usual.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    usual
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let peer = SocketAddr::new(peer.parse().unwrap(), 1);
        let headers = forwarded.iter().map(|value| (FORWARDED_FOR, value.parse().unwrap())).collect();
        let trusted: Vec<Prefix> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        from(Some(ConnectInfo(peer)), &headers, &trusted).to_string()
    }

    #[test]
    fn what_an_answer_says_itself_is_not_overruled() {
        let said = HeaderValue::from_static("public, max-age=60");
        let own = HeaderMap::from_iter([(CACHE_CONTROL, said.clone()), (REQUEST_ID, said.clone())]);
        let id = Uuid::from_u128(7);
        let dressed = dressed(own, &usual(false), id);
        assert_eq!((&dressed[CACHE_CONTROL], &dressed[CONTENT_SECURITY_POLICY]), (&said, &POLICY));
        assert_eq!(dressed[REQUEST_ID], id.to_string(), "but for the id, which is ours to give");
        assert!(!dressed.contains_key(STRICT_TRANSPORT_SECURITY));
        assert!(usual(true).contains_key(STRICT_TRANSPORT_SECURITY));
    }

    #[test]
    fn a_proxy_is_believed_only_when_it_is_trusted() {
        assert_eq!(seen("192.0.2.7", &["198.51.100.1"], &[]), "192.0.2.7");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["198.51.100.1, 10.0.7.7"], &["10.0.0.0/16"]), "198.51.100.1");
        assert_eq!(seen("10.1.0.1", &["198.51.100.1"], &["10.0.0.0/16"]), "10.1.0.1");
    }

    #[test]
    fn an_address_of_ipv4_is_the_same_on_a_socket_for_both_versions() {
        assert_eq!(seen("::ffff:192.0.2.7", &[], &[]), "192.0.2.7");
        for trusted in ["10.0.0.1", "::ffff:10.0.0.1"] {
            assert_eq!(seen("::ffff:10.0.0.1", &["198.51.100.1"], &[trusted]), "198.51.100.1");
        }
    }

    #[test]
    fn a_proxy_may_say_the_port_too() {
        for (said, means) in [("198.51.100.1:4711", "198.51.100.1"), ("[2001:db8::1]:4711", "2001:db8::1")] {
            assert_eq!(seen("10.0.0.1", &[said], &["10.0.0.1"]), means);
        }
    }

    #[test]
    fn what_a_client_puts_before_the_proxys_word_is_not_believed() {
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
        let both = ["10.0.0.1", "10.0.0.2"];
        assert_eq!(seen("10.0.0.1", &["203.0.113.9, 198.51.100.1, 10.0.0.2"], &both), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["nonsense"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["nonsense, 198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.1", &["nonsense", "198.51.100.1"], &["10.0.0.1"]), "198.51.100.1");
    }
}

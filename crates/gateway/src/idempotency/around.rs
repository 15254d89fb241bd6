//! What is done around a POST that carries an `Idempotency-Key`: its body is read and hashed, and its answer kept.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::Route;
use futures_util::future::Either;
use http::{HeaderValue, Method, StatusCode};
use tower::Service as _;
use tracing::Instrument as _;

use super::Asked;
use super::kept::{Answered, MOST};
use crate::Gateway;
use crate::access::Digest;
use crate::server::Problem;

const HEADER: &str = "idempotency-key";

/// Has a route answer a request, and does it around the POSTs of programs that carry a key.
pub(crate) fn around(
    gateway: &Arc<Gateway>,
    request: Request,
    mut route: Route,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    let can_carry = request.method() == Method::POST && request.uri().path().starts_with("/api/");
    match request.headers().get(HEADER).filter(|_| can_carry).cloned() {
        // Most do not, and are to pay nothing for those that do.
        None => Either::Left(route.call(request)),
        Some(key) => Either::Right(Box::pin(once(Arc::clone(gateway), key, request, route))),
    }
}

async fn once(
    gateway: Arc<Gateway>,
    key: HeaderValue,
    request: Request,
    mut route: Route,
) -> Result<Response, Infallible> {
    // Of two nobody knows which is meant.
    let is_one = request.headers().get_all(HEADER).iter().nth(1).is_none();
    let Some(key) = key.to_str().ok().filter(|_| is_one).and_then(plain).map(str::to_owned) else {
        return Ok(unfit().into_response());
    };
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MOST).await else { return Ok(too_large().into_response()) };
    let asked = Arc::new(Asked::new(key, Digest::of_bytes(&body)));
    let mut request = Request::from_parts(parts, Body::from(body));
    request.extensions_mut().insert(Arc::clone(&asked));
    // On its own: whoever asked may leave, and come back for the answer.
    let keeper = Arc::clone(&gateway);
    let answering = async move {
        let Ok(response) = route.call(request).await;
        if asked.keeps(response.status()) { keep(&keeper, &asked, response).await } else { response }
    };
    let answered = gateway.spawn(answering.in_current_span()).await;
    Ok(answered.unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response()))
}

async fn keep(gateway: &Gateway, asked: &Asked, response: Response) -> Response {
    let Some((response, answer)) = Answered::of(response).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    asked.answered(gateway, answer).await;
    response
}

/// The key itself. The draft writes it as a string of structured fields, in quotes; most clients leave them out.
fn plain(text: &str) -> Option<&str> {
    let text = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b'"';
    ((1..=255).contains(&text.len()) && text.bytes().all(fits)).then_some(text)
}

fn unfit() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "idempotency_key_unfit",
        "the Idempotency-Key is not one of 1 to 255 printable characters without spaces and quotes",
        "take a random UUID",
    )
}

fn too_large() -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "body",
        "the body is too large",
        "send a smaller body, and all of it",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_may_stand_in_quotes() {
        let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        assert_eq!(plain(uuid), Some(uuid));
        assert_eq!(plain(&format!("\"{uuid}\"")), Some(uuid));
        for unfit in ["", "\"\"", "\"", "a b", "a\"b", "\"a", &"x".repeat(256)] {
            assert_eq!(plain(unfit), None, "{unfit:?}");
        }
    }
}

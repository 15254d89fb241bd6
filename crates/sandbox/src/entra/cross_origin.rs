//! Cross-origin calls: single-page applications redeem their codes from a browser, which asks first.

use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ORIGIN,
};
use http::{Method, StatusCode};

use crate::exchange::{Request, Response};

use super::ends_with;

/// The answer to a browser that asks whether it may.
pub(super) fn preflight(request: &Request) -> Option<Response> {
    if request.method != Method::OPTIONS || !request.headers.contains_key(ORIGIN) {
        return None;
    }
    let asked = request.header("access-control-request-headers").unwrap_or("content-type");
    Some(
        Response::empty(StatusCode::OK)
            .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
            .with(ACCESS_CONTROL_ALLOW_METHODS, "GET, POST, OPTIONS")
            .with(ACCESS_CONTROL_ALLOW_HEADERS, asked)
            .with(ACCESS_CONTROL_MAX_AGE, "86400"),
    )
}

/// Lets a page of another origin read the answer of the token endpoint and of userinfo.
pub(super) fn allow(request: &Request, response: Response) -> Response {
    let is_readable = ends_with(&request.path, "/token") || ends_with(&request.path, "/userinfo");
    if !is_readable || !request.headers.contains_key(ORIGIN) {
        return response;
    }
    response
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .with(ACCESS_CONTROL_ALLOW_METHODS, "POST, OPTIONS")
        .with(ACCESS_CONTROL_EXPOSE_HEADERS, "Content-Length,Content-Encoding,x-ms-request-id,x-ms-srs")
}

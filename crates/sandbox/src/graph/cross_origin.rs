//! What pages of other origins may do (CORS): call Graph, and load and send files at the addresses that Graph hands
//! out, wherever the answer comes from (Graph reference §7.4; Microsoft: "Download a file").

use http::StatusCode;
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ALLOW, ORIGIN,
};

use crate::exchange::{Request, Response};

const METHODS: &str = "GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS";

const EXPOSED: &str = "ETag, Location, Preference-Applied, Content-Range, request-id, client-request-id, ReadWriteConsistencyToken, SdkVersion, WWW-Authenticate, x-ms-client-gcc-tenant, Retry-After";

/// The answer to what a browser asks first.
pub(super) fn preflight(request: &Request) -> Response {
    let asked = request.header(ACCESS_CONTROL_REQUEST_HEADERS.as_str()).unwrap_or("*").to_owned();
    Response::empty(StatusCode::OK)
        .with(ALLOW, METHODS)
        .with(ACCESS_CONTROL_ALLOW_ORIGIN, "*")
        .with(ACCESS_CONTROL_ALLOW_METHODS, METHODS)
        .with(ACCESS_CONTROL_ALLOW_HEADERS, &asked)
        .with(ACCESS_CONTROL_MAX_AGE, "3600")
}

/// The answer as a page may read it.
pub(crate) fn readable(request: &Request, response: Response) -> Response {
    if request.headers.contains_key(ORIGIN) {
        response.with(ACCESS_CONTROL_ALLOW_ORIGIN, "*").with(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED)
    } else {
        response
    }
}

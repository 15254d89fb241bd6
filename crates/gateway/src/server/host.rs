//! Which host a request names. A proxy and the gateway that read it differently can be played against each other, so
//! a request that names none, several or one that cannot be is refused (RFC 9112 §3.2).

use axum::extract::Request;
use http::header::HOST;
use http::uri::Authority;
use http::{StatusCode, Version};

use super::Problem;

/// Refuses a request that does not name one host. HTTP/1.0 has no such header, and HTTP/2 names it in the address.
pub(super) fn judge(request: &Request) -> Result<(), Problem> {
    let mut named = request.headers().get_all(HOST).iter();
    let usual = match (named.next(), named.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        (Some(one), None) => one.is_empty() || is_host(one.as_bytes()),
        (Some(_), Some(_)) => false,
    };
    if usual { Ok(()) } else { Err(refusal()) }
}

/// A name or address with a port, if need be, and nobody's name before it.
fn is_host(text: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(text) else { return false };
    let port = authority.as_str().strip_prefix(authority.host());
    port.is_some_and(|port| port.strip_prefix(':').unwrap_or(port).bytes().all(|byte| byte.is_ascii_digit()))
}

fn refusal() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "host_missing",
        "the request does not name one host",
        "send one `Host` header, with a name and a port if need be; a proxy must not add a second",
    )
}

//! Whom a request is for: the host and the port that it names.

use http::header::{HOST, HeaderValue};
use http::request::Parts;
use http::uri::Authority;
use http::{StatusCode, Version};
use serde_json::json;

use crate::exchange::Response;
use crate::names::Names;

/// The host and port, if it is one of these names.
pub(crate) fn authority(parts: &Parts, names: &Names) -> Result<String, Box<Response>> {
    let named: Vec<&HeaderValue> = parts.headers.get_all(HOST).iter().collect();
    let is_clear = match named.as_slice() {
        // HTTP/2 has `:authority` for it, HTTP/1.0 nothing.
        [] => parts.version != Version::HTTP_11,
        [one] => one.to_str().is_ok_and(is_valid),
        _ => false,
    };
    if !is_clear {
        let message = "A request has one header Host, and in it a host and perhaps a port (RFC 9112 §3.2).";
        return Err(refusal(StatusCode::BAD_REQUEST, "sandboxInvalidHost", message));
    }
    let authority = parts.uri.authority().map(Authority::as_str);
    let authority = authority.or_else(|| named.first()?.to_str().ok()).unwrap_or_default();
    let host = authority.rsplit_once(':').map_or(authority, |(host, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) { host } else { authority }
    });
    if names.contains(host) {
        return Ok(authority.to_owned());
    }
    let message = format!("The sandbox is not {host:?}: name further hosts with --san.");
    Err(refusal(StatusCode::MISDIRECTED_REQUEST, "sandboxUnknownHost", &message))
}

fn is_valid(text: &str) -> bool {
    let Ok(authority) = text.parse::<Authority>() else { return false };
    let Some(port) = text.strip_prefix(authority.host()) else { return false };
    port.strip_prefix(':').unwrap_or(port).bytes().all(|byte| byte.is_ascii_digit())
}

fn refusal(status: StatusCode, code: &str, message: &str) -> Box<Response> {
    Box::new(Response::json(status, &json!({ "error": { "code": code, "message": message } })))
}

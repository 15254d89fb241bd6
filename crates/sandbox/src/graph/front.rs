//! What Graph does with a request before and after any workload: media types, preferences,
//! and the document that describes the service (Graph reference §7.4).

use std::borrow::Cow;

use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE, HeaderName, LOCATION};
use http::{Method, StatusCode};
use serde_json::Value;

use super::cross_origin;
use super::error::GraphError;
use super::path::Path;
use crate::exchange::{Request, Response};

/// What can be answered without asking a workload.
pub(super) fn at_once(request: &Request, path: &Path) -> Option<Response> {
    if request.method == Method::OPTIONS {
        return Some(cross_origin::preflight(request));
    }
    let is_metadata = matches!(path.segments.as_slice(), [one] if one.eq_ignore_ascii_case("$metadata"));
    if is_metadata && matches!(request.method, Method::GET | Method::HEAD) {
        let mut response = Response::empty(StatusCode::OK).with(CONTENT_TYPE, "application/xml");
        response.body = super::model::document().into();
        return Some(response);
    }
    None
}

/// Refuses what nobody could read or write.
pub(super) fn check(request: &Request) -> Result<(), GraphError> {
    let is_xml = |types: &str| {
        types.split(',').all(|one| one.contains("xml") && !one.contains("html")) && !types.is_empty()
    };
    let wants_xml = request.header(ACCEPT.as_str()).is_some_and(is_xml);
    let format = request.query("$format").unwrap_or("json");
    if wants_xml || !(format.eq_ignore_ascii_case("json") || format.starts_with("application/json")) {
        return Err(GraphError::new(
            StatusCode::NOT_ACCEPTABLE,
            "NotAcceptable",
            "A supported MIME type could not be found that matches the acceptable MIME types for the request.",
        ));
    }
    let sent = request.header(CONTENT_TYPE.as_str()).unwrap_or_default().to_ascii_lowercase();
    let is_foreign = ["application/x-www-form-urlencoded", "application/xml", "text/xml", "application/atom"]
        .iter()
        .any(|foreign| sent.starts_with(foreign));
    let encoding = request.header(CONTENT_ENCODING.as_str()).unwrap_or("identity");
    if !encoding.eq_ignore_ascii_case("identity") {
        return Err(GraphError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            format!("The content encoding of the request is not supported: '{encoding}'."),
        ));
    }
    let is_content =
        request.path.ends_with("/content") || request.path.to_ascii_lowercase().ends_with("/$value");
    if is_foreign && !request.body.is_empty() && !is_content {
        return Err(GraphError::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            format!(
                "A supported MIME type could not be found that matches the content type of the request: '{sent}'."
            ),
        ));
    }
    Ok(())
}

/// The request as workloads take it: HEAD is a GET, `$format` has done its part, options have their dollar.
pub(super) fn plain(request: &Request) -> Cow<'_, Request> {
    let is_plain = |name: &str| !name.eq_ignore_ascii_case("$format") && !is_option(name);
    if request.method != Method::HEAD && request.query.iter().all(|(name, _)| is_plain(name)) {
        return Cow::Borrowed(request);
    }
    let mut request = request.clone();
    if request.method == Method::HEAD {
        request.method = Method::GET;
    }
    request.query.retain(|(name, _)| !name.eq_ignore_ascii_case("$format"));
    for (name, _) in &mut request.query {
        if is_option(name) {
            name.insert(0, '$');
        }
    }
    Cow::Owned(request)
}

/// An option of OData without its dollar, which is optional (Graph documentation, "Use query parameters"). `format`
/// without one is a parameter of its own: into what a file is to be converted.
fn is_option(name: &str) -> bool {
    ["count", "deltatoken", "expand", "filter", "orderby", "search", "select", "skip", "skiptoken", "top"]
        .iter()
        .any(|option| option.eq_ignore_ascii_case(name))
}

/// The answer as this client takes it.
pub(super) fn fit(request: &Request, response: Response) -> Response {
    annotated(request, minimal(request, response))
}

/// `odata.metadata=none`, in `Accept` or `$format`: no annotations but those that the client cannot do without
/// (OData JSON 4.01, §3.1.3). What asks for `full` gets `minimal`, and is told so by the content type.
fn annotated(request: &Request, response: Response) -> Response {
    let asks = [request.header(ACCEPT.as_str()), request.query("$format")];
    let none = asks.iter().flatten().any(|asked| {
        let asked = asked.to_ascii_lowercase().replace(' ', "");
        asked.contains("odata.metadata=none")
    });
    let sent = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let Some(sent) = sent.filter(|sent| none && sent.contains("odata.metadata=minimal")).map(str::to_owned)
    else {
        return response;
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(&response.body) else { return response };
    strip(&mut body);
    let bare = Response { body: body.to_string().into(), ..response };
    bare.with(CONTENT_TYPE, &sent.replace("odata.metadata=minimal", "odata.metadata=none"))
}

fn strip(value: &mut Value) {
    const KEPT: [&str; 3] = ["@odata.nextLink", "@odata.deltaLink", "@odata.count"];
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.contains("@odata.") || KEPT.contains(&name.as_str()));
            fields.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// `Prefer: return=minimal`: what was made or changed is not said back.
fn minimal(request: &Request, response: Response) -> Response {
    let prefers = request.header("prefer").is_some_and(|prefer| {
        prefer.split([',', ';']).any(|one| one.trim().eq_ignore_ascii_case("return=minimal"))
    });
    let is_write = request.method == Method::PATCH && response.status == StatusCode::OK
        || request.method == Method::POST && response.status == StatusCode::CREATED;
    if !prefers || !is_write {
        return response;
    }
    let location = response.headers.get(LOCATION).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let mut empty =
        Response { status: StatusCode::NO_CONTENT, headers: response.headers, body: bytes::Bytes::new() };
    empty.headers.remove(CONTENT_TYPE);
    let empty = empty.with(HeaderName::from_static("preference-applied"), "return=minimal");
    match location {
        Some(location) => empty.with(HeaderName::from_static("odata-entityid"), &location),
        None => empty,
    }
}

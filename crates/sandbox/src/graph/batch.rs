//! `$batch`: up to twenty requests in one, each answered as if it had come alone (Graph reference §7.2).

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};

use super::dispatch;
use super::error::{Answer, GraphError};
use super::front;
use super::path::Path;
use super::throttling;
use crate::exchange::{Request, Response};
use crate::faults::Effect;
use crate::realm::Realm;
use crate::sandbox::Shared;

/// As many as one batch may have.
const MOST: usize = 20;

/// The headers of an answer that its part of the batch shows, as Graph spells them.
const SHOWN: [&str; 8] = [
    "Cache-Control",
    "Content-Type",
    "ETag",
    "Location",
    "OData-Version",
    "Preference-Applied",
    "Retry-After",
    "WWW-Authenticate",
];

/// One request of a batch.
struct Step {
    id: String,
    depends_on: Vec<String>,
    request: Request,
}

/// Whether a request is a batch.
pub(super) fn is_one(request: &Request, path: &Path) -> bool {
    request.method == Method::POST
        && matches!(path.segments.as_slice(), [one] if one.eq_ignore_ascii_case("$batch"))
}

/// Answers a batch; only one that cannot be read fails as a whole.
pub(super) async fn answer(shared: &Shared, realm: &Arc<Realm>, request: &Request, path: &Path) -> Answer {
    let steps = steps(request, path)?;
    check_dependencies(&steps)?;
    let is_serial = steps.iter().any(|step| !step.depends_on.is_empty());
    let mut succeeded: BTreeMap<String, bool> = BTreeMap::new();
    let mut responses = Vec::new();
    for step in &steps {
        let is_ready =
            step.depends_on.iter().all(|id| succeeded.get(&id.to_ascii_lowercase()) == Some(&true));
        let response = if is_ready {
            one(shared, realm, &step.request).await
        } else {
            dispatch::finish(realm, &step.request, Err(failed_dependency()))
        };
        succeeded.insert(
            step.id.to_ascii_lowercase(),
            response.status.is_success() || response.status.is_redirection(),
        );
        responses.push(shown(&step.id, &response));
    }
    if !is_serial {
        // In any order, says Graph; in the order of the requests, hope clients.
        responses.reverse();
    }
    Ok(Response::json(StatusCode::OK, &json!({ "responses": responses })))
}

/// One request, counted as if it had come alone.
async fn one(shared: &Shared, realm: &Arc<Realm>, request: &Request) -> Response {
    let path = Path::parse(&request.path);
    let admitted = match path.map(|path| throttling::admit(shared, realm, request, &path)) {
        Some(Err(refusal)) => return *refusal,
        Some(Ok(admitted)) => admitted,
        None => None,
    };
    let response = unlimited(shared, realm, request).await;
    match admitted {
        Some(admitted) => admitted.mark(response),
        None => response,
    }
}

async fn unlimited(shared: &Shared, realm: &Arc<Realm>, request: &Request) -> Response {
    if let Some((_, Effect::Answer { status, body, retry_after })) = realm.faults.meet(request) {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let response = body.map_or_else(|| Response::empty(status), |body| Response::json(status, &body));
        return match retry_after {
            Some(seconds) => response.with(http::header::RETRY_AFTER, &seconds.to_string()),
            None => response,
        };
    }
    match Path::parse(&request.path) {
        Some(path) => Box::pin(dispatch::answer_part(shared, realm, &front::plain(request), &path)).await,
        None => dispatch::finish(realm, request, Err(malformed("Invalid batch payload format."))),
    }
}

fn steps(request: &Request, path: &Path) -> Result<Vec<Step>, GraphError> {
    let body: Value = serde_json::from_slice(&request.body)
        .map_err(|_| malformed("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format."))?;
    let requests = body["requests"].as_array().ok_or_else(|| malformed("Invalid batch payload format."))?;
    if requests.is_empty() || requests.len() > MOST {
        return Err(malformed(&format!(
            "Number of batch request steps must be between 1 and the maximum value of {MOST}."
        )));
    }
    let mut steps: Vec<Step> = Vec::new();
    for part in requests {
        let step = step(part, request, path)?;
        if steps.iter().any(|other| other.id.eq_ignore_ascii_case(&step.id)) {
            return Err(malformed(&format!("Request Id '{}' has to be unique in a batch.", step.id)));
        }
        steps.push(step);
    }
    Ok(steps)
}

fn step(part: &Value, outer: &Request, path: &Path) -> Result<Step, GraphError> {
    let text = |name: &str| part[name].as_str().filter(|text| !text.is_empty());
    let id =
        identifier(&part["id"]).ok_or_else(|| malformed("Request Id is missing in a batch request step."))?;
    let bad = |what: &str| malformed(&format!("{what} in the batch request step with id '{id}'."));
    let method = text("method").ok_or_else(|| bad("The method is missing"))?.to_ascii_uppercase();
    let method = Method::from_bytes(method.as_bytes()).map_err(|_| bad("The method is invalid"))?;
    let url = text("url").ok_or_else(|| bad("The url is missing"))?;
    let (target, raw_query) = url.split_once('?').unwrap_or((url, ""));
    if has_scheme(target) {
        return Err(bad("The url has to be relative"));
    }
    let mut headers = HeaderMap::new();
    for name in ["authorization", "client-request-id"] {
        if let Some(value) = outer.headers.get(name) {
            headers.insert(HeaderName::from_static(name), value.clone());
        }
    }
    for (name, value) in part["headers"].as_object().into_iter().flatten() {
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad("A header's name is invalid"))?;
        let value = HeaderValue::from_str(value.as_str().unwrap_or_default())
            .map_err(|_| bad("A header's value is invalid"))?;
        headers.insert(name, value);
    }
    let body = match &part["body"] {
        Value::Null => Bytes::new(),
        _ if !headers.contains_key(CONTENT_TYPE) => {
            return Err(malformed(&format!(
                "Write request id : {id} does not contain Content-Type header or body."
            )));
        }
        Value::String(text) => STANDARD.decode(text).map_err(|_| bad("The body is no base64"))?.into(),
        json => json.to_string().into(),
    };
    let depends_on = part["dependsOn"].as_array().into_iter().flatten();
    let depends_on: Option<Vec<String>> = depends_on.map(identifier).collect();
    let depends_on = depends_on.ok_or_else(|| bad("What dependsOn names is no id"))?;
    Ok(Step {
        id,
        depends_on,
        request: Request {
            method,
            path: format!("/{}/{}", path.version.as_str(), target.trim_start_matches('/')),
            raw_query: raw_query.to_owned(),
            query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
            headers,
            body,
            origin: outer.origin.clone(),
        },
    })
}

/// The id of a step; clients send numbers too, and are answered with their text.
fn identifier(id: &Value) -> Option<String> {
    match id {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a target begins with a scheme and a host (RFC 3986 §3.1); what stands further behind is data, such as
/// the `api://` of an identifier URI.
fn has_scheme(target: &str) -> bool {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    target.split_once("://").is_some_and(|(scheme, _)| scheme.bytes().all(is_of_scheme))
}

/// All parallel, each on the one before, or all on the same one.
fn check_dependencies(steps: &[Step]) -> Result<(), GraphError> {
    for (index, step) in steps.iter().enumerate() {
        let is_earlier = |id: &String| steps[..index].iter().any(|other| other.id.eq_ignore_ascii_case(id));
        if let Some(id) = step.depends_on.iter().find(|id| !is_earlier(id)) {
            return Err(malformed(&format!(
                "The batch request step with id '{}' depends on '{id}', which is no earlier step.",
                step.id
            )));
        }
    }
    let depends = |step: &Step, other: &Step| matches!(step.depends_on.as_slice(), [id] if id.eq_ignore_ascii_case(&other.id));
    let parallel = steps.iter().all(|step| step.depends_on.is_empty());
    let serial = steps.windows(2).all(|pair| depends(&pair[1], &pair[0]));
    let same = steps.iter().skip(1).all(|step| depends(step, &steps[0]));
    if parallel || serial || same {
        return Ok(());
    }
    Err(malformed(
        "The dependsOn of a batch has to be of one kind: parallel, serial, or all on the same request.",
    ))
}

fn shown(id: &str, response: &Response) -> Value {
    let text = |name: &str| response.headers.get(name).and_then(|value| value.to_str().ok());
    let headers: Map<String, Value> =
        SHOWN.iter().filter_map(|name| Some(((*name).to_owned(), json!(text(name)?)))).collect();
    let mut part = json!({ "id": id, "status": response.status.as_u16(), "headers": headers });
    if !response.body.is_empty() {
        let is_json = text("content-type").is_some_and(|one| one.starts_with("application/json"));
        part["body"] = is_json
            .then(|| serde_json::from_slice(&response.body).ok())
            .flatten()
            .unwrap_or_else(|| json!(STANDARD.encode(&response.body)));
    }
    part
}

fn malformed(message: &str) -> GraphError {
    GraphError::unreadable(message)
}

fn failed_dependency() -> GraphError {
    GraphError::new(
        StatusCode::FAILED_DEPENDENCY,
        "FailedDependency",
        "The request failed because a request that it depends on failed.",
    )
}

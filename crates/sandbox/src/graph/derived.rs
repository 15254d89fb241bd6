//! What OData derives from a collection that has a route: its `$count`, and the references to what it holds
//! (`$ref`). Both are the collection's own answer, told otherwise.

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::dispatch::handle;
use super::error::{Answer, GraphError};
use super::listing::is_eventual;
use super::path::Path;
use super::route::Area;
use crate::exchange::{Request, Response};
use crate::realm::Realm;
use crate::sandbox::Shared;

/// The relations whose references can be read.
const RELATIONS: [&str; 8] = [
    "directReports",
    "manager",
    "memberOf",
    "members",
    "owners",
    "sponsors",
    "transitiveMemberOf",
    "transitiveMembers",
];

/// Answers a path that has no route of its own, if what it ends with follows from another one.
pub(super) fn answer(shared: &Shared, realm: &Realm, request: &Request, path: &Path) -> Option<Answer> {
    let (last, rest) = path.segments.split_last()?;
    if request.method != Method::GET {
        return None;
    }
    let rest = Path { segments: rest.to_vec(), ..path.clone() };
    if last.eq_ignore_ascii_case("$count") {
        let (route, _) = shared.routes.find(&request.method, &rest)?;
        let answer = || count(shared, realm, request, &rest, route.area);
        return matches!(route.area, Area::Directory | Area::Outlook).then(answer);
    }
    last.eq_ignore_ascii_case("$ref").then(|| references(shared, realm, request, &rest))?
}

/// The collection's `@odata.count`, as text.
fn count(shared: &Shared, realm: &Realm, request: &Request, collection: &Path, area: Area) -> Answer {
    let mut counted = request.clone();
    counted.query.retain(|(name, _)| ["$filter", "$search"].iter().any(|one| one.eq_ignore_ascii_case(name)));
    counted.query.push(("$count".to_owned(), "true".to_owned()));
    // The option alone would be passed over; whether there is a count at all is told apart from who may have it.
    counted.headers.insert("consistencylevel", HeaderValue::from_static("eventual"));
    let response = handle(shared, realm, &counted, collection, None)?;
    let body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
    let count = body["@odata.count"].as_u64();
    // What takes no options has no count.
    let count = count.ok_or_else(|| GraphError::not_emulated(&format!("GET {}", request.path)))?;
    if area == Area::Directory && !is_eventual(request) {
        let message = "$count is not currently supported.";
        return Err(GraphError::new(StatusCode::BAD_REQUEST, "Request_BadRequest", message));
    }
    let mut text = Response::empty(StatusCode::OK).with(CONTENT_TYPE, "text/plain");
    text.body = count.to_string().into();
    Ok(text)
}

/// `…/members/$ref`, `…/manager/$ref`, and `…/members/{id}/$ref` for one of them.
fn references(shared: &Shared, realm: &Realm, request: &Request, path: &Path) -> Option<Answer> {
    let is_relation = |name: &String| RELATIONS.iter().any(|one| one.eq_ignore_ascii_case(name));
    let base = format!("{}/{}", request.origin, path.version.as_str());
    let refer = |item: &Value| {
        let id = item["id"].as_str().unwrap_or_default();
        json!({ "@odata.id": format!("{base}/directoryObjects/{id}") })
    };
    let context = |what: &str| json!(format!("{base}/$metadata#{what}"));
    let one = |item: &Value| {
        let mut one = refer(item);
        one["@odata.context"] = context("$ref");
        one
    };
    let (relation, asked) = match path.segments.as_slice() {
        [.., last] if is_relation(last) => (path.clone(), None),
        [relation @ .., id] if relation.last().is_some_and(is_relation) => {
            (Path { segments: relation.to_vec(), ..path.clone() }, Some(id.clone()))
        }
        _ => return None,
    };
    shared.routes.find(&request.method, &relation)?;
    let mut asking = request.clone();
    if let Some(id) = &asked {
        let filter = format!("id eq '{}'", id.replace('\'', "''"));
        asking.query = vec![("$filter".to_owned(), filter)];
    }
    Some(handle(shared, realm, &asking, &relation, None).and_then(|mut response| {
        let mut body: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        let told = match (body["value"].as_array(), asked) {
            (Some(items), Some(id)) => one(items.first().ok_or_else(|| GraphError::no_object(&id))?),
            (Some(items), None) => {
                body["value"] = items.iter().map(refer).collect();
                body["@odata.context"] = context("Collection($ref)");
                body
            }
            (None, _) => one(&body),
        };
        response.body = told.to_string().into();
        Ok(response)
    }))
}

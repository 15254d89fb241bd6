//! Graph calls that the sandbox makes itself, on behalf of whoever steers it: with every permission, but through
//! the same handlers as everybody's, so that what comes out is what a client would have made.

use bytes::Bytes;
use http::{HeaderMap, Method};
use jiff::Timestamp;
use serde_json::Value;

use crate::authorize::{Caller, CallerKind, OVERSHADOWING};
use crate::exchange::Request;
use crate::realm::Realm;
use crate::sandbox::Shared;
use crate::tenant::GRAPH_APP_ID;

use super::dispatch::as_caller;
use super::error::GraphError;
use super::path::Path;
use super::permissions::permissions;

/// Who calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Insider<'a> {
    /// An application, for itself.
    App,
    /// The user of that object id.
    User(&'a str),
}

impl Insider<'_> {
    fn caller(self, realm: &Realm) -> Caller {
        let named = |pick: fn(&super::permissions::Permission) -> bool| {
            let all = permissions().iter().filter(|one| pick(one) && !OVERSHADOWING.contains(&one.value));
            all.map(|one| one.value.to_owned()).collect()
        };
        let (object_id, kind) = match self {
            Self::App => {
                let graph = realm.look().graph_id().to_owned();
                (graph, CallerKind::App { roles: named(|one| one.role_id.is_some()) })
            }
            Self::User(id) => {
                (id.to_owned(), CallerKind::User { scopes: named(|one| one.scope_id.is_some()) })
            }
        };
        Caller {
            tenant_id: realm.id.clone(),
            app_id: GRAPH_APP_ID.to_owned(),
            object_id,
            kind,
            issued: Timestamp::MAX,
            expires: jiff::Timestamp::MAX,
            takes_challenge: false,
        }
    }
}

/// Calls Graph, v1.0 unless the path says beta; the answer's JSON.
pub(crate) fn perform(
    shared: &Shared,
    realm: &Realm,
    insider: Insider<'_>,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> Result<Value, GraphError> {
    let (path, raw_query) = path.split_once('?').unwrap_or((path, ""));
    let path = if path.starts_with("/beta/") { path.to_owned() } else { format!("/v1.0{path}") };
    let mut headers = HeaderMap::new();
    headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    headers.insert("consistencylevel", http::HeaderValue::from_static("eventual"));
    headers.insert("odata-version", http::HeaderValue::from_static("4.0"));
    let request = Request {
        method,
        raw_query: raw_query.to_owned(),
        query: form_urlencoded::parse(raw_query.as_bytes()).into_owned().collect(),
        headers,
        body: body.map_or_else(Bytes::new, |body| Bytes::from(body.to_string())),
        origin: "https://graph.microsoft.com".to_owned(),
        path,
    };
    let path = Path::parse(&request.path).ok_or_else(|| GraphError::no_object(&request.path))?;
    let response = as_caller(shared, realm, &request, &path, &insider.caller(realm), None)?;
    Ok(serde_json::from_slice(&response.body).unwrap_or_default())
}

//! The log of requests, for tests that count and order them, and for people who ask what happened and why.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::Notify;

use crate::faults::glob;

/// How many requests are remembered.
const KEPT: usize = 10_000;

/// A request that was answered, or cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LoggedRequest {
    /// Its place in the order, from 1 upwards.
    pub number: u64,
    /// When it arrived, by the tenant's clock.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: jiff::Timestamp,
    /// The host that the client named.
    pub origin: String,
    /// The method.
    pub method: String,
    /// The path as sent.
    pub path: String,
    /// The query as sent.
    pub query: String,
    /// The status of the answer; none if the connection was cut.
    pub status: Option<u16>,
    /// The answer's `request-id` or `x-ms-request-id`.
    pub request_id: Option<String>,
    /// The request's `client-request-id`.
    pub client_request_id: Option<String>,
    /// The form's `grant_type`, of a token request.
    pub grant_type: Option<String>,
    /// What was decided, and why.
    pub decision: Decision,
}

/// Why a request was answered as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Decision {
    /// The route that it matched: `GET /users/{id}`, or of sign-in `POST /{tenant}/oauth2/v2.0/token`.
    pub route: Option<String>,
    /// Who called.
    pub caller: Option<LoggedCaller>,
    /// The permission that let the caller in.
    pub allowed_by: Option<String>,
    /// The permissions of which the caller holds none.
    pub missing: Vec<String>,
    /// The error's code: Graph's, or OAuth's name for it.
    pub error: Option<String>,
    /// The number of an AADSTS error.
    pub aadsts: Option<u32>,
    /// The limit that it exceeded: `1 requests in 1 s for each app and user`.
    pub limit: Option<String>,
    /// The rule by which it went wrong on purpose.
    pub fault: Option<u64>,
}

/// Who called Graph, by the token.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct LoggedCaller {
    /// The client's app id.
    pub app_id: String,
    /// The object id of the user or of the client's service principal.
    pub object_id: String,
    /// Whether the app called for itself, not for a user.
    pub app_only: bool,
    /// The permissions in the token.
    pub permissions: Permissions,
}

/// The permissions of a caller. Copies share them: every request has them, and so has its row in the log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions(Arc<[String]>);

impl std::ops::Deref for Permissions {
    type Target = [String];

    fn deref(&self) -> &[String] {
        &self.0
    }
}

impl FromIterator<String> for Permissions {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

impl Serialize for Permissions {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(|names: Vec<String>| Self(names.into()))
    }
}

impl JsonSchema for Permissions {
    fn schema_name() -> Cow<'static, str> {
        Vec::<String>::schema_name()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Vec::<String>::json_schema(generator)
    }
}

/// Which requests somebody wants to see.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) after: u64,
    pub(crate) method: Option<String>,
    /// In lower case, with `*` and `**`.
    pub(crate) path: Option<String>,
    /// `404`, or `4xx`.
    pub(crate) status: Option<String>,
    pub(crate) caller: Option<String>,
    pub(crate) limit: Option<u64>,
}

impl Filter {
    /// What is wrong with it.
    pub(crate) fn check(&self) -> Result<(), String> {
        match &self.status {
            Some(status) if !is_status(status) => {
                Err(format!("status is a number such as 404 or 4xx, not {status:?}."))
            }
            _ => Ok(()),
        }
    }

    fn fits(&self, request: &LoggedRequest) -> bool {
        request.number > self.after
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(&request.method))
            && self
                .path
                .as_ref()
                .is_none_or(|path| glob(path.as_bytes(), request.path.to_ascii_lowercase().as_bytes()))
            && self.status.as_ref().is_none_or(|wanted| {
                let status = request.status.map(|status| status.to_string()).unwrap_or_default();
                status == *wanted || (wanted.ends_with("xx") && status.get(..1) == wanted.get(..1))
            })
            && self.caller.as_ref().is_none_or(|wanted| {
                let caller = request.decision.caller.as_ref();
                caller.is_some_and(|caller| caller.app_id == *wanted || caller.object_id == *wanted)
            })
    }
}

fn is_status(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 3
        && bytes[0].is_ascii_digit()
        && (text.ends_with("xx") || bytes.iter().all(u8::is_ascii_digit))
}

/// The newest requests.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    kept: Mutex<Kept>,
    added: Notify,
}

#[derive(Debug, Default)]
struct Kept {
    last: u64,
    requests: VecDeque<LoggedRequest>,
    not_emulated: BTreeMap<String, u64>,
}

impl RequestLog {
    /// Adds one and numbers it; the oldest is forgotten.
    pub(crate) fn add(&self, mut request: LoggedRequest) {
        let mut kept = self.kept();
        kept.last += 1;
        request.number = kept.last;
        if request.decision.error.as_deref() == Some("sandboxNotEmulated") {
            *kept.not_emulated.entry(format!("{} {}", request.method, request.path)).or_default() += 1;
        }
        if kept.requests.len() == KEPT {
            kept.requests.pop_front();
        }
        kept.requests.push_back(request);
        drop(kept);
        self.added.notify_waiters();
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        self.kept().requests.iter().cloned().collect()
    }

    /// Those that fit, oldest first.
    pub(crate) fn filtered(&self, filter: &Filter) -> Vec<LoggedRequest> {
        let kept = self.kept();
        let limit = filter.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        let newest = kept.requests.iter().rev().filter(|request| filter.fits(request)).take(limit);
        let mut found: Vec<_> = newest.cloned().collect();
        found.reverse();
        found
    }

    /// Those that fit, as soon as there is one.
    pub(crate) async fn wait(&self, filter: &Filter) -> Vec<LoggedRequest> {
        loop {
            let added = self.added.notified();
            tokio::pin!(added);
            added.as_mut().enable();
            let found = self.filtered(filter);
            if !found.is_empty() || filter.limit == Some(0) {
                return found;
            }
            added.await;
        }
    }

    /// How often what was asked for and is not emulated.
    pub(crate) fn not_emulated(&self) -> BTreeMap<String, u64> {
        self.kept().not_emulated.clone()
    }

    /// Forgets them.
    pub(crate) fn clear(&self) {
        self.kept().requests.clear();
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_takes_what_fits_and_of_that_the_newest() {
        let log = RequestLog::default();
        for (method, path, status) in
            [("GET", "/v1.0/users/1", 200), ("GET", "/v1.0/Users/2", 404), ("POST", "/v1.0/users", 403)]
        {
            let (method, path) = (method.to_owned(), path.to_owned());
            log.add(LoggedRequest { method, path, status: Some(status), ..LoggedRequest::default() });
        }
        let numbers = |filter: Filter| -> Vec<u64> {
            log.filtered(&filter).into_iter().map(|request| request.number).collect()
        };
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(numbers(Filter::default()), [1, 2, 3]);
        assert_eq!(numbers(Filter { path: text("/v1.0/users/*"), ..Filter::default() }), [1, 2]);
        assert_eq!(numbers(Filter { status: text("4xx"), ..Filter::default() }), [2, 3]);
        assert_eq!(numbers(Filter { status: text("403"), ..Filter::default() }), [3]);
        assert_eq!(numbers(Filter { method: text("get"), limit: Some(1), ..Filter::default() }), [2]);
        assert_eq!(numbers(Filter { after: 2, ..Filter::default() }), [3]);
        assert!(Filter { status: text("é"), ..Filter::default() }.check().is_err());
    }
}

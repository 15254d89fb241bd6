//! The requests as they come in, and why each was answered as it was.

use std::time::Duration;

use askama::Template;
use http::StatusCode;
use http::header::HeaderName;

use crate::exchange::Response;
use crate::requests::{Filter, LoggedRequest};

use super::desk::{Desk, Frame};
use super::page::{Refusal, page, scripted};

/// How many requests the page shows.
const SHOWN: u64 = 200;

/// How long the page's script waits for the next request.
const WAIT: Duration = Duration::from_secs(25);

#[derive(Template)]
#[template(path = "portal/log.html")]
struct Log {
    frame: Frame,
    nonce: String,
    last: u64,
    rows: Rows,
    not_emulated: Vec<(String, u64)>,
}

#[derive(Template)]
#[template(path = "portal/log_rows.html")]
struct Rows {
    rows: Vec<Row>,
}

struct Row {
    number: u64,
    at: String,
    method: String,
    path: String,
    query: String,
    status: String,
    is_wrong: bool,
    why: String,
    request_id: String,
}

pub(super) fn show(desk: &Desk<'_>) -> Result<Response, Refusal> {
    let requests = desk.realm.requests.filtered(&Filter { limit: Some(SHOWN), ..Filter::default() });
    let nonce = crate::directory::new_id();
    let log = Log {
        frame: desk.frame("log"),
        last: requests.last().map_or(0, |request| request.number),
        rows: Rows { rows: newest_first(&requests) },
        not_emulated: desk.realm.requests.not_emulated().into_iter().collect(),
        nonce: nonce.clone(),
    };
    Ok(scripted(&log, &nonce))
}

/// The rows after `after`, as soon as there is one; for the page's script.
pub(super) async fn rows(desk: &Desk<'_>) -> Result<Response, Refusal> {
    let after = desk.field("after").parse().unwrap_or(0);
    let filter = Filter { after, limit: Some(SHOWN), ..Filter::default() };
    let requests = tokio::time::timeout(WAIT, desk.realm.requests.wait(&filter)).await.unwrap_or_default();
    let last = requests.last().map_or(after, |request| request.number);
    let rows = page(StatusCode::OK, &Rows { rows: newest_first(&requests) });
    Ok(rows.with(HeaderName::from_static("x-last"), &last.to_string()))
}

fn newest_first(requests: &[LoggedRequest]) -> Vec<Row> {
    requests.iter().rev().map(row).collect()
}

fn row(request: &LoggedRequest) -> Row {
    Row {
        number: request.number,
        at: request.at.strftime("%H:%M:%S%.3f").to_string(),
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        status: request.status.map_or_else(|| "cut".to_owned(), |status| status.to_string()),
        is_wrong: request.status.is_none_or(|status| status >= 400),
        why: why(request),
        request_id: request.request_id.clone().unwrap_or_default(),
    }
}

/// The decision in words.
fn why(request: &LoggedRequest) -> String {
    let decision = &request.decision;
    let mut words = Vec::new();
    words.extend(decision.fault.map(|id| format!("fault {id}")));
    words.extend(decision.aadsts.map(|code| format!("AADSTS{code}")));
    words.extend(decision.error.clone());
    if !decision.missing.is_empty() {
        words.push(format!("needs one of {}", decision.missing.join(", ")));
    }
    words.extend(decision.allowed_by.as_ref().map(|permission| format!("allowed by {permission}")));
    words.extend(request.grant_type.clone());
    words.join("; ")
}

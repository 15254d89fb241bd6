//! The tenant as a person looks at it, at `/` and below `/_sandbox/pages/`: people and agents with their chain,
//! chats and mailboxes in which one can read and write as anybody, the requests as they come in, and the clock,
//! lag and faults as controls. Plain HTML that works without a script, by keyboard and on a phone.
//!
//! What a page shows of chats and mail it asks of Graph's own handlers, in the name of the person whose view it
//! is; so it shows what that person's client would get.

mod chats;
mod desk;
mod log;
mod mail;
mod overview;
mod page;
mod session;
mod steer;
mod text;

use http::{Method, StatusCode};

use crate::exchange::{Request, Response};
use crate::sandbox::Shared;

use desk::Desk;
use page::{Refusal, message, redirect};

/// Where all pages but the first stand.
const PAGES: &str = "/_sandbox/pages";

/// What arbitrary HTML must not break.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn withstand_html(html: &str) {
    text::plain(html);
}

/// Whether a page stands at this path.
pub(crate) fn is_address(path: &str) -> bool {
    path == "/" || path.strip_prefix(PAGES).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Answers with a page.
pub(crate) async fn answer(shared: &Shared, request: &Request) -> Response {
    match route(shared, request).await {
        Ok(response) => response,
        Err(Refusal { status, title, text }) => message(status, &title, &text),
    }
}

async fn route(shared: &Shared, request: &Request) -> Result<Response, Refusal> {
    let path = percent_encoding::percent_decode_str(&request.path).decode_utf8_lossy().into_owned();
    let segments: Vec<&str> =
        path.trim_start_matches(PAGES).split('/').filter(|part| !part.is_empty()).collect();
    if let Some(response) = session::enter(shared, request, &segments)? {
        return Ok(response);
    }
    let (tenant, rest) = match segments.split_first() {
        Some((tenant, rest)) => (Some(*tenant), rest),
        None => (None, &[][..]),
    };
    let Some(desk) = Desk::of(shared, request, tenant)? else { return Ok(session::ask(None)) };
    if request.method == Method::POST {
        session::check_origin(request)?;
    }
    match (&request.method, rest) {
        (&Method::GET, []) if tenant.is_none() => Ok(redirect(&desk.at("overview"))),
        (&Method::GET, [] | ["overview"]) => overview::show(&desk),
        (&Method::GET, ["chats"]) => chats::list(&desk),
        (&Method::POST, ["chats"]) => chats::begin(&desk),
        (&Method::GET, ["chats", id]) => chats::show(&desk, id),
        (&Method::POST, ["chats", id]) => chats::say(&desk, id),
        (&Method::GET, ["mail"]) => mail::list(&desk),
        (&Method::POST, ["mail"]) => mail::send(&desk),
        (&Method::GET, ["mail", id]) => mail::show(&desk, id),
        (&Method::GET, ["log"]) => log::show(&desk),
        (&Method::GET, ["log", "rows"]) => log::rows(&desk).await,
        (&Method::GET, ["steer"]) => steer::show(&desk),
        (&Method::POST, ["steer", what]) => steer::change(&desk, what),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "No such page", "There is nothing at this address.")),
    }
}

//! The first half: the browser is bound to a new attempt and sent to Entra.

use std::sync::Arc;
use std::time::Duration;

use attache_entra::{Freshness, Prompt};
use axum::extract::{Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use http::header::SET_COOKIE;
use serde::Deserialize;

use super::attempt::{Attempt, BINDING, TIME};
use super::own_path;
use crate::Gateway;
use crate::access::{Visitor, set_cookie};
use crate::server::{Answer, Problem};

/// How long ago a person may have proved to Entra who they are, to sign in here without being asked again.
const PROVED: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    /// Where to go on to.
    next: Option<String>,
    /// That the person is to prove again who they are.
    again: Option<String>,
}

pub(super) async fn begin(
    State(gateway): State<Arc<Gateway>>,
    _: Visitor,
    Query(wanted): Query<Wanted>,
) -> Answer<Response> {
    let (prompt, freshness) = match wanted.again {
        Some(_) => (Some(Prompt::Login), Freshness::Now),
        None => (None, Freshness::Within(PROVED)),
    };
    let (url, web) = gateway
        .entra
        .begin_web_sign_in(&super::web(&gateway), prompt, freshness)
        .map_err(|error| Problem::explained(StatusCode::BAD_GATEWAY, &error))?;
    let now = gateway.clock.now();
    let ends = now.saturating_add(Duration::from_secs(TIME.unsigned_abs())).unwrap_or(now);
    let attempt = Attempt { web, next: own_path(wanted.next.as_deref()), ends };
    let cookie = attempt.seal(&gateway).await?;
    let mut response = Redirect::to(url.as_str()).into_response();
    if let Some(cookie) = set_cookie(BINDING, &cookie, TIME, gateway.config.is_https()) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

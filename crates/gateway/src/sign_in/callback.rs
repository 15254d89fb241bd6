//! The second half: what the browser brings back from Entra is judged, and a session begins.

use std::sync::Arc;

use attache_ledger::ActName;
use attache_terms::Secret;
use axum::extract::{Query, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;

use super::attempt::{Attempt, BINDING};
use super::{session, web};
use crate::Gateway;
use crate::access::{Visit, Visitor, cookie};
use crate::server::{Answer, Problem};

#[derive(Debug, Deserialize)]
pub(super) struct Brought {
    state: Option<String>,
    code: Option<String>,
    error: Option<String>,
    error_description: Option<String>,
}

const SIGNED_IN: ActName = ActName::new("person.signed_in");
const REFUSED: ActName = ActName::new("person.sign_in_refused");

pub(super) async fn callback(
    State(gateway): State<Arc<Gateway>>,
    Visitor(visit): Visitor,
    headers: HeaderMap,
    Query(brought): Query<Brought>,
) -> Answer<Response> {
    let signed_in = sign_in(&gateway, visit, &headers, brought).await;
    if let Err(problem) = &signed_in {
        gateway.refused_visitor(visit, REFUSED, problem).await;
    }
    signed_in
}

async fn sign_in(gateway: &Gateway, visit: Visit, headers: &HeaderMap, brought: Brought) -> Answer<Response> {
    let attempt = take(gateway, headers, brought.state.as_deref().unwrap_or_default()).await?;
    if let Some(error) = brought.error {
        let said = brought.error_description.unwrap_or_default();
        let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
        return Err(refused(format!("Entra did not sign you in ({error}): {said}")));
    }
    let code = brought.code.ok_or_else(|| refused("Entra sent no code".to_owned()))?;
    let proved = gateway
        .entra
        .finish_web_sign_in(&web(gateway), &attempt.web, Secret::new(code))
        .await
        .map_err(|error| Problem::explained(StatusCode::FORBIDDEN, &error))?;
    session::begin(gateway, visit, headers, (SIGNED_IN, proved), &attempt.next).await
}

/// The attempt of this state, once, and only in the browser that began it.
async fn take(gateway: &Gateway, headers: &HeaderMap, state: &str) -> Answer<Attempt> {
    let cookie = cookie(headers, BINDING, gateway.config.is_https()).ok_or_else(unknown)?;
    let attempt = Attempt::open(gateway, cookie).await?.ok_or_else(unknown)?;
    let is_good = attempt.ends > gateway.clock.now() && attempt.web.state == state;
    if is_good && attempt.is_first_use(gateway).await? { Ok(attempt) } else { Err(unknown()) }
}

fn unknown() -> Problem {
    refused("this browser has begun no such sign-in, or it was used already".to_owned())
}

fn refused(detail: String) -> Problem {
    Problem::new(StatusCode::FORBIDDEN, "sign_in_refused", detail, "sign in again, in one go")
}

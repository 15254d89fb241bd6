//! Forms of our own pages: each carries what only a page of the same session can know.

use axum::extract::{FromRequest, Request};
use axum::http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::Problem;
use crate::access::{Csrf, SESSION, cookie};
use http::{HeaderMap, StatusCode};

/// A form that one of our pages sent, for the session that it was made for.
#[derive(Debug)]
pub(crate) struct Form<T>(pub(crate) T);

/// A form without fields: a button.
#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

#[derive(Deserialize)]
struct Carried<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    rest: T,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        debug_assert_ne!(request.method(), Method::GET, "forms change something");
        let expected = carried(request.headers());
        let form = axum::Form::<Carried<T>>::from_request(request, state).await;
        let axum::Form(Carried { csrf, rest }) = form.map_err(|rejection| {
            Problem::new(
                rejection.status(),
                "form",
                rejection.body_text(),
                "go back and fill the form in again",
            )
        })?;
        of_this_session(expected, &csrf)?;
        Ok(Self(rest))
    }
}

/// What a form must carry, for whoever sends these headers.
pub(super) fn carried(headers: &HeaderMap) -> Option<Csrf> {
    let secret = [true, false].into_iter().find_map(|https| cookie(headers, SESSION, https));
    secret.map(Csrf::of)
}

/// That a form carries it.
pub(super) fn of_this_session(expected: Option<Csrf>, carried: &str) -> Result<(), Problem> {
    match expected {
        Some(expected) if expected.is(carried) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "cross_site",
            "the form does not belong to your session",
            "reload the page and send the form again",
        )),
    }
}

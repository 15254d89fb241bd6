//! How a page leaves, and how a problem looks as a page.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use http::StatusCode;

use super::Look;
use crate::Gateway;
use crate::server::Problem;

/// What a page's handler returns: the page, or a problem as a page.
pub(crate) type Page = Result<Response, Problem>;

/// A template as a page.
pub(crate) fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct Shown<'a> {
    look: Look,
    title: &'static str,
    problem: &'a Problem,
    link: (&'static str, &'static str),
}

/// A problem as a page, for a browser: what happened, what to do, and where to go.
pub(crate) fn problem(gateway: &Gateway, problem: &Problem) -> Response {
    let link = match problem.status() {
        StatusCode::UNAUTHORIZED => ("/sign-in", "Sign in"),
        _ if ["step_up", "sign_in_not_fresh"].contains(&&*problem.code) => {
            ("/sign-in?again=1", "Sign in again")
        }
        _ => ("/", "To the beginning"),
    };
    let title = match problem.status() {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::FORBIDDEN => "That is not yours to do",
        StatusCode::CONFLICT if problem.code == "conflict" => "Somebody else was faster",
        _ => "That did not work",
    };
    let look = Look::plain(gateway);
    (problem.status(), page(&Shown { look, title, problem, link })).into_response()
}

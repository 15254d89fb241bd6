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
#[template(path = "message.html")]
struct Message<'a> {
    look: Look,
    title: &'a str,
    text: &'a str,
    todo: Option<&'a str>,
    link: Option<(&'a str, &'a str)>,
}

/// A page that only says something, with what to do and where to go.
fn message(
    gateway: &Gateway,
    status: StatusCode,
    title: &str,
    text: &str,
    todo: Option<&str>,
    link: Option<(&str, &str)>,
) -> Response {
    let look = Look::plain(gateway);
    (status, page(&Message { look, title, text, todo, link })).into_response()
}

/// A problem as a page, for a browser.
pub(crate) fn problem(gateway: &Gateway, problem: &Problem) -> Response {
    let link = match problem.status() {
        StatusCode::UNAUTHORIZED => Some(("/sign-in", "Sign in")),
        _ if problem.code == "step_up" => Some(("/sign-in?again=1", "Sign in again")),
        _ => Some(("/", "To the beginning")),
    };
    let title = match problem.status() {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::UNAUTHORIZED => "Please sign in",
        StatusCode::FORBIDDEN => "That is not yours to do",
        StatusCode::CONFLICT => "Somebody else was faster",
        _ => "That did not work",
    };
    message(gateway, problem.status(), title, &problem.detail, Some(&problem.remedy), link)
}

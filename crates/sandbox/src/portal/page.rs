//! How a page leaves: its headers, and what is said when there is none.

use askama::Template;
use http::StatusCode;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};

use crate::exchange::Response;

/// Why there is no page.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) title: String,
    pub(super) text: String,
}

impl Refusal {
    /// With a heading and a sentence that says what to do.
    pub(super) fn new(status: StatusCode, title: &str, text: impl Into<String>) -> Self {
        Self { status, title: title.to_owned(), text: text.into() }
    }
}

#[derive(Template)]
#[template(path = "portal/message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// A page that only says something.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Message { title, text })
}

/// A page without a script.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    with_script(status, template, "'none'")
}

/// A page whose script has that nonce.
pub(super) fn scripted(template: &impl Template, nonce: &str) -> Response {
    with_script(StatusCode::OK, template, &format!("'nonce-{nonce}'"))
}

fn with_script(status: StatusCode, template: &impl Template, script: &str) -> Response {
    let policy = format!(
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src {script}; connect-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    // Writing to a string does not fail.
    Response::html(status, template.render().unwrap_or_default())
        .with(CACHE_CONTROL, "no-store")
        .with(CONTENT_SECURITY_POLICY, &policy)
        // With no referrer at all a browser would say `Origin: null` of the page's own forms.
        .with(REFERRER_POLICY, "same-origin")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
}

/// Goes on elsewhere, with GET.
pub(super) fn redirect(to: &str) -> Response {
    Response::empty(StatusCode::SEE_OTHER).with(LOCATION, to).with(CACHE_CONTROL, "no-store")
}

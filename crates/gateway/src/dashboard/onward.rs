//! How a form's answer leads to another site. Browsers hold `form-action` of our policy against every address that such
//! an answer redirects to (CSP 3 §6.4.1), so it is a page, which goes on by itself.

use askama::Template;
use axum::response::Response;
use url::Url;

use super::{Look, page};

#[derive(Template)]
#[template(path = "onward.html")]
struct Onward<'a> {
    look: Look,
    host: &'a str,
    url: &'a str,
}

/// A page that goes on to this address.
pub(crate) fn onward(look: Look, url: &Url) -> Response {
    page(&Onward { look, host: url.host_str().unwrap_or_default(), url: url.as_str() })
}

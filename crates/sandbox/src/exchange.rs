//! One request and its response, as the sandbox's synchronous handlers see them.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};
use serde::Serialize;

/// A request whose body has been read.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The path as it was sent, percent-encoding included.
    pub(crate) path: String,
    /// The query as it was sent, without the question mark.
    pub(crate) raw_query: String,
    /// The query's parameters, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// `https://` and the host and port that the client named: links and issuers follow it.
    pub(crate) origin: String,
}

impl Request {
    /// A header's text, if it is there and is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first query parameter of that name; OData's `$` names are compared without regard to case.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The token of an `Authorization: Bearer` header.
    pub(crate) fn bearer(&self) -> Option<&str> {
        let (scheme, token) = self.header("authorization")?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    }

    /// The body as an HTML form.
    pub(crate) fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }
}

/// How many headers most answers have room for.
const HEADERS: usize = 16;

/// A response with its whole body.
#[derive(Debug, Clone)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    /// A response with no body.
    pub(crate) fn empty(status: StatusCode) -> Self {
        Self { status, headers: HeaderMap::new(), body: Bytes::new() }
    }

    /// A JSON response.
    pub(crate) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        // Only maps with keys that are no strings fail to serialise; there are none.
        let body = serde_json::to_vec(body).unwrap_or_default();
        Self { status, headers: HeaderMap::with_capacity(HEADERS), body: body.into() }
            .with_fixed(CONTENT_TYPE, "application/json; charset=utf-8")
    }

    /// A web page.
    pub(crate) fn html(status: StatusCode, body: String) -> Self {
        Self { status, headers: HeaderMap::new(), body: body.into() }
            .with(CONTENT_TYPE, "text/html; charset=utf-8")
    }

    /// The same with one more header, whose value is always the same.
    pub(crate) fn with_fixed(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// The same with one more header; a value that cannot stand in a header is left out.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(name, value);
        }
        self
    }
}

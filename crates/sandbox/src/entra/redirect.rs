//! Redirect URIs: which are registered, and how an answer travels to one (Entra reference §1.3).

use http::StatusCode;
use http::header::LOCATION;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::directory::Application;
use crate::exchange::Response;

use super::pages;

/// Where a redirect URI is registered; it decides how the code is redeemed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Platform {
    Web,
    Spa,
    Public,
}

/// The platform of a redirect URI, if it is registered.
pub(super) fn platform(app: &Application, uri: &str) -> Option<Platform> {
    [
        (&app.public_redirects, Platform::Public),
        (&app.web_redirects, Platform::Web),
        (&app.spa_redirects, Platform::Spa),
    ]
    .into_iter()
    .find(|(registered, _)| registered.iter().any(|known| fits(known, uri)))
    .map(|(_, platform)| platform)
}

/// The same URI, but that the port of a loopback one does not matter, registered or not (Microsoft: redirect URI
/// restrictions, localhost exceptions).
fn fits(registered: &str, uri: &str) -> bool {
    let (Ok(mut registered), Ok(mut uri)) = (Url::parse(registered), Url::parse(uri)) else {
        return false;
    };
    let is_loopback = matches!(registered.host_str(), Some("localhost" | "127.0.0.1"));
    if is_loopback
        && registered.scheme() == "http"
        && (registered.set_port(None).is_err() || uri.set_port(None).is_err())
    {
        return false;
    }
    uri.fragment().is_none() && registered == uri
}

/// How an answer travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    /// Reads `response_mode`.
    pub(super) fn of(text: &str) -> Option<Self> {
        match text {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// Sends the browser to the redirect URI with an answer.
pub(super) fn send(uri: &str, mode: Mode, answer: &[(&str, String)]) -> Response {
    let Ok(mut url) = Url::parse(uri) else {
        return Response::empty(StatusCode::BAD_REQUEST);
    };
    match mode {
        Mode::FormPost => return pages::form_post(uri, answer),
        Mode::Query if answer.is_empty() => {}
        Mode::Query => {
            url.query_pairs_mut().extend_pairs(answer);
        }
        Mode::Fragment => {
            let text = form_urlencoded::Serializer::new(String::new()).extend_pairs(answer).finish();
            url.set_fragment(Some(&text));
        }
    }
    Response::empty(StatusCode::FOUND).with(LOCATION, url.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_loopback_uri_takes_any_port() {
        for (registered, uri, expected) in [
            ("http://localhost", "http://localhost:53214", true),
            ("http://localhost", "http://localhost:53214/", true),
            ("http://localhost", "http://localhost:53214/callback", false),
            ("http://localhost/callback", "http://localhost:1/callback", true),
            ("http://localhost/callback", "http://localhost:1/Callback", false),
            ("http://localhost:5000", "http://localhost:5001", true),
            ("http://localhost:5000/MyApp", "http://localhost/MyApp", true),
            ("http://localhost:5000/MyApp", "http://127.0.0.1:5000/MyApp", false),
            ("https://localhost:5000", "https://localhost:5001", false),
            ("http://localhost", "https://localhost:53214", false),
            ("http://localhost", "http://localhost.evil.example:53214", false),
            ("http://localhost", "http://localhost:1/#x", false),
            ("http://localhost", "http://user@localhost:1/", false),
            ("https://app.example/cb", "https://app.example/cb", true),
            ("https://app.example/cb", "https://app.example:444/cb", false),
            ("https://app.example/cb", "https://app.example/cb?x=1", false),
            ("http://localhost", "nonsense", false),
        ] {
            assert_eq!(fits(registered, uri), expected, "{registered} {uri}");
        }
    }

    #[test]
    fn an_answer_is_encoded_for_its_mode() {
        let answer = [("code", "a b&c".to_owned()), ("state", "é".to_owned())];
        let location = |mode| {
            let response = send("http://localhost:1", mode, &answer);
            response.headers.get(LOCATION).unwrap().to_str().unwrap().to_owned()
        };
        assert_eq!(location(Mode::Query), "http://localhost:1/?code=a+b%26c&state=%C3%A9");
        assert_eq!(location(Mode::Fragment), "http://localhost:1/#code=a+b%26c&state=%C3%A9");
    }
}

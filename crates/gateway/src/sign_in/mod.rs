//! How people sign in: OpenID Connect against Entra, or once by a link that whoever runs the gateway printed on its
//! machine.
//!
//! The browser has its attempt in a sealed cookie, the attempt is used once, and what Entra answers is judged in
//! full: issuer, audience, tenant, nonce, signature.

mod attempt;
mod begin;
mod callback;
mod link;
mod out;
mod session;

use attache_entra::{Authority, Scopes, WebClient};
use axum::routing::{get, post};

pub use link::{SignInLink, sign_in_link};

use crate::Gateway;
use crate::server::Pages;

/// Where Entra sends the browser back to.
const CALLBACK: &str = "/sign-in/callback";

/// The routes.
pub(crate) fn pages() -> Pages {
    Pages::new()
        .route("/sign-in", get(begin::begin))
        .route(CALLBACK, get(callback::callback))
        .route("/sign-in/link/{secret}", get(link::show).post(link::follow))
        .route("/sign-out", post(out::out))
        .route(out::SIGNED_OUT_PAGE, get(out::done))
}

/// The application that people sign in to.
fn web(gateway: &Gateway) -> WebClient {
    let app = &gateway.config.sign_in;
    WebClient {
        authority: Authority::Organizations,
        client: app.client_id,
        credential: app.credential(),
        redirect_uri: gateway.config.url(CALLBACK),
        scopes: Scopes::new([]),
    }
}

/// A path of ours to go on to: never another site's address.
fn own_path(text: Option<&str>) -> String {
    let ours = |text: &&str| {
        // Browsers leave out tabs, so that what follows one may be another site.
        text.starts_with('/')
            && !text.starts_with("//")
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\')
            // It has to fit into a cookie.
            && text.len() <= 1_000
    };
    text.filter(ours).unwrap_or("/").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_sent_to_another_site_after_signing_in() {
        assert_eq!(own_path(Some("/orgs/acme?x=1")), "/orgs/acme?x=1");
        for other in [
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/\t/evil.example",
            "evil",
            "javascript:1",
        ] {
            assert_eq!(own_path(Some(other)), "/", "{other}");
        }
        assert_eq!(own_path(None), "/");
    }
}

//! Who may see the pages: whoever shows a control token once. The browser then keeps a cookie that is good for
//! the pages only and tells nothing of the token.

use askama::Template;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::header::{COOKIE, SET_COOKIE};
use http::{Method, StatusCode};

use crate::exchange::{Request, Response};
use crate::realm::Realm;
use crate::sandbox::Shared;

use super::PAGES;
use super::page::{Refusal, page, redirect};

/// Bound to the host, sent over TLS only, and never by another site.
const NAME: &str = "__Host-sandbox";

#[derive(Template)]
#[template(path = "portal/token.html")]
struct Ask<'a> {
    error: &'a str,
}

/// The page that asks for the token.
pub(super) fn ask(error: Option<&str>) -> Response {
    let status = if error.is_some() { StatusCode::FORBIDDEN } else { StatusCode::OK };
    page(status, &Ask { error: error.unwrap_or_default() })
}

/// Takes a token, from the form or from a link such as `/?token=…`, and goes on without it in the address.
pub(super) fn enter(
    shared: &Shared,
    request: &Request,
    segments: &[&str],
) -> Result<Option<Response>, Refusal> {
    let token = match (&request.method, segments) {
        (&Method::GET, []) => request.query("token").map(str::to_owned),
        (&Method::POST, []) => {
            check_origin(request)?;
            let form = request.form();
            Some(
                form.into_iter()
                    .find(|(name, _)| name == "token")
                    .map(|(_, token)| token)
                    .unwrap_or_default(),
            )
        }
        (&Method::POST, ["leave"]) => {
            check_origin(request)?;
            let gone = format!("{NAME}=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
            return Ok(Some(redirect("/").with(SET_COOKIE, &gone)));
        }
        _ => None,
    };
    let Some(token) = token else { return Ok(None) };
    let token = token.trim();
    let fits = |realm: &Realm| is_same(token, &realm.seeded.control_token);
    let Some(realm) = shared.realms.all().into_iter().find(|realm| fits(realm)) else {
        return Ok(Some(ask(Some("That is not the control token of a tenant here."))));
    };
    let cookie = format!("{NAME}={}; Path=/; Secure; HttpOnly; SameSite=Strict", cookie_of(&realm));
    Ok(Some(redirect(&format!("{PAGES}/{}/overview", realm.id)).with(SET_COOKIE, &cookie)))
}

/// Whether the browser has shown this realm's token.
pub(super) fn has_entered(request: &Request, realm: &Realm) -> bool {
    let wanted = cookie_of(realm);
    request
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(NAME)?.strip_prefix('='))
        .any(|value| is_same(value, &wanted))
}

/// Refuses what another site's page makes a browser send. (The cookie would not come with it either.)
pub(super) fn check_origin(request: &Request) -> Result<(), Refusal> {
    match request.header("origin") {
        Some(origin) if origin != request.origin => Err(Refusal::new(
            StatusCode::FORBIDDEN,
            "Not from here",
            "This form was sent by a page of another site. Open the sandbox's own page and try again.",
        )),
        _ => Ok(()),
    }
}

fn cookie_of(realm: &Realm) -> String {
    let text = format!("pages\0{}\0{}", realm.id, realm.seeded.control_token);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, text.as_bytes()))
}

fn is_same(one: &str, other: &str) -> bool {
    verify_slices_are_equal(one.as_bytes(), other.as_bytes()).is_ok()
}

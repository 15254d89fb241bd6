//! The pages that a person sees: plain HTML forms, usable by keyboard, by screen reader and by script.

use askama::Template;
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_FRAME_OPTIONS};

use crate::exchange::Response;
use crate::graph::permission;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    action: &'a str,
    app: &'a str,
    request: &'a str,
    username: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Consent<'a> {
    action: &'a str,
    app: &'a str,
    username: &'a str,
    scopes: Vec<Asked<'a>>,
    consent: &'a str,
    is_admin: bool,
}

/// A permission, and what it lets an app do.
struct Asked<'a> {
    name: &'a str,
    title: &'static str,
}

#[derive(Template)]
#[template(path = "second_factor.html")]
struct SecondFactor<'a> {
    action: &'a str,
    app: &'a str,
    second_factor: &'a str,
    is_new: bool,
    choices: &'a [(&'a str, &'a str)],
}

#[derive(Template)]
#[template(path = "terms.html")]
struct Terms<'a> {
    action: &'a str,
    organisation: &'a str,
    terms: &'a str,
    sealed: &'a str,
}

#[derive(Template)]
#[template(path = "passcode.html")]
struct EnterPasscode<'a> {
    action: &'a str,
    request: &'a str,
    username: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "new_password.html")]
struct NewPassword<'a> {
    action: &'a str,
    request: &'a str,
    username: &'a str,
    password: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "approval.html")]
struct Approval<'a> {
    action: &'a str,
    app: &'a str,
    username: &'a str,
    scopes: Vec<Asked<'a>>,
    code: &'a str,
    consent: &'a str,
}

#[derive(Template)]
#[template(path = "admin_consent.html")]
struct AdminConsent<'a> {
    action: &'a str,
    app: &'a str,
    username: &'a str,
    permissions: Vec<Asked<'a>>,
    admin_consent: &'a str,
}

#[derive(Template)]
#[template(path = "admin_sign_in.html")]
struct AdminSignIn<'a> {
    action: &'a str,
    app: &'a str,
    admin_consent: &'a str,
    username: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "device.html")]
struct Device<'a> {
    user_code: &'a str,
    error: &'a str,
}

#[derive(Template)]
#[template(path = "form_post.html")]
struct FormPost<'a> {
    action: &'a str,
    fields: &'a [(&'a str, String)],
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// The sign-in form; it posts `request`, `username` and `password`.
pub(super) fn sign_in(
    action: &str,
    app: &str,
    request: &str,
    username: &str,
    error: Option<&str>,
) -> Response {
    page(StatusCode::OK, &SignIn { action, app, request, username, error: error.unwrap_or_default() })
}

/// The consent form; it posts `consent` and `decision`.
pub(super) fn consent(
    action: &str,
    app: &str,
    username: &str,
    scopes: &[String],
    consent: &str,
    is_admin: bool,
) -> Response {
    let scopes = explained(scopes);
    page(StatusCode::OK, &Consent { action, app, username, scopes, consent, is_admin })
}

/// The second factor's form, and the one that registers it; it posts `second_factor` and `decision`: one of the
/// choices, `cancel`, or `deny`.
pub(super) fn second_factor(
    action: &str,
    app: &str,
    second_factor: &str,
    is_new: bool,
    choices: &[(&str, &str)],
) -> Response {
    page(StatusCode::OK, &SecondFactor { action, app, second_factor, is_new, choices })
}

/// The form that asks to accept terms of use; it posts `terms` and `decision` (`accept` or `decline`).
pub(super) fn terms(action: &str, organisation: &str, terms: &str, sealed: &str) -> Response {
    page(StatusCode::OK, &Terms { action, organisation, terms, sealed })
}

/// The form for a one-time passcode; it posts `request`, `username` and `passcode`.
pub(super) fn passcode(action: &str, request: &str, username: &str, was_wrong: bool) -> Response {
    let error = if was_wrong { "That code didn't work. Check the code and try again." } else { "" };
    page(StatusCode::OK, &EnterPasscode { action, request, username, error })
}

/// The form for a new password; it posts what the sign-in form posts, and `new_password`.
pub(super) fn new_password(
    action: &str,
    request: &str,
    username: &str,
    password: &str,
    error: Option<&str>,
) -> Response {
    let error = error.unwrap_or_default();
    page(StatusCode::OK, &NewPassword { action, request, username, password, error })
}

/// Only an administrator can consent; with `consent`, the form that asks one, posting `justification` and
/// `decision`.
pub(super) fn approval(
    action: &str,
    app: &str,
    username: &str,
    scopes: &[String],
    code: &str,
    consent: Option<&str>,
) -> Response {
    let (consent, scopes) = (consent.unwrap_or_default(), explained(scopes));
    page(StatusCode::OK, &Approval { action, app, username, scopes, code, consent })
}

/// The administrator's consent form; it posts `admin_consent` and `decision`.
pub(super) fn admin_consent(
    action: &str,
    app: &str,
    username: &str,
    permissions: &[String],
    admin_consent: &str,
) -> Response {
    let permissions = explained(permissions);
    page(StatusCode::OK, &AdminConsent { action, app, username, permissions, admin_consent })
}

/// The sign-in form before it; it posts `admin_consent`, `username` and `password`.
pub(super) fn admin_sign_in(
    action: &str,
    app: &str,
    admin_consent: &str,
    username: &str,
    error: Option<&str>,
) -> Response {
    let error = error.unwrap_or_default();
    page(StatusCode::OK, &AdminSignIn { action, app, admin_consent, username, error })
}

/// The device form; it posts `user_code`, `username`, `password` and `decision`.
pub(super) fn device(user_code: &str, error: Option<&str>) -> Response {
    page(StatusCode::OK, &Device { user_code, error: error.unwrap_or_default() })
}

/// A form that a browser posts to the client at once.
pub(super) fn form_post(action: &str, fields: &[(&str, String)]) -> Response {
    page(StatusCode::OK, &FormPost { action, fields }).with(
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; img-src data:; script-src 'unsafe-inline'; frame-ancestors 'none'",
    )
}

/// A page that only says something.
pub(super) fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &Message { title, text })
}

/// What people are told of a permission. The four of OpenID Connect are Entra's own.
fn explained(names: &[String]) -> Vec<Asked<'_>> {
    let title = |name: &str| match name {
        "openid" => "Sign you in",
        "profile" => "See your basic profile",
        "email" => "See your e-mail address",
        "offline_access" => "Keep the access that you give it",
        other => {
            let value = other.rsplit('/').next().unwrap_or_default();
            permission(value).map_or("", |permission| permission.title)
        }
    };
    names.iter().map(|name| Asked { name, title: title(name) }).collect()
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    // Writing to a string does not fail.
    Response::html(status, template.render().unwrap_or_default())
        .with(CACHE_CONTROL, "no-store, no-cache")
        .with(
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'",
        )
        .with(REFERRER_POLICY, "no-referrer")
        .with(X_FRAME_OPTIONS, "DENY")
}

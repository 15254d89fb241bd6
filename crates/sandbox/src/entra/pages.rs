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
}

#[derive(Template)]
#[template(path = "enrolment.html")]
struct Enrolment<'a> {
    action: &'a str,
    app: &'a str,
    second_factor: &'a str,
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

/// The second factor's form; it posts `second_factor` and `decision` (`approve`, `deny` or `cancel`).
pub(super) fn second_factor(action: &str, app: &str, second_factor: &str) -> Response {
    page(StatusCode::OK, &SecondFactor { action, app, second_factor })
}

/// The form that registers one; it posts `second_factor` and `decision` (`register_authenticator`,
/// `register_security_key` or `cancel`).
pub(super) fn enrolment(action: &str, app: &str, second_factor: &str) -> Response {
    page(StatusCode::OK, &Enrolment { action, app, second_factor })
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
        "default-src 'none'; script-src 'unsafe-inline'; frame-ancestors 'none'",
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
            "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
        )
        .with(REFERRER_POLICY, "no-referrer")
        .with(X_FRAME_OPTIONS, "DENY")
}

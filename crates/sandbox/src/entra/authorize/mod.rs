//! `/{tenant}/oauth2/v2.0/authorize` and the sign-in form that it shows (Entra reference §1.3).
//!
//! The form posts back to `/{tenant}/login` with the request as it was (`request`), `username` and
//! `password`; the consent form with `consent` (who asked what, sealed) and `decision`.

mod consent;
mod request;
mod session;

use http::StatusCode;

use crate::directory::User;
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::code::{Code, LIFETIME};
use super::context::Context;
use super::error::{EntraError, Ids};
use super::form::Form;
use super::issue::{client_info, end_of, id_token};
use super::pages;
use super::redirect::send;
use super::sealed::{Kind, seal};
use super::user_response::admitted;

use request::{SignInRequest, read};
use session::{Session, session};

pub(crate) use session::{check_password, logout, sealed_session};

/// Answers `authorize`, by GET or by POST.
pub(super) fn answer(context: &Context<'_>, tenant: &Tenant) -> Response {
    let text = match context.request.method {
        http::Method::POST => String::from_utf8_lossy(&context.request.body).into_owned(),
        _ => context.request.raw_query.clone(),
    };
    let request = match read(context, tenant, &text) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let session = session(context, tenant);
    match (request.prompt.as_str(), session) {
        ("none", None) => redirect_error(context, &request, &EntraError::no_session()),
        ("login" | "select_account", _) | (_, None) => {
            sign_in_page(tenant, &request, &request.login_hint, None)
        }
        (_, Some(session)) => continue_with(context, tenant, &request, &session),
    }
}

/// Answers the sign-in form and the consent form; and whether the tenant has changed.
pub(super) fn login(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    let form = match Form::parse(&context.request.body) {
        Ok(form) => form,
        Err(error) => return (error_page(context, &error), false),
    };
    if let Some(sealed) = form.get("consent") {
        return consent::decide(context, tenant, sealed, form.get("decision"));
    }
    let request = match read(context, tenant, form.get("request").unwrap_or_default()) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let username = form.get("username").unwrap_or_default();
    let response =
        match check_password(tenant, username, form.get("password").unwrap_or_default(), context.now) {
            Err(error) => sign_in_page(tenant, &request, username, Some(&error.message)),
            Ok(user) => {
                let session = Session::begun(user, context.now);
                session.remembered(tenant, continue_with(context, tenant, &request, &session))
            }
        };
    (response, false)
}

/// A signed-in user goes on: to consent, or back to the client.
fn continue_with(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
) -> Response {
    let user = match admitted(tenant, &session.user_id, session.since, context.now) {
        Ok(user) => user,
        Err(error) => {
            return sign_in_page(tenant, request, &request.login_hint, Some(&error.message));
        }
    };
    let missing = match consent::missing(context, tenant, request, user) {
        Ok(missing) => missing,
        Err(error) => return redirect_error(context, request, &error),
    };
    if missing.is_empty() && request.prompt != "consent" {
        return complete(context, tenant, request, user, session);
    }
    if request.prompt == "none" {
        return redirect_error(context, request, &EntraError::consent_required(&request.client.app_id));
    }
    consent::ask(context, tenant, request, user, session, &missing)
}

/// Back to the client with what it asked for.
fn complete(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
    session: &Session,
) -> Response {
    let mut answer = Vec::new();
    if request.wants_code {
        let code = Code {
            id: crate::directory::new_id(),
            client_id: request.client.app_id.clone(),
            user_id: user.id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            platform: request.platform,
            scope: request.scope.clone(),
            challenge: request.challenge.clone(),
            nonce: request.nonce.clone(),
            sign_in: session.sign_in.clone(),
            issued: session.since,
            expires: end_of(context.now, LIFETIME),
        };
        answer.push(("code", seal(&tenant.entra.secret, Kind::Code, &code)));
    }
    if request.wants_id_token {
        let nonce = request.nonce.as_deref();
        answer.push((
            "id_token",
            id_token(context, tenant, &request.client.app_id, user, &session.sign_in, nonce),
        ));
    }
    if let Some(state) = &request.state {
        answer.push(("state", state.clone()));
    }
    answer.push(("session_state", session.sign_in.session_id.clone()));
    if Form::parse(request.text.as_bytes()).is_ok_and(|form| form.get("client_info") == Some("1")) {
        answer.push(("client_info", client_info(tenant, &user.id)));
    }
    send(&request.redirect_uri, request.mode, &answer)
}

fn redirect_error(context: &Context<'_>, request: &SignInRequest, error: &EntraError) -> Response {
    let ids = Ids::of(context.request);
    let mut answer =
        vec![("error", error.error.to_owned()), ("error_description", error.description(&ids, context.now))];
    if let Some(state) = &request.state {
        answer.push(("state", state.clone()));
    }
    send(&request.redirect_uri, request.mode, &answer)
}

fn sign_in_page(tenant: &Tenant, request: &SignInRequest, username: &str, error: Option<&str>) -> Response {
    pages::sign_in(&action(tenant), &request.client.name, &request.text, username, error)
}

/// Where the forms post to.
fn action(tenant: &Tenant) -> String {
    format!("/{}/login", tenant.id)
}

fn error_page(context: &Context<'_>, error: &EntraError) -> Response {
    let ids = Ids::of(context.request);
    pages::message(
        StatusCode::BAD_REQUEST,
        "Sorry, but we’re having trouble signing you in.",
        &error.description(&ids, context.now),
    )
}

//! `/{tenant}/oauth2/v2.0/authorize` and the sign-in form that it shows (Entra reference §1.3).
//!
//! The form posts back to `/{tenant}/login` with the request as it was (`request`), `username` and `password`,
//! `new_password` where one is wanted, and `passcode` in the password's place; the second factor's with `second_factor` (who signs in to what,
//! sealed) and `decision`; that of terms of use with `terms` (likewise) and `decision`; the consent form with `consent` (who asked what, sealed) and `decision`.

mod admin_consent;
mod consent;
mod request;
mod second_factor;
mod session;
mod terms;

use http::StatusCode;

use crate::directory::{Application, User};
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::code::{Code, LIFETIME};
use super::conditional_access::{Flow, Refusal, Wanted};
use super::context::Context;
use super::error::EntraError;
use super::foreign;
use super::form::Form;
use super::guest;
use super::issue::{Identity, client_info, end_of, id_token};
use super::pages;
use super::passcode::{ByCode, by_code};
use super::password::check_password;
use super::redirect::send;
use super::resource::Asked;
use super::sealed::{Kind, seal};
use super::sign_in_log::{SignInRow, Way};
use super::user_response::{check_assigned, identified, note, refusal};

use request::{SignInRequest, read};
use session::{Session, session};

pub(crate) use admin_consent::answer as admin_consent;
pub(crate) use session::{logout, sealed_session};

/// Answers `authorize`, by GET or by POST.
pub(super) fn answer(context: &Context<'_>, tenant: &Tenant, authority: &str) -> Response {
    let text = match context.request.method {
        http::Method::POST => String::from_utf8_lossy(&context.request.body).into_owned(),
        _ => context.request.raw_query.clone(),
    };
    let adopted = foreign::adopted(context, tenant, &foreign::client_of(&text));
    let tenant = adopted.as_ref().unwrap_or(tenant);
    let request = match read(context, tenant, &text) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let names_no_tenant = ["common", "organizations"].iter().any(|word| authority.eq_ignore_ascii_case(word));
    if names_no_tenant && !is_multi_tenant(context, tenant, &request) {
        return redirect_error(context, &request, &EntraError::tenant_needed(&request.client.app_id));
    }
    // A session of somebody else, or from too long ago, is none for this request.
    let session = session(context, tenant)
        .filter(|session| request.is_for(tenant, &session.user_id, context.now))
        .filter(|session| request.takes_age(context.now.duration_since(session.sign_in.at)));
    match (request.prompt.as_str(), session) {
        ("none", None) => redirect_error(context, &request, &EntraError::no_session()),
        ("login" | "select_account", _) | (_, None) => {
            sign_in_page(tenant, &request, &request.login_hint, None)
        }
        (_, Some(session)) => continue_with(context, tenant, &request, &session),
    }
}

fn is_multi_tenant(context: &Context<'_>, tenant: &Tenant, request: &SignInRequest) -> bool {
    let app = tenant.application_by_app_id(&request.client.app_id, context.now);
    app.is_some_and(Application::is_multi_tenant)
}

/// Answers the forms; and whether the tenant has changed.
pub(super) fn login(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    let Some(mut adopted) = for_first_consent(context, tenant) else {
        return sign_in(context, tenant);
    };
    let (response, has_changed) = sign_in(context, &mut adopted);
    // The principal stays once somebody consented.
    let stays = has_changed && adopted.workloads.foreign.values().all(|foreign| !foreign.is_new);
    if stays {
        *tenant = adopted;
    }
    (response, stays)
}

/// The tenant with a principal of the client of another tenant that the form is about, if it has none here.
fn for_first_consent(context: &Context<'_>, tenant: &Tenant) -> Option<Tenant> {
    let form = Form::parse(&context.request.body).ok()?;
    let text = match form.get("consent") {
        Some(sealed) => consent::request_of(tenant, sealed)?,
        None => match (form.get("second_factor"), form.get("terms")) {
            (Some(sealed), _) => second_factor::request_of(tenant, sealed)?,
            (None, Some(sealed)) => terms::request_of(tenant, sealed)?,
            (None, None) => form.get("request")?.to_owned(),
        },
    };
    foreign::adopted(context, tenant, &foreign::client_of(&text))
}

fn sign_in(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    let form = match Form::parse(&context.request.body) {
        Ok(form) => form,
        Err(error) => return (error_page(context, &error), false),
    };
    if let Some(sealed) = form.get("consent") {
        return consent::decide(
            context,
            tenant,
            sealed,
            form.get("decision"),
            form.get("justification").unwrap_or_default(),
        );
    }
    if let Some(sealed) = form.get("second_factor") {
        return second_factor::decide(context, tenant, sealed, &form);
    }
    if let Some(sealed) = form.get("terms") {
        return terms::decide(context, tenant, sealed, &form);
    }
    let request = match read(context, tenant, form.get("request").unwrap_or_default()) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let (username, password) =
        (form.get("username").unwrap_or_default(), form.get("password").unwrap_or_default());
    match tenant.account(username, context.now) {
        Some(user) => context.attempt.user(user),
        None => {
            let client = (&*request.client.app_id, &*request.client.name);
            if let Some(error) = guest::stranger(context, tenant, client, (username, password)) {
                return (error_page(context, &error), false);
            }
        }
    }
    match by_code(context, tenant, &form) {
        Ok(ByCode::No) => {}
        Ok(ByCode::Ask { was_wrong }) => {
            if was_wrong {
                log(context, Some(&EntraError::wrong_password()));
            }
            return (pages::passcode(&action(tenant), &request.text, username, was_wrong), true);
        }
        Ok(ByCode::Right(id)) => {
            let session = Session::begun(id, "otp", context.now);
            let response = session.remembered(tenant, continue_with(context, tenant, &request, &session));
            return (response, true);
        }
        Err(error) => return (error_page(context, &error), false),
    }
    let user_id = match check_password(context, tenant, username, password) {
        Ok(user) => user.id.clone(),
        Err(error) => {
            log(context, Some(&error));
            return (sign_in_page(tenant, &request, username, Some(&error.message)), false);
        }
    };
    if tenant.users.get(&user_id).is_some_and(|user| user.must_change_password) {
        let new = form.get("new_password");
        if let Err(error) = change_password(tenant, &user_id, password, new) {
            log(context, Some(&EntraError::expired_password()));
            let page = pages::new_password(&action(tenant), &request.text, username, password, error);
            return (page, false);
        }
    }
    let session = Session::begun(user_id, "pwd", context.now);
    let response = session.remembered(tenant, continue_with(context, tenant, &request, &session));
    (response, true)
}

/// Sets the password that the user chose, or says what to ask for.
fn change_password(
    tenant: &mut Tenant,
    user_id: &str,
    old: &str,
    new: Option<&str>,
) -> Result<(), Option<&'static str>> {
    let new = new.ok_or(None)?;
    if new.len() < 8 || new == old {
        return Err(Some("Choose another password, of eight characters or more."));
    }
    if let Some(user) = tenant.users.get_mut(user_id) {
        user.password = Some(new.to_owned());
        user.must_change_password = false;
    }
    Ok(())
}

/// A signed-in user goes on: to the second factor, to consent, or back to the client.
fn continue_with(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
) -> Response {
    let user = match identified(context, tenant, &session.user_id, session.since) {
        Ok(user) => user,
        Err(error) => {
            log(context, Some(&error));
            return sign_in_page(tenant, request, &request.login_hint, Some(&error.message));
        }
    };
    let asked = match Asked::parse(tenant, context.names, &request.scope, false, context.now) {
        Ok(asked) => asked,
        Err(error) => return redirect_error(context, request, &error),
    };
    note(context, tenant, user, &asked.resource, &session.sign_in);
    if let Err(error) = check_assigned(tenant, &request.client, user) {
        return refuse(context, request, error);
    }
    if let Some(refusal) = refusal(context, tenant, user, &asked.resource, Flow::Browser, &session.sign_in) {
        return interrupt(context, tenant, request, session, &refusal);
    }
    let missing = match consent::missing(context, tenant, request, user) {
        Ok(missing) => missing,
        Err(error) => return redirect_error(context, request, &error),
    };
    let is_new = foreign::is_new(tenant, &request.client.app_id);
    if missing.is_empty() && request.prompt != "consent" && !is_new {
        return complete(context, tenant, request, user, session);
    }
    if request.prompt == "none" {
        return redirect_error(context, request, &EntraError::consent_required(&request.client.app_id));
    }
    log(context, Some(&EntraError::no_consent(&request.client.app_id, &request.client.name)));
    consent::ask(context, tenant, request, user, session, &missing)
}

/// A policy wants more than there is: what a person can do about it is asked for on a page.
fn interrupt(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    session: &Session,
    refusal: &Refusal,
) -> Response {
    match refusal.wanted {
        _ if request.prompt == "none" => {
            let error = if matches!(refusal.wanted, Wanted::Again(_)) {
                EntraError::no_session()
            } else {
                EntraError { error: "interaction_required", ..refusal.to_error() }
            };
            redirect_error(context, request, &error)
        }
        Wanted::Mfa(_) | Wanted::Enrolment(_) => {
            log(context, Some(&refusal.to_interruption()));
            second_factor::ask(context, tenant, request, session, refusal)
        }
        Wanted::Terms(ref agreement) => {
            log(context, Some(&refusal.to_interruption()));
            terms::ask(context, tenant, request, session, refusal, agreement)
        }
        Wanted::Again(_) => sign_in_page(tenant, request, &request.login_hint, None),
        Wanted::Blocked | Wanted::CompliantDevice | Wanted::DomainJoinedDevice => {
            error_page(context, &refusal.to_error())
        }
    }
}

/// Nothing on a page helps: a silent client is told, a person sees it.
fn refuse(context: &Context<'_>, request: &SignInRequest, error: EntraError) -> Response {
    if request.prompt == "none" {
        return redirect_error(context, request, &EntraError { error: "interaction_required", ..error });
    }
    error_page(context, &error)
}

/// Back to the client with what it asked for.
fn complete(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
    session: &Session,
) -> Response {
    log(context, None);
    let mut answer = Vec::new();
    let code = request.wants_code.then(|| {
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
            tells_time: request.max_age.is_some(),
        };
        seal(&tenant.entra.secret, Kind::Code, &code)
    });
    if request.wants_id_token {
        let oidc: Vec<String> = request.scope.split_whitespace().map(str::to_owned).collect();
        let identity = Identity {
            user,
            sign_in: &session.sign_in,
            nonce: request.nonce.as_deref(),
            oidc: &oidc,
            code: code.as_deref(),
            tells_time: request.max_age.is_some(),
        };
        answer.push(("id_token", id_token(context, tenant, &request.client, &identity)));
    }
    if let Some(code) = code {
        answer.insert(0, ("code", code));
    }
    if let Some(state) = &request.state {
        answer.push(("state", state.clone()));
    }
    answer.push(("session_state", session.sign_in.session_id.clone()));
    if Form::parse(request.text.as_bytes()).is_ok_and(|form| form.get("client_info") == Some("1")) {
        answer.push(("client_info", client_info(tenant, user)));
    }
    send(&request.redirect_uri, request.mode, &answer)
}

/// The end of this attempt, for the sign-in log.
fn log(context: &Context<'_>, error: Option<&EntraError>) {
    context.attempt.ends(SignInRow::new(context, Way::PAGE, error));
}

fn redirect_error(context: &Context<'_>, request: &SignInRequest, error: &EntraError) -> Response {
    log(context, Some(error));
    let mut answer = vec![
        ("error", error.error.to_owned()),
        ("error_description", error.description(context.ids, context.now)),
        ("error_uri", error.uri()),
    ];
    if let Some(suberror) = error.suberror {
        answer.push(("suberror", suberror.to_owned()));
    }
    if error.code == 65_004 {
        answer.push(("error_subcode", "cancel".to_owned()));
    }
    if let Some(claims) = &error.claims {
        answer.push(("claims", claims.to_string()));
    }
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
    log(context, Some(error));
    pages::message(
        StatusCode::BAD_REQUEST,
        "Sorry, but we’re having trouble signing you in.",
        &error.description(context.ids, context.now),
    )
}

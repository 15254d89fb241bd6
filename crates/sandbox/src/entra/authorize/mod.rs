//! `/{tenant}/oauth2/v2.0/authorize` and the sign-in form that it shows (Entra reference §1.3).
//!
//! The form posts back to `/{tenant}/login` with the request as it was (`request`), `username` and `password`,
//! `new_password` where one is wanted, and `passcode` in the password's place; the second factor's with `second_factor` (who signs in to what,
//! sealed) and `decision`; that of terms of use with `terms` (likewise) and `decision`; the consent form with `consent` (who asked what, sealed) and `decision`.

mod admin_consent;
mod consent;
mod pending;
mod redirect;
mod request;
mod second_factor;
mod session;
mod terms;

use http::StatusCode;

use crate::directory::{Application, User};
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::conditional_access::{Refusal, Wanted};
use super::context::Context;
use super::device;
use super::error::EntraError;
use super::foreign;
use super::form::Form;
use super::guest;
use super::pages;
use super::passcode::{ByCode, by_code};
use super::password::check_password;
use super::resource::Asked;
use super::sign_in_log::{SignInRow, Way};
use super::user_response::{check_assigned, identified, note, refusal};

use request::{Answer, SignInRequest, read, read_again, read_device};
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
    // Nothing is kept of what changes here: whoever comes back to a client changes nothing.
    let tenant = &mut adopted.unwrap_or_else(|| tenant.clone());
    let request = match read(context, tenant, &text) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let names_no_tenant = matches!(authority, "common" | "organizations");
    if names_no_tenant && !is_multi_tenant(context, tenant, &request.client.app_id) {
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

/// Whether the application may be signed in to without naming a tenant.
pub(super) fn is_multi_tenant(context: &Context<'_>, tenant: &Tenant, app_id: &str) -> bool {
    let app = tenant.application_by_app_id(app_id, context.now);
    app.is_some_and(Application::is_multi_tenant)
}

/// Answers the forms; and whether the tenant has changed.
pub(super) fn login(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    let client_id = asked_client(context, tenant).unwrap_or_default();
    with_client(context, tenant, &client_id, |tenant| sign_in(context, tenant))
}

/// A person who typed a device's code and their password goes on as from any sign-in: to a second factor, to
/// consent, or to the end; and whether the tenant has changed.
pub(super) fn sign_in_device(
    context: &Context<'_>,
    tenant: &mut Tenant,
    user_code: &str,
    user_id: &str,
) -> Result<(Response, bool), EntraError> {
    let client_id = tenant.entra.waiting(user_code).map(|device| device.client_id.clone());
    with_client(context, tenant, &client_id.unwrap_or_default(), |tenant| {
        let request = match read_device(context, tenant, user_code) {
            Ok(request) => request,
            Err(error) => return (Err(error), false),
        };
        let session = Session::begun(user_id.to_owned(), "pwd", context.now);
        let response = continue_with(context, tenant, &request, &session);
        (Ok((session.remembered(tenant, response), true)), true)
    })
    .0
}

/// Acts in the tenant as it is with a principal of the client, which stays once somebody has consented; and whether
/// the tenant has changed.
fn with_client<T>(
    context: &Context<'_>,
    tenant: &mut Tenant,
    client_id: &str,
    act: impl FnOnce(&mut Tenant) -> (T, bool),
) -> (T, bool) {
    let Some(mut adopted) = foreign::adopted(context, tenant, client_id) else {
        return act(tenant);
    };
    let (answer, has_changed) = act(&mut adopted);
    if !has_changed {
        return (answer, false);
    }
    if foreign::is_new(&adopted, client_id) {
        adopted.service_principals = tenant.service_principals.clone();
        adopted.role_assignments = tenant.role_assignments.clone();
        adopted.workloads.foreign = tenant.workloads.foreign.clone();
    }
    *tenant = adopted;
    (answer, true)
}

/// The client that a form is about.
fn asked_client(context: &Context<'_>, tenant: &Tenant) -> Option<String> {
    let form = Form::parse(&context.request.body).ok()?;
    let text = match form.get("consent") {
        Some(sealed) => consent::request_of(tenant, sealed)?,
        None => match (form.get("second_factor"), form.get("terms")) {
            (Some(sealed), _) => second_factor::request_of(tenant, sealed)?,
            (None, Some(sealed)) => terms::request_of(tenant, sealed)?,
            (None, None) => form.get("request")?.to_owned(),
        },
    };
    Some(foreign::client_of(&text))
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
    let request = match read_again(context, tenant, form.get("request").unwrap_or_default()) {
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
            let response = continue_with(context, tenant, &request, &session);
            return (session.remembered(tenant, response), true);
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
    let response = continue_with(context, tenant, &request, &session);
    (session.remembered(tenant, response), true)
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

/// A signed-in user goes on: to the second factor, to consent, or back to the client or the device.
fn continue_with(
    context: &Context<'_>,
    tenant: &mut Tenant,
    request: &SignInRequest,
    session: &Session,
) -> Response {
    let user = match identified(context, tenant, &session.user_id, session.since) {
        Ok(user) => user.clone(),
        Err(error) => {
            log(context, Some(&error));
            return sign_in_page(tenant, request, &request.login_hint, Some(&error.message));
        }
    };
    let asked = match Asked::parse(tenant, context.names, &request.scope, false, context.now) {
        Ok(asked) => asked,
        Err(error) => return redirect_error(context, request, &error),
    };
    note(context, tenant, &user, &asked.resource, &session.sign_in);
    if let Err(error) = check_assigned(tenant, &request.client, &user) {
        return refuse(context, request, error);
    }
    let refusal = refusal(context, tenant, &user, &asked.resource, request.flow(), &session.sign_in);
    if let Some(refusal) = refusal {
        return interrupt(context, tenant, request, session, &refusal);
    }
    let missing = match consent::missing(context, tenant, request, &user) {
        Ok(missing) => missing,
        Err(error) => return redirect_error(context, request, &error),
    };
    let is_new = foreign::is_new(tenant, &request.client.app_id);
    if missing.is_empty() && request.prompt != "consent" && !is_new {
        return complete(context, tenant, request, &user, session);
    }
    if request.prompt == "none" {
        return redirect_error(context, request, &EntraError::consent_required(&request.client.app_id));
    }
    log(context, Some(&EntraError::no_consent(&request.client.app_id, &request.client.name)));
    consent::ask(context, tenant, request, &user, session, &missing)
}

/// A policy wants more than there is: what a person can do about it is asked for on a page.
fn interrupt(
    context: &Context<'_>,
    tenant: &mut Tenant,
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
            if let Some(user_code) = request.device() {
                // It is told the same when it asks next.
                tenant.entra.decide(user_code, session.approval());
            }
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

/// The sign-in is done.
fn complete(
    context: &Context<'_>,
    tenant: &mut Tenant,
    request: &SignInRequest,
    user: &User,
    session: &Session,
) -> Response {
    log(context, None);
    match &request.answer {
        Answer::Redirect(redirect) => redirect.answer(context, tenant, request, user, session),
        Answer::Device(user_code) => {
            tenant.entra.decide(user_code, session.approval());
            device::signed_in()
        }
    }
}

/// The end of this attempt, for the sign-in log.
fn log(context: &Context<'_>, error: Option<&EntraError>) {
    context.attempt.ends(SignInRow::new(context, Way::PAGE, error));
}

/// What went wrong: to the client, or on a page to the person before a device.
fn redirect_error(context: &Context<'_>, request: &SignInRequest, error: &EntraError) -> Response {
    match &request.answer {
        Answer::Redirect(redirect) => {
            log(context, Some(error));
            redirect.refuse(context, error)
        }
        Answer::Device(_) => error_page(context, error),
    }
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

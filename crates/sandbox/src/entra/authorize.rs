//! `/{tenant}/oauth2/v2.0/authorize` and the sign-in form that it shows (Entra reference §1.3).
//!
//! The form posts back to `/{tenant}/login` with the request as it was (`request`), `username` and
//! `password`; the consent form with `consent` (who asked what, sealed) and `decision`.

use http::StatusCode;
use http::header::{COOKIE, SET_COOKIE};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::{Application, ConsentType, DelegatedGrant, User};
use crate::exchange::Response;
use crate::graph::permission;
use crate::tenant::Tenant;

use super::client::{self, Client};
use super::code::{Challenge, Code, LIFETIME};
use super::context::Context;
use super::error::{EntraError, Ids};
use super::form::Form;
use super::issue::{SignIn, end_of, id_token};
use super::pages;
use super::redirect::{Mode, Platform, platform, send};
use super::resource::{Asked, granted_scopes};
use super::sealed::{Kind, open, seal};
use super::user_response::admitted;

/// The session's cookie, as Entra calls it.
const COOKIE_NAME: &str = "ESTSAUTH";

/// A signed-in browser.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Session {
    user_id: String,
    sign_in: SignIn,
    since: Timestamp,
}

/// A consent that a signed-in user was asked for.
#[derive(Debug, Serialize, Deserialize)]
struct PendingConsent {
    session: Session,
    request: String,
    expires: Timestamp,
}

/// A sign-in request whose client and redirect URI are known to be good.
struct SignInRequest {
    client: Client,
    platform: Platform,
    redirect_uri: String,
    mode: Mode,
    wants_code: bool,
    wants_id_token: bool,
    scope: String,
    state: Option<String>,
    nonce: Option<String>,
    prompt: String,
    login_hint: String,
    challenge: Option<Challenge>,
    /// As it came, for the form to send back.
    text: String,
}

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
        return consent(context, tenant, sealed, form.get("decision"));
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
                let sign_in = SignIn {
                    session_id: crate::directory::new_id(),
                    methods: vec!["pwd".to_owned(), "mfa".to_owned()],
                };
                let session = Session { user_id: user.id.clone(), sign_in, since: context.now };
                let sealed = seal(&tenant.entra.secret, Kind::Session, &session);
                continue_with(context, tenant, &request, &session).with(
                    SET_COOKIE,
                    &format!("{COOKIE_NAME}={sealed}; Path=/; Secure; HttpOnly; SameSite=None"),
                )
            }
        };
    (response, false)
}

/// The user whose password that is. Unknown names and wrong passwords are told alike.
pub(super) fn check_password<'t>(
    tenant: &'t Tenant,
    username: &str,
    password: &str,
    now: Timestamp,
) -> Result<&'t User, EntraError> {
    let user = tenant.user(username, now).filter(|user| user.password.as_deref() == Some(password));
    let user = user.ok_or_else(EntraError::wrong_password)?;
    if user.account_enabled { Ok(user) } else { Err(EntraError::disabled_user()) }
}

/// Reads a request; what is wrong with client or redirect URI is shown, the rest is sent to the client.
fn read(context: &Context<'_>, tenant: &Tenant, text: &str) -> Result<SignInRequest, Box<Response>> {
    let shown = |error: EntraError| Box::new(error_page(context, &error));
    let form = Form::parse(text.as_bytes()).map_err(shown)?;
    let client_id = form.require("client_id").map_err(shown)?;
    let client = client::find(tenant, client_id, context.now).map_err(shown)?;
    if client.is_agentic() {
        return Err(shown(EntraError::agentic_user_flow(client_id)));
    }
    let redirect_uri = form.require("redirect_uri").map_err(shown)?;
    let app = tenant.application_by_app_id(client_id, context.now);
    let platform = app
        .and_then(|app: &Application| platform(app, redirect_uri))
        .ok_or_else(|| shown(EntraError::redirect_mismatch(redirect_uri, client_id)))?;
    let response_type = form.get("response_type").unwrap_or_default();
    let kinds: Vec<&str> = response_type.split_whitespace().collect();
    let (wants_code, wants_id_token) = (kinds.contains(&"code"), kinds.contains(&"id_token"));
    let mode = form.get("response_mode").and_then(Mode::of);
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let challenge = owned("code_challenge").map(|challenge| match form.get("code_challenge_method") {
        Some("S256") => Challenge::S256(challenge),
        _ => Challenge::Plain(challenge),
    });
    let request = SignInRequest {
        client,
        platform,
        redirect_uri: redirect_uri.to_owned(),
        mode: mode.unwrap_or(if wants_id_token { Mode::Fragment } else { Mode::Query }),
        wants_code,
        wants_id_token,
        scope: owned("scope").unwrap_or_default(),
        state: owned("state"),
        nonce: owned("nonce"),
        prompt: owned("prompt").unwrap_or_default(),
        login_hint: owned("login_hint").unwrap_or_default(),
        challenge,
        text: text.to_owned(),
    };
    check(&request, &form, response_type)
        .and_then(|()| Asked::parse(tenant, context.names, &request.scope, false, context.now).map(drop))
        .map_err(|error| Box::new(redirect_error(context, &request, &error)))?;
    Ok(request)
}

fn check(request: &SignInRequest, form: &Form, response_type: &str) -> Result<(), EntraError> {
    let known = ["code", "id_token"];
    if response_type.is_empty() {
        return Err(EntraError::missing("response_type"));
    }
    if !response_type.split_whitespace().all(|kind| known.contains(&kind)) {
        return Err(EntraError::unsupported_response_type(response_type));
    }
    if request.scope.is_empty() {
        return Err(EntraError::missing("scope"));
    }
    if request.wants_id_token && request.nonce.is_none() {
        return Err(EntraError::missing("nonce"));
    }
    if form.get("response_mode").is_some_and(|mode| Mode::of(mode).is_none()) {
        return Err(EntraError::malformed("The response_mode is not supported."));
    }
    if request.wants_id_token && request.mode == Mode::Query {
        return Err(EntraError::malformed("An id_token cannot be sent in a query."));
    }
    if form.get("code_challenge_method").is_some_and(|method| !matches!(method, "S256" | "plain")) {
        return Err(EntraError::malformed("The code_challenge_method is not supported."));
    }
    let is_challenge = |text: &str| (43..=128).contains(&text.len());
    if form.get("code_challenge").is_some_and(|text| !is_challenge(text)) {
        return Err(EntraError::missing_verifier());
    }
    // PKCE is mandatory for single-page applications only.
    if request.wants_code && request.platform == Platform::Spa && request.challenge.is_none() {
        return Err(EntraError::malformed(
            "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
        ));
    }
    Ok(())
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
    let missing = match missing_consent(context, tenant, request, user) {
        Ok(missing) => missing,
        Err(error) => return redirect_error(context, request, &error),
    };
    if missing.is_empty() && request.prompt != "consent" {
        return complete(context, tenant, request, user, session);
    }
    if request.prompt == "none" {
        return redirect_error(context, request, &EntraError::consent_required(&request.client.app_id));
    }
    if !user.is_admin && !missing.iter().all(|scope| user_may_consent(scope)) {
        return pages::message(
            StatusCode::OK,
            "Need admin approval",
            &format!(
                "{} needs permissions that only an administrator can grant ({}). Ask an administrator to grant \
                 them to this app before you can use it. AADSTS90094",
                request.client.name,
                missing.join(", ")
            ),
        );
    }
    let pending = PendingConsent {
        session: session.clone(),
        request: request.text.clone(),
        expires: end_of(context.now, LIFETIME),
    };
    let sealed = seal(&tenant.entra.secret, Kind::Consent, &pending);
    pages::consent(&action(tenant), &request.client.name, &user.upn, &missing, &sealed, user.is_admin)
}

/// The scopes that were asked for and are not granted; with `.default`, none but if nothing is granted.
fn missing_consent(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &SignInRequest,
    user: &User,
) -> Result<Vec<String>, EntraError> {
    let asked = Asked::parse(tenant, context.names, &request.scope, false, context.now)?;
    let granted = granted_scopes(tenant, &request.client.principal, &user.id, &asked.resource, context.now);
    let missing: Vec<String> = asked.missing(&granted).into_iter().map(str::to_owned).collect();
    let published =
        tenant.service_principals.get(&asked.resource.principal_id).map(|resource| &resource.scopes);
    let app = tenant.application_by_app_id(&asked.resource.app_id, context.now).map(|app| &app.scopes);
    for scope in &missing {
        let is_known = published
            .into_iter()
            .chain(app)
            .flatten()
            .any(|known| known.is_enabled && known.value.eq_ignore_ascii_case(scope));
        if !is_known {
            return Err(EntraError::unknown_scope(scope, &request.client.app_id, &asked.resource.app_id));
        }
    }
    Ok(missing)
}

/// Since late 2025 the managed default policy wants an administrator for Exchange and Teams data (§13).
fn user_may_consent(scope: &str) -> bool {
    let is_guarded = ["Mail", "Chat", "Channel", "Calendars", "Files", "Sites"]
        .iter()
        .any(|family| scope.to_ascii_lowercase().starts_with(&family.to_ascii_lowercase()));
    !is_guarded && permission(scope).is_none_or(|permission| !permission.needs_admin)
}

fn consent(
    context: &Context<'_>,
    tenant: &mut Tenant,
    sealed: &str,
    decision: Option<&str>,
) -> (Response, bool) {
    let expired = || (error_page(context, &EntraError::expired_grant("consent request")), false);
    let Some(pending) = open::<PendingConsent>(&tenant.entra.secret, Kind::Consent, sealed) else {
        return expired();
    };
    if pending.expires <= context.now {
        return expired();
    }
    let mut request = match read(context, tenant, &pending.request) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let for_everybody = match decision {
        Some("accept") => false,
        Some("accept_for_organisation") => true,
        _ => return (redirect_error(context, &request, &EntraError::consent_declined()), false),
    };
    let user = match admitted(tenant, &pending.session.user_id, pending.session.since, context.now) {
        Ok(user) => user.clone(),
        Err(error) => return (error_page(context, &error), false),
    };
    let missing = match missing_consent(context, tenant, &request, &user) {
        Ok(missing) => missing,
        Err(error) => return (redirect_error(context, &request, &error), false),
    };
    let asked = Asked::parse(tenant, context.names, &request.scope, false, context.now);
    if user.is_admin || (!for_everybody && missing.iter().all(|scope| user_may_consent(scope))) {
        let to = if for_everybody { ConsentType::AllPrincipals } else { ConsentType::Principal(user.id) };
        if let Ok(asked) = &asked {
            grant(
                tenant,
                &request.client.principal.id,
                &asked.resource.principal_id,
                to,
                &missing,
                context.now,
            );
        }
    }
    request.prompt = "none".to_owned();
    (continue_with(context, tenant, &request, &pending.session), true)
}

/// Adds scopes to the grant of that kind, or makes one. What a person consents to here holds at once.
fn grant(
    tenant: &mut Tenant,
    client_id: &str,
    resource_id: &str,
    consent: ConsentType,
    scopes: &[String],
    now: Timestamp,
) {
    let text = scopes.join(" ");
    let existing = tenant.grants.iter_mut().find(|grant| {
        grant.client_id == client_id && grant.resource_id == resource_id && grant.consent == consent
    });
    match existing {
        Some(grant) => {
            let scope = format!("{} {text}", grant.scope);
            grant.set_scope(scope.trim(), now, now);
        }
        None => tenant.grants.push(DelegatedGrant::new(client_id, consent, resource_id, &text, now)),
    }
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
        answer.push(("client_info", super::issue::client_info(tenant, &user.id)));
    }
    send(&request.redirect_uri, request.mode, &answer)
}

/// The browser's session, if it still holds.
fn session(context: &Context<'_>, tenant: &Tenant) -> Option<Session> {
    let cookies = context.request.headers.get_all(COOKIE);
    let sealed = cookies
        .iter()
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(COOKIE_NAME)?.strip_prefix('='))?;
    let session: Session = open(&tenant.entra.secret, Kind::Session, sealed)?;
    admitted(tenant, &session.user_id, session.since, context.now).ok()?;
    Some(session)
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

/// Ends the browser's session.
pub(super) fn logout() -> Response {
    pages::message(StatusCode::OK, "You signed out of your account", "You can close this window.")
        .with(SET_COOKIE, &format!("{COOKIE_NAME}=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=None"))
}

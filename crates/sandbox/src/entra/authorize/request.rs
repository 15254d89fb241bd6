//! The parameters of `authorize`: what is wrong with client or redirect URI is shown on a page, the rest is
//! sent to the client (Entra reference §1.3).

use jiff::{SignedDuration, Timestamp};

use crate::directory::Application;
use crate::entra::claims_request::ClaimsRequest;
use crate::entra::client::{self, Client};
use crate::entra::code::Challenge;
use crate::entra::context::{Context, Endpoint};
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::redirect::{Mode, Platform, platform};
use crate::entra::resource::Asked;
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::{error_page, redirect_error};

/// A sign-in request whose client and redirect URI are known to be good.
pub(super) struct SignInRequest {
    pub(super) client: Client,
    pub(super) platform: Platform,
    pub(super) redirect_uri: String,
    pub(super) mode: Mode,
    pub(super) wants_code: bool,
    pub(super) wants_id_token: bool,
    pub(super) scope: String,
    pub(super) state: Option<String>,
    pub(super) nonce: Option<String>,
    pub(super) prompt: String,
    pub(super) login_hint: String,
    pub(super) challenge: Option<Challenge>,
    /// How many seconds ago the user may have signed in.
    pub(super) max_age: Option<i64>,
    /// As it came, for the form to send back.
    pub(super) text: String,
}

/// Reads a request, or says how to refuse it.
pub(super) fn read(
    context: &Context<'_>,
    tenant: &Tenant,
    text: &str,
) -> Result<SignInRequest, Box<Response>> {
    let shown = |error: EntraError| Box::new(error_page(context, &error));
    let form = Form::parse(text.as_bytes()).map_err(shown)?;
    let form = second_generation(context, form);
    let client_id = form.require("client_id").map_err(shown)?;
    let client = client::find(context, tenant, client_id).map_err(shown)?;
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
        max_age: form.get("max_age").and_then(|seconds| seconds.parse().ok()),
        text: form.to_text(),
    };
    check(&request, &form, response_type)
        .and_then(|()| Asked::parse(tenant, context.names, &request.scope, false, context.now).map(drop))
        .map_err(|error| Box::new(redirect_error(context, &request, &error)))?;
    Ok(request)
}

/// A request of the first generation in the terms of the second: `resource` becomes a scope.
fn second_generation(context: &Context<'_>, form: Form) -> Form {
    if context.endpoint == Endpoint::V2 {
        return form;
    }
    let resource = form.get("resource").unwrap_or("https://graph.microsoft.com");
    let scope = format!("{resource}/.default openid profile email offline_access");
    form.with("scope", &scope).without("resource")
}

impl SignInRequest {
    /// Whether a session of that user answers the request: the hint names nobody else.
    pub(super) fn is_for(&self, tenant: &Tenant, user_id: &str, now: Timestamp) -> bool {
        self.login_hint.is_empty()
            || tenant.account(&self.login_hint, now).is_some_and(|user| user.id == user_id)
    }

    /// Whether a sign-in of that age is young enough.
    pub(super) fn takes_age(&self, age: SignedDuration) -> bool {
        self.max_age.is_none_or(|limit| age.as_secs() <= limit)
    }
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
    if !matches!(request.prompt.as_str(), "" | "none" | "login" | "consent" | "select_account" | "create") {
        return Err(EntraError::unsupported_prompt(&request.prompt));
    }
    if form.get("max_age").is_some_and(|seconds| seconds.parse::<u32>().is_err()) {
        return Err(EntraError::malformed("The max_age is not a number of seconds."));
    }
    if form.get("sid").is_some() && form.get("login_hint").is_some() {
        return Err(EntraError::identifier_and_hint());
    }
    ClaimsRequest::of(form)?;
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

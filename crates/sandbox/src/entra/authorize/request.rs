//! What somebody signs in for: a request of `authorize`, of which what is wrong with client or redirect URI is shown
//! on a page and the rest is sent to the client (Entra reference §1.3); or a device that waits (§1.5).

use jiff::{SignedDuration, Timestamp};

use crate::directory::Application;
use crate::entra::claims_request::ClaimsRequest;
use crate::entra::client::{self, Client};
use crate::entra::code::Challenge;
use crate::entra::conditional_access::Flow;
use crate::entra::context::{Context, Endpoint};
use crate::entra::error::EntraError;
use crate::entra::form::Form;
use crate::entra::redirect::{Mode, Platform, platform};
use crate::entra::resource::Asked;
use crate::exchange::Response;
use crate::tenant::Tenant;

use super::redirect::Redirect;
use super::{error_page, redirect_error};

/// A sign-in request whose client and redirect URI are known to be good.
pub(super) struct SignInRequest {
    pub(super) client: Client,
    pub(super) scope: String,
    pub(super) prompt: String,
    pub(super) login_hint: String,
    /// How many seconds ago the user may have signed in.
    pub(super) max_age: Option<i64>,
    pub(super) answer: Answer,
    /// As it came, for the form to send back.
    pub(super) text: String,
}

/// Where the answer goes.
pub(super) enum Answer {
    /// To the client, by way of the browser.
    Redirect(Redirect),
    /// To the device that polls for it: it shows this user code.
    Device(String),
}

/// What a form of ours brings back: a request of `authorize`, or a device's.
pub(super) fn read_again(
    context: &Context<'_>,
    tenant: &Tenant,
    text: &str,
) -> Result<SignInRequest, Box<Response>> {
    let form = Form::parse(text.as_bytes());
    match form.ok().as_ref().and_then(|form| form.get("user_code")) {
        Some(user_code) => {
            read_device(context, tenant, user_code).map_err(|error| Box::new(error_page(context, &error)))
        }
        None => read(context, tenant, text),
    }
}

/// The request of the device that shows this code and waits.
pub(super) fn read_device(
    context: &Context<'_>,
    tenant: &Tenant,
    user_code: &str,
) -> Result<SignInRequest, EntraError> {
    let device = tenant.entra.waiting(user_code).ok_or_else(EntraError::device_unknown)?;
    if device.expires <= context.now {
        return Err(EntraError::user_code_expired());
    }
    Ok(SignInRequest {
        client: client::find(context, tenant, &device.client_id)?,
        scope: device.scope.clone(),
        prompt: String::new(),
        login_hint: String::new(),
        max_age: None,
        answer: Answer::Device(user_code.to_owned()),
        text: form_urlencoded::Serializer::new(String::new())
            .append_pair("client_id", &device.client_id)
            .append_pair("user_code", user_code)
            .finish(),
    })
}

/// Reads a request of `authorize`, or says how to refuse it.
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
    let (app, platform) = tenant
        .application_by_app_id(client_id, context.now)
        .and_then(|app| Some((app, platform(app, redirect_uri)?)))
        .ok_or_else(|| shown(EntraError::redirect_mismatch(redirect_uri, client_id)))?;
    let kinds: Vec<&str> = form.get("response_type").unwrap_or_default().split_whitespace().collect();
    let wants_code = kinds.contains(&"code");
    let (wants_id_token, wants_token) = (kinds.contains(&"id_token"), kinds.contains(&"token"));
    let mode = form.get("response_mode").and_then(Mode::of);
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let challenge = owned("code_challenge").map(|challenge| match form.get("code_challenge_method") {
        Some("S256") => Challenge::S256(challenge),
        _ => Challenge::Plain(challenge),
    });
    let redirect = Redirect {
        platform,
        uri: redirect_uri.to_owned(),
        mode: mode.unwrap_or(if wants_id_token || wants_token { Mode::Fragment } else { Mode::Query }),
        wants_code,
        wants_id_token,
        wants_token,
        state: owned("state"),
        nonce: owned("nonce"),
        challenge,
    };
    let checked = check_kinds(app, &kinds).and_then(|()| check(&redirect, &form));
    let request = SignInRequest {
        client,
        scope: owned("scope").unwrap_or_default(),
        prompt: owned("prompt").unwrap_or_default(),
        login_hint: owned("login_hint").unwrap_or_default(),
        max_age: form.get("max_age").and_then(|seconds| seconds.parse().ok()),
        answer: Answer::Redirect(redirect),
        text: form.to_text(),
    };
    checked
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

    /// The device that waits for the answer, by its user code.
    pub(super) fn device(&self) -> Option<&str> {
        match &self.answer {
            Answer::Device(user_code) => Some(user_code),
            Answer::Redirect(_) => None,
        }
    }

    /// How conditional access calls this way of signing in.
    pub(super) fn flow(&self) -> Flow {
        if self.device().is_some() { Flow::DeviceCode } else { Flow::Browser }
    }

    /// Whether a sign-in of that age is young enough.
    pub(super) fn takes_age(&self, age: SignedDuration) -> bool {
        self.max_age.is_none_or(|limit| age.as_secs() <= limit)
    }
}

/// Whether the registration lets `authorize` send what is asked for: codes always, tokens as its
/// `implicitGrantSettings` say, and nothing else.
fn check_kinds(app: &Application, kinds: &[&str]) -> Result<(), EntraError> {
    let settings = app.other.get("web").map(|web| &web["implicitGrantSettings"]);
    let is_enabled = |name: &str| settings.is_some_and(|settings| settings[name] == true);
    if kinds.is_empty() {
        return Err(EntraError::missing("response_type"));
    }
    let is_refused = |kind: &&&str| match **kind {
        "code" => false,
        "id_token" => !is_enabled("enableIdTokenIssuance"),
        "token" => !is_enabled("enableAccessTokenIssuance"),
        _ => true,
    };
    kinds.iter().find(is_refused).map_or(Ok(()), |kind| Err(EntraError::unsupported_response_type(kind)))
}

fn check(redirect: &Redirect, form: &Form) -> Result<(), EntraError> {
    if form.get("scope").is_none_or(str::is_empty) {
        return Err(EntraError::missing("scope"));
    }
    if redirect.wants_id_token && redirect.nonce.is_none() {
        return Err(EntraError::missing("nonce"));
    }
    let prompt = form.get("prompt").unwrap_or_default();
    if !matches!(prompt, "" | "none" | "login" | "consent" | "select_account" | "create") {
        return Err(EntraError::unsupported_prompt(prompt));
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
    if (redirect.wants_id_token || redirect.wants_token) && redirect.mode == Mode::Query {
        return Err(EntraError::malformed("A token cannot be sent in a query."));
    }
    if form.get("code_challenge_method").is_some_and(|method| !matches!(method, "S256" | "plain")) {
        return Err(EntraError::malformed("The code_challenge_method is not supported."));
    }
    let is_challenge = |text: &str| (43..=128).contains(&text.len());
    if form.get("code_challenge").is_some_and(|text| !is_challenge(text)) {
        return Err(EntraError::missing_verifier());
    }
    // PKCE is mandatory for single-page applications only.
    if redirect.wants_code && redirect.platform == Platform::Spa && redirect.challenge.is_none() {
        return Err(EntraError::malformed(
            "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
        ));
    }
    Ok(())
}

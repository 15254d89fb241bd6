//! `authorization_code` with PKCE (Entra reference §1.3, §1.4).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tenant::Tenant;

use super::client::authenticate;
use super::conditional_access::Flow;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::guest::check_home;
use super::issue::SignIn;
use super::redirect::Platform;
use super::resource::Asked;
use super::sealed::{Kind, open};
use super::user_response::{Answering, RefreshToken, identified, respond};

/// How long a code lives, in seconds.
pub(super) const LIFETIME: i64 = 600;

/// What a code carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) id: String,
    pub(super) client_id: String,
    pub(super) user_id: String,
    pub(super) redirect_uri: String,
    pub(super) platform: Platform,
    pub(super) scope: String,
    pub(super) challenge: Option<Challenge>,
    pub(super) nonce: Option<String>,
    pub(super) sign_in: SignIn,
    pub(super) issued: Timestamp,
    pub(super) expires: Timestamp,
    /// Whether the id token tells when the user signed in.
    #[serde(default)]
    pub(super) tells_time: bool,
}

/// A PKCE challenge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Challenge {
    Plain(String),
    S256(String),
}

impl Challenge {
    /// Checks the verifier.
    fn check(&self, verifier: &str) -> Result<(), EntraError> {
        let (expected, given) = match self {
            Self::Plain(expected) => (expected, verifier.to_owned()),
            Self::S256(expected) => (expected, URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))),
        };
        if *expected == given { Ok(()) } else { Err(EntraError::wrong_verifier()) }
    }
}

pub(super) fn grant(context: &Context<'_>, tenant: &mut Tenant, form: &Form) -> Result<Value, EntraError> {
    let sealed = form.require("code")?;
    let code: Code =
        open(&tenant.entra.secret, Kind::Code, sealed).ok_or_else(|| EntraError::bad_grant("code"))?;
    let client =
        authenticate(context, tenant, form, |_| matches!(code.platform, Platform::Public | Platform::Spa))?;
    if !client.app_id.eq_ignore_ascii_case(&code.client_id) {
        return Err(EntraError::bad_grant("code"));
    }
    match (code.platform, context.request.header("origin")) {
        (Platform::Spa, None) => return Err(EntraError::spa_without_origin()),
        (Platform::Web | Platform::Public, Some(origin)) => return Err(EntraError::origin_of_no_spa(origin)),
        _ => {}
    }
    if code.expires <= context.now {
        return Err(EntraError::expired_grant("authorization code or refresh token"));
    }
    if tenant.entra.redeemed.contains_key(&code.id) {
        return Err(EntraError::redeemed_code());
    }
    let redirect_uri = form.require("redirect_uri")?;
    if redirect_uri != code.redirect_uri {
        return Err(EntraError::other_reply_address(redirect_uri, &code.redirect_uri));
    }
    if let Some(challenge) = &code.challenge {
        challenge.check(form.get("code_verifier").ok_or_else(EntraError::missing_verifier)?)?;
    }
    // Whoever has to ask another tenant does it before anything changes.
    if let Some(user) = tenant.user(&code.user_id, context.now) {
        check_home(context, tenant, user)?;
    }
    tenant.entra.redeemed.insert(code.id.clone(), code.expires);
    tenant.entra.tidy(context.now);
    let user = identified(context, tenant, &code.user_id, code.issued)?;
    let scope = form.get("scope").unwrap_or(&code.scope);
    if scope.trim().is_empty() {
        return Err(EntraError::empty_scope());
    }
    // What was asked for at sign-in decides about the other tokens.
    let mut asked = Asked::parse(tenant, context.names, scope, true, context.now)
        .map_err(|error| if error.code == 70_011 { EntraError::bad_scope(scope) } else { error })?;
    for oidc in Asked::parse(tenant, context.names, &code.scope, true, context.now)?.oidc {
        if !asked.has(&oidc) {
            asked.oidc.push(oidc);
        }
    }
    let grant = RefreshToken {
        client_id: client.app_id.clone(),
        user_id: user.id.clone(),
        scope: code.scope.clone(),
        sign_in: code.sign_in.clone(),
        issued: context.now,
        is_public: matches!(code.platform, Platform::Public | Platform::Spa),
        spa_since: (code.platform == Platform::Spa).then_some(context.now),
        tells_time: code.tells_time,
    };
    let answering = Answering { user, asked: &asked, nonce: code.nonce.as_deref(), flow: Flow::Browser };
    respond(context, tenant, &client, form, &answering, grant)
}

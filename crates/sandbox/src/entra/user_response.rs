//! The token response of every grant that ends in a user's token (Entra reference §1.6).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::User;
use crate::tenant::Tenant;

use super::client::Client;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::issue::{Granted, SignIn, client_info, id_token, user_token};
use super::resource::{Asked, granted_scopes};
use super::sealed::{Kind, seal};

/// What a refresh token carries.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    pub(crate) client_id: String,
    pub(crate) user_id: String,
    /// As it was asked for.
    pub(crate) scope: String,
    pub(crate) sign_in: SignIn,
    pub(crate) issued: Timestamp,
    /// Whether it was issued to a public platform.
    pub(crate) is_public: bool,
    /// When a single-page application signed in; its refresh tokens end a day after.
    pub(crate) spa_since: Option<Timestamp>,
}

/// The user, if it may get tokens for a sign-in of `since`.
pub(crate) fn admitted<'t>(
    tenant: &'t Tenant,
    user_id: &str,
    since: Timestamp,
    now: Timestamp,
) -> Result<&'t User, EntraError> {
    let user =
        tenant.user(user_id, now).ok_or_else(|| EntraError::unknown_user(user_id, &tenant.display_name))?;
    if !user.account_enabled {
        return Err(EntraError::disabled_user());
    }
    if user.sessions_valid_from > since {
        return Err(EntraError::revoked_grant(since, user.sessions_valid_from));
    }
    Ok(user)
}

/// For whom and what a response is.
#[derive(Debug)]
pub(crate) struct Answering<'a> {
    pub(crate) user: &'a User,
    pub(crate) asked: &'a Asked,
    /// The nonce of the sign-in request.
    pub(crate) nonce: Option<&'a str>,
}

/// Issues what was asked for, as far as it is granted. `grant` says what a refresh token would carry.
pub(crate) fn respond(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    form: &Form,
    answering: &Answering<'_>,
    grant: RefreshToken,
) -> Result<Value, EntraError> {
    let Answering { user, asked, nonce } = *answering;
    let scopes = granted_scopes(tenant, &client.principal, &user.id, &asked.resource, context.now);
    let wants_resource = !asked.scopes.is_empty();
    if wants_resource && (scopes.is_empty() || !asked.missing(&scopes).is_empty()) {
        return Err(EntraError::no_consent(&client.app_id, &client.name));
    }
    let is_cae = form.get("claims").is_some_and(|claims| claims.to_ascii_lowercase().contains("cp1"));
    let granted =
        Granted { user, resource: &asked.resource, scopes: &scopes, sign_in: &grant.sign_in, is_cae };
    let issued = user_token(context, tenant, client, &granted);
    let mut body = json!({
        "token_type": "Bearer",
        "scope": shown_scope(asked, &scopes),
        "expires_in": issued.lifetime,
        "ext_expires_in": issued.lifetime,
        "access_token": issued.token,
    });
    if issued.lifetime > 7_200 {
        body["refresh_in"] = json!(issued.lifetime / 2);
    }
    if asked.has("openid") {
        body["id_token"] = json!(id_token(context, tenant, &client.app_id, user, &grant.sign_in, nonce));
    }
    if asked.has("offline_access") {
        let grant = RefreshToken { issued: context.now, ..grant };
        body["refresh_token"] = json!(seal(&tenant.entra.secret, Kind::RefreshToken, &grant));
    }
    if form.get("client_info") == Some("1") {
        body["client_info"] = json!(client_info(tenant, &user.id));
    }
    Ok(body)
}

/// What was granted, written as the client wrote it.
fn shown_scope(asked: &Asked, granted: &[String]) -> String {
    let written = |scope: &String| {
        if asked.prefix.is_empty() { scope.clone() } else { format!("{}/{scope}", asked.prefix) }
    };
    let default = asked.scopes.iter().filter(|scope| *scope == ".default");
    // `offline_access` is never listed.
    let oidc = asked.oidc.iter().filter(|scope| *scope != "offline_access").cloned();
    granted.iter().chain(default).map(written).chain(oidc).collect::<Vec<_>>().join(" ")
}

//! The token response of every grant that ends in a user's token (Entra reference §1.6).

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::directory::User;
use crate::tenant::Tenant;

use super::claims_request::ClaimsRequest;
use super::client::Client;
use super::conditional_access::{self, Flow, Refusal, Situation, Subject, Whereabouts};
use super::context::Context;
use super::error::EntraError;
use super::foreign;
use super::form::Form;
use super::guest::check_home;
use super::issue::{Granted, Identity, SignIn, client_info, id_token, user_token};
use super::microsoft;
use super::resource::{Asked, Resource, granted_scopes};
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
    /// Whether id tokens tell when the user signed in.
    #[serde(default)]
    pub(crate) tells_time: bool,
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
    // Tokens tell whole seconds, and what voids earlier ones begins with the next.
    if user.sessions_valid_from.as_second() > since.as_second() {
        return Err(EntraError::revoked_grant(since, user.sessions_valid_from));
    }
    Ok(user)
}

/// The same, noted for the sign-in log before anything is refused.
pub(crate) fn identified<'t>(
    context: &Context<'_>,
    tenant: &'t Tenant,
    user_id: &str,
    since: Timestamp,
) -> Result<&'t User, EntraError> {
    if let Some(user) = tenant.user(user_id, context.now) {
        context.attempt.user(user);
    }
    let user = admitted(tenant, user_id, since, context.now)?;
    check_home(context, tenant, user)?;
    Ok(user)
}

/// For whom and what a response is.
#[derive(Debug)]
pub(crate) struct Answering<'a> {
    pub(crate) user: &'a User,
    pub(crate) asked: &'a Asked,
    /// The nonce of the sign-in request.
    pub(crate) nonce: Option<&'a str>,
    pub(crate) flow: Flow,
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
    let Answering { user, asked, nonce, flow } = *answering;
    let resource = &asked.resource;
    note(context, tenant, user, resource, &grant.sign_in);
    let wanted = ClaimsRequest::of(form)?;
    check_assigned(tenant, client, user)?;
    let scopes = granted_scopes(tenant, &client.principal, &user.id, resource, context.now);
    let wants_resource = !asked.scopes.is_empty();
    // Where a browser has shown who asks, any name will do.
    if wants_resource && flow == Flow::Client && asked.is_uri_of(&client.app_id) {
        return Err(EntraError::own_uri(&client.app_id, &client.name));
    }
    let is_permitted = !scopes.is_empty() || resource.is(&client.app_id);
    if wants_resource && (!is_permitted || !asked.missing(&scopes).is_empty()) {
        return Err(not_granted(context, tenant, client, asked));
    }
    if let Some(refusal) = refusal(context, tenant, user, resource, flow, &grant.sign_in) {
        return Err(refusal.to_error());
    }
    let granted = Granted { user, resource, scopes: &scopes, sign_in: &grant.sign_in, wanted: &wanted };
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
        let identity = Identity {
            user,
            sign_in: &grant.sign_in,
            nonce,
            oidc: &asked.oidc,
            code: None,
            access_token: None,
            tells_time: grant.tells_time,
        };
        body["id_token"] = json!(id_token(context, tenant, client, &identity));
    }
    if asked.has("offline_access") {
        let grant = RefreshToken { issued: context.now, ..grant };
        body["refresh_token"] = json!(seal(&tenant.entra.secret, Kind::RefreshToken, &grant));
    }
    if form.get("client_info") == Some("1") {
        body["client_info"] = json!(client_info(tenant, user));
    }
    Ok(body)
}

/// Notes for the sign-in log whom and what an attempt is about.
pub(crate) fn note(
    context: &Context<'_>,
    tenant: &Tenant,
    user: &User,
    resource: &Resource,
    sign_in: &SignIn,
) {
    context.attempt.user(user);
    context.attempt.session(&sign_in.session_id, &sign_in.methods);
    note_resource(context, tenant, resource);
}

/// Notes the resource alone.
pub(crate) fn note_resource(context: &Context<'_>, tenant: &Tenant, resource: &Resource) {
    let principal = tenant.service_principals.get(&resource.principal_id);
    context.attempt.resource(resource, principal.map_or("", |principal| &principal.display_name));
}

/// An application may want its users to be assigned to it; agent users are their agent identity's.
pub(crate) fn check_assigned(tenant: &Tenant, client: &Client, user: &User) -> Result<(), EntraError> {
    let is_required = client.principal.other.get("appRoleAssignmentRequired") == Some(&Value::Bool(true));
    let is_assigned = tenant
        .role_assignments
        .iter()
        .any(|one| one.principal_id == user.id && one.resource_id == client.principal.id);
    if is_required && !is_assigned && user.identity_parent_id().is_none() {
        return Err(EntraError::not_assigned(&user.upn, &client.app_id, &client.name));
    }
    Ok(())
}

/// Asks conditional access, and notes what applied.
pub(crate) fn refusal(
    context: &Context<'_>,
    tenant: &Tenant,
    user: &User,
    resource: &Resource,
    flow: Flow,
    sign_in: &SignIn,
) -> Option<Refusal> {
    let situation = Situation {
        tenant,
        subject: Subject::User(user),
        whereabouts: &Whereabouts::of(context.request),
        resource_app_id: &resource.app_id,
        flow,
        sign_in,
        now: context.now,
    };
    let (applied, refusal) = conditional_access::evaluate(&situation);
    context.attempt.applied(applied);
    refusal
}

/// Why nothing is granted: with `.default`, the application's registration may lack the resource.
pub(crate) fn not_granted(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    asked: &Asked,
) -> EntraError {
    if microsoft::needs_preauthorization(&client.app_id, &asked.resource) {
        return EntraError::no_preauthorization(&client.app_id, &asked.resource.app_id);
    }
    let asks_default = asked.scopes.iter().any(|scope| scope == ".default");
    if asks_default && let Some(error) = unlisted(tenant, &client.app_id, &asked.resource.app_id, context.now)
    {
        return error;
    }
    let error = EntraError::no_consent(&client.app_id, &client.name);
    if !client.is_agent_identity() {
        return error;
    }
    // Agents are told by a policy's challenge too, as captured.
    error.with_claims(&json!({
        "access_token": { "capolids": { "essential": true, "values": [crate::directory::new_id()] } }
    }))
}

/// What a client is told whose registration does not list the resource.
pub(crate) fn unlisted(tenant: &Tenant, client: &str, resource: &str, now: Timestamp) -> Option<EntraError> {
    if resource.eq_ignore_ascii_case(client) {
        return None;
    }
    let listed = foreign::required_resources(tenant.application_by_app_id(client, now)?);
    if listed.is_empty() {
        return Some(EntraError::misconfigured(client, resource));
    }
    let is_listed = listed.iter().any(|one| one.eq_ignore_ascii_case(resource));
    (!is_listed).then(|| EntraError::resource_not_listed(client, resource, &listed.join(", ")))
}

/// What was granted, written as the client wrote it.
pub(crate) fn shown_scope(asked: &Asked, granted: &[String]) -> String {
    let written = |scope: &String| {
        if asked.prefix.is_empty() { scope.clone() } else { format!("{}/{scope}", asked.prefix) }
    };
    let default = asked.scopes.iter().filter(|scope| *scope == ".default");
    // `offline_access` is never listed.
    let oidc = asked.oidc.iter().filter(|scope| *scope != "offline_access").cloned();
    granted.iter().chain(default).map(written).chain(oidc).collect::<Vec<_>>().join(" ")
}

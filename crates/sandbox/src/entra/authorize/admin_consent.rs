//! `/{tenant}/adminconsent` and `/{tenant}/v2.0/adminconsent`: an administrator consents for everybody, and the
//! browser goes back with `admin_consent`, `tenant`, `scope` and `state` (Entra reference §1.1, §13).
//!
//! The page signs the administrator in with the form of `authorize` and posts `admin_consent` (who is asked,
//! sealed) and `decision` to `/{tenant}/adminconsent`.

use http::Method;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::{ConsentType, RoleAssignment, User, new_id};
use crate::entra::client::{self, Client};
use crate::entra::code::LIFETIME;
use crate::entra::context::Context;
use crate::entra::error::EntraError;
use crate::entra::foreign;
use crate::entra::form::Form;
use crate::entra::issue::end_of;
use crate::entra::pages;
use crate::entra::password::check_password;
use crate::entra::redirect::{Mode, platform, send};
use crate::entra::resource::{OIDC, resource};
use crate::entra::sealed::{Kind, open, seal};
use crate::entra::user_response::{admitted, unlisted};
use crate::exchange::Response;
use crate::published;
use crate::tenant::Tenant;

use super::consent;
use super::error_page;
use super::session::{Session, session};

/// Who is asked for what.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    /// The request, as it came.
    admin_consent: String,
    session: Option<Session>,
    expires: Timestamp,
}

/// A request whose client and redirect URI are known to be good.
struct AdminRequest {
    client: Client,
    redirect_uri: String,
    state: Option<String>,
    /// As the client wrote it; empty: everything that the registration names.
    scope: String,
}

/// Answers the page and its forms; and whether the tenant has changed.
pub(crate) fn answer(context: &Context<'_>, tenant: &mut Tenant) -> (Response, bool) {
    if context.request.method != Method::POST {
        let text = context.request.raw_query.clone();
        return as_if_adopted(context, tenant, &text, |tenant| (begin(context, tenant, &text), false));
    }
    let form = match Form::parse(&context.request.body) {
        Ok(form) => form,
        Err(error) => return (error_page(context, &error), false),
    };
    let sealed = form.get("admin_consent").unwrap_or_default();
    let pending = open::<Pending>(&tenant.entra.secret, Kind::Consent, sealed)
        .filter(|pending| context.now < pending.expires);
    let Some(pending) = pending else {
        return (error_page(context, &EntraError::expired_grant("consent request")), false);
    };
    let text = pending.admin_consent.clone();
    as_if_adopted(context, tenant, &text, |tenant| match form.get("decision") {
        None => (sign_in(context, tenant, &pending, &form), false),
        Some(decision) => decide(context, tenant, &pending, decision),
    })
}

/// With a principal of the client, which stays if the tenant is changed.
fn as_if_adopted(
    context: &Context<'_>,
    tenant: &mut Tenant,
    text: &str,
    answer: impl FnOnce(&mut Tenant) -> (Response, bool),
) -> (Response, bool) {
    let Some(mut adopted) = foreign::adopted(context, tenant, &foreign::client_of(text)) else {
        return answer(tenant);
    };
    let (response, has_changed) = answer(&mut adopted);
    if has_changed {
        *tenant = adopted;
    }
    (response, has_changed)
}

fn read(context: &Context<'_>, tenant: &Tenant, text: &str) -> Result<AdminRequest, Box<Response>> {
    let shown = |error: EntraError| Box::new(error_page(context, &error));
    let form = Form::parse(text.as_bytes()).map_err(shown)?;
    let client_id = form.require("client_id").map_err(shown)?;
    let client = client::find(context, tenant, client_id).map_err(shown)?;
    let redirect_uri = form.require("redirect_uri").map_err(shown)?;
    let app = tenant.application_by_app_id(client_id, context.now);
    if app.and_then(|app| platform(app, redirect_uri)).is_none() {
        return Err(shown(EntraError::redirect_mismatch(redirect_uri, client_id)));
    }
    Ok(AdminRequest {
        client,
        redirect_uri: redirect_uri.to_owned(),
        state: form.get("state").map(str::to_owned),
        scope: form.get("scope").unwrap_or_default().to_owned(),
    })
}

fn begin(context: &Context<'_>, tenant: &Tenant, text: &str) -> Response {
    let request = match read(context, tenant, text) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let pending = Pending {
        admin_consent: text.to_owned(),
        session: session(context, tenant),
        expires: end_of(context.now, LIFETIME),
    };
    match pending.session.clone() {
        Some(session) => ask(context, tenant, &request, &pending, &session),
        None => sign_in_page(tenant, &request, &pending, "", None),
    }
}

fn sign_in_page(
    tenant: &Tenant,
    request: &AdminRequest,
    pending: &Pending,
    username: &str,
    error: Option<&str>,
) -> Response {
    let sealed = seal(&tenant.entra.secret, Kind::Consent, pending);
    pages::admin_sign_in(&action(tenant), &request.client.name, &sealed, username, error)
}

fn sign_in(context: &Context<'_>, tenant: &mut Tenant, pending: &Pending, form: &Form) -> Response {
    let request = match read(context, tenant, &pending.admin_consent) {
        Ok(request) => request,
        Err(refusal) => return *refusal,
    };
    let username = form.get("username").unwrap_or_default();
    let password = form.get("password").unwrap_or_default();
    let session = check_password(context, tenant, username, password)
        .map(|user| Session::begun(user.id.clone(), "pwd", context.now));
    match session {
        Err(error) => sign_in_page(tenant, &request, pending, username, Some(&error.message)),
        Ok(session) => session.remembered(tenant, ask(context, tenant, &request, pending, &session)),
    }
}

fn ask(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &AdminRequest,
    pending: &Pending,
    session: &Session,
) -> Response {
    let user = match admitted(tenant, &session.user_id, session.since, context.now) {
        Ok(user) => user,
        Err(error) => return sign_in_page(tenant, request, pending, "", Some(&error.message)),
    };
    let asked = match permissions(context, tenant, request) {
        Ok(asked) => asked,
        Err(error) => return redirect_error(context, tenant, request, &error),
    };
    let names: Vec<String> =
        asked.iter().flat_map(|one| one.scopes.iter().chain(&one.roles)).cloned().collect();
    if !foreign::may_consent_for_all(tenant, user) {
        return pages::approval(
            &action(tenant),
            &request.client.name,
            &user.upn,
            &names,
            "AADSTS90093",
            None,
        );
    }
    let pending = Pending { session: Some(session.clone()), ..pending.clone() };
    let sealed = seal(&tenant.entra.secret, Kind::Consent, &pending);
    pages::admin_consent(&action(tenant), &request.client.name, &user.upn, &names, &sealed)
}

/// What is asked for at one resource.
struct AtResource {
    /// The resource's service principal.
    principal_id: String,
    scopes: Vec<String>,
    roles: Vec<String>,
    role_ids: Vec<String>,
}

/// What the scope names, or everything that the registration does.
fn permissions(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &AdminRequest,
) -> Result<Vec<AtResource>, EntraError> {
    let mut asked: Vec<AtResource> = Vec::new();
    let mut named: Vec<(String, Vec<String>)> = Vec::new();
    for word in request.scope.split_whitespace().filter(|word| !OIDC.contains(word)) {
        let (prefix, name) = word.rsplit_once('/').unwrap_or(("https://graph.microsoft.com", word));
        match named.iter_mut().find(|(known, _)| known == prefix) {
            Some((_, names)) => names.push(name.to_owned()),
            None => named.push((prefix.to_owned(), vec![name.to_owned()])),
        }
    }
    let app = tenant.application_by_app_id(&request.client.app_id, context.now);
    let client = request.client.app_id.as_str();
    if named.is_empty() {
        let listed = app.map(foreign::required_resources).unwrap_or_default();
        named = listed.into_iter().map(|id| (id.to_owned(), vec![".default".to_owned()])).collect();
    }
    for (prefix, names) in named {
        let found = resource(tenant, context.names, &prefix, context.now)?;
        let mut at = AtResource {
            principal_id: found.principal_id.clone(),
            scopes: Vec::new(),
            roles: Vec::new(),
            role_ids: Vec::new(),
        };
        if names.iter().any(|name| name == ".default") {
            if let Some(error) = unlisted(tenant, client, &found.app_id, context.now) {
                return Err(error);
            }
            at.scopes = foreign::required_scopes(tenant, client, &found.app_id, context.now)?;
            for id in app.map(|app| foreign::required_ids(app, &found.app_id, "Role")).unwrap_or_default() {
                let role = published::role(tenant, &found.app_id, &id, context.now);
                let role = role.ok_or_else(|| EntraError::unknown_scope(&id, client, &found.app_id))?;
                at.roles.push(role.value.to_owned());
                at.role_ids.push(role.id.to_owned());
            }
        }
        for name in names.iter().filter(|name| *name != ".default") {
            if published::scope(tenant, &found.app_id, name, context.now).is_none() {
                return Err(EntraError::unknown_scope(name, client, &found.app_id));
            }
            at.scopes.push(name.clone());
        }
        asked.push(at);
    }
    Ok(asked)
}

fn decide(context: &Context<'_>, tenant: &mut Tenant, pending: &Pending, decision: &str) -> (Response, bool) {
    let request = match read(context, tenant, &pending.admin_consent) {
        Ok(request) => request,
        Err(refusal) => return (*refusal, false),
    };
    let user = pending
        .session
        .as_ref()
        .and_then(|session| admitted(tenant, &session.user_id, session.since, context.now).ok())
        .filter(|user| foreign::may_consent_for_all(tenant, user))
        .cloned();
    let Some(user) = user else {
        return (sign_in_page(tenant, &request, pending, "", None), false);
    };
    if decision != "accept" {
        return (redirect_error(context, tenant, &request, &EntraError::consent_declined()), false);
    }
    let asked = match permissions(context, tenant, &request) {
        Ok(asked) => asked,
        Err(error) => return (redirect_error(context, tenant, &request, &error), false),
    };
    if let Err(error) = foreign::check_conflict(tenant, &request.client.app_id) {
        return (redirect_error(context, tenant, &request, &error), false);
    }
    foreign::settle(context, tenant, &request.client.app_id, &user);
    give(context, tenant, &request, &user, &asked);
    let mut answer = vec![("admin_consent", "True".to_owned()), ("tenant", tenant.id.clone())];
    if let Some(state) = &request.state {
        answer.push(("state", state.clone()));
    }
    if !request.scope.is_empty() {
        answer.push(("scope", request.scope.clone()));
    }
    (send(&request.redirect_uri, Mode::Query, &answer), true)
}

fn give(
    context: &Context<'_>,
    tenant: &mut Tenant,
    request: &AdminRequest,
    user: &User,
    asked: &[AtResource],
) {
    let client = request.client.principal.id.clone();
    for at in asked {
        if !at.scopes.is_empty() {
            let all = ConsentType::AllPrincipals;
            consent::grant(tenant, &client, &at.principal_id, all, &at.scopes, context.now);
        }
        for role in &at.role_ids {
            let has_it = tenant.role_assignments.iter().any(|one| {
                one.principal_id == client && one.resource_id == at.principal_id && one.role_id == *role
            });
            if !has_it {
                tenant.role_assignments.push(RoleAssignment {
                    id: new_id(),
                    principal_id: client.clone(),
                    resource_id: at.principal_id.clone(),
                    role_id: role.clone(),
                    created: context.now,
                    effective: context.now,
                });
            }
        }
    }
    tenant.consent_given(&request.client.app_id, context.now);
    let names: Vec<String> =
        asked.iter().flat_map(|one| one.scopes.iter().chain(&one.roles)).cloned().collect();
    consent::audit(context, tenant, user, (&client, &request.client.name), &names, true);
}

fn redirect_error(
    context: &Context<'_>,
    tenant: &Tenant,
    request: &AdminRequest,
    error: &EntraError,
) -> Response {
    let mut answer = vec![
        ("error", error.error.to_owned()),
        ("error_description", error.description(context.ids, context.now)),
        ("admin_consent", "True".to_owned()),
        ("tenant", tenant.id.clone()),
    ];
    if let Some(state) = &request.state {
        answer.push(("state", state.clone()));
    }
    send(&request.redirect_uri, Mode::Query, &answer)
}

/// Where the forms post to.
fn action(tenant: &Tenant) -> String {
    format!("/{}/adminconsent", tenant.id)
}

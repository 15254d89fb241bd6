//! Entra ID: sign-in, tokens and discovery (Entra reference §1). One file an endpoint or grant.

mod assertion;
mod authorize;
mod belonging;
mod client;
mod client_credentials;
mod code;
mod context;
mod device;
mod discovery;
mod error;
mod form;
mod issue;
mod jwt;
mod pages;
mod redirect;
mod refresh;
mod resource;
mod sealed;
mod state;
mod subject;
mod token;
mod user_fic;
mod user_response;

pub(crate) use belonging::{has_issued, has_session};
pub(crate) use jwt::{Claims, SigningKey, TokenFault, is_signing_key, tenant_of_token};
pub(crate) use sealed::{open_ticket, seal_ticket};
pub(crate) use state::Entra;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::exchange::{Request, Response};
use crate::realm::{Others, Realm};
use crate::sandbox::Shared;
use crate::tenant::Tenant;

use context::Context;
use error::{EntraError, Ids};
use form::Form;

/// Answers a request to the sign-in service of a realm.
pub(crate) fn answer(shared: &Shared, realm: &Realm, request: &Request) -> Response {
    let others = Others::new(&shared.realms, &realm.id);
    loop {
        let now = realm.clock.now();
        let context = Context { request, now, key: &shared.key, names: &shared.names, others: &others };
        let response = route(realm, &context);
        if !others.fetch() {
            others.run_errands();
            return response;
        }
    }
}

fn route(realm: &Realm, context: &Context<'_>) -> Response {
    let request = context.request;
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match segments.as_slice() {
        [] => pages::message(
            StatusCode::OK,
            "A sandbox tenant",
            "This is Entra ID and Microsoft Graph, emulated. Nothing here is real, and nothing leaves this machine.",
        ),
        ["common", "discovery", "instance"] => discovery::instance(context),
        ["devicelogin"] => change(realm, context, "common", device::page),
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            look(realm, context, tenant, discovery::v2)
        }
        [tenant, ".well-known", "openid-configuration"] => look(realm, context, tenant, discovery::v1),
        [tenant, "discovery", "v2.0", "keys"] | [tenant, "discovery", "keys"] => {
            look(realm, context, tenant, discovery::keys)
        }
        [tenant, "oauth2", "v2.0", "authorize"] => {
            look(realm, context, tenant, |context, tenant, _| authorize::answer(context, tenant))
        }
        [tenant, "login"] if request.method == Method::POST => {
            change(realm, context, tenant, authorize::login)
        }
        [tenant, "oauth2", "v2.0", "token"] => token::answer(realm, context, tenant),
        [tenant, "oauth2", "v2.0", "devicecode"] => device_code(realm, context, tenant),
        [tenant, "oauth2", "v2.0", "logout"] => look(realm, context, tenant, |_, _, _| authorize::logout()),
        _ => pages::message(StatusCode::NOT_FOUND, "Not found", "The sandbox has no such page."),
    }
}

/// A request that only reads the tenant, and holds up nobody.
fn look(
    realm: &Realm,
    context: &Context<'_>,
    name: &str,
    answer: impl FnOnce(&Context<'_>, &Tenant, &str) -> Response,
) -> Response {
    match check_name(realm, name) {
        Ok(()) => answer(context, &realm.look(), name),
        Err(error) => error.to_response(&Ids::of(context.request), context.now),
    }
}

/// A page that may change the tenant, and says whether it did.
fn change(
    realm: &Realm,
    context: &Context<'_>,
    name: &str,
    answer: impl FnOnce(&Context<'_>, &mut Tenant) -> (Response, bool),
) -> Response {
    let failed = |error: EntraError| error.to_response(&Ids::of(context.request), context.now);
    if let Err(error) = check_name(realm, name) {
        return failed(error);
    }
    let mut tenant = realm.enter();
    let (response, has_changed) = answer(context, &mut tenant);
    match has_changed.then(|| realm.settle(&mut tenant)) {
        Some(Err(error)) => failed(EntraError::not_saved(&error.to_string())),
        _ => response,
    }
}

fn device_code(realm: &Realm, context: &Context<'_>, name: &str) -> Response {
    let ids = Ids::of(context.request);
    let answer = || {
        if context.request.method != Method::POST {
            return Err(EntraError::wrong_method("POST"));
        }
        if matches!(name, "common" | "consumers") {
            return Err(EntraError::device_code_at_common());
        }
        check_name(realm, name)?;
        let mut tenant = realm.enter();
        let body = device::request(context, &mut tenant, &Form::parse(&context.request.body)?)?;
        realm.settle(&mut tenant).map_err(|error| EntraError::not_saved(&error.to_string()))?;
        Ok(body)
    };
    let response = match answer() {
        Ok(body) => Response::json(StatusCode::OK, &body),
        Err(error) => error.to_response(&ids, context.now),
    };
    token::with_headers(response, context, &ids)
}

/// Whether the name in the URL is the realm's: its id, one of its domains, or a word that leaves it open.
fn check_name(realm: &Realm, name: &str) -> Result<(), EntraError> {
    let is_guid = uuid::Uuid::parse_str(name).is_ok();
    let is_word = matches!(name.to_ascii_lowercase().as_str(), "common" | "organizations" | "consumers");
    if !is_guid && !is_word && !name.contains('.') {
        return Err(EntraError::not_a_tenant(name));
    }
    // Requests that name no tenant of the sandbox come to its first.
    let is_known =
        matches!(name.to_ascii_lowercase().as_str(), "common" | "organizations") || realm.is_called(name);
    if is_known { Ok(()) } else { Err(EntraError::unknown_tenant(name)) }
}

//! Entra ID: sign-in, tokens and discovery (Entra reference §1). One file an endpoint or grant.

mod assertion;
mod authorize;
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

pub(crate) use jwt::{Claims, SigningKey, TokenFault, is_signing_key};
pub(crate) use state::Entra;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;

use crate::exchange::{Request, Response};
use crate::sandbox::Shared;
use crate::store::World;
use crate::tenant::Tenant;

use context::Context;
use error::{EntraError, Ids};
use form::Form;

/// Answers a request to the sign-in service.
pub(crate) fn answer(shared: &Shared, request: &Request) -> Response {
    let now = shared.clock.now();
    let context = Context { request, now, key: &shared.key, names: &shared.names };
    let path = percent_decode_str(&request.path).decode_utf8_lossy();
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match segments.as_slice() {
        [] => pages::message(
            StatusCode::OK,
            "A sandbox tenant",
            "This is Entra ID and Microsoft Graph, emulated. Nothing here is real, and nothing leaves this machine.",
        ),
        ["common", "discovery", "instance"] => discovery::instance(&context),
        ["devicelogin"] => change(shared, &context, "common", device::page),
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            look(shared, &context, tenant, discovery::v2)
        }
        [tenant, ".well-known", "openid-configuration"] => look(shared, &context, tenant, discovery::v1),
        [tenant, "discovery", "v2.0", "keys"] | [tenant, "discovery", "keys"] => {
            look(shared, &context, tenant, discovery::keys)
        }
        [tenant, "oauth2", "v2.0", "authorize"] => {
            look(shared, &context, tenant, |context, tenant, _| authorize::answer(context, tenant))
        }
        [tenant, "login"] if request.method == Method::POST => {
            change(shared, &context, tenant, authorize::login)
        }
        [tenant, "oauth2", "v2.0", "token"] => token::answer(shared, &context, tenant),
        [tenant, "oauth2", "v2.0", "devicecode"] => device_code(shared, &context, tenant),
        [tenant, "oauth2", "v2.0", "logout"] => look(shared, &context, tenant, |_, _, _| authorize::logout()),
        _ => pages::message(StatusCode::NOT_FOUND, "Not found", "The sandbox has no such page."),
    }
}

/// A request that only reads the tenant.
fn look(
    shared: &Shared,
    context: &Context<'_>,
    name: &str,
    answer: impl FnOnce(&Context<'_>, &Tenant, &str) -> Response,
) -> Response {
    match resolve(&mut shared.world(), name) {
        Ok(tenant) => answer(context, tenant, name),
        Err(error) => error.to_response(&Ids::of(context.request), context.now),
    }
}

/// A page that may change the tenant, and says whether it did.
fn change(
    shared: &Shared,
    context: &Context<'_>,
    name: &str,
    answer: impl FnOnce(&Context<'_>, &mut Tenant) -> (Response, bool),
) -> Response {
    let mut world = shared.world();
    let failed = |error: EntraError| error.to_response(&Ids::of(context.request), context.now);
    let (response, has_changed) = match resolve(&mut world, name) {
        Ok(tenant) => answer(context, tenant),
        Err(error) => return failed(error),
    };
    match has_changed.then(|| shared.save(&world)) {
        Some(Err(error)) => failed(EntraError::not_saved(&error.to_string())),
        _ => response,
    }
}

fn device_code(shared: &Shared, context: &Context<'_>, name: &str) -> Response {
    let ids = Ids::of(context.request);
    let mut world = shared.world();
    let answer = if context.request.method != Method::POST {
        Err(EntraError::wrong_method("POST"))
    } else if matches!(name, "common" | "consumers") {
        Err(EntraError::device_code_at_common())
    } else {
        resolve(&mut world, name)
            .and_then(|tenant| device::request(context, tenant, &Form::parse(&context.request.body)?))
            .and_then(|body| {
                shared.save(&world).map_err(|error| EntraError::not_saved(&error.to_string()))?;
                Ok(body)
            })
    };
    let response = match answer {
        Ok(body) => Response::json(StatusCode::OK, &body),
        Err(error) => error.to_response(&ids, context.now),
    };
    token::with_headers(response, context, &ids)
}

/// The tenant that a URL names.
fn resolve<'w>(world: &'w mut World, name: &str) -> Result<&'w mut Tenant, EntraError> {
    let is_guid = uuid::Uuid::parse_str(name).is_ok();
    let is_word = matches!(name.to_ascii_lowercase().as_str(), "common" | "organizations" | "consumers");
    if !is_guid && !is_word && !name.contains('.') {
        return Err(EntraError::not_a_tenant(name));
    }
    world.tenant_mut(name).ok_or_else(|| EntraError::unknown_tenant(name))
}

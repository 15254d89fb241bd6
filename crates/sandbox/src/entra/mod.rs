//! Entra ID: sign-in, tokens and discovery (Entra reference §1). One file an endpoint or grant.

mod assertion;
mod attempt;
mod authorize;
mod belonging;
mod claims_request;
mod client;
mod client_credentials;
mod code;
mod conditional_access;
mod context;
mod cross_origin;
mod device;
mod discovery;
mod error;
mod federation;
mod foreign;
mod form;
mod guest;
mod issue;
mod jwt;
mod keys;
mod microsoft;
mod on_behalf_of;
mod optional;
mod pages;
mod passcode;
mod password;
mod redirect;
mod refresh;
mod resource;
mod sealed;
mod sign_in_log;
mod state;
mod subject;
mod token;
mod user_fic;
mod user_info;
mod user_response;
mod verified;

#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use assertion::withstand_assertion;
pub(crate) use attempt::ClientKind;
pub(crate) use belonging::{has_issued, has_session};
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use conditional_access::withstand_device_rule;
pub(crate) use conditional_access::{
    Conditions, DeviceRule, Externals, GrantControls, IpRange, NamedLocation, Place, Policy, PolicyState,
    SessionControls, Strength, built_in_strengths, combinations,
};
pub(crate) use federation::Issuers;
pub(crate) use foreign::adopt;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) use form::withstand_form;
pub(crate) use guest::{Guest, find_home, redeem_url};
pub(crate) use jwt::{Claims, TokenFault, is_signing_key, tenant_of_token};
pub(crate) use keys::{KeptKey, KeyRing};
pub(crate) use microsoft::MICROSOFT_SERVICES;
pub(crate) use sealed::{open_ticket, seal_ticket};
pub(crate) use sign_in_log::{Event, SignInRow};
pub(crate) use state::Entra;
pub(crate) use subject::short_guid;

use http::header::HeaderName;
use http::{Method, StatusCode};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;

use crate::exchange::{Request, Response};
use crate::realm::{Others, Realm};
use crate::sandbox::Shared;
use crate::scope::note;
use crate::tenant::Tenant;

use attempt::Attempt;
use context::{Context, Endpoint};
use error::{EntraError, Ids};
use form::Form;

/// Answers a request to the sign-in service of a realm.
pub(crate) fn answer(shared: &Shared, realm: &Realm, request: &Request) -> Response {
    if let Some(response) = cross_origin::preflight(request) {
        return response;
    }
    let others = Others::new(&shared.realms, &realm.id);
    let ids = Ids::of(request);
    loop {
        let attempt = Attempt::default();
        let context = Context {
            request,
            now: realm.clock.now(),
            key: &shared.key,
            names: &shared.names,
            others: &others,
            issuers: &shared.issuers,
            ids: &ids,
            attempt: &attempt,
            endpoint: Endpoint::V2,
        };
        if foreign::refresh(realm, &context).is_err() && others.fetch() {
            continue;
        }
        let response = route(realm, &context);
        if others.fetch() {
            continue;
        }
        others.run_errands();
        if let Some(row) = attempt.take_row() {
            realm.look().entra.sign_ins.add(row);
            if let Err(error) = realm.keep_settings() {
                tracing::warn!(%error, "a sign-in is not kept");
            }
        }
        return cross_origin::allow(request, response.with(REQUEST_ID, &ids.trace));
    }
}

/// Answers a request whose body is larger than `limit` and was not kept.
pub(crate) fn too_large(request: &Request, now: Timestamp, limit: usize) -> Response {
    let ids = Ids::of(request);
    EntraError::too_large(limit).to_response(&ids, now).with(REQUEST_ID, &ids.trace)
}

/// By which an answer is found in the sign-in log.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-request-id");

/// Gets what answering a token request would have to wait for: the keys of an issuer on loopback.
pub(crate) async fn prepare(shared: &Shared, request: &Request) {
    if request.method == Method::POST && ends_with(&request.path, "/token") {
        shared.issuers.prepare(&request.body).await;
    }
}

fn route(realm: &Realm, context: &Context<'_>) -> Response {
    let request = context.request;
    // Entra tells no case apart in its paths.
    let path = percent_decode_str(&request.path).decode_utf8_lossy().to_ascii_lowercase();
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let first_generation = Context { endpoint: Endpoint::V1, ..*context };
    note(|decision| decision.route = Some(format!("{} {}", request.method, pattern(&segments))));
    match segments.as_slice() {
        [] => pages::message(
            StatusCode::OK,
            "A sandbox tenant",
            "This is Entra ID and Microsoft Graph, emulated. Nothing here is real, and nothing leaves this machine.",
        ),
        [_, "discovery", "instance"] => discovery::instance(context),
        [_, "userrealm", user] => {
            let domain = user.rsplit_once('@').map_or(*user, |(_, domain)| domain);
            let is_ours = realm.is_called(domain) || !matches!(context.others.tenant(domain), Ok(None));
            discovery::user_realm(context, user, is_ours)
        }
        ["oidc", "userinfo"] | [_, "openid", "userinfo"] => user_info::answer(realm, context),
        ["devicelogin"] => change(realm, context, "common", device::page),
        [tenant, "v2.0", ".well-known", "openid-configuration"] => {
            discover(realm, context, tenant, discovery::v2)
        }
        [tenant, ".well-known", "openid-configuration"] => discover(realm, context, tenant, discovery::v1),
        [tenant, "discovery", "v2.0", "keys"] => discover(realm, context, tenant, discovery::v2_keys),
        [tenant, "discovery", "keys"] => discover(realm, context, tenant, discovery::v1_keys),
        [tenant, "oauth2", "v2.0", "authorize"] => look(realm, context, tenant, authorize::answer),
        [tenant, "oauth2", "authorize"] => look(realm, &first_generation, tenant, authorize::answer),
        [tenant, "adminconsent"] | [tenant, "v2.0", "adminconsent"] => {
            change(realm, context, tenant, authorize::admin_consent)
        }
        [tenant, "redeem"] => change(realm, context, tenant, guest::page),
        [tenant, "login"] if request.method == Method::POST => {
            change(realm, context, tenant, authorize::login)
        }
        [tenant, "oauth2", "v2.0", "token"] => token::answer(realm, context, tenant),
        [tenant, "oauth2", "token"] => token::answer(realm, &first_generation, tenant),
        [tenant, "oauth2", "v2.0", "devicecode"] => device_code(realm, context, tenant),
        [tenant, "oauth2", "devicecode"] => device_code(realm, &first_generation, tenant),
        [tenant, "oauth2", "v2.0", "logout"] | [tenant, "oauth2", "logout"] => {
            look(realm, context, tenant, |context, tenant, _| authorize::logout(context, tenant))
        }
        _ => {
            note(|decision| decision.route = None);
            pages::message(StatusCode::NOT_FOUND, "Not found", "The sandbox has no such page.")
        }
    }
}

/// Whether a path ends so, in whatever case.
fn ends_with(path: &str, end: &str) -> bool {
    let start = path.len().saturating_sub(end.len());
    path.as_bytes()[start..].eq_ignore_ascii_case(end.as_bytes())
}

/// How people name an address of sign-in: `/{tenant}/oauth2/v2.0/token`.
fn pattern(segments: &[&str]) -> String {
    match segments {
        ["devicelogin" | "oidc", ..] | [] => format!("/{}", segments.join("/")),
        [_, "userrealm", _] => "/{tenant}/userrealm/{user}".to_owned(),
        [_, rest @ ..] => format!("/{{tenant}}/{}", rest.join("/")),
    }
}

/// Discovery also answers for `consumers`, where nobody here has an account.
fn discover(
    realm: &Realm,
    context: &Context<'_>,
    name: &str,
    answer: impl FnOnce(&Context<'_>, &Tenant, &str) -> Response,
) -> Response {
    if name.eq_ignore_ascii_case("consumers") {
        return answer(context, &realm.look(), name);
    }
    look(realm, context, name, answer)
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
        Err(error) => error.to_response(context.ids, context.now),
    }
}

/// A page that may change the tenant, and says whether it did.
fn change(
    realm: &Realm,
    context: &Context<'_>,
    name: &str,
    answer: impl FnOnce(&Context<'_>, &mut Tenant) -> (Response, bool),
) -> Response {
    let failed = |error: EntraError| error.to_response(context.ids, context.now);
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
    let answer = || {
        if context.request.method != Method::POST {
            return Err(EntraError::wrong_method("POST"));
        }
        if name == "consumers" {
            return Err(EntraError::device_code_at_common());
        }
        check_name(realm, name)?;
        let mut tenant = realm.enter();
        let form = token::read(context, &Form::parse(&context.request.body)?)?;
        let body = device::request(context, &mut tenant, name, &form)?;
        realm.settle(&mut tenant).map_err(|error| EntraError::not_saved(&error.to_string()))?;
        Ok(body)
    };
    let response = match answer() {
        Ok(body) => Response::json(StatusCode::OK, &body),
        Err(error) => error.to_response(context.ids, context.now),
    };
    token::with_headers(response, context)
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

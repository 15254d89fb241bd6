//! `POST /{tenant}/oauth2/v2.0/token`: one function a grant (Entra reference §1.4–§1.10); and its first
//! generation, `/{tenant}/oauth2/token`, which names a `resource` and answers with numbers in strings (§1.6).

use http::header::{CACHE_CONTROL, HeaderName, PRAGMA, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::exchange::Response;
use crate::graph::throttling::sign_in;
use crate::realm::Realm;
use crate::scope::note;
use crate::tenant::Tenant;

use super::context::{Context, Endpoint};
use super::error::EntraError;
use super::foreign;
use super::form::Form;
use super::sign_in_log::{SignInRow, Way};
use super::{check_name, client_credentials, code, device, on_behalf_of, password, refresh, user_fic};

/// Answers a token request.
pub(super) fn answer(realm: &Realm, context: &Context<'_>, tenant_name: &str) -> Response {
    let outcome = grant(realm, context, tenant_name);
    let response = match &outcome {
        Ok(body) if context.endpoint == Endpoint::V1 => {
            Response::json(StatusCode::OK, &first_generation(context, body))
        }
        Ok(body) => Response::json(StatusCode::OK, body),
        Err(error) => error.to_response(context.ids, context.now),
    };
    with_headers(response, context)
}

/// The headers of every answer of the token and device-code endpoints.
pub(super) fn with_headers(response: Response, context: &Context<'_>) -> Response {
    let response = response.with(CACHE_CONTROL, "no-store, no-cache").with(PRAGMA, "no-cache");
    with_common_headers(response, context)
}

/// The headers of every answer that is not a page (Entra reference §1.2).
pub(super) fn with_common_headers(response: Response, context: &Context<'_>) -> Response {
    let response = response
        .with(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(HeaderName::from_static("p3p"), "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"")
        .with(HeaderName::from_static("x-ms-ests-server"), "2.1.0 - SANDBOX ProdSlices")
        .with(HeaderName::from_static("x-ms-srs"), "1.P");
    if context
        .request
        .header("return-client-request-id")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        return response.with(HeaderName::from_static("client-request-id"), &context.ids.correlation);
    }
    response
}

fn grant(realm: &Realm, context: &Context<'_>, tenant_name: &str) -> Result<Value, EntraError> {
    if context.request.method != Method::POST {
        return Err(EntraError::wrong_method("POST"));
    }
    check_name(realm, tenant_name)?;
    let sent = Form::parse(&context.request.body)?;
    if sent.get("grant_type") == Some("client_credentials") {
        admit(realm, context, &sent)?;
    }
    let outcome = read(context, &sent).and_then(|form| granted(realm, context, tenant_name, &form));
    // A device that waits has not tried to sign in.
    let waits = matches!(&outcome, Err(error) if error.error == "authorization_pending");
    if !waits {
        let way = Way::of_grant(sent.get("grant_type").unwrap_or_default());
        context.attempt.ends(SignInRow::new(context, way, outcome.as_ref().err()));
    }
    outcome
}

/// Refuses an application that asks for tokens of its own faster than the tenant lets it.
fn admit(realm: &Realm, context: &Context<'_>, sent: &Form) -> Result<(), EntraError> {
    let client = sent.get("client_id").unwrap_or_default();
    sign_in::count(realm, client, context.now).map_err(|too_many| {
        note(|decision| decision.limit = Some(too_many.limit));
        EntraError::throttled(too_many.retry_after)
    })
}

/// The request as this generation of the endpoint is to be read: in the terms of the second one.
pub(super) fn read(context: &Context<'_>, sent: &Form) -> Result<Form, EntraError> {
    match (context.endpoint, sent.get("resource")) {
        (Endpoint::V2, None) => Ok(sent.clone()),
        (Endpoint::V2, Some(_)) => Err(EntraError::resource_parameter()),
        (Endpoint::V1, Some(resource)) => {
            let is_app = sent.get("grant_type") == Some("client_credentials");
            let oidc = if is_app { "" } else { " openid profile offline_access" };
            Ok(sent.with("scope", &format!("{resource}/.default{oidc}")))
        }
        (Endpoint::V1, None) => match sent.get("grant_type") {
            Some("client_credentials" | "password") => Err(EntraError::missing("resource")),
            _ => Ok(sent.without("scope")),
        },
    }
}

fn granted(
    realm: &Realm,
    context: &Context<'_>,
    tenant_name: &str,
    form: &Form,
) -> Result<Value, EntraError> {
    let needs_tenant = || match tenant_name.to_ascii_lowercase().as_str() {
        "common" | "organizations" => {
            Err(EntraError::tenant_needed(form.get("client_id").unwrap_or_default()))
        }
        _ => Ok(()),
    };
    // What only reads the tenant signs its tokens while others go on.
    let read = |grant: fn(&Context<'_>, &Tenant, &Form) -> Result<Value, EntraError>| {
        needs_tenant().and_then(|()| grant(context, &realm.look(), form))
    };
    let change = |grant: fn(&Context<'_>, &mut Tenant, &Form) -> Result<Value, EntraError>| {
        let mut tenant = realm.enter();
        foreign::install(context, &mut tenant, form.get("client_id").unwrap_or_default());
        let body = grant(context, &mut tenant, form)?;
        // A redeemed code stays redeemed, and an approved device is gone.
        realm.settle(&mut tenant).map_err(|error| EntraError::not_saved(&error.to_string()))?;
        Ok(body)
    };
    match form.require("grant_type")? {
        "client_credentials" => read(client_credentials::grant),
        "user_fic" => read(user_fic::grant),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => read(on_behalf_of::grant),
        "refresh_token" => refresh::grant(context, &realm.look(), form),
        "authorization_code" => change(code::grant),
        // The first generation takes a password there too.
        "password" if context.endpoint == Endpoint::V2 && tenant_name.eq_ignore_ascii_case("common") => {
            Err(EntraError::password_at_common())
        }
        "password" => change(password::grant),
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => change(device::grant),
        other => Err(EntraError::unsupported_grant_type(other)),
    }
}

/// The answer as the first generation gives it.
fn first_generation(context: &Context<'_>, body: &Value) -> Value {
    let mut body = body.clone();
    let seconds = body["expires_in"].as_i64().unwrap_or_default();
    for name in ["expires_in", "ext_expires_in", "refresh_in"] {
        if let Some(number) = body.get(name).and_then(Value::as_i64) {
            body[name] = json!(number.to_string());
        }
    }
    let now = context.now.as_second();
    body["expires_on"] = json!((now + seconds).to_string());
    body["not_before"] = json!((now - 300).to_string());
    body["resource"] = json!(context.attempt.notes().audience);
    body
}

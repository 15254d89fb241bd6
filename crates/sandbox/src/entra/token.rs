//! `POST /{tenant}/oauth2/v2.0/token`: one function a grant (Entra reference §1.4–§1.10).

use http::header::{CACHE_CONTROL, HeaderName, PRAGMA, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use http::{Method, StatusCode};
use serde_json::Value;

use crate::exchange::Response;
use crate::realm::Realm;
use crate::tenant::Tenant;

use super::context::Context;
use super::error::{EntraError, Ids};
use super::form::Form;
use super::{check_name, client_credentials, code, device, refresh, user_fic};

/// Answers a token request.
pub(super) fn answer(realm: &Realm, context: &Context<'_>, tenant_name: &str) -> Response {
    let ids = Ids::of(context.request);
    let response = match grant(realm, context, tenant_name) {
        Ok(body) => Response::json(StatusCode::OK, &body),
        Err(error) => error.to_response(&ids, context.now),
    };
    with_headers(response, context, &ids)
}

/// The headers of every answer of the token and device-code endpoints.
pub(super) fn with_headers(response: Response, context: &Context<'_>, ids: &Ids) -> Response {
    let response = response.with(CACHE_CONTROL, "no-store, no-cache").with(PRAGMA, "no-cache");
    with_common_headers(response, context, ids)
}

/// The headers of every answer that is not a page (Entra reference §1.2).
pub(super) fn with_common_headers(response: Response, context: &Context<'_>, ids: &Ids) -> Response {
    let response = response
        .with(STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains")
        .with(X_CONTENT_TYPE_OPTIONS, "nosniff")
        .with(HeaderName::from_static("p3p"), "CP=\"DSP CUR OTPi IND OTRi ONL FIN\"")
        .with(HeaderName::from_static("x-ms-request-id"), &ids.trace)
        .with(HeaderName::from_static("x-ms-ests-server"), "2.1.0 - SANDBOX ProdSlices")
        .with(HeaderName::from_static("x-ms-srs"), "1.P");
    if context
        .request
        .header("return-client-request-id")
        .is_some_and(|value| value.eq_ignore_ascii_case("true"))
    {
        return response.with(HeaderName::from_static("client-request-id"), &ids.correlation);
    }
    response
}

fn grant(realm: &Realm, context: &Context<'_>, tenant_name: &str) -> Result<Value, EntraError> {
    if context.request.method != Method::POST {
        return Err(EntraError::wrong_method("POST"));
    }
    let form = Form::parse(&context.request.body)?;
    if form.get("resource").is_some() {
        return Err(EntraError::resource_parameter());
    }
    let grant_type = form.require("grant_type")?;
    check_name(realm, tenant_name)?;
    let needs_tenant = || match tenant_name.to_ascii_lowercase().as_str() {
        "common" | "organizations" => {
            Err(EntraError::tenant_needed(form.get("client_id").unwrap_or_default()))
        }
        _ => Ok(()),
    };
    // What only reads the tenant signs its tokens while others go on.
    let read = |grant: fn(&Context<'_>, &Tenant, &Form) -> Result<Value, EntraError>| {
        needs_tenant().and_then(|()| grant(context, &realm.look(), &form))
    };
    let change = |grant: fn(&Context<'_>, &mut Tenant, &Form) -> Result<Value, EntraError>| {
        let mut tenant = realm.enter();
        let body = grant(context, &mut tenant, &form)?;
        // A redeemed code stays redeemed, and an approved device is gone.
        realm.settle(&mut tenant).map_err(|error| EntraError::not_saved(&error.to_string()))?;
        Ok(body)
    };
    match grant_type {
        "client_credentials" => read(client_credentials::grant),
        "user_fic" => read(user_fic::grant),
        "refresh_token" => refresh::grant(context, &realm.look(), &form),
        "authorization_code" => change(code::grant),
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => change(device::grant),
        other => Err(EntraError::unsupported_grant_type(other)),
    }
}

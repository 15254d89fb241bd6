//! `jwt-bearer` on behalf of: an application exchanges the user's token that it was called with for one of
//! another resource; an agent identity does so with a token for its blueprint (Entra reference §1.9, §1.10).

use serde_json::Value;

use crate::directory::Application;
use crate::tenant::Tenant;

use super::client::{Client, authenticate};
use super::conditional_access::Flow;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::issue::SignIn;
use super::jwt::Claims;
use super::resource::Asked;
use super::user_response::{Answering, RefreshToken, identified, respond};

pub(super) fn grant(context: &Context<'_>, tenant: &Tenant, form: &Form) -> Result<Value, EntraError> {
    let client = authenticate(context, tenant, form, |_| false)?;
    let assertion = form.require("assertion")?;
    let scope = form.require("scope")?;
    match form.require("requested_token_use")? {
        "on_behalf_of" => {}
        other => {
            return Err(EntraError::malformed(&format!(
                "The requested_token_use '{other}' is not supported."
            )));
        }
    }
    if client.is_blueprint {
        return Err(EntraError::agentic_user_flow(&client.app_id));
    }
    let claims = checked(context, tenant, &client, assertion)?;
    let issued = claims.time("iat").and_then(|iat| iat.checked_add(BACKDATED).ok()).unwrap_or(context.now);
    let user = identified(context, tenant, claims.text("oid"), issued)?;
    let asked = Asked::parse(tenant, context.names, scope, true, context.now)?;
    let grant = RefreshToken {
        client_id: client.app_id.clone(),
        user_id: user.id.clone(),
        scope: scope.to_owned(),
        sign_in: sign_in(&claims, issued),
        issued: context.now,
        is_public: false,
        spa_since: None,
        tells_time: false,
    };
    let answering = Answering { user, asked: &asked, nonce: None, flow: Flow::Client };
    // Whoever acts for a user hands the challenge up to where the user is.
    respond(context, tenant, &client, form, &answering, grant).map_err(EntraError::into_interaction)
}

/// `iat` lies this long before the issue.
const BACKDATED: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

/// The claims of a user's token that was issued here for this client and is in force.
fn checked(
    context: &Context<'_>,
    tenant: &Tenant,
    client: &Client,
    assertion: &str,
) -> Result<Claims, EntraError> {
    let refuse = |code, why: &str| Err(EntraError::user_assertion(code, why));
    if assertion.split('.').count() != 3 {
        return Err(EntraError::assertion_malformed());
    }
    let Ok(claims) = context.key.verify(assertion) else {
        return refuse(50_013, "The provided signature value did not match the expected signature value.");
    };
    if context.own_issuer(claims.text("iss")).is_none_or(|id| !tenant.id.eq_ignore_ascii_case(&id)) {
        return refuse(50_013, "The assertion was issued for another tenant.");
    }
    if claims.text("idtyp") == "app" || claims.text("oid") == claims.text("sub") {
        return Err(EntraError::app_token_on_behalf(&client.app_id));
    }
    if !is_for(context, tenant, client, claims.text("aud")) {
        return refuse(
            500_131,
            "Assertion audience does not match the Client app presenting the assertion. The audience in the assertion must match the client that presents it.",
        );
    }
    if !claims.is_current(context.now) {
        return refuse(
            500_133,
            "Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion.",
        );
    }
    Ok(claims)
}

/// Whether a token for that audience is the client's: its own, or for an agent identity its blueprint's.
fn is_for(context: &Context<'_>, tenant: &Tenant, client: &Client, audience: &str) -> bool {
    let owner = client.principal.blueprint_id().unwrap_or(&client.app_id);
    let names = |app: &Application| app.identifier_uris.iter().any(|uri| uri == audience);
    let bare = audience.strip_prefix("api://").unwrap_or(audience);
    bare.eq_ignore_ascii_case(owner) || tenant.application_by_app_id(owner, context.now).is_some_and(names)
}

/// The user's sign-in goes on.
fn sign_in(claims: &Claims, at: jiff::Timestamp) -> SignIn {
    let methods = claims.list("amr");
    let methods = if methods.is_empty() { claims.list("xms_amr") } else { methods };
    SignIn { session_id: claims.text("sid").to_owned(), methods, at, factors: Vec::new() }
}

//! `/oidc/userinfo`: who the bearer of a Graph token is, to OpenID clients (Entra reference §1.1, §1.2).

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::authorize::{authenticate, check_subject};
use crate::exchange::Response;
use crate::graph::GraphError;
use crate::realm::Realm;

use super::context::Context;

pub(super) fn answer(realm: &Realm, context: &Context<'_>) -> Response {
    match claims(realm, context) {
        Ok(claims) => Response::json(StatusCode::OK, &claims),
        Err(error) => {
            let date = context.now.strftime("%Y-%m-%dT%H:%M:%S").to_string();
            error.to_response(&date, &context.ids.trace, &context.ids.correlation)
        }
    }
}

fn claims(realm: &Realm, context: &Context<'_>) -> Result<Value, GraphError> {
    let caller = authenticate(context.request, context.key, context.now)?;
    let tenant = realm.look();
    if caller.tenant_id != tenant.id {
        return Err(GraphError::invalid_token("Access token validation failure. Invalid tenant."));
    }
    check_subject(&caller, &tenant, context.now)?;
    let user = caller.user_id().and_then(|id| tenant.users.get(id)).ok_or_else(GraphError::denied)?;
    // The subject is the id token's, which a Graph token carries for this very purpose.
    let token = context.request.bearer().unwrap_or_default();
    let token = context.key.verify(token).map_err(|_| GraphError::invalid_token("Access token is empty."))?;
    let subject = token.get("xms_st").and_then(|st| st.get("sub")).cloned();
    let mut claims = Map::new();
    claims.insert("sub".to_owned(), subject.unwrap_or_else(|| json!(token.text("sub"))));
    claims.insert("name".to_owned(), json!(user.display_name));
    for (claim, property) in [("family_name", "surname"), ("given_name", "givenName")] {
        if let Some(value) = user.other.get(property).filter(|value| value.is_string()) {
            claims.insert(claim.to_owned(), value.clone());
        }
    }
    let graph = if context.request.origin == "https://login.microsoftonline.com" {
        "https://graph.microsoft.com"
    } else {
        &context.request.origin
    };
    claims.insert("picture".to_owned(), json!(format!("{graph}/v1.0/me/photo/$value")));
    if let Some(mail) = tenant.primary_address(user, context.now) {
        claims.insert("email".to_owned(), json!(mail));
    }
    Ok(Value::Object(claims))
}

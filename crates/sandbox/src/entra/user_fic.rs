//! `user_fic`, hop 3: an agent identity asks for a token of its agent user (Entra reference §1.10).

use serde_json::Value;

use crate::directory::User;
use crate::tenant::Tenant;

use super::assertion::check_user_assertion;
use super::client::{Client, authenticate};
use super::conditional_access::Flow;
use super::context::Context;
use super::error::EntraError;
use super::form::Form;
use super::issue::SignIn;
use super::resource::Asked;
use super::user_response::{Answering, RefreshToken, identified, respond};

pub(super) fn grant(context: &Context<'_>, tenant: &Tenant, form: &Form) -> Result<Value, EntraError> {
    let client = authenticate(context, tenant, form, |_| false)?;
    if !client.is_agent_identity() {
        return Err(EntraError::unsupported_grant_type("user_fic"));
    }
    let assertion = form.require("user_federated_identity_credential")?;
    let scope = form.require("scope")?;
    check_user_assertion(context, tenant, &client, assertion)?;
    let user = child(context, tenant, &client, form)?;
    let asked = Asked::parse(tenant, context.names, scope, false, context.now)?;
    let grant = RefreshToken {
        client_id: client.app_id.clone(),
        user_id: user.id.clone(),
        scope: scope.to_owned(),
        sign_in: SignIn::new(&[], context.now),
        issued: context.now,
        is_public: false,
        spa_since: None,
        tells_time: false,
    };
    let answering = Answering { user, asked: &asked, nonce: None, flow: Flow::Client };
    respond(context, tenant, &client, form, &answering, grant)
}

/// The agent user that `user_id` or `username` names; it must be the client's child.
fn child<'t>(
    context: &Context<'_>,
    tenant: &'t Tenant,
    client: &Client,
    form: &Form,
) -> Result<&'t User, EntraError> {
    let key = match (form.get("user_id"), form.get("username")) {
        (Some(_), Some(_)) => {
            return Err(EntraError::malformed("The parameters 'user_id' and 'username' exclude each other."));
        }
        (None, None) => return Err(EntraError::missing("user_id")),
        (Some(id), None) if uuid::Uuid::parse_str(id).is_err() => return Err(EntraError::user_id_not_guid()),
        (Some(key), None) | (None, Some(key)) => key,
    };
    let user = identified(context, tenant, key, context.now)?;
    if user.identity_parent_id() != Some(client.principal.id.as_str()) {
        return Err(EntraError::user_assertion(
            50_013,
            "The user is not the agent user of the agent identity that presents the assertion.",
        ));
    }
    Ok(user)
}

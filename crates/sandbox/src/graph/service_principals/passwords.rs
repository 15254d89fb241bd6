//! Secrets and certificates of service principals: `addPassword`, `removePassword`, and `addKey` and `removeKey` with
//! proof, as an application's (Graph reference §8).

use http::Method;

use crate::directory::ServicePrincipalKind;
use crate::graph::applications::credentials::{
    asked_key, forget, forget_key, key_id, new_password, shown_key, shown_once,
};
use crate::graph::applications::proof;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::policies::Credential;
use crate::graph::route::{Needs, Route};

use super::UPDATE;
use super::incompatible::no_credentials;

const BROAD: &[&str] = &["Application.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE: Needs = Needs::split(
    BROAD,
    &["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/servicePrincipals/{id}/addPassword", WRITE, add),
        Route::new(Method::POST, "/servicePrincipals/{id}/removePassword", WRITE, remove),
        Route::new(Method::POST, "/servicePrincipals/{id}/addKey", Needs::anyone(), add_key),
        Route::new(Method::POST, "/servicePrincipals/{id}/removeKey", Needs::anyone(), remove_key),
    ]
}

fn add(call: &mut Call<'_>) -> Answer {
    check(call)?;
    let credential = new_password(call)?;
    let policies = &call.tenant.workloads.policies.app_management;
    policies.check_principal(
        call.service_principal()?,
        Credential::Password,
        credential.start,
        credential.end,
    )?;
    let shown = shown_once(call, &credential);
    call.service_principal_mut()?.passwords.push(credential);
    Ok(call.ok(&shown))
}

fn remove(call: &mut Call<'_>) -> Answer {
    check(call)?;
    let key_id = key_id(&call.body()?)?;
    forget(&mut call.service_principal_mut()?.passwords, &key_id)?;
    Ok(call.no_content())
}

fn add_key(call: &mut Call<'_>) -> Answer {
    let body = proven(call)?;
    let credential = asked_key(call, &body)?;
    let policies = &call.tenant.workloads.policies.app_management;
    policies.check_principal(call.service_principal()?, Credential::Key, credential.start, credential.end)?;
    let shown = shown_key(call, &credential);
    call.service_principal_mut()?.keys.push(credential);
    Ok(call.ok(&shown))
}

fn remove_key(call: &mut Call<'_>) -> Answer {
    let body = proven(call)?;
    forget_key(&mut call.service_principal_mut()?.keys, &key_id(&body)?)?;
    Ok(call.no_content())
}

/// The body, with its proof of a certificate that the principal has. Its own application needs no permission.
fn proven(call: &Call<'_>) -> Result<serde_json::Map<String, serde_json::Value>, GraphError> {
    let principal = call.service_principal()?;
    let is_own =
        principal.app_id.eq_ignore_ascii_case(&call.caller.app_id) && call.caller.user_id().is_none();
    if !is_own {
        call.require(WRITE)?;
        check(call)?;
    }
    let body = call.body()?;
    proof::check(&principal.keys, &principal.id, &body, call.now)?;
    Ok(body)
}

/// Agents have no credentials of their own.
fn check(call: &Call<'_>) -> Result<(), GraphError> {
    let principal = call.service_principal()?;
    if principal.kind != ServicePrincipalKind::Application {
        return Err(no_credentials());
    }
    call.check_principal_reach(principal, &UPDATE)
}

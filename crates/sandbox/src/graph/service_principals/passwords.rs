//! Secrets of service principals: `addPassword` and `removePassword`, as an application's (Graph reference §8).

use http::{Method, StatusCode};

use crate::directory::ServicePrincipalKind;
use crate::graph::applications::credentials::{forget, key_id, new_password, shown_once};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::policies::Credential;
use crate::graph::route::{Needs, Route};

use super::UPDATE;

const BROAD: &[&str] = &["Application.ReadWrite.All", "Directory.ReadWrite.All"];
const WRITE: Needs = Needs::split(
    BROAD,
    &["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/servicePrincipals/{id}/addPassword", WRITE, add),
        Route::new(Method::POST, "/servicePrincipals/{id}/removePassword", WRITE, remove),
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

/// Agents have no credentials of their own.
fn check(call: &Call<'_>) -> Result<(), GraphError> {
    let principal = call.service_principal()?;
    if principal.kind != ServicePrincipalKind::Application {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            "AgentIdentity_CredentialsNotSupported",
            "Credentials are not supported on agent identities.",
        ));
    }
    call.check_principal_reach(principal, &UPDATE)
}

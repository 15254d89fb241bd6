//! Sponsors and owners of agent identities and blueprint principals (Entra reference §2.3, §2.8, §13).

use http::Method;

use crate::directory::ServicePrincipalKind;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::managers::OWNED_BY;
use crate::graph::references;
use crate::graph::route::{Needs, Route};

use super::{IDENTITY, PRINCIPAL, UPDATE};

const READ: Needs = Needs::split(
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.Read.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentityBlueprintPrincipal.Read.All",
    ],
    &[
        "Application.Read.All",
        "Application.ReadWrite.All",
        "Application.ReadWrite.OwnedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "AgentIdentity.Read.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentity.CreateAsManager",
        "AgentIdentityBlueprintPrincipal.Read.All",
    ],
);
const WRITES_SPONSORS: &[&str] = &["AgentIdentity.UpdateSponsors.All", "AgentIdentity.ReadWrite.All"];
const WRITE_SPONSORS: Needs = Needs::split(
    &["Application.ReadWrite.All", "AgentIdentity.UpdateSponsors.All", "AgentIdentity.ReadWrite.All"],
    &[
        "Application.ReadWrite.OwnedBy",
        "Application.ReadWrite.All",
        "AgentIdentity.UpdateSponsors.All",
        "AgentIdentity.ReadWrite.All",
        "AgentIdentity.CreateAsManager",
    ],
);
const WRITE_OWNERS: Needs = Needs::split(
    &["Application.ReadWrite.All", "Directory.ReadWrite.All"],
    &["Application.ReadWrite.OwnedBy", "Application.ReadWrite.All", "Directory.ReadWrite.All"],
);

pub(super) fn routes() -> Vec<Route> {
    const SPONSORS: &str = "/servicePrincipals/{id}/sponsors";
    const SPONSOR_REF: &str = "/servicePrincipals/{id}/sponsors/$ref";
    const ONE_SPONSOR_REF: &str = "/servicePrincipals/{id}/sponsors/{member}/$ref";
    vec![
        Route::new(Method::GET, SPONSORS, READ, sponsors),
        Route::new(
            Method::GET,
            SPONSORS,
            Needs::either(&[
                "AgentIdentityBlueprintPrincipal.Read.All",
                "AgentIdentityBlueprintPrincipal.ReadWrite.All",
            ]),
            sponsors,
        )
        .cast(PRINCIPAL),
        Route::new(Method::POST, SPONSOR_REF, WRITE_SPONSORS, add_sponsor),
        Route::new(Method::POST, SPONSOR_REF, Needs::either(WRITES_SPONSORS), add_sponsor).cast(IDENTITY),
        Route::new(Method::DELETE, ONE_SPONSOR_REF, WRITE_SPONSORS, remove_sponsor),
        Route::new(Method::DELETE, ONE_SPONSOR_REF, Needs::either(WRITES_SPONSORS), remove_sponsor)
            .cast(IDENTITY),
        Route::new(Method::GET, "/servicePrincipals/{id}/owners", READ, owners),
        Route::new(Method::POST, "/servicePrincipals/{id}/owners/$ref", WRITE_OWNERS, add_owner),
        Route::new(
            Method::DELETE,
            "/servicePrincipals/{id}/owners/{member}/$ref",
            WRITE_OWNERS,
            remove_owner,
        ),
    ]
}

fn sponsors(call: &mut Call<'_>) -> Answer {
    let sp = call.service_principal()?;
    if sp.kind == ServicePrincipalKind::Application {
        return Err(GraphError::unreadable("Resource not found for the segment 'sponsors'."));
    }
    if !call.reads(sp) {
        return Err(GraphError::denied());
    }
    let ids = sp.sponsors.clone();
    call.referenced(&ids)
}

fn owners(call: &mut Call<'_>) -> Answer {
    let sp = call.service_principal()?;
    if !call.reads(sp) {
        return Err(GraphError::denied());
    }
    let ids = sp.owners.clone();
    call.referenced(&ids)
}

fn add_sponsor(call: &mut Call<'_>) -> Answer {
    check_sponsors(call)?;
    let id = call.bound_in_body()?;
    call.check_sponsors(std::slice::from_ref(&id))?;
    references::add(&mut call.service_principal_mut()?.sponsors, id, "sponsors")?;
    Ok(call.no_content())
}

fn remove_sponsor(call: &mut Call<'_>) -> Answer {
    check_sponsors(call)?;
    let id = call.params.get("member").to_owned();
    references::remove(&mut call.service_principal_mut()?.sponsors, &id, "sponsors")?;
    Ok(call.no_content())
}

fn add_owner(call: &mut Call<'_>) -> Answer {
    call.check_principal_reach(call.service_principal()?, &UPDATE)?;
    let id = call.bound_in_body()?;
    references::add(&mut call.service_principal_mut()?.owners, id, "owners")?;
    Ok(call.no_content())
}

fn remove_owner(call: &mut Call<'_>) -> Answer {
    call.check_principal_reach(call.service_principal()?, &UPDATE)?;
    let id = call.params.get("member").to_owned();
    references::remove(&mut call.service_principal_mut()?.owners, &id, "owners")?;
    Ok(call.no_content())
}

fn check_sponsors(call: &Call<'_>) -> Result<(), GraphError> {
    let sp = call.service_principal()?;
    if sp.kind == ServicePrincipalKind::Application {
        return Err(GraphError::unreadable("Resource not found for the segment 'sponsors'."));
    }
    let is_identity = matches!(sp.kind, ServicePrincipalKind::AgentIdentity { .. });
    let owned = sp.owners.contains(&call.caller.object_id) && call.caller.holds(OWNED_BY);
    let reaches = owned
        || call.holds_any(&["Application.ReadWrite.All"])
        || (is_identity && (call.holds_any(WRITES_SPONSORS) || call.is_parent(sp)));
    if reaches { call.require_administrator() } else { Err(GraphError::denied()) }
}

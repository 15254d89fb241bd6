//! `ownedObjects`: the applications, service principals and groups that somebody owns.

use http::Method;

use crate::graph::call::Call;
use crate::graph::error::Answer;
use crate::graph::route::{Needs, Route};

use super::membership::READ_OF_PRINCIPAL;

const READ_OF_USER: Needs = Needs::split(
    &[
        "User.Read",
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[
        "User.Read.All",
        "User.ReadWrite.All",
        "AgentIdUser.ReadWrite.All",
        "AgentIdUser.ReadWrite.IdentityParentedBy",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/me/ownedObjects", Needs::delegated(READ_OF_USER.delegated), owned),
        Route::new(Method::GET, "/users/{id}/ownedObjects", READ_OF_USER, owned),
        Route::new(Method::GET, "/servicePrincipals/{id}/ownedObjects", READ_OF_PRINCIPAL, owned),
    ]
}

fn owned(call: &mut Call<'_>) -> Answer {
    let id = call.named_member()?;
    call.referenced(&call.owned_by(&id))
}

impl Call<'_> {
    fn owned_by(&self, id: &str) -> Vec<String> {
        let owns = |owners: &[String]| owners.iter().any(|owner| owner == id);
        let applications =
            self.tenant.applications.values().filter(|app| owns(&app.owners)).map(|app| &app.id);
        let principals =
            self.tenant.service_principals.values().filter(|sp| owns(&sp.owners)).map(|sp| &sp.id);
        let groups = self.tenant.workloads.groups.values().filter(|group| owns(&group.owners));
        applications.chain(principals).chain(groups.map(|group| &group.id)).cloned().collect()
    }
}

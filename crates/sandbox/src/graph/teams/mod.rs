//! Teams and their channels, as far as it takes to send and read there (Entra reference §5.3, §5.4). A team is a
//! group with channels.

mod access;
mod channels;
mod create;
mod group;
mod members;
mod roster;
mod state;
mod wire;

use http::Method;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::route::{Area, Needs, Route};

pub(crate) use state::{Channel, Operation, Team};

const READ: Needs = Needs::either(&[
    "Team.ReadBasic.All",
    "TeamSettings.Read.All",
    "TeamSettings.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const READ_ALL: Needs =
    Needs::either(&["Team.ReadBasic.All", "TeamSettings.Read.All", "TeamSettings.ReadWrite.All"]);
const READ_JOINED: Needs = Needs::either(&[
    "Team.ReadBasic.All",
    "TeamSettings.Read.All",
    "TeamSettings.ReadWrite.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "AgentIdUser.ReadWrite.All",
    "AgentIdUser.ReadWrite.IdentityParentedBy",
]);
/// `/me` has no app that calls it.
const READ_MY_JOINED: Needs = Needs::split(READ_JOINED.delegated, READ_ALL.application);

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "team",
    options: &["filter", "select", "top", "skiptoken"],
    properties: wire::TEAM,
    expandable: &[],
    page: 100,
    largest_page: 999,
};
const OBJECT: Surface = Surface::object(Service::Teams, "team", wire::TEAM);

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/me/joinedTeams", READ_MY_JOINED, joined),
        Route::new(Method::GET, "/users/{user}/joinedTeams", READ_JOINED, joined),
        Route::new(Method::GET, "/teams", READ_ALL, list),
        Route::new(Method::GET, "/teams/{team}", READ, get),
    ];
    routes.extend(create::routes());
    routes.extend(group::routes());
    routes.extend(members::routes());
    routes.extend(channels::routes());
    routes.into_iter().map(|route| route.area(Area::Teams)).collect()
}

/// The teams of a user.
fn joined(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    call.teams_user()?;
    let user = match call.params.get("user") {
        "" => call.signed_in_user()?.to_owned(),
        named => call
            .tenant
            .user(named, call.now)
            .map(|user| user.id.clone())
            .ok_or_else(|| GraphError::not_found(format!("User '{named}' was not found.")))?,
    };
    let teams = call.tenant.teams(call.now).filter(|(_, group)| roster::has(group, &user));
    let items = teams.map(|(team, group)| wire::team(call.tenant, team, group)).collect();
    Ok(call.list(&query, "teams", items, Some(wire::TEAM)))
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let teams = call.tenant.teams(call.now);
    let items = teams.map(|(team, group)| wire::team(call.tenant, team, group)).collect();
    Ok(call.list(&query, "teams", items, Some(wire::TEAM)))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let (team, group) = call.team_and_group()?;
    let shown = wire::team(call.tenant, team, group);
    Ok(call.entity(&query, "teams", shown, Some(wire::TEAM)))
}

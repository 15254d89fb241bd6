//! `PUT /groups/{id}/team` and `GET`: the team of a group, which may get one.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::changes::{Change, ChangeKind};
use crate::graph::Group;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::state::{Channel, Team};
use super::{OBJECT, roster, wire};

const WRITE: Needs = Needs::either(&["Group.ReadWrite.All", "Directory.ReadWrite.All"]);
const READ: Needs = Needs::either(&["Group.Read.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::PUT, "/groups/{team}/team", WRITE, put),
        Route::new(Method::GET, "/groups/{team}/team", READ, get),
    ]
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let (team, group) = call.team_and_group()?;
    Ok(call.entity(&query, "teams", wire::team(call.tenant, team, group), Some(wire::TEAM)))
}

fn put(call: &mut Call<'_>) -> Answer {
    call.teams_user()?;
    let body = call.body()?;
    let id = call.params.get("team").to_ascii_lowercase();
    check(call, &id)?;
    settings(&body)?;
    make(call, &id);
    let (team, group) = call.team_and_group()?;
    let shown = call.with_context("teams", wire::team(call.tenant, team, group));
    Ok(call.created(&format!("/teams/{id}"), &shown))
}

/// Whether a team can be made of that group, by the caller.
pub(super) fn check(call: &Call<'_>, id: &str) -> Result<(), GraphError> {
    let missing = || GraphError::not_found(format!("NotFound: no group found with Group Id {id}."));
    let group = call.group_of(id).ok_or_else(missing)?;
    if !group.is_unified() {
        return Err(GraphError::unreadable(
            "A team is made of a Microsoft 365 group: the group's groupTypes have to contain 'Unified'.",
        ));
    }
    let owns = |user: &str| group.owners.iter().any(|owner| owner == user);
    match call.caller.user_id() {
        Some(user) if !owns(user) => call.require_administrator()?,
        _ => {}
    }
    if group.owners.is_empty() {
        return Err(GraphError::unreadable("A team owner must be provided: the group has none."));
    }
    if call.tenant.workloads.teamwork.teams.contains_key(id) {
        return Err(GraphError::new(
            StatusCode::CONFLICT,
            "Conflict",
            format!("The group {id} is already provisioned: it has a team."),
        ));
    }
    Ok(())
}

/// Gives a group its team.
pub(super) fn make(call: &mut Call<'_>, id: &str) {
    let description =
        |group: &Group| group.other.get("description").and_then(Value::as_str).map(str::to_owned);
    let description = call.tenant.workloads.groups.get(id).and_then(description);
    let general = Channel::new("General".to_owned(), description, call.now);
    let team = Team { id: id.to_owned(), created: call.now, channels: [general].into_iter().collect() };
    if let Some(group) = call.tenant.workloads.groups.get_mut(id) {
        group.other.insert("resourceProvisioningOptions".to_owned(), json!([roster::TEAM]));
    }
    call.tenant.group_changed(ChangeKind::Updated, id);
    call.tenant.workloads.teamwork.teams.insert(id.to_owned(), team);
    call.tenant.changed(Change::created(format!("teams/{id}"), "#microsoft.graph.team"));
}

/// A new team has the settings that every team here has; others are not emulated.
fn settings(body: &Map<String, Value>) -> Result<(), GraphError> {
    let defaults = wire::settings();
    for (name, asked) in body.iter().filter(|(name, _)| !name.contains('@')) {
        let Some(known) = defaults.get(name) else {
            return Err(GraphError::unreadable(format!("Invalid property '{name}' in the request body.")));
        };
        let differs = |(name, value): (&String, &Value)| known.get(name) != Some(value);
        if asked.as_object().is_some_and(|asked| asked.iter().any(differs)) {
            return Err(GraphError::not_emulated(&format!("a team with other {name} than a new one has")));
        }
    }
    Ok(())
}

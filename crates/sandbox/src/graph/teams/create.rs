//! `POST /teams`: 202, and an operation that tells when the team is there.

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{Method, StatusCode};
use serde_json::{Map, Value};

use crate::changes::Change;
use crate::directory::new_id;
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::chat_messages::{NO_OPTIONS, Sender};
use crate::graph::chats::Member;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::state::{Channel, Operation, Team, Visibility};
use super::{members, wire};

const CREATE: Needs = Needs::split(
    &["Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
    &["Team.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All", "Teamwork.Migrate.All"],
);
/// Who reads teams may ask how one is coming along.
const READ_OPERATION: Needs =
    Needs::either(&["Team.Create", "Team.ReadBasic.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/teams", CREATE, create),
        Route::new(Method::GET, "/teams/{team}/operations/{operation}", READ_OPERATION, operation),
    ]
}

fn create(call: &mut Call<'_>) -> Answer {
    call.teams_user()?;
    let body = call.body()?;
    if body.contains_key("@microsoft.graph.teamCreationMode") {
        return Err(GraphError::forbidden("Teams for imports are not made here: migration is not emulated."));
    }
    let template = body.get("template@odata.bind").and_then(Value::as_str).unwrap_or_default();
    if !template.ends_with("/teamsTemplates('standard')") && !template.ends_with("/teamsTemplates/standard") {
        return Err(GraphError::unreadable(
            "'template@odata.bind' has to name the template: .../teamsTemplates('standard').",
        ));
    }
    let display_name = name(&body, 256)?;
    let visibility = match body.get("visibility").and_then(Value::as_str) {
        None | Some("public" | "Public") => Visibility::Public,
        Some("private" | "Private") => Visibility::Private,
        Some(_) => return Err(GraphError::unreadable("Invalid value specified for property 'visibility'.")),
    };
    let mut members = members::read_all(call, body.get("members"))?;
    if let Some(caller) = call.caller.user_id()
        && !members.iter().any(|member| member.person.id == caller)
    {
        members.insert(0, Member::new(Sender::user(caller), "owner".to_owned(), None));
    }
    if !members.iter().any(|member| member.role == "owner") {
        return Err(GraphError::unreadable("A team owner must be provided when creating a team."));
    }

    let (id, operation) = (new_id(), new_id());
    let (created, due) = (call.now, call.due(Cause::Replication));
    let team = Team {
        id: id.clone(),
        display_name,
        description: description(&body),
        visibility,
        created,
        visible: due,
        members,
        channels: [Channel::new("General".to_owned(), description(&body), created)].into_iter().collect(),
    };
    let teamwork = &mut call.tenant.workloads.teamwork;
    teamwork.teams.insert(id.clone(), team);
    teamwork.operations.insert(operation.clone(), Operation { team: id.clone(), created, due });
    call.tenant.changed(Change::created(format!("teams/{id}"), "#microsoft.graph.team"));
    Ok(Response::empty(StatusCode::ACCEPTED)
        .with(LOCATION, &format!("/teams('{id}')/operations('{operation}')"))
        .with(CONTENT_LOCATION, &format!("/teams('{id}')")))
}

fn operation(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let (team, id) = (call.params.get("team"), call.params.get("operation"));
    let found = call.tenant.workloads.teamwork.operations.get(id);
    let found = found
        .filter(|operation| operation.team.eq_ignore_ascii_case(team))
        .ok_or_else(|| GraphError::not_found(format!("NotFound: no operation with id '{id}' was found.")))?;
    let shown = wire::operation(id, found, call.now);
    Ok(call.ok(&call.with_context(&format!("teams('{}')/operations", found.team), shown)))
}

/// `displayName`, at most so long.
pub(super) fn name(body: &Map<String, Value>, longest: usize) -> Result<String, GraphError> {
    let name = body.get("displayName").and_then(Value::as_str).map(str::trim);
    name.filter(|name| !name.is_empty() && name.chars().count() <= longest)
        .map(str::to_owned)
        .ok_or_else(|| GraphError::unreadable("Invalid value specified for property 'displayName'."))
}

/// `description`, if there is one.
pub(super) fn description(body: &Map<String, Value>) -> Option<String> {
    body.get("description").and_then(Value::as_str).map(str::to_owned)
}

//! `POST /teams`, of nothing or of a group: 202, and an operation that tells when the team is there.

use std::collections::BTreeMap;

use http::header::{CONTENT_LOCATION, LOCATION};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use crate::directory::{Life, new_id};
use crate::exchange::Response;
use crate::graph::Group;
use crate::graph::call::Call;
use crate::graph::chat_messages::NO_OPTIONS;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};
use crate::lag::Cause;

use super::members::Role;
use super::state::Operation;
use super::{group, members, wire};

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
    let id = match body.get("group@odata.bind").and_then(Value::as_str) {
        Some(reference) => {
            let id =
                call.reference(reference, "groups").map_err(|error| GraphError::unreadable(error.message))?;
            let id = id.to_ascii_lowercase();
            group::check(call, &id)?;
            id
        }
        None => found(call, &body)?,
    };
    group::make(call, &id);
    let (operation, created, due) = (new_id(), call.now, call.due(Cause::Replication));
    let operations = &mut call.tenant.workloads.teamwork.operations;
    operations.insert(operation.clone(), Operation { team: id.clone(), created, due });
    Ok(Response::empty(StatusCode::ACCEPTED)
        .with(LOCATION, &format!("/teams('{id}')/operations('{operation}')"))
        .with(CONTENT_LOCATION, &format!("/teams('{id}')")))
}

/// Makes the group of a new team.
fn found(call: &mut Call<'_>, body: &Map<String, Value>) -> Result<String, GraphError> {
    let display_name = name(body, 256)?;
    let visibility = match body.get("visibility").and_then(Value::as_str) {
        None | Some("public" | "Public") => "Public",
        Some("private" | "Private") => "Private",
        Some(_) => return Err(GraphError::unreadable("Invalid value specified for property 'visibility'.")),
    };
    let mut people = members::read_all(call, body.get("members"))?;
    if let Some(caller) = call.caller.user_id()
        && !people.iter().any(|(person, _)| person == caller)
    {
        people.insert(0, (caller.to_owned(), Role::Owner));
    }
    let owners: Vec<String> =
        people.iter().filter(|(_, role)| *role == Role::Owner).map(|(person, _)| person.clone()).collect();
    if owners.is_empty() {
        return Err(GraphError::unreadable("A team owner must be provided when creating a team."));
    }
    let mut group = Group {
        id: new_id(),
        life: Life::new(call.now, call.due(Cause::Replication)),
        mail_nickname: nickname(call, &display_name),
        display_name,
        mail: None,
        mail_enabled: true,
        security_enabled: false,
        group_types: vec!["Unified".to_owned()],
        takes_roles: false,
        members: people.into_iter().map(|(person, _)| person).collect(),
        owners,
        subscriptions: BTreeMap::new(),
        other: [("visibility".to_owned(), json!(visibility))].into_iter().collect(),
    };
    if let Some(description) = description(body) {
        group.other.insert("description".to_owned(), json!(description));
    }
    call.add_group(group)
}

/// What stands before the `@` of the group's address: the name's own letters, with a number if they are taken.
fn nickname(call: &Call<'_>, name: &str) -> String {
    let mut letters: String = name.chars().filter(char::is_ascii_alphanumeric).take(50).collect();
    if letters.is_empty() {
        letters = format!("team{}", uuid::Uuid::new_v4().simple());
    }
    let is_free = |nickname: &String| call.tenant.workloads.groups.named(nickname).is_empty();
    let numbered = (1_u32..).map(|number| format!("{letters}{number}"));
    std::iter::once(letters.clone()).chain(numbered).find(is_free).unwrap_or_default()
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

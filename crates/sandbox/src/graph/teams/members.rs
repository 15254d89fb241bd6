//! Members of teams; every one of them is in every standard channel.

use http::Method;
use serde_json::{Map, Value};

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::chat_messages::NO_OPTIONS;
use crate::graph::chats::{Member, member_json, member_person};
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

const READ: Needs = Needs::either(&["TeamMember.Read.All", "TeamMember.ReadWrite.All"]);
const WRITE: Needs = Needs::either(&["TeamMember.ReadWrite.All", "TeamMember.ReadWriteNonOwnerRole.All"]);
const READ_IN_CHANNEL: Needs = Needs::split(
    &["ChannelMember.Read.All", "ChannelMember.ReadWrite.All", "Group.Read.All"],
    &["ChannelMember.Read.All", "ChannelMember.ReadWrite.All"],
);
const READ_ONE_IN_CHANNEL: Needs = Needs::either(&["ChannelMember.Read.All", "ChannelMember.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/teams/{team}/members", READ, list),
        Route::new(Method::POST, "/teams/{team}/members", WRITE, add),
        Route::new(Method::GET, "/teams/{team}/members/{member}", READ, get),
        Route::new(Method::DELETE, "/teams/{team}/members/{member}", WRITE, remove),
        Route::new(Method::GET, "/teams/{team}/channels/{channel}/members", READ_IN_CHANNEL, list),
        Route::new(
            Method::GET,
            "/teams/{team}/channels/{channel}/members/{member}",
            READ_ONE_IN_CHANNEL,
            get,
        ),
    ]
}

/// The collection that the path names, as `@odata.context` says it.
fn context(call: &Call<'_>) -> Result<String, GraphError> {
    if call.params.get("channel").is_empty() {
        return Ok(format!("teams('{}')/members", call.team()?.id));
    }
    let (team, channel) = call.channel()?;
    let channel =
        percent_encoding::utf8_percent_encode(&channel.id, percent_encoding::NON_ALPHANUMERIC).to_string();
    Ok(format!("teams('{}')/channels('{channel}')/members", team.id))
}

fn list(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let context = context(call)?;
    let items = call.team()?.members.iter().map(|member| member_json(call.tenant, member)).collect();
    Ok(call.whole(&context, items))
}

fn get(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let context = context(call)?;
    let shown = member_json(call.tenant, find(call)?);
    Ok(call.ok(&call.with_context(&context, shown)))
}

fn find<'a>(call: &'a Call<'_>) -> Result<&'a Member, GraphError> {
    let id = call.params.get("member");
    let found = call.team()?.members.iter().find(|member| member.id == id);
    found.ok_or_else(|| GraphError::not_found(format!("NotFound: no member with id '{id}' was found.")))
}

fn add(call: &mut Call<'_>) -> Answer {
    let team = call.team()?;
    let member = read(call, &call.body()?)?;
    if team.member(&member.person.id).is_some() {
        return Err(GraphError::unreadable("The user is already a member of the team."));
    }
    let (context, id) = (context(call)?, team.id.clone());
    let shown = call.with_context(&context, member_json(call.tenant, &member));
    let location = format!("/teams/{id}/members/{}", member.id);
    changed(call, ChangeKind::Created, &id, &member.id);
    if let Some(team) = call.tenant.workloads.teamwork.teams.get_mut(&id) {
        team.members.push(member);
    }
    Ok(call.created(&location, &shown))
}

fn remove(call: &mut Call<'_>) -> Answer {
    let member = find(call)?.clone();
    let team = call.team()?;
    let owners = team.members.iter().filter(|member| member.role == "owner").count();
    if member.role == "owner" && owners == 1 {
        return Err(GraphError::unreadable("The last owner of a team cannot be removed."));
    }
    let id = team.id.clone();
    changed(call, ChangeKind::Deleted, &id, &member.id);
    if let Some(team) = call.tenant.workloads.teamwork.teams.get_mut(&id) {
        team.members.retain(|one| one.id != member.id);
    }
    Ok(call.no_content())
}

fn changed(call: &mut Call<'_>, kind: ChangeKind, team: &str, member: &str) {
    let odata_type = "#microsoft.graph.aadUserConversationMember";
    let resource = format!("teams/{team}/members/{member}");
    call.tenant.changed(Change { kind, resource, aliases: Vec::new(), odata_type: odata_type.into() });
}

/// `members` of a new team.
pub(super) fn read_all(call: &Call<'_>, value: Option<&Value>) -> Result<Vec<Member>, GraphError> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(GraphError::unreadable("Invalid value specified for property 'members'.")),
    };
    let mut members: Vec<Member> = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry =
            entry.as_object().ok_or_else(|| GraphError::unreadable("Invalid member in the request body."))?;
        let member = read(call, entry)?;
        if members.iter().any(|other| other.person == member.person) {
            return Err(GraphError::unreadable("Duplicate members are specified in the request body."));
        }
        members.push(member);
    }
    Ok(members)
}

/// `roles` is `["owner"]`, or empty for a plain member.
fn read(call: &Call<'_>, entry: &Map<String, Value>) -> Result<Member, GraphError> {
    let roles: Vec<&str> = entry
        .get("roles")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let role = match roles.as_slice() {
        [] => "",
        ["owner"] => "owner",
        _ => return Err(GraphError::unreadable("Invalid role specified for member: use owner or none.")),
    };
    Ok(Member::new(member_person(call, entry)?, role.to_owned(), None))
}

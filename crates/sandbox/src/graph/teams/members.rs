//! Members of teams; every one of them is in every standard channel.

use http::Method;
use serde_json::{Map, Value};

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::chat_messages::NO_OPTIONS;
use crate::graph::chats::{Member, member_json, member_person};
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::roster;

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
    let (_, group) = call.team_and_group()?;
    let members = roster::members(call.tenant, group);
    Ok(call.whole(&context, members.iter().map(|member| member_json(call.tenant, member)).collect()))
}

fn get(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let context = context(call)?;
    let shown = member_json(call.tenant, &find(call)?);
    Ok(call.ok(&call.with_context(&context, shown)))
}

fn find(call: &Call<'_>) -> Result<Member, GraphError> {
    let id = call.params.get("member");
    let (_, group) = call.team_and_group()?;
    let found = roster::members(call.tenant, group).into_iter().find(|member| member.id == id);
    found.ok_or_else(|| GraphError::not_found(format!("NotFound: no member with id '{id}' was found.")))
}

fn add(call: &mut Call<'_>) -> Answer {
    let (_, group) = call.team_and_group()?;
    let (user, role) = read(call, &call.body()?)?;
    if roster::has(group, &user) {
        return Err(GraphError::unreadable("The user is already a member of the team."));
    }
    let (context, id) = (context(call)?, group.id.clone());
    if let Some(group) = call.tenant.workloads.groups.get_mut(&id) {
        group.members.push(user.clone());
        if role == Role::Owner {
            group.owners.push(user.clone());
        }
    }
    call.tenant.group_changed(ChangeKind::Updated, &id);
    call.tenant.member_changed(&id, &user, true);
    let group = call.tenant.workloads.groups.get(&id).ok_or_else(|| GraphError::no_object(&id))?;
    let mut members = roster::members(call.tenant, group).into_iter();
    let member =
        members.find(|member| member.person.id == user).ok_or_else(|| GraphError::no_object(&user))?;
    let shown = call.with_context(&context, member_json(call.tenant, &member));
    let location = format!("/teams/{id}/members/{}", member.id);
    changed(call, ChangeKind::Created, &id, &member.id);
    Ok(call.created(&location, &shown))
}

fn remove(call: &mut Call<'_>) -> Answer {
    let member = find(call)?;
    let (_, group) = call.team_and_group()?;
    if matches!(group.owners.as_slice(), [last] if *last == member.person.id) {
        return Err(GraphError::unreadable("The last owner of a team cannot be removed."));
    }
    let (id, user) = (group.id.clone(), member.person.id);
    changed(call, ChangeKind::Deleted, &id, &member.id);
    if let Some(group) = call.tenant.workloads.groups.get_mut(&id) {
        group.members.retain(|one| *one != user);
        group.owners.retain(|one| *one != user);
    }
    call.tenant.group_changed(ChangeKind::Updated, &id);
    call.tenant.member_changed(&id, &user, false);
    Ok(call.no_content())
}

fn changed(call: &mut Call<'_>, kind: ChangeKind, team: &str, member: &str) {
    let odata_type = "#microsoft.graph.aadUserConversationMember";
    let resource = format!("teams/{team}/members/{member}");
    call.tenant.changed(Change { kind, resource, aliases: Vec::new(), odata_type: odata_type.into() });
}

/// What somebody is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Owner,
    Plain,
}

/// `members` of a new team: users by object id.
pub(super) fn read_all(call: &Call<'_>, value: Option<&Value>) -> Result<Vec<(String, Role)>, GraphError> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(entries)) => entries,
        Some(_) => return Err(GraphError::unreadable("Invalid value specified for property 'members'.")),
    };
    let mut members: Vec<(String, Role)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry =
            entry.as_object().ok_or_else(|| GraphError::unreadable("Invalid member in the request body."))?;
        let member = read(call, entry)?;
        if members.iter().any(|(other, _)| *other == member.0) {
            return Err(GraphError::unreadable("Duplicate members are specified in the request body."));
        }
        members.push(member);
    }
    Ok(members)
}

/// `roles` is `["owner"]`, or empty for a plain member.
fn read(call: &Call<'_>, entry: &Map<String, Value>) -> Result<(String, Role), GraphError> {
    let roles: Vec<&str> = entry
        .get("roles")
        .and_then(Value::as_array)
        .map(|list| list.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let role = match roles.as_slice() {
        [] => Role::Plain,
        ["owner"] => Role::Owner,
        _ => return Err(GraphError::unreadable("Invalid role specified for member: use owner or none.")),
    };
    let person = member_person(call, entry)?;
    if person.home.is_some() {
        return Err(GraphError::unreadable(
            "Invalid member: people of another tenant are in a team as guests of this one.",
        ));
    }
    Ok((person.id, role))
}

//! `/teams/{id}/channels`: standard channels, which every member of the team sees.

use http::Method;

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::route::{Needs, Route};

use super::create::{description, name};
use super::state::Channel;
use super::wire;

const READ: Needs = Needs::either(&[
    "Channel.ReadBasic.All",
    "ChannelSettings.Read.All",
    "ChannelSettings.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
]);
const READ_PRIMARY: Needs =
    Needs::either(&["Channel.ReadBasic.All", "ChannelSettings.Read.All", "ChannelSettings.ReadWrite.All"]);
const CREATE: Needs = Needs::split(
    &["Channel.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All"],
    &["Channel.Create", "Group.ReadWrite.All", "Directory.ReadWrite.All", "Teamwork.Migrate.All"],
);
const UPDATE: Needs =
    Needs::either(&["ChannelSettings.ReadWrite.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]);
const DELETE: Needs =
    Needs::either(&["Channel.Delete.All", "Group.ReadWrite.All", "Directory.ReadWrite.All"]);

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "channel",
    options: &["filter", "select"],
    properties: wire::CHANNEL,
    expandable: &[],
    page: 1000,
    largest_page: 1000,
};
const OBJECT: Surface = Surface::object(Service::Teams, "channel", wire::CHANNEL);

/// Channels of a team.
const MOST: usize = 1000;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/teams/{team}/channels", READ, list),
        Route::new(Method::POST, "/teams/{team}/channels", CREATE, create),
        Route::new(Method::GET, "/teams/{team}/primaryChannel", READ_PRIMARY, primary),
        Route::new(Method::GET, "/teams/{team}/channels/{channel}", READ, get),
        Route::new(Method::PATCH, "/teams/{team}/channels/{channel}", UPDATE, update),
        Route::new(Method::DELETE, "/teams/{team}/channels/{channel}", DELETE, delete),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let team = call.team()?;
    let items = team.channels.iter().map(|channel| wire::channel(call.tenant, team, channel)).collect();
    Ok(call.list(&query, &format!("teams('{}')/channels", team.id), items, Some(wire::CHANNEL)))
}

fn get(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let (team, channel) = call.channel()?;
    let shown = wire::channel(call.tenant, team, channel);
    Ok(call.entity(&query, &format!("teams('{}')/channels", team.id), shown, Some(wire::CHANNEL)))
}

fn primary(call: &mut Call<'_>) -> Answer {
    let query = call.query(&OBJECT)?;
    let team = call.team()?;
    let channel = team.channels.first();
    let channel = channel.ok_or_else(|| GraphError::not_found("NotFound: the team has no channel."))?;
    let shown = wire::channel(call.tenant, team, channel);
    Ok(call.entity(&query, &format!("teams('{}')/channels", team.id), shown, Some(wire::CHANNEL)))
}

fn create(call: &mut Call<'_>) -> Answer {
    let team = call.team()?;
    let body = call.body()?;
    let display_name = name(&body, 50)?;
    if !body.get("membershipType").is_none_or(|kind| kind.is_null() || kind == "standard") {
        return Err(GraphError::new(
            http::StatusCode::NOT_IMPLEMENTED,
            "sandboxNotEmulated",
            "The sandbox emulates standard channels only.",
        ));
    }
    if team.channels.iter().any(|channel| channel.display_name.eq_ignore_ascii_case(&display_name)) {
        return Err(GraphError::unreadable("Channel name already existed, please use other name."));
    }
    if team.channels.len() >= MOST {
        return Err(GraphError::forbidden(format!("The team already has {MOST} channels.")));
    }
    let channel = Channel::new(display_name, description(&body), call.now);
    let team_id = team.id.clone();
    let shown = wire::channel(call.tenant, team, &channel);
    let location = format!("/teams/{team_id}/channels/{}", channel.id);
    let shown = call.with_context(&format!("teams('{team_id}')/channels"), shown);
    changed(call, ChangeKind::Created, &team_id, &channel.id);
    if let Some(team) = call.tenant.workloads.teamwork.teams.get_mut(&team_id) {
        team.channels.push(channel);
    }
    Ok(call.created(&location, &shown))
}

fn update(call: &mut Call<'_>) -> Answer {
    let (team, channel) = call.channel()?;
    let body = call.body()?;
    let display_name = match body.contains_key("displayName") {
        true => Some(name(&body, 50)?),
        false => None,
    };
    let description = body.contains_key("description").then(|| description(&body));
    let (team, channel) = (team.id.clone(), channel.id.clone());
    changed(call, ChangeKind::Updated, &team, &channel);
    if let Some(channel) = call.tenant.workloads.teamwork.channel_mut(&team, &channel) {
        channel.display_name = display_name.unwrap_or_else(|| channel.display_name.clone());
        channel.description = description.unwrap_or_else(|| channel.description.clone());
    }
    Ok(call.no_content())
}

fn delete(call: &mut Call<'_>) -> Answer {
    let (team, channel) = call.channel()?;
    if team.channels.first().is_some_and(|general| general.id == channel.id) {
        return Err(GraphError::unreadable("The General channel cannot be deleted."));
    }
    let (team, channel) = (team.id.clone(), channel.id.clone());
    changed(call, ChangeKind::Deleted, &team, &channel);
    if let Some(team) = call.tenant.workloads.teamwork.teams.get_mut(&team) {
        team.channels.retain(|one| one.id != channel);
    }
    Ok(call.no_content())
}

fn changed(call: &mut Call<'_>, kind: ChangeKind, team: &str, channel: &str) {
    let resource = format!("teams/{team}/channels/{channel}");
    let odata_type = "#microsoft.graph.channel";
    call.tenant.changed(Change { kind, resource, aliases: Vec::new(), odata_type: odata_type.into() });
}

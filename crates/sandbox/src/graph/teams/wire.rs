//! How teams and channels look in JSON.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::graph::Group;
use crate::graph::instants::milliseconds;
use crate::tenant::Tenant;

use super::roster;
use super::state::{Channel, Operation, Team};

/// What a team shows.
pub(super) const TEAM: &[&str] = &[
    "id",
    "createdDateTime",
    "displayName",
    "description",
    "internalId",
    "classification",
    "specialization",
    "visibility",
    "webUrl",
    "isArchived",
    "tenantId",
    "memberSettings",
    "guestSettings",
    "messagingSettings",
    "funSettings",
    "summary",
];

/// What a channel shows.
pub(super) const CHANNEL: &[&str] = &[
    "id",
    "createdDateTime",
    "displayName",
    "description",
    "isFavoriteByDefault",
    "email",
    "tenantId",
    "webUrl",
    "membershipType",
    "isArchived",
];

/// A team with the settings that a new one has.
pub(super) fn team(tenant: &Tenant, team: &Team, group: &Group) -> Value {
    let members = roster::members(tenant, group);
    let count = |role: &str| members.iter().filter(|member| member.role == role).count();
    let (owners, guests) = (count("owner"), count("guest"));
    let first = team.channels.first().map(|channel| channel.id.as_str());
    let visibility = group.other.get("visibility").and_then(Value::as_str).unwrap_or("Public");
    let mut shown = json!({
        "id": team.id,
        "createdDateTime": milliseconds(team.created),
        "displayName": group.display_name,
        "description": group.other.get("description"),
        "internalId": first,
        "classification": null,
        "specialization": "none",
        "visibility": visibility.to_ascii_lowercase(),
        "webUrl": first.map(|channel| format!(
            "https://teams.microsoft.com/l/team/{}/conversations?groupId={}&tenantId={}",
            utf8_percent_encode(channel, NON_ALPHANUMERIC), team.id, tenant.id,
        )),
        "isArchived": false,
        "tenantId": tenant.id,
        "summary": {
            "ownersCount": owners, "membersCount": members.len() - owners - guests, "guestsCount": guests,
        },
    });
    for (name, setting) in settings().as_object().into_iter().flatten() {
        shown[name] = setting.clone();
    }
    shown
}

/// The settings of a new team.
pub(super) fn settings() -> Value {
    json!({
        "memberSettings": {
            "allowCreateUpdateChannels": true, "allowCreatePrivateChannels": true, "allowDeleteChannels": true,
            "allowAddRemoveApps": true, "allowCreateUpdateRemoveTabs": true,
            "allowCreateUpdateRemoveConnectors": true,
        },
        "guestSettings": { "allowCreateUpdateChannels": false, "allowDeleteChannels": false },
        "messagingSettings": {
            "allowUserEditMessages": true, "allowUserDeleteMessages": true, "allowOwnerDeleteMessages": true,
            "allowTeamMentions": true, "allowChannelMentions": true,
        },
        "funSettings": {
            "allowGiphy": true, "giphyContentRating": "moderate", "allowStickersAndMemes": true,
            "allowCustomMemes": true,
        },
    })
}

/// A channel of a team.
pub(super) fn channel(tenant: &Tenant, team: &Team, channel: &Channel) -> Value {
    let id = utf8_percent_encode(&channel.id, NON_ALPHANUMERIC);
    let name = utf8_percent_encode(&channel.display_name, NON_ALPHANUMERIC);
    json!({
        "id": channel.id,
        "createdDateTime": milliseconds(channel.created),
        "displayName": channel.display_name,
        "description": channel.description,
        "isFavoriteByDefault": null,
        "email": null,
        "tenantId": tenant.id,
        "webUrl": format!(
            "https://teams.microsoft.com/l/channel/{id}/{name}?groupId={}&tenantId={}", team.id, tenant.id,
        ),
        "membershipType": "standard",
        "isArchived": false,
    })
}

/// The creation of a team, seen at that time.
pub(super) fn operation(id: &str, operation: &Operation, now: jiff::Timestamp) -> Value {
    let is_done = operation.due <= now;
    json!({
        "id": id,
        "operationType": "createTeam",
        "createdDateTime": milliseconds(operation.created),
        "status": if is_done { "succeeded" } else { "inProgress" },
        "lastActionDateTime": milliseconds(if is_done { operation.due } else { operation.created }),
        "attemptsCount": 1,
        "targetResourceId": operation.team,
        "targetResourceLocation": format!("/teams('{}')", operation.team),
        "error": null,
    })
}

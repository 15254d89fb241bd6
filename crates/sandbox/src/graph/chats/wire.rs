//! How chats and their members look in JSON (Entra reference §5.1, §5.2).

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::graph::chat_messages::{Place, Shown};
use crate::graph::instants::milliseconds;
use crate::tenant::Tenant;

use super::state::{Chat, ChatKind, Member};

/// What a chat shows when nothing is expanded.
pub(super) const CHAT: &[&str] = &[
    "id",
    "topic",
    "createdDateTime",
    "lastUpdatedDateTime",
    "chatType",
    "webUrl",
    "tenantId",
    "onlineMeetingInfo",
    "viewpoint",
    "isHiddenForAllMembers",
    "migrationMode",
    "originalCreatedDateTime",
];

/// Members of a chat that an expansion shows at most.
const EXPANDED_MEMBERS: usize = 25;

/// A chat with its members and its last message, for whom it is about to be shown to.
pub(super) fn chat(shown: &Shown<'_>, chat: &Chat, reader: Option<&str>) -> Value {
    let members: Vec<Value> =
        chat.members.iter().take(EXPANDED_MEMBERS).map(|one| member(shown.tenant, one)).collect();
    let id = utf8_percent_encode(&chat.id, NON_ALPHANUMERIC);
    let viewpoint = reader.and_then(|id| chat.member(id)).map(|member| {
        json!({ "isHidden": member.is_hidden, "lastMessageReadDateTime": or_beginning(member.read) })
    });
    json!({
        "id": chat.id,
        "topic": chat.topic,
        "createdDateTime": milliseconds(chat.created),
        "lastUpdatedDateTime": milliseconds(chat.updated),
        "chatType": match chat.kind {
            ChatKind::OneOnOne | ChatKind::Notes => "oneOnOne",
            ChatKind::Group => "group",
        },
        "webUrl": format!("https://teams.microsoft.com/l/chat/{id}/0?tenantId={}", shown.tenant.id),
        "tenantId": shown.tenant.id,
        "onlineMeetingInfo": null,
        "viewpoint": viewpoint,
        "isHiddenForAllMembers": null,
        "migrationMode": null,
        "originalCreatedDateTime": null,
        "members": members,
        "lastMessagePreview":
            chat.last_for(reader).map(|last| shown.preview(&Place::chat(&chat.id), last)),
    })
}

/// A membership.
pub(crate) fn member(tenant: &Tenant, member: &Member) -> Value {
    let (display_name, email, tenant_id) = match &member.person.home {
        Some(home) => (home.display_name.clone(), home.email.clone(), &home.tenant_id),
        None => {
            let user = tenant.users.get(&member.person.id);
            let email = user.map(|user| user.mail.as_ref().unwrap_or(&user.upn).clone());
            (user.map(|user| user.display_name.clone()), email, &tenant.id)
        }
    };
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": member.id,
        "roles": if member.role.is_empty() { json!([]) } else { json!([member.role]) },
        "displayName": display_name,
        "visibleHistoryStartDateTime": or_beginning(member.history_from),
        "userId": member.person.id,
        "email": email,
        "tenantId": tenant_id,
    })
}

/// No time is the beginning of all times.
fn or_beginning(time: Option<Timestamp>) -> String {
    time.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), milliseconds)
}

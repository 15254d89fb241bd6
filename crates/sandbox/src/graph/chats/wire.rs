//! How chats, members and messages look in JSON (Entra reference §5.1–§5.3).

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::graph::instants::milliseconds;
use crate::tenant::Tenant;

use super::state::{Chat, ChatKind, Member, Message};

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
pub(super) fn chat(tenant: &Tenant, chat: &Chat, reader: Option<&str>) -> Value {
    let members: Vec<Value> =
        chat.members.iter().take(EXPANDED_MEMBERS).map(|one| member(tenant, one)).collect();
    let id = utf8_percent_encode(&chat.id, NON_ALPHANUMERIC);
    json!({
        "id": chat.id,
        "topic": chat.topic,
        "createdDateTime": milliseconds(chat.created),
        "lastUpdatedDateTime": milliseconds(chat.updated),
        "chatType": match chat.kind {
            ChatKind::OneOnOne | ChatKind::Notes => "oneOnOne",
            ChatKind::Group => "group",
        },
        "webUrl": format!("https://teams.microsoft.com/l/chat/{id}/0?tenantId={}", tenant.id),
        "tenantId": tenant.id,
        "onlineMeetingInfo": null,
        "viewpoint": { "isHidden": false, "lastMessageReadDateTime": "0001-01-01T00:00:00Z" },
        "isHiddenForAllMembers": null,
        "migrationMode": null,
        "originalCreatedDateTime": null,
        "members": members,
        "lastMessagePreview": chat.readable_by(reader).last().map(|last| preview(tenant, last)),
    })
}

/// A membership.
pub(super) fn member(tenant: &Tenant, member: &Member) -> Value {
    let user = tenant.users.get(&member.user_id);
    json!({
        "@odata.type": "#microsoft.graph.aadUserConversationMember",
        "id": member.id,
        "roles": [member.role],
        "displayName": user.map(|user| &user.display_name),
        "visibleHistoryStartDateTime":
            member.history_from.map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), milliseconds),
        "userId": member.user_id,
        "email": user.map(|user| user.mail.as_ref().unwrap_or(&user.upn)),
        "tenantId": tenant.id,
    })
}

/// A message, or the tombstone of a deleted one.
pub(super) fn message(tenant: &Tenant, chat: &Chat, message: &Message) -> Value {
    let is_deleted = message.deleted.is_some();
    let shown = |list: &[Value]| if is_deleted { Vec::new() } else { list.to_vec() };
    json!({
        "id": message.id,
        "replyToId": null,
        "etag": message.etag.to_string(),
        "messageType": "message",
        "createdDateTime": milliseconds(message.created),
        "lastModifiedDateTime": milliseconds(message.modified),
        "lastEditedDateTime": message.edited.map(milliseconds),
        "deletedDateTime": message.deleted.map(milliseconds),
        "subject": message.subject,
        "summary": null,
        "chatId": chat.id,
        "importance": message.importance,
        "locale": "en-us",
        "webUrl": null,
        "channelIdentity": null,
        "policyViolation": null,
        "eventDetail": null,
        "from": from(tenant, &message.from),
        "body": body(message),
        "attachments": shown(&message.attachments),
        "mentions": shown(&message.mentions),
        "reactions": shown(&message.reactions),
        "messageHistory": [],
    })
}

fn preview(tenant: &Tenant, message: &Message) -> Value {
    json!({
        "id": message.id,
        "createdDateTime": milliseconds(message.created),
        "isDeleted": message.deleted.is_some(),
        "messageType": "message",
        "eventDetail": null,
        "body": body(message),
        "from": from(tenant, &message.from),
    })
}

fn body(message: &Message) -> Value {
    if message.deleted.is_some() {
        return json!({ "contentType": "html", "content": "" });
    }
    json!({
        "contentType": if message.body.is_html { "html" } else { "text" },
        "content": message.body.content,
    })
}

/// Who said it: always a user, as apps cannot post (§5.3).
fn from(tenant: &Tenant, user_id: &str) -> Value {
    json!({ "application": null, "device": null, "user": identity(tenant, user_id) })
}

/// A user as Teams names one.
pub(super) fn identity(tenant: &Tenant, user_id: &str) -> Value {
    json!({
        "@odata.type": "#microsoft.graph.teamworkUserIdentity",
        "id": user_id,
        "displayName": tenant.users.get(user_id).map(|user| &user.display_name),
        "userIdentityType": "aadUser",
        "tenantId": tenant.id,
    })
}

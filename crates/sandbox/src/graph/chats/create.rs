//! `POST /chats`: a one-on-one chat is the same one every time, a group is always new (Entra reference §5.1).

use http::Method;
use serde_json::{Map, Value};

use crate::directory::{User, new_id};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::members::{history_from, role};
use super::state::{Chat, ChatKind, Chats, Member};
use super::{shown_without_expansion, wire};

const CREATE: Needs = Needs::split(&["Chat.Create", "Chat.ReadWrite"], &["Chat.Create"]);

/// Members of a group chat.
pub(super) const MOST_MEMBERS: usize = 250;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, "/chats", CREATE, create)]
}

fn create(call: &mut Call<'_>) -> Answer {
    call.teams_user()?;
    let body = call.body()?;
    let kind = match body.get("chatType").and_then(Value::as_str) {
        Some("oneOnOne") => ChatKind::OneOnOne,
        Some("group") => ChatKind::Group,
        _ => return Err(GraphError::unreadable("Invalid chat type is specified: use oneOnOne or group.")),
    };
    let topic = match body.get("topic") {
        None | Some(Value::Null) => None,
        Some(Value::String(topic)) if kind == ChatKind::Group => Some(topic.clone()),
        Some(_) => return Err(GraphError::unreadable("Topic can be set for group chats only.")),
    };
    let members = members(call, &body, kind)?;

    let id = match (kind, members.as_slice()) {
        (ChatKind::OneOnOne, [a, b]) => Chats::one_on_one_id(&a.user_id, &b.user_id),
        _ => format!("19:{}@thread.v2", uuid::Uuid::new_v4().simple()),
    };
    let chat = match call.tenant.workloads.chats.0.get(&id) {
        Some(there) => there.clone(),
        None => Chat { id, kind, topic, created: call.now, updated: call.now, members, messages: Vec::new() },
    };
    let shown = shown_without_expansion(call, wire::chat(call.tenant, &chat, call.caller.user_id()));
    let location = format!("/chats/{}", chat.id);
    call.keep_chat(chat.id.clone(), chat);
    Ok(call.created(&location, &shown))
}

fn members(call: &Call<'_>, body: &Map<String, Value>, kind: ChatKind) -> Result<Vec<Member>, GraphError> {
    let entries = body.get("members").and_then(Value::as_array);
    let entries =
        entries.ok_or_else(|| GraphError::unreadable("Members are missing from the request body."))?;
    let mut members: Vec<Member> = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry =
            entry.as_object().ok_or_else(|| GraphError::unreadable("Invalid member in the request body."))?;
        let user = member_user(call, entry)?;
        if members.iter().any(|member| member.user_id == user.id) {
            return Err(GraphError::unreadable(match kind {
                ChatKind::OneOnOne => "Cannot create one-on-one chat with duplicate members",
                _ => "Duplicate chat members is specified in the request body.",
            }));
        }
        members.push(Member {
            id: new_id(),
            user_id: user.id.clone(),
            role: role(entry)?,
            history_from: history_from(entry, None)?,
        });
    }
    if kind == ChatKind::OneOnOne && members.len() != 2 {
        return Err(GraphError::unreadable(
            "Invalid number of members for a one-on-one chat: exactly two are needed.",
        ));
    }
    if members.is_empty() || members.len() > MOST_MEMBERS {
        return Err(GraphError::unreadable("Invalid number of members for a group chat."));
    }
    if let Some(caller) = call.caller.user_id()
        && !members.iter().any(|member| member.user_id == caller)
    {
        return Err(GraphError::unreadable(
            "The caller has to be one of the members specified in the request body.",
        ));
    }
    Ok(members)
}

/// The user that a member's `user@odata.bind` names, if they can be in a chat.
pub(super) fn member_user<'a>(
    call: &'a Call<'_>,
    entry: &Map<String, Value>,
) -> Result<&'a User, GraphError> {
    let kind = entry.get("@odata.type").and_then(Value::as_str).unwrap_or_default();
    if !kind.trim_start_matches('#').eq_ignore_ascii_case("microsoft.graph.aadUserConversationMember") {
        return Err(GraphError::unreadable(
            "Invalid member type: microsoft.graph.aadUserConversationMember is needed.",
        ));
    }
    let reference = entry.get("user@odata.bind").and_then(Value::as_str);
    let reference = reference
        .ok_or_else(|| GraphError::unreadable("Bad Request: 'user@odata.bind' is missing from a member."))?;
    let key = call.reference(reference, "users").map_err(|error| GraphError::unreadable(error.message))?;
    let user = call.tenant.user(&key, call.now);
    let user = user.ok_or_else(|| GraphError::not_found(format!("NotFound: user '{key}' was not found.")))?;
    if call.has_teams(user) {
        return Ok(user);
    }
    Err(GraphError::forbidden(format!(
        "User '{}' cannot be reached: no valid Teams licence was found.",
        user.id
    )))
}

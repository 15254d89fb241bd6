//! `POST /chats`: a one-on-one chat is the same one every time, a group is always new (Entra reference §5.1).

use http::Method;
use serde_json::{Map, Value};

use crate::changes::ChangeKind;
use crate::directory::User;
use crate::graph::call::Call;
use crate::graph::chat_messages::{Event, Place, Sender};
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::members::{history_from, role};
use super::state::{Chat, ChatKind, Chats, Member};
use super::{chat_changed, federation, is_topic, shown_without_expansion, wire};

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
        Some(Value::String(topic)) if kind == ChatKind::Group && is_topic(topic) => Some(topic.clone()),
        Some(Value::String(_)) if kind == ChatKind::Group => {
            return Err(GraphError::unreadable("Invalid value specified for property 'topic'."));
        }
        Some(_) => return Err(GraphError::unreadable("Topic can be set for group chats only.")),
    };
    let members = members(call, &body, kind)?;

    let id = match (kind, members.as_slice()) {
        (ChatKind::OneOnOne, [a, b]) => Chats::one_on_one_id(&a.person.id, &b.person.id),
        _ => format!("19:{}@thread.v2", uuid::Uuid::new_v4().simple()),
    };
    if call.tenant.workloads.chats.get(&id).is_none() {
        let people = members.iter().map(|member| member.person.clone()).collect();
        let mut chat = Chat::new(id.clone(), kind, call.now, members);
        chat.topic.clone_from(&topic);
        call.tenant.workloads.chats.insert(chat);
        chat_changed(call, ChangeKind::Created, &id);
        match kind {
            ChatKind::Group => note_beginning(call, &id, people, topic),
            _ => federation::deliver(call, &id, None),
        }
    }
    let shown = wire::chat(&call.shown(), &*call.chat(&id)?, call.caller.user_id());
    Ok(call.created(&format!("/chats/{id}"), &shown_without_expansion(call, shown)))
}

/// A group begins with the news of who is in it and what it is called.
fn note_beginning(call: &mut Call<'_>, id: &str, members: Vec<Sender>, topic: Option<String>) {
    let place = Place::chat(id);
    let event = Event::MembersAdded { members, history_from: None };
    place.note(call, &event);
    if topic.is_some() {
        let event = Event::ChatRenamed { chat_id: id.to_owned(), topic };
        place.note(call, &event);
    }
}

fn members(call: &Call<'_>, body: &Map<String, Value>, kind: ChatKind) -> Result<Vec<Member>, GraphError> {
    let entries = body.get("members").and_then(Value::as_array);
    let entries =
        entries.ok_or_else(|| GraphError::unreadable("Members are missing from the request body."))?;
    let mut members: Vec<Member> = Vec::with_capacity(entries.len());
    for entry in entries {
        let entry =
            entry.as_object().ok_or_else(|| GraphError::unreadable("Invalid member in the request body."))?;
        let person = member_person(call, entry)?;
        if members.iter().any(|member| member.person == person) {
            return Err(GraphError::unreadable(match kind {
                ChatKind::OneOnOne => "Cannot create one-on-one chat with duplicate members",
                _ => "Duplicate chat members is specified in the request body.",
            }));
        }
        members.push(Member::new(person, role(entry)?, history_from(entry, None)?));
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
        && !members.iter().any(|member| member.person.id == caller)
    {
        return Err(GraphError::unreadable(
            "The caller has to be one of the members specified in the request body.",
        ));
    }
    Ok(members)
}

/// Whom a member's `user@odata.bind` names, if they can be in a chat. `tenantId` says where a user of
/// another tenant is at home.
pub(crate) fn member_person(call: &Call<'_>, entry: &Map<String, Value>) -> Result<Sender, GraphError> {
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
    match entry.get("tenantId") {
        None | Some(Value::Null) => {}
        Some(Value::String(tenant_id)) if tenant_id.eq_ignore_ascii_case(&call.tenant.id) => {}
        Some(Value::String(tenant_id)) => return federation::person(call, &key, tenant_id),
        Some(_) => return Err(GraphError::unreadable("Invalid value specified for property 'tenantId'.")),
    }
    let user: Option<&User> = call.tenant.user(&key, call.now);
    let user = user.ok_or_else(|| GraphError::not_found(format!("NotFound: user '{key}' was not found.")))?;
    if call.has_teams(user) {
        return Ok(Sender::user(&user.id));
    }
    Err(GraphError::forbidden(format!(
        "User '{}' cannot be reached: no valid Teams licence was found.",
        user.id
    )))
}

//! Members of chats (Entra reference §5.2).

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::chat_messages::{Event, NO_OPTIONS, Place};
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::create::{MOST_MEMBERS, member_person};
use super::state::{Chat, ChatKind, Member};
use super::{chat_changed, context_in, created_elsewhere, local_members, plain_list, wire};

const READ: Needs = Needs::split(
    &["Chat.ReadBasic", "ChatMember.Read", "ChatMember.ReadWrite", "Chat.Read", "Chat.ReadWrite"],
    &[
        "ChatMember.Read.All",
        "ChatMember.ReadWrite.All",
        "Chat.ReadBasic.All",
        "Chat.Read.All",
        "Chat.ReadWrite.All",
    ],
);
const ADD: Needs = Needs::split(
    &["ChatMember.ReadWrite", "Chat.ReadWrite"],
    &["ChatMember.ReadWrite.All", "Chat.ReadWrite.All"],
);
const REMOVE: Needs = Needs::split(&["ChatMember.ReadWrite"], &["ChatMember.ReadWrite.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/chats/{chat}/members", READ, list),
        Route::new(Method::GET, "/me/chats/{chat}/members", READ, list),
        Route::new(Method::GET, "/users/{user}/chats/{chat}/members", READ, list),
        Route::new(Method::GET, "/chats/{chat}/members/{member}", READ, get),
        Route::new(Method::GET, "/users/{user}/chats/{chat}/members/{member}", READ, get),
        Route::new(Method::POST, "/chats/{chat}/members", ADD, add),
        Route::new(Method::POST, "/chats/{chat}/members/add", ADD, add_many),
        Route::new(Method::DELETE, "/chats/{chat}/members/{member}", REMOVE, remove),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let key = call.chat_key()?;
    let chat = call.chat(&key)?;
    let items = chat.members.iter().map(|member| wire::member(call.tenant, member)).collect();
    plain_list(call, &context_in(&chat.id, "members"), items)
}

fn get(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let chat = call.chat(&key)?;
    let member = find(&chat, call.params.get("member"))?;
    Ok(call.ok(&call.with_context(&context_in(&chat.id, "members"), wire::member(call.tenant, member))))
}

fn add(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let member = newcomer(call, &key, &call.body()?)?;
    let location = format!("/chats/{key}/members/{}", member.id);
    join(call, &key, vec![member])?;
    Ok(created_elsewhere(call, &location))
}

/// `members/add`: each value for itself; 207 tells that some were refused.
fn add_many(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    check_group(&*call.chat(&key)?)?;
    let body = call.body()?;
    let entries = body.get("values").and_then(Value::as_array);
    let entries =
        entries.ok_or_else(|| GraphError::unreadable("Invalid value specified for property 'values'."))?;
    let mut results = Vec::with_capacity(entries.len());
    let mut members: Vec<Member> = Vec::new();
    let mut is_whole = true;
    for entry in entries {
        let entry = entry.as_object().cloned().unwrap_or_default();
        let outcome = newcomer(call, &key, &entry).and_then(|member| {
            match members.iter().any(|other| other.person == member.person) {
                true => Err(GraphError::unreadable("User is already a member of the chat.")),
                false => Ok(member),
            }
        });
        let (user_id, error) = match outcome {
            Ok(member) => {
                let user_id = member.person.id.clone();
                members.push(member);
                (json!(user_id), Value::Null)
            }
            Err(error) => {
                is_whole = false;
                (Value::Null, json!({ "code": error.code, "message": error.message }))
            }
        };
        results.push(json!({
            "@odata.type": "#microsoft.graph.aadUserConversationMemberResult", "userId": user_id, "error": error,
        }));
    }
    if !members.is_empty() {
        join(call, &key, members)?;
    }
    let mut response = call.whole("Collection(microsoft.graph.actionResultPart)", results);
    if !is_whole {
        response.status = StatusCode::MULTI_STATUS;
    }
    Ok(response)
}

/// The new membership that a client asks for.
fn newcomer(call: &Call<'_>, key: &str, entry: &Map<String, Value>) -> Result<Member, GraphError> {
    let chat = call.chat(key)?;
    check_group(&chat)?;
    let person = member_person(call, entry)?;
    if chat.member(&person.id).is_some() {
        return Err(GraphError::unreadable("User is already a member of the chat."));
    }
    if chat.members.len() >= MOST_MEMBERS {
        return Err(GraphError::forbidden(format!("The chat already has {MOST_MEMBERS} members.")));
    }
    Ok(Member::new(person, role(entry)?, history_from(entry, Some(call.now))?))
}

fn join(call: &mut Call<'_>, key: &str, members: Vec<Member>) -> Result<(), GraphError> {
    let now = call.now;
    let people = members.iter().map(|member| member.person.clone()).collect();
    let history_from = members.first().and_then(|member| member.history_from);
    let ids: Vec<String> = members.iter().map(|member| member.id.clone()).collect();
    let chat = call.chat_mut(key)?;
    chat.members.extend(members);
    chat.updated = now;
    for id in ids {
        member_changed(call, ChangeKind::Created, key, &id);
    }
    chat_changed(call, ChangeKind::Updated, key);
    let event = Event::MembersAdded { members: people, history_from };
    Place::chat(key).note(call, &event);
    Ok(())
}

fn remove(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let chat = call.chat(&key)?;
    check_group(&chat)?;
    let member = find(&chat, call.params.get("member"))?.clone();
    drop(chat);
    let now = call.now;
    member_changed(call, ChangeKind::Deleted, &key, &member.id);
    let chat = call.chat_mut(&key)?;
    chat.members.retain(|one| one.id != member.id);
    chat.updated = now;
    chat_changed(call, ChangeKind::Updated, &key);
    let event = match call.caller.user_id() == Some(&member.person.id) {
        true => Event::MembersLeft(vec![member.person]),
        false => Event::MembersDeleted(vec![member.person]),
    };
    Place::chat(&key).note(call, &event);
    Ok(call.no_content())
}

fn member_changed(call: &mut Call<'_>, kind: ChangeKind, chat: &str, member: &str) {
    let aliases =
        local_members(call, chat).map(|user| format!("users/{user}/chats/{chat}/members/{member}")).collect();
    let resource = format!("chats/{chat}/members/{member}");
    let odata_type = "#microsoft.graph.aadUserConversationMember";
    call.tenant.changed(Change { kind, resource, aliases, odata_type: odata_type.into() });
}

fn check_group(chat: &Chat) -> Result<(), GraphError> {
    if chat.kind == ChatKind::Group {
        return Ok(());
    }
    Err(GraphError::unreadable("Members of a one-on-one chat cannot be changed."))
}

fn find<'a>(chat: &'a Chat, id: &str) -> Result<&'a Member, GraphError> {
    let found = chat.members.iter().find(|member| member.id == id);
    found.ok_or_else(|| GraphError::not_found(format!("NotFound: no member with id '{id}' was found.")))
}

/// `roles` is `["owner"]` or `["guest"]`.
pub(super) fn role(entry: &Map<String, Value>) -> Result<String, GraphError> {
    let roles: Option<Vec<&str>> = entry
        .get("roles")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().map(Value::as_str).collect());
    match roles.as_deref() {
        Some([role @ ("owner" | "guest")]) => Ok((*role).to_owned()),
        _ => Err(GraphError::unreadable("Invalid role specified for member: use owner or guest.")),
    }
}

/// From when on a member sees what was said: from the given time, from the beginning of time, or from
/// `otherwise` (none: everything).
pub(super) fn history_from(
    entry: &Map<String, Value>,
    otherwise: Option<Timestamp>,
) -> Result<Option<Timestamp>, GraphError> {
    match entry.get("visibleHistoryStartDateTime") {
        None | Some(Value::Null) => Ok(otherwise),
        Some(value) => {
            let time: Option<Timestamp> = value.as_str().and_then(|text| text.parse().ok());
            let time =
                time.ok_or_else(|| GraphError::unreadable("Invalid value for visibleHistoryStartDateTime."))?;
            Ok((time.as_second() > BEGINNING).then_some(time))
        }
    }
}

/// Times before 1970 stand for "share everything": clients send the year 1.
const BEGINNING: i64 = 0;

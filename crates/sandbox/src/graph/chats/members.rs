//! Members of chats (Entra reference §5.2).

use http::Method;
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::directory::new_id;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::create::{MOST_MEMBERS, member_user};
use super::state::{Chat, ChatKind, Member};
use super::{context_in, created_elsewhere, plain_list, wire};

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
        Route::new(Method::DELETE, "/chats/{chat}/members/{member}", REMOVE, remove),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    call.query(&super::messages::NO_OPTIONS)?;
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
    let mut chat = call.chat(&key)?;
    check_group(&chat)?;
    let entry = call.body()?;
    let user_id = member_user(call, &entry)?.id.clone();
    if chat.member(&user_id).is_some() {
        return Err(GraphError::unreadable("User is already a member of the chat."));
    }
    if chat.members.len() >= MOST_MEMBERS {
        return Err(GraphError::forbidden(format!("The chat already has {MOST_MEMBERS} members.")));
    }
    let member = Member {
        id: new_id(),
        user_id,
        role: role(&entry)?,
        history_from: history_from(&entry, Some(call.now))?,
    };
    let location = format!("/chats/{}/members/{}", chat.id, member.id);
    chat.members.push(member);
    chat.updated = call.now;
    call.keep_chat(key, chat);
    Ok(created_elsewhere(call, &location))
}

fn remove(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let mut chat = call.chat(&key)?;
    check_group(&chat)?;
    let id = find(&chat, call.params.get("member"))?.id.clone();
    chat.members.retain(|member| member.id != id);
    chat.updated = call.now;
    call.keep_chat(key, chat);
    Ok(call.no_content())
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

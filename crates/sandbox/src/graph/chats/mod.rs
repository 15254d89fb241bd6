//! `/chats`, `/me/chats` and `/users/{id}/chats` (Entra reference §5.1).

mod access;
mod create;
mod deletion;
mod federation;
mod members;
mod pinned;
mod state;
mod viewpoint;
mod wire;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::changes::{Change, ChangeKind};
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Query, Service, Surface};
use crate::graph::route::{Area, Needs, Route};

use crate::graph::chat_messages::{Event, Place};

pub(crate) use create::member_person;
pub(crate) use federation::deliver;
use state::{Chat, ChatKind};
pub(crate) use state::{Chats, Member, is_chat_id};
pub(crate) use wire::member as member_json;

/// The type of every chat.
const TYPE: &str = "#microsoft.graph.chat";

const READ_ALL: Needs = Needs::split(
    &["Chat.ReadBasic", "Chat.Read", "Chat.ReadWrite"],
    &["Chat.ReadBasic.All", "Chat.Read.All", "Chat.ReadWrite.All"],
);
const UPDATE: Needs = Needs::split(&["Chat.ReadWrite"], &["Chat.ReadWrite.All"]);

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "chat",
    options: &["expand", "filter", "orderby", "select", "top", "skiptoken"],
    properties: wire::CHAT,
    expandable: RELATIONS,
    page: 20,
    largest_page: 50,
};
const OBJECT: Surface = Surface::object(Service::Teams, "chat", wire::CHAT).expanding(RELATIONS);

const RELATIONS: &[&str] = &["members", "lastMessagePreview"];

/// What chats are filtered by.
const FILTERED: [&str; 6] = ["id", "topic", "chatType", "viewpoint", "members", "lastMessagePreview"];

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::GET, "/chats", READ_ALL, list),
        Route::new(Method::GET, "/me/chats", READ_ALL, list),
        Route::new(Method::GET, "/users/{user}/chats", READ_ALL, list),
        Route::new(Method::GET, "/chats/{chat}", READ_ALL, get),
        Route::new(Method::GET, "/me/chats/{chat}", READ_ALL, get),
        Route::new(Method::GET, "/users/{user}/chats/{chat}", READ_ALL, get),
        Route::new(Method::PATCH, "/chats/{chat}", UPDATE, update),
    ];
    routes.extend(create::routes());
    routes.extend(members::routes());
    routes.extend(viewpoint::routes());
    routes.extend(pinned::routes());
    routes.extend(deletion::routes());
    routes.into_iter().map(|route| route.area(Area::Teams)).collect()
}

fn list(call: &mut Call<'_>) -> Answer {
    let mut query = call.query(&COLLECTION)?;
    check_filter(&query)?;
    check_order(&query)?;
    select(&mut query);
    call.check_same_user()?;
    let of_user = match (call.teams_user()?, call.params.get("user")) {
        (Some(user), _) => Some(user.id.clone()),
        (None, "") => None,
        (None, named) => {
            let user = call.tenant.user(named, call.now);
            Some(
                user.ok_or_else(|| GraphError::not_found(format!("User '{named}' was not found.")))?
                    .id
                    .clone(),
            )
        }
    };
    let reader = of_user.as_deref();
    let mut chats: Vec<&Chat> = call
        .tenant
        .workloads
        .chats
        .all()
        .map(|(_, chat)| chat)
        .filter(|chat| chat.kind != ChatKind::Notes)
        .filter(|chat| reader.is_none_or(|reader| chat.member(reader).is_some()))
        .collect();
    // Unless the client asks otherwise, what moved last comes first.
    chats.sort_by_key(|chat| std::cmp::Reverse(chat.moved()));
    let shown = call.shown();
    let items = chats.into_iter().map(|chat| wire::chat(&shown, chat, reader)).collect();
    query.counts_page = true;
    Ok(call.list(&query, "chats", items, Some(wire::CHAT)))
}

fn check_filter(query: &Query) -> Result<(), GraphError> {
    let named = query.filter.iter().flat_map(|filter| filter.properties()).filter_map(|path| path.0.first());
    match named.into_iter().find(|name| !FILTERED.iter().any(|known| known.eq_ignore_ascii_case(name))) {
        Some(name) => {
            Err(GraphError::unreadable(format!("Invalid filter clause: '{name}' is not filtered by.")))
        }
        None => Ok(()),
    }
}

/// A relation is shown where it is expanded, selected or not.
fn select(query: &mut Query) {
    if let Some(select) = &mut query.select {
        select.retain(|name| !RELATIONS.iter().any(|relation| relation.eq_ignore_ascii_case(name)));
    }
}

/// The only order is by the last message, newest first; and a filter on it needs that order.
fn check_order(query: &Query) -> Result<(), GraphError> {
    const ORDER: [&str; 2] = ["lastMessagePreview", "createdDateTime"];
    let is_order = |path: &crate::graph::odata::Path| path.0.iter().map(String::as_str).eq(ORDER);
    if query.order.iter().any(|(path, descending)| !is_order(path) || !descending) {
        return Err(GraphError::unreadable(
            "Invalid orderby clause: only 'lastMessagePreview/createdDateTime desc' is supported.",
        ));
    }
    let filtered = query.filter.iter().flat_map(|filter| filter.properties()).any(is_order);
    if filtered && query.order.is_empty() {
        return Err(GraphError::unreadable(
            "A filter on 'lastMessagePreview/createdDateTime' has to be combined with the same $orderby.",
        ));
    }
    Ok(())
}

fn get(call: &mut Call<'_>) -> Answer {
    let mut query = call.query(&OBJECT)?;
    select(&mut query);
    let key = call.chat_key()?;
    let chat = call.chat(&key)?;
    let shown = wire::chat(&call.shown(), &chat, call.caller.user_id());
    Ok(call.entity(&query, "chats", shown, Some(wire::CHAT)))
}

fn update(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let body = call.body()?;
    let topic = match body.get("topic") {
        Some(Value::String(topic)) => Some(topic.clone()),
        Some(Value::Null) => None,
        _ => return Err(GraphError::unreadable("A value is required for property 'topic'.")),
    };
    let kind = call.chat(&key)?.kind;
    if kind != ChatKind::Group {
        return Err(GraphError::unreadable("The topic of a group chat only can be set."));
    }
    if topic.as_ref().is_some_and(|topic| !is_topic(topic)) {
        return Err(GraphError::unreadable("Invalid value specified for property 'topic'."));
    }
    let now = call.now;
    let chat = call.chat_mut(&key)?;
    let is_new = chat.topic != topic;
    chat.topic.clone_from(&topic);
    chat.updated = now;
    if is_new {
        let event = Event::ChatRenamed { chat_id: key.clone(), topic };
        Place::chat(&key).note(call, &event);
    }
    chat_changed(call, ChangeKind::Updated, &key);
    let shown = wire::chat(&call.shown(), &*call.chat(&key)?, call.caller.user_id());
    Ok(call.ok(&shown_without_expansion(call, shown)))
}

fn is_topic(topic: &str) -> bool {
    topic.chars().count() <= 250 && !topic.contains(':')
}

/// Tells those who listen that a chat came, changed or went.
fn chat_changed(call: &mut Call<'_>, kind: ChangeKind, id: &str) {
    let aliases = local_members(call, id).map(|user| format!("users/{user}/chats/{id}")).collect();
    let resource = format!("chats/{id}");
    call.tenant.changed(Change { kind, resource, aliases, odata_type: TYPE.into() });
}

/// The members of a chat who are at home in this tenant.
fn local_members<'a>(call: &'a Call<'_>, id: &str) -> impl Iterator<Item = &'a str> {
    let members = call.tenant.workloads.chats.get(id).map(|chat| chat.members.as_slice()).unwrap_or_default();
    members.iter().filter(|member| member.person.home.is_none()).map(|member| member.person.id.as_str())
}

fn shown_without_expansion(call: &Call<'_>, chat: Value) -> Value {
    call.with_context("chats", Query::default().project(chat, Some(wire::CHAT)))
}

/// 201 with a `Location` and no body.
fn created_elsewhere(call: &Call<'_>, location: &str) -> Response {
    Response::empty(StatusCode::CREATED).with(http::header::LOCATION, &format!("{}{location}", call.base()))
}

/// The `@odata.context` of what belongs to a chat.
fn context_in(chat_id: &str, what: &str) -> String {
    format!(
        "chats('{}')/{what}",
        percent_encoding::utf8_percent_encode(chat_id, percent_encoding::NON_ALPHANUMERIC)
    )
}

/// A collection without an order or a filter.
fn plain_list(call: &Call<'_>, context: &str, items: Vec<Value>) -> Answer {
    let count = items.len();
    Ok(call.ok(&json!({ "@odata.context": call.context(context), "@odata.count": count, "value": items })))
}

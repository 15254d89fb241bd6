//! Reading messages (Entra reference §5.3): by pages, newest first, with a filter on the property that
//! orders them.

use http::Method;
use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Op, Path, Query, Service, Surface};
use crate::graph::route::{Needs, Route};

use super::{context_in, wire};

const READ: Needs = Needs::split(&["Chat.Read", "Chat.ReadWrite"], &["Chat.Read.All", "Chat.ReadWrite.All"]);
const READ_ONE: Needs = Needs::split(
    &["Chat.Read", "Chat.ReadWrite", "Group.Read.All", "Group.ReadWrite.All"],
    &["Chat.Read.All", "Chat.ReadWrite.All", "Group.Read.All", "Group.ReadWrite.All"],
);
const READ_MINE: Needs = Needs::split(READ_ONE.delegated, READ.application);

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "chatMessage",
    options: &["top", "orderby", "filter", "skiptoken"],
    properties: &["lastModifiedDateTime", "createdDateTime"],
    expandable: &[],
    page: 20,
    largest_page: 50,
};

/// A resource of Teams that takes no options.
pub(super) const NO_OPTIONS: Surface = Surface {
    service: Service::Teams,
    type_name: "conversationMember",
    options: &[],
    properties: &[],
    expandable: &[],
    page: 1,
    largest_page: 1,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/chats/{chat}/messages", READ, list),
        Route::new(Method::GET, "/me/chats/{chat}/messages", READ, list),
        Route::new(Method::GET, "/users/{user}/chats/{chat}/messages", READ, list),
        Route::new(Method::GET, "/chats/{chat}/messages/{message}", READ_ONE, get),
        Route::new(Method::GET, "/me/chats/{chat}/messages/{message}", READ_MINE, get),
        Route::new(Method::GET, "/users/{user}/chats/{chat}/messages/{message}", READ_ONE, get),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let mut query = call.query(&COLLECTION)?;
    check(&mut query)?;
    let key = call.chat_key()?;
    let chat = call.chat(&key)?;
    // Later messages first; the sort by time that follows is stable.
    let mut items: Vec<Value> = chat
        .readable_by(call.caller.user_id())
        .map(|message| wire::message(call.tenant, &chat, message))
        .collect();
    items.reverse();
    Ok(call.list(&query, &context_in(&chat.id, "messages"), items, None))
}

/// `$orderby` is one of the two times, descending; `$filter` compares the same one.
fn check(query: &mut Query) -> Result<(), GraphError> {
    let modified = Path(vec!["lastModifiedDateTime".to_owned()]);
    match query.order.as_slice() {
        [] => query.order = vec![(modified, true)],
        [(_, true)] => {}
        _ => {
            return Err(GraphError::unreadable(
                "QueryOptions to order by 'LastModifiedDateTime' or 'CreatedDateTime' in 'Descending' direction are only supported.",
            ));
        }
    }
    let Some(filter) = &query.filter else { return Ok(()) };
    let order = &query.order[0].0;
    let same = |path: &&Path| path.to_string().eq_ignore_ascii_case(&order.to_string());
    if !filter.properties().iter().all(same) {
        return Err(GraphError::unreadable(
            "The filter has to be on the property that orders the messages: $filter and $orderby differ.",
        ));
    }
    let on_modified = order.to_string().eq_ignore_ascii_case("lastModifiedDateTime");
    let allowed = |op: &Op| matches!(op, Op::Lt) || (on_modified && matches!(op, Op::Gt));
    if !filter.operators().iter().all(allowed) || filter.operators().is_empty() {
        return Err(GraphError::unreadable(
            "Invalid filter clause: lastModifiedDateTime takes gt and lt, createdDateTime takes lt.",
        ));
    }
    Ok(())
}

fn get(call: &mut Call<'_>) -> Answer {
    call.query(&NO_OPTIONS)?;
    let key = call.chat_key()?;
    let chat = call.chat(&key)?;
    let id = call.params.get("message");
    let found = chat.readable_by(call.caller.user_id()).find(|message| message.id == id);
    let found = found
        .ok_or_else(|| GraphError::not_found(format!("NotFound: no message with id '{id}' was found.")))?;
    Ok(call
        .ok(&call.with_context(&context_in(&chat.id, "messages"), wire::message(call.tenant, &chat, found))))
}

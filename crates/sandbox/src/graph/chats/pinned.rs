//! Pinned messages of a chat.

use http::Method;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::chat_messages::{Event, Place};
use crate::graph::error::{Answer, GraphError};
use crate::graph::odata::{Service, Surface};
use crate::graph::path::Path;
use crate::graph::route::{Needs, Route};

use super::context_in;

const READ: Needs = Needs::split(
    &["Chat.Read", "Chat.ReadWrite"],
    &["ChatMessage.Read.All", "Chat.Read.All", "Chat.ReadWrite.All"],
);
const PIN: Needs = Needs::split(&["ChatMessage.Send", "Chat.ReadWrite"], &["Chat.ReadWrite.All"]);
const UNPIN: Needs = Needs::split(&["Chat.ReadWrite"], &["Chat.ReadWrite.All"]);

const COLLECTION: Surface = Surface {
    service: Service::Teams,
    type_name: "pinnedChatMessageInfo",
    options: &["expand"],
    properties: &["id"],
    expandable: &["message"],
    page: 50,
    largest_page: 50,
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/chats/{chat}/pinnedMessages", READ, list),
        Route::new(Method::POST, "/chats/{chat}/pinnedMessages", PIN, pin),
        Route::new(Method::DELETE, "/chats/{chat}/pinnedMessages/{pinned}", UNPIN, unpin),
    ]
}

fn list(call: &mut Call<'_>) -> Answer {
    let query = call.query(&COLLECTION)?;
    let key = call.chat_key()?;
    let (chat, place, shown) = (call.chat(&key)?, Place::chat(&key), call.shown());
    let items = chat
        .pinned
        .iter()
        .filter_map(|id| chat.thread.get(id))
        .map(|message| match query.expand.is_empty() {
            true => json!({ "id": message.id() }),
            false => json!({ "id": message.id(), "message": shown.message(&place, message) }),
        })
        .collect();
    Ok(call.whole(&context_in(&chat.id, "pinnedMessages"), items))
}

fn pin(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let body = call.body()?;
    let reference = body.get("message@odata.bind").and_then(Value::as_str);
    let id = reference.and_then(|reference| message_id(call, &key, reference)).ok_or_else(|| {
        GraphError::unreadable("Bad Request: 'message@odata.bind' has to name a message of this chat.")
    })?;
    let chat = call.chat(&key)?;
    let found = chat.thread.get(&id).filter(|message| message.deleted.is_none() && message.event.is_none());
    if found.is_none() {
        return Err(GraphError::not_found(format!("NotFound: no message with id '{id}' was found.")));
    }
    drop(chat);
    let now = call.now;
    let chat = call.chat_mut(&key)?;
    chat.pinned.retain(|other| *other != id);
    chat.pinned.insert(0, id.clone());
    Place::chat(&key).note(call, &Event::MessagePinned(now));
    let shown = call.with_context(&context_in(&key, "pinnedMessages"), json!({ "id": id }));
    Ok(call.created(&format!("/chats/{key}/pinnedMessages/{id}"), &shown))
}

/// The message of this chat that a reference names.
fn message_id(call: &Call<'_>, chat: &str, reference: &str) -> Option<String> {
    let path = Path::parse(&call.names.reference(reference)?)?;
    match path.segments.as_slice() {
        [chats, of, messages, id]
            if chats.eq_ignore_ascii_case("chats")
                && of == chat
                && messages.eq_ignore_ascii_case("messages") =>
        {
            Some(id.clone())
        }
        _ => None,
    }
}

fn unpin(call: &mut Call<'_>) -> Answer {
    let key = call.chat_key()?;
    let id = call.params.get("pinned").to_owned();
    let now = call.now;
    let chat = call.chat_mut(&key)?;
    if !chat.pinned.contains(&id) {
        return Err(GraphError::not_found(format!("NotFound: no pinned message with id '{id}' was found.")));
    }
    chat.pinned.retain(|other| *other != id);
    Place::chat(&key).note(call, &Event::MessageUnpinned(now));
    Ok(call.no_content())
}

//! Chats that an administrator deletes, and takes back (Entra reference §5.1).

use http::Method;
use serde_json::json;

use crate::changes::ChangeKind;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::access::no_chat;
use super::chat_changed;
use super::state::ChatKind;

const MANAGE: Needs = Needs::either(&["Chat.ManageDeletion.All"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::DELETE, "/chats/{chat}", MANAGE, delete),
        Route::new(Method::GET, "/teamwork/deletedChats/{chat}", MANAGE, get),
        Route::new(Method::POST, "/teamwork/deletedChats/{chat}/undoDelete", MANAGE, undelete),
    ]
}

fn delete(call: &mut Call<'_>) -> Answer {
    let id = call.params.get("chat").to_owned();
    let is_there = call.tenant.workloads.chats.get(&id).is_some_and(|chat| chat.kind != ChatKind::Notes);
    if !is_there {
        return Err(no_chat(&id));
    }
    chat_changed(call, ChangeKind::Deleted, &id);
    let now = call.now;
    call.chat_mut(&id)?.deleted = Some(now);
    Ok(call.no_content())
}

fn get(call: &mut Call<'_>) -> Answer {
    let id = deleted(call)?;
    Ok(call.ok(&call.with_context("teamwork/deletedChats", json!({ "id": id }))))
}

fn undelete(call: &mut Call<'_>) -> Answer {
    let id = deleted(call)?;
    if let Some(chat) = call.tenant.workloads.chats.even_deleted(&id) {
        chat.deleted = None;
    }
    chat_changed(call, ChangeKind::Created, &id);
    Ok(call.no_content())
}

/// The id of the deleted chat that the path names.
fn deleted(call: &mut Call<'_>) -> Result<String, GraphError> {
    let id = call.params.get("chat").to_owned();
    let chat = call.tenant.workloads.chats.even_deleted(&id);
    chat.filter(|chat| chat.deleted.is_some())
        .map(|chat| chat.id.clone())
        .ok_or_else(|| GraphError::not_found(format!("NotFound: no deleted chat with id '{id}' was found.")))
}

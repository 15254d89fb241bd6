//! What one member has read of a chat, and whether they see it in their list (Entra reference §5.1).

use http::Method;
use jiff::Timestamp;
use serde_json::Value;

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::state::{Chat, Member};

const UPDATE: Needs = Needs::delegated(&["Chat.ReadWrite"]);

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::POST, "/chats/{chat}/markChatReadForUser", UPDATE, mark_read),
        Route::new(Method::POST, "/chats/{chat}/markChatUnreadForUser", UPDATE, mark_unread),
        Route::new(Method::POST, "/chats/{chat}/hideForUser", UPDATE, hide),
        Route::new(Method::POST, "/chats/{chat}/unhideForUser", UPDATE, unhide),
    ]
}

fn mark_read(call: &mut Call<'_>) -> Answer {
    set(call, |chat, _| {
        let last = chat.thread.last().map(|last| last.created);
        Ok(Box::new(move |member: &mut Member| member.read = last.or(member.read)))
    })
}

/// Unread from the last message on, or from a given time.
fn mark_unread(call: &mut Call<'_>) -> Answer {
    set(call, |chat, body| {
        let read = match body {
            Value::Null => {
                let last = chat.thread.by_creation(None).nth(1);
                last.map(|before| before.created)
            }
            given => {
                let time: Option<Timestamp> = given.as_str().and_then(|text| text.parse().ok());
                Some(time.ok_or_else(|| {
                    GraphError::unreadable("Invalid value specified for property 'lastMessageReadDateTime'.")
                })?)
            }
        };
        Ok(Box::new(move |member: &mut Member| member.read = read))
    })
}

fn hide(call: &mut Call<'_>) -> Answer {
    set(call, |_, _| Ok(Box::new(|member: &mut Member| member.is_hidden = true)))
}

fn unhide(call: &mut Call<'_>) -> Answer {
    set(call, |_, _| Ok(Box::new(|member: &mut Member| member.is_hidden = false)))
}

type Edit = Box<dyn FnOnce(&mut Member)>;

/// Changes the caller's own view; `edit` is given the chat and `lastMessageReadDateTime`.
fn set(call: &mut Call<'_>, edit: fn(&Chat, &Value) -> Result<Edit, GraphError>) -> Answer {
    let key = call.chat_key()?;
    let body = call.body()?;
    let caller = call.caller.user_id().unwrap_or_default().to_owned();
    let user = body.get("user").unwrap_or(&Value::Null);
    let id = user["id"].as_str().ok_or_else(|| {
        GraphError::unreadable("Invalid value specified for property 'user': the id of the user is needed.")
    })?;
    if !id.eq_ignore_ascii_case(&caller) {
        return Err(GraphError::forbidden(
            "The view of a chat can be changed by the user only whose view it is.",
        ));
    }
    if user["tenantId"].as_str().is_some_and(|tenant| !tenant.eq_ignore_ascii_case(&call.tenant.id)) {
        return Err(GraphError::unreadable("Invalid value specified for property 'tenantId' of the user."));
    }
    let read = body.get("lastMessageReadDateTime").unwrap_or(&Value::Null);
    let edit = edit(&*call.chat(&key)?, read)?;
    if let Some(member) = call.chat_mut(&key)?.member_mut(&caller) {
        edit(member);
    }
    Ok(call.no_content())
}

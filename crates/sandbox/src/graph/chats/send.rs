//! Writing messages: send, edit, delete, undo, react (Entra reference §5.3). Only a user can; an agent
//! user is one.

use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::changes::{Change, ChangeKind};
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::instants::milliseconds;
use crate::graph::route::{Needs, Route};

use super::state::{Body, Chat, Message};
use super::{context_in, wire};

/// An app posts for imports only, in a migration, which is not emulated: its permission meets a 403 below.
const SEND: Needs =
    Needs::split(&["ChatMessage.Send", "Chat.ReadWrite", "Group.ReadWrite.All"], &["Teamwork.Migrate.All"]);
const SEND_MINE: Needs = Needs::delegated(SEND.delegated);
const EDIT: Needs = Needs::delegated(&["Chat.ReadWrite", "Group.ReadWrite.All"]);
const DELETE: Needs = Needs::delegated(&["Chat.ReadWrite"]);
const REACT: Needs = Needs::delegated(&["ChatMessage.Send", "Chat.ReadWrite"]);

/// The largest message, markup included.
const LARGEST: usize = 102_400;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::new(Method::POST, "/chats/{chat}/messages", SEND, send),
        Route::new(Method::POST, "/me/chats/{chat}/messages", SEND_MINE, send),
        Route::new(Method::POST, "/users/{user}/chats/{chat}/messages", SEND, send),
        Route::new(Method::PATCH, "/chats/{chat}/messages/{message}", EDIT, edit),
        Route::new(Method::POST, "/chats/{chat}/messages/{message}/setReaction", REACT, set_reaction),
        Route::new(Method::POST, "/chats/{chat}/messages/{message}/unsetReaction", REACT, unset_reaction),
    ];
    for (pattern, handler) in [
        ("/me/chats/{chat}/messages/{message}/softDelete", delete as fn(&mut Call<'_>) -> Answer),
        ("/users/{user}/chats/{chat}/messages/{message}/softDelete", delete),
        ("/me/chats/{chat}/messages/{message}/undoSoftDelete", undelete),
        ("/users/{user}/chats/{chat}/messages/{message}/undoSoftDelete", undelete),
    ] {
        routes.push(Route::new(Method::POST, pattern, DELETE, handler));
    }
    routes
}

fn send(call: &mut Call<'_>) -> Answer {
    let Some(from) = call.caller.user_id().map(str::to_owned) else {
        return Err(GraphError::forbidden(
            "Message POST is allowed in application-only context only for import purposes. Refer to https://docs.microsoft.com/microsoftteams/platform/graph-api/import-messages/import-external-messages-to-teams for more details.",
        ));
    };
    let key = call.chat_key()?;
    let mut chat = call.chat(&key)?;
    let payload = call.body()?;
    let draft = Draft::read(&payload)?;
    let moment = chat.next_moment(call.now);
    let time = Timestamp::from_millisecond(moment).unwrap_or(call.now);
    let message = Message {
        id: moment.to_string(),
        etag: moment,
        created: time,
        modified: time,
        edited: None,
        deleted: None,
        from,
        body: draft.body,
        importance: draft.importance,
        subject: None,
        attachments: draft.attachments,
        mentions: draft.mentions,
        reactions: Vec::new(),
    };
    let shown =
        call.with_context(&context_in(&chat.id, "messages"), wire::message(call.tenant, &chat, &message));
    let location = format!("/chats/{}/messages/{}", chat.id, message.id);
    call.tenant.changed(message_change(ChangeKind::Created, &chat, &message.id));
    chat.messages.push(message);
    chat.updated = time;
    call.keep_chat(key, chat);
    Ok(call.created(&location, &shown))
}

fn edit(call: &mut Call<'_>) -> Answer {
    let payload = call.body()?;
    let draft = Draft::read(&payload)?;
    change(call, ChangeKind::Updated, |message, time| {
        message.body = draft.body;
        message.mentions = draft.mentions;
        message.attachments = draft.attachments;
        message.edited = Some(time);
    })
}

fn delete(call: &mut Call<'_>) -> Answer {
    change(call, ChangeKind::Deleted, |message, time| message.deleted = Some(time))
}

fn undelete(call: &mut Call<'_>) -> Answer {
    change(call, ChangeKind::Updated, |message, _| message.deleted = None)
}

/// Changes one of the caller's own messages.
fn change(call: &mut Call<'_>, kind: ChangeKind, set: impl FnOnce(&mut Message, Timestamp)) -> Answer {
    let key = call.chat_key()?;
    let mut chat = call.chat(&key)?;
    let moment = chat.next_moment(call.now);
    let caller = call.caller.user_id().unwrap_or_default().to_owned();
    let message = find(&mut chat, call.params.get("message"))?;
    if message.from != caller {
        return Err(GraphError::forbidden(format!(
            "AclCheckFailed-Delete Message: Initiator (8:orgid:{caller}) is not allowed to delete message"
        )));
    }
    touch(message, moment, set);
    let id = message.id.clone();
    call.tenant.changed(message_change(kind, &chat, &id));
    call.keep_chat(key, chat);
    Ok(call.no_content())
}

fn set_reaction(call: &mut Call<'_>) -> Answer {
    react(call, true)
}

fn unset_reaction(call: &mut Call<'_>) -> Answer {
    react(call, false)
}

fn react(call: &mut Call<'_>, set: bool) -> Answer {
    let key = call.chat_key()?;
    let mut chat = call.chat(&key)?;
    let body = call.body()?;
    let kind = body.get("reactionType").and_then(Value::as_str).filter(|kind| !kind.is_empty());
    let kind =
        kind.ok_or_else(|| GraphError::unreadable("Reaction type is missing from the request body."))?;
    let user = call.caller.user_id().unwrap_or_default().to_owned();
    let moment = chat.next_moment(call.now);
    let identity = wire::identity(call.tenant, &user);
    let message = find(&mut chat, call.params.get("message"))?;
    touch(message, moment, |message, time| {
        message
            .reactions
            .retain(|old| old["reactionType"] != kind || old["user"]["user"]["id"] != user.as_str());
        if set {
            message.reactions.push(json!({
                "reactionType": kind, "displayName": null, "reactionContentUrl": null,
                "createdDateTime": milliseconds(time),
                "user": { "application": null, "device": null, "user": identity },
            }));
        }
    });
    let id = message.id.clone();
    call.tenant.changed(message_change(ChangeKind::Updated, &chat, &id));
    call.keep_chat(key, chat);
    Ok(call.no_content())
}

/// A message that came, changed or went, by every name that a subscription may use (§6.1).
fn message_change(kind: ChangeKind, chat: &Chat, message: &str) -> Change {
    let of_members = chat
        .members
        .iter()
        .map(|member| format!("users/{}/chats/{}/messages/{message}", member.user_id, chat.id))
        .collect();
    Change {
        kind,
        resource: format!("chats/{}/messages/{message}", chat.id),
        aliases: of_members,
        odata_type: "#microsoft.graph.chatMessage",
    }
}

/// Every change moves the time of modification and the etag on.
fn touch(message: &mut Message, moment: i64, set: impl FnOnce(&mut Message, Timestamp)) {
    let time = Timestamp::from_millisecond(moment).unwrap_or(message.modified);
    set(message, time);
    message.modified = time;
    message.etag = moment;
}

fn find<'a>(chat: &'a mut Chat, id: &str) -> Result<&'a mut Message, GraphError> {
    let found = chat.messages.iter_mut().find(|message| message.id == id);
    found.ok_or_else(|| GraphError::not_found(format!("NotFound: no message with id '{id}' was found.")))
}

/// What a client wants to say.
struct Draft {
    body: Body,
    importance: String,
    attachments: Vec<Value>,
    mentions: Vec<Value>,
}

impl Draft {
    fn read(payload: &Map<String, Value>) -> Result<Self, GraphError> {
        let body = payload.get("body").and_then(Value::as_object);
        let body = body.ok_or_else(|| GraphError::unreadable("Missing body content"))?;
        let content = body.get("content").and_then(Value::as_str);
        let content = content.ok_or_else(|| GraphError::unreadable("Missing body content"))?;
        let is_html = match body.get("contentType").and_then(Value::as_str).unwrap_or("text") {
            kind if kind.eq_ignore_ascii_case("html") => true,
            kind if kind.eq_ignore_ascii_case("text") => false,
            _ => return Err(GraphError::unreadable("Invalid value specified for property 'contentType'.")),
        };
        if content.len() > LARGEST {
            return Err(GraphError::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "RequestEntityTooLarge",
                "Message body is too large: the limit is about 100 KB.",
            ));
        }
        let attachments = list(payload, "attachments")?;
        let mentions = list(payload, "mentions")?;
        if content.trim().is_empty() && attachments.is_empty() {
            return Err(GraphError::unreadable("Missing body content"));
        }
        check_mentions(&mentions, content, is_html)?;
        let importance = match payload.get("importance").and_then(Value::as_str).unwrap_or("normal") {
            known @ ("normal" | "high" | "urgent") => known.to_owned(),
            _ => return Err(GraphError::unreadable("Invalid value specified for property 'importance'.")),
        };
        // Markup without an element around it gets a paragraph.
        let content = match content.trim_start().starts_with('<') || !is_html {
            true => content.to_owned(),
            false => format!("<p>{content}</p>"),
        };
        Ok(Self { body: Body { is_html, content }, importance, attachments, mentions })
    }
}

/// Each mention has its `<at id="…">` in the body.
fn check_mentions(mentions: &[Value], content: &str, is_html: bool) -> Result<(), GraphError> {
    for mention in mentions {
        let id = mention["id"].as_i64();
        let found = id.is_some_and(|id| {
            content.contains(&format!("<at id=\"{id}\">")) || content.contains(&format!("<at id='{id}'>"))
        });
        if !found || !is_html {
            return Err(GraphError::unreadable(
                "Mention id in the mentions array does not match an <at> tag in the body.",
            ));
        }
    }
    Ok(())
}

fn list(payload: &Map<String, Value>, name: &str) -> Result<Vec<Value>, GraphError> {
    match payload.get(name) {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) if list.iter().all(Value::is_object) => Ok(list.clone()),
        Some(_) => Err(GraphError::unreadable(format!("Invalid value specified for property '{name}'."))),
    }
}

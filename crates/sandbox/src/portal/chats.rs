//! Chats, as one of their members sees them; and saying something as that member.

use askama::Template;
use http::StatusCode;
use serde_json::{Value, json};

use crate::exchange::Response;

use super::desk::{Choice, Desk, Frame, View, encoded, text, values};
use super::page::{Refusal, page, redirect};
use super::text::plain;

#[derive(Template)]
#[template(path = "portal/chats.html")]
struct List {
    frame: Frame,
    view: View,
    chats: Vec<Chat>,
    others: Vec<Choice>,
    error: String,
}

struct Chat {
    address: String,
    title: String,
    preview: String,
    when: String,
}

#[derive(Template)]
#[template(path = "portal/chat.html")]
struct Conversation {
    frame: Frame,
    view: View,
    id: String,
    title: String,
    back: String,
    action: String,
    messages: Vec<Message>,
    error: String,
}

struct Message {
    from: String,
    when: String,
    text: String,
    is_own: bool,
    is_event: bool,
    notes: String,
}

pub(super) fn list(desk: &Desk<'_>) -> Result<Response, Refusal> {
    show_list(desk, String::new())
}

/// Begins a one-on-one chat, or goes on with the one there is.
pub(super) fn begin(desk: &Desk<'_>) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let member = |id: &str| {
        json!({
            "@odata.type": "#microsoft.graph.aadUserConversationMember", "roles": ["owner"],
            "user@odata.bind": format!("https://graph.microsoft.com/v1.0/users('{id}')"),
        })
    };
    let body = json!({ "chatType": "oneOnOne", "members": [member(&view.id), member(desk.field("with"))] });
    match desk.post(&view.id, "/chats", &body) {
        Ok(chat) => Ok(redirect(&address(desk, text(&chat, "/id"), &view.id))),
        Err(error) => show_list(desk, error),
    }
}

fn show_list(desk: &Desk<'_>, mut error: String) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let found = desk.ask(&view.id, "/me/chats?$expand=members,lastMessagePreview&$top=50");
    let found = found.unwrap_or_else(|refusal| {
        error = refusal;
        Value::Null
    });
    let chats = values(&found).iter().map(|chat| Chat {
        address: address(desk, text(chat, "/id"), &view.id),
        title: title(chat, &view.id),
        preview: said(&chat["lastMessagePreview"]["body"]),
        when: when(text(chat, "/lastUpdatedDateTime")),
    });
    let chats = chats.collect();
    let others = desk.users().into_iter().filter(|user| user.id != view.id).map(|user| Choice {
        value: user.id.clone(),
        label: user.display_name.clone(),
        is_chosen: false,
    });
    let others = others.collect();
    Ok(page(StatusCode::OK, &List { frame: desk.frame("chats"), view, chats, others, error }))
}

pub(super) fn show(desk: &Desk<'_>, id: &str) -> Result<Response, Refusal> {
    conversation(desk, id, String::new())
}

/// Says something, and shows the chat with it.
pub(super) fn say(desk: &Desk<'_>, id: &str) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let body = json!({ "body": { "contentType": "text", "content": desk.field("content") } });
    match desk.post(&view.id, &format!("/chats/{}/messages", encoded(id)), &body) {
        Ok(_) => Ok(redirect(&format!("{}#newest", address(desk, id, &view.id)))),
        Err(error) => conversation(desk, id, error),
    }
}

fn conversation(desk: &Desk<'_>, id: &str, error: String) -> Result<Response, Refusal> {
    let view = desk.view()?;
    let refuse = |error: String| Refusal::new(StatusCode::NOT_FOUND, "This chat cannot be shown", error);
    let path = format!("/chats/{}", encoded(id));
    let chat = desk.ask(&view.id, &format!("{path}?$expand=members")).map_err(refuse)?;
    let said = desk.ask(&view.id, &format!("{path}/messages?$top=50")).map_err(refuse)?;
    let mut messages: Vec<Message> = values(&said).iter().map(|one| message(one, &view.id)).collect();
    messages.reverse();
    let title = title(&chat, &view.id);
    let back = format!("{}?as={}", desk.at("chats"), view.id);
    let action = address(desk, id, &view.id);
    let id = id.to_owned();
    let frame = desk.frame("chats");
    Ok(page(StatusCode::OK, &Conversation { frame, view, id, title, back, action, messages, error }))
}

fn message(value: &Value, own: &str) -> Message {
    let mut notes = Vec::new();
    if !value["deletedDateTime"].is_null() {
        notes.push("deleted".to_owned());
    } else if !value["lastEditedDateTime"].is_null() {
        notes.push("edited".to_owned());
    }
    for reaction in value["reactions"].as_array().into_iter().flatten() {
        notes.push(text(reaction, "/reactionType").to_owned());
    }
    let attachments = value["attachments"].as_array().map_or(0, Vec::len);
    if attachments > 0 {
        notes.push(format!("{attachments} attached"));
    }
    let from = ["/from/user/displayName", "/from/application/displayName"];
    let from = from.iter().map(|pointer| text(value, pointer)).find(|name| !name.is_empty());
    let event = event(text(value, "/eventDetail/@odata.type"));
    Message {
        from: from.unwrap_or("Teams").to_owned(),
        when: when(text(value, "/createdDateTime")),
        is_event: !event.is_empty(),
        text: if event.is_empty() { said(&value["body"]) } else { event },
        is_own: text(value, "/from/user/id") == own,
        notes: notes.join(" · "),
    }
}

/// What was said, as plain text.
fn said(body: &Value) -> String {
    let content = text(body, "/content");
    if text(body, "/contentType") == "html" { plain(content) } else { content.to_owned() }
}

/// What happened, in words: `#microsoft.graph.membersAddedEventMessageDetail` is "Members added".
fn event(kind: &str) -> String {
    let name = kind.trim_start_matches("#microsoft.graph.").trim_end_matches("EventMessageDetail");
    let mut words = String::new();
    for (at, letter) in name.char_indices() {
        match letter {
            _ if at == 0 => words.push(letter.to_ascii_uppercase()),
            'A'..='Z' => words.extend([' ', letter.to_ascii_lowercase()]),
            _ => words.push(letter),
        }
    }
    words
}

/// A topic, or the names of the others.
fn title(chat: &Value, own: &str) -> String {
    let topic = text(chat, "/topic");
    if !topic.is_empty() {
        return topic.to_owned();
    }
    let others: Vec<&str> = chat["members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|member| text(member, "/userId") != own)
        .map(|member| text(member, "/displayName"))
        .collect();
    if others.is_empty() { "Notes to self".to_owned() } else { others.join(", ") }
}

fn address(desk: &Desk<'_>, id: &str, user: &str) -> String {
    format!("{}?as={user}", desk.at(&format!("chats/{}", encoded(id))))
}

/// A time as people read it, to the second.
pub(super) fn when(instant: &str) -> String {
    instant.get(..19).unwrap_or(instant).replace('T', " ")
}

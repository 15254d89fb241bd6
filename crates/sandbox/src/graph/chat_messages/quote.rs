//! `replyWithQuote`: chats have no threads, a reply quotes what it answers (Entra reference §5.3).

use http::Method;
use serde_json::{Value, json};

use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::graph::route::{Needs, Route};

use super::attachments::MESSAGE_REFERENCE;
use super::draft::Draft;
use super::message::Message;
use super::send::say;
use super::wire::identity;

const QUOTE: Needs = Needs::delegated(&["ChatMessage.Send"]);

/// Messages that a reply quotes at most.
const MOST: usize = 10;

/// Characters of a quoted message that its preview shows.
const PREVIEW: usize = 100;

pub(super) fn routes() -> Vec<Route> {
    vec![Route::new(Method::POST, "/chats/{chat}/messages/replyWithQuote", QUOTE, reply)]
}

fn reply(call: &mut Call<'_>) -> Answer {
    let from = call.speaker()?;
    let place = call.place()?;
    let body = call.body()?;
    let ids: Option<Vec<&str>> = body
        .get("messageIds")
        .and_then(Value::as_array)
        .and_then(|list| list.iter().map(Value::as_str).collect());
    let ids = ids
        .filter(|ids| (1..=MOST).contains(&ids.len()))
        .ok_or_else(|| GraphError::unreadable("Invalid value specified for property 'messageIds'."))?;
    let message = body
        .get("replyMessage")
        .and_then(Value::as_object)
        .ok_or_else(|| GraphError::unreadable("Invalid value specified for property 'replyMessage'."))?;
    let (mut said, hosted) = Draft::new_message(message)?;

    let reader = call.caller.user_id();
    let mut quotes = Vec::with_capacity(ids.len());
    for id in ids {
        let found = place
            .thread(call.tenant)
            .and_then(|thread| thread.get(id))
            .filter(|message| message.event.is_none() && message.deleted.is_none())
            .filter(|message| place.shows(call.tenant, reader, message));
        let found = found.ok_or_else(|| {
            GraphError::not_found(format!("NotFound: no message with id '{id}' was found."))
        })?;
        quotes.push(quote(call, found));
    }
    let markers: String = quotes
        .iter()
        .filter_map(|quote| quote["id"].as_str())
        .map(|id| format!("<attachment id=\"{id}\"></attachment>"))
        .collect();
    let text = match said.body.is_html {
        true => said.body.content,
        false => format!("<p>{}</p>", escaped(&said.body.content)),
    };
    said.body.is_html = true;
    said.body.content = format!("{markers}{text}");
    said.subject = None;
    quotes.append(&mut said.attachments);
    said.attachments = quotes;
    Ok(say(call, &place, from, said, hosted))
}

/// The attachment that quotes a message: what it said, and who said it.
fn quote(call: &Call<'_>, message: &Message) -> Value {
    let sender = message.from.as_ref().map(|from| identity(call.tenant, from));
    let content = json!({
        "messageId": message.id(),
        "messagePreview": preview(&message.said.body.content, message.said.body.is_html),
        "messageSender": { "application": null, "device": null, "user": sender },
    });
    json!({
        "id": message.id(), "contentType": MESSAGE_REFERENCE, "contentUrl": null,
        "content": content.to_string(), "name": null, "thumbnailUrl": null, "teamsAppId": null,
    })
}

/// The text without its markup, cut short.
fn preview(content: &str, is_html: bool) -> String {
    if !is_html {
        return content.chars().take(PREVIEW).collect();
    }
    let mut text = String::new();
    let mut in_tag = false;
    for c in content.chars() {
        match c {
            '<' => in_tag = true,
            '>' if in_tag => in_tag = false,
            _ if !in_tag => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&amp;", "&");
    text.chars().take(PREVIEW).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

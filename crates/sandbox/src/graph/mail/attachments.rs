//! What hangs on a message: list, read, add, take off (Graph reference §4.3).

use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde_json::Value;

use super::access::{Entry, enter};
use super::changes;
use super::folder_routes::selected;
use super::ids::{self, IdKind};
use super::input::add_attachment;
use super::messages::locate;
use super::query::{Surface, options};
use super::refusals::{malformed_id, no_item};
use super::wire::attached_item;
use crate::exchange::Response;
use crate::graph::call::Call;
use crate::graph::error::{Answer, GraphError};
use crate::mail::{Attached, compose};
use crate::sharing::Held;

const PROPERTIES: &[&str] = &[
    "id",
    "lastModifiedDateTime",
    "name",
    "contentType",
    "size",
    "isInline",
    "contentId",
    "contentLocation",
    "contentBytes",
];
const COLLECTION: Surface = Surface {
    type_name: "attachment",
    options: &["filter", "orderby", "select", "expand", "count", "top", "skip"],
    properties: PROPERTIES,
    expandable: &["microsoft.graph.itemattachment/item", "item"],
};
const OBJECT: Surface = Surface { options: &["select", "expand"], ..COLLECTION };

/// `GET …/messages/{message}/attachments`.
pub(super) fn list(call: &mut Call<'_>) -> Answer {
    let mut options = options(call, &COLLECTION)?;
    if call.request.query("$top").is_none() {
        options.top = usize::MAX >> 1;
    }
    let entry = enter(call)?;
    options.prefer(call, entry.preferences.page);
    let uid = locate(call, &entry)?;
    let mailbox = entry.look(call)?;
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let with_content = options.select.as_ref().is_none_or(|select| names_content(select));
    let mut found = mailbox.attachments(message, entry.preferences.ids, with_content);
    if let Some(filter) = &options.filter {
        found.retain(|one| filter.matches(one));
    }
    let id = mailbox.id(message, entry.preferences.ids);
    let context = entry.context(&format!("messages('{id}')/attachments"));
    let select = plain_names(options.select.as_deref());
    Ok(options.page(call, &context, found.len(), |at| selected(found[at].clone(), select.as_deref())))
}

fn names_content(select: &[String]) -> bool {
    select.iter().any(|one| one.to_ascii_lowercase().ends_with("contentbytes"))
}

/// `microsoft.graph.fileAttachment/contentBytes` is `contentBytes`.
fn plain_names(select: Option<&[String]>) -> Option<Vec<String>> {
    select.map(|select| {
        select.iter().map(|one| one.rsplit('/').next().unwrap_or_default().to_owned()).collect()
    })
}

/// The number of the attachment that the path names.
fn number(call: &Call<'_>, entry: &Entry, uid: u64) -> Result<u32, GraphError> {
    let wanted = call.params.get("attachment").replace('+', "-").replace('/', "_");
    let wanted = wanted.trim_end_matches('=');
    let mailbox = entry.look(call)?;
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let kinds = [IdKind::Ordinary, IdKind::Immutable].map(|kind| mailbox.id(message, kind));
    let found = message.item.attachments.iter().find(|one| {
        kinds.iter().any(|id| ids::attachment(id, uid, one.number).trim_end_matches('=') == wanted)
    });
    found.map(|one| one.number).ok_or_else(|| if wanted.len() < 60 { malformed_id() } else { no_item() })
}

/// `GET …/messages/{message}/attachments/{attachment}`.
pub(super) fn get(call: &mut Call<'_>) -> Answer {
    let options = options(call, &OBJECT)?;
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let number = number(call, &entry, uid)?;
    let mailbox = entry.look(call)?;
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let attachment = message.item.attachments.iter().find(|one| one.number == number).ok_or_else(no_item)?;
    let mut shown = mailbox.attachment(message, attachment, entry.preferences.ids, true);
    if !options.expand.is_empty() {
        match &attachment.content {
            Attached::Message(item) => shown["item"] = attached_item(item),
            Attached::Other(item) => shown["item"] = item.clone(),
            Attached::File(_) | Attached::Reference => {}
        }
    }
    let item = shown.get("item").cloned();
    let mut shown = selected(shown, plain_names(options.select.as_deref()).as_deref());
    if let Some(item) = item {
        shown["item"] = item;
    }
    let context =
        entry.context(&format!("messages('{}')/attachments", mailbox.id(message, entry.preferences.ids)));
    Ok(entry.applied(call.ok(&call.with_context(&context, shown))))
}

/// `GET …/messages/{message}/attachments/{attachment}/$value`: the bytes, of an attached message its MIME.
pub(super) fn value(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let number = number(call, &entry, uid)?;
    let mailbox = entry.look(call)?;
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let attachment = message.item.attachments.iter().find(|one| one.number == number).ok_or_else(no_item)?;
    let (kind, body) = match &attachment.content {
        Attached::File(bytes) => {
            (attachment.content_type.as_deref().unwrap_or("application/octet-stream"), bytes.0.clone())
        }
        Attached::Message(item) => ("text/plain", compose(item).0),
        Attached::Other(item) => ("application/json", item.to_string().into_bytes().into()),
        Attached::Reference => {
            return Err(GraphError::new(
                StatusCode::METHOD_NOT_ALLOWED,
                "ErrorInvalidOperation",
                "A reference attachment has no content of its own.",
            ));
        }
    };
    Ok(Response { body, ..Response::empty(StatusCode::OK) }.with(CONTENT_TYPE, kind))
}

/// `POST …/messages/{message}/attachments`.
pub(super) fn add(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let body = Value::Object(call.body()?);
    let message = entry.look(call)?.messages.get(&uid).cloned().ok_or_else(no_item)?;
    let mut item = (*message.item).clone();
    let number = add_attachment(&mut item, &body, call.now)?;
    item.mime = None;
    changes::edit(call.tenant, &entry.owner, uid, call.now, |message| message.item = Held::new(item));
    let mailbox = entry.look(call)?;
    let message = mailbox.messages.get(&uid).ok_or_else(no_item)?;
    let attachment = message.item.attachments.iter().find(|one| one.number == number).ok_or_else(no_item)?;
    let shown = mailbox.attachment(message, attachment, entry.preferences.ids, true);
    let message_id = mailbox.id(message, entry.preferences.ids);
    let whole = call.with_context(&entry.context(&format!("messages('{message_id}')/attachments")), shown);
    let id = whole["id"].as_str().unwrap_or_default().to_owned();
    let location = format!("/users/{}/messages/{message_id}/attachments/{id}", entry.owner);
    Ok(entry.applied(call.created(&location, &whole)))
}

/// `DELETE …/messages/{message}/attachments/{attachment}`.
pub(super) fn remove(call: &mut Call<'_>) -> Answer {
    let entry = enter(call)?;
    let uid = locate(call, &entry)?;
    let number = number(call, &entry, uid)?;
    changes::edit(call.tenant, &entry.owner, uid, call.now, |message| {
        let item = message.item.edit();
        item.attachments.retain(|one| one.number != number);
        item.mime = None;
    });
    Ok(call.no_content())
}

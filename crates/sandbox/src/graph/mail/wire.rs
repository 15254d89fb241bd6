//! How messages and attachments look in JSON (Graph reference §4.3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use super::access::{BodyKind, Entry};
use super::ids::{self, IdKind};
use super::state::{Mailbox, Message};
use crate::graph::instants::seconds;
use crate::mail::{Address, Attached, Attachment, Body, Item, from_text, to_text};

/// What a message has.
pub(super) const PROPERTIES: &[&str] = &[
    "id",
    "createdDateTime",
    "lastModifiedDateTime",
    "changeKey",
    "categories",
    "receivedDateTime",
    "sentDateTime",
    "hasAttachments",
    "internetMessageId",
    "subject",
    "bodyPreview",
    "importance",
    "parentFolderId",
    "conversationId",
    "conversationIndex",
    "isDeliveryReceiptRequested",
    "isReadReceiptRequested",
    "isRead",
    "isDraft",
    "webLink",
    "inferenceClassification",
    "body",
    "uniqueBody",
    "sender",
    "from",
    "toRecipients",
    "ccRecipients",
    "bccRecipients",
    "replyTo",
    "flag",
    "internetMessageHeaders",
];

/// What is there only for those who name it in `$select`.
const ON_REQUEST: &[&str] = &["uniqueBody", "internetMessageHeaders"];
/// What `Mail.ReadBasic` does not show.
const NOT_BASIC: &[&str] = &["body", "bodyPreview", "uniqueBody", "internetMessageHeaders"];

/// The id of PR_MESSAGE_CLASS, as clients write it.
const MESSAGE_CLASS: [&str; 2] = ["String 0x001A", "String 0x1A"];

/// How a client wants messages.
#[derive(Debug, Clone, Default)]
pub(super) struct View {
    pub(super) ids: IdKind,
    pub(super) body: Option<BodyKind>,
    pub(super) is_basic: bool,
    pub(super) select: Option<Vec<String>>,
}

impl View {
    /// The view of whoever entered, with `$select`.
    pub(super) fn of(entry: &Entry, select: Option<&Vec<String>>) -> Self {
        Self {
            ids: entry.preferences.ids,
            body: entry.preferences.body,
            is_basic: entry.is_basic,
            select: select.cloned(),
        }
    }

    fn wants(&self, name: &str) -> bool {
        if self.is_basic && NOT_BASIC.contains(&name) {
            return false;
        }
        match &self.select {
            Some(select) => select.iter().any(|one| {
                let is_all = one == "*" && !ON_REQUEST.contains(&name);
                is_all || one.split('/').next().is_some_and(|one| one.eq_ignore_ascii_case(name))
            }),
            None => !ON_REQUEST.contains(&name),
        }
    }
}

impl Mailbox {
    /// The message's id as the client wants ids.
    pub(super) fn id(&self, message: &Message, kind: IdKind) -> String {
        match kind {
            IdKind::Ordinary => ids::placed(&self.owner, message.folder, message.serial),
            IdKind::Immutable => ids::lasting(&self.owner, message.uid),
        }
    }

    /// The message, as far as the view goes; its id and its tag are always there.
    pub(super) fn render(&self, message: &Message, view: &View) -> Value {
        let mut fields = Map::new();
        let key = ids::change_key(&self.owner, message.change);
        fields.insert("@odata.etag".to_owned(), json!(format!("W/\"{key}\"")));
        fields.insert("id".to_owned(), json!(self.id(message, view.ids)));
        for name in &PROPERTIES[1..] {
            if view.wants(name)
                && let Some(value) = self.property(message, name, view)
            {
                fields.insert((*name).to_owned(), value);
            }
        }
        Value::Object(fields)
    }

    fn property(&self, message: &Message, name: &str, view: &View) -> Option<Value> {
        let item = &message.item;
        Some(match name {
            "createdDateTime" => json!(seconds(message.created)),
            "lastModifiedDateTime" => json!(seconds(message.modified)),
            "changeKey" => json!(ids::change_key(&self.owner, message.change)),
            "categories" => json!(message.categories),
            "receivedDateTime" => json!(seconds(message.received)),
            "sentDateTime" => json!(seconds(item.sent.unwrap_or(message.created))),
            "hasAttachments" => json!(item.attachments.iter().any(|one| !one.is_inline)),
            "internetMessageId" => json!(item.message_id),
            "subject" => json!(item.subject),
            "bodyPreview" => json!(preview(&item.body)),
            "importance" => json!(item.importance.as_str()),
            "parentFolderId" => json!(ids::folder(&self.owner, message.folder)),
            "conversationId" => json!(ids::conversation(&self.owner, item.conversation.guid())),
            "conversationIndex" => json!(STANDARD.encode(&item.conversation.index.0)),
            "isDeliveryReceiptRequested" => json!(item.delivery_receipt),
            "isReadReceiptRequested" => json!(item.read_receipt),
            "isRead" => json!(message.is_read),
            "isDraft" => json!(message.is_draft),
            "webLink" => json!(self.web_link(message)),
            "inferenceClassification" => json!(if message.is_other { "other" } else { "focused" }),
            "body" => shown_body(&item.body, view.body.unwrap_or(BodyKind::Html)),
            "uniqueBody" => {
                let unique = Body { content: unique(&item.body).to_owned(), ..item.body.clone() };
                shown_body(&unique, view.body.unwrap_or(BodyKind::Html))
            }
            "sender" => recipient(item.sender.as_ref().or(item.from.as_ref())?),
            "from" => recipient(item.from.as_ref()?),
            "toRecipients" => recipients(&item.to),
            "ccRecipients" => recipients(&item.cc),
            "bccRecipients" => recipients(&item.bcc),
            "replyTo" => recipients(&item.reply_to),
            "flag" => message.flag.clone(),
            "internetMessageHeaders" if !item.headers.is_empty() => {
                item.headers.iter().map(|one| json!({ "name": one.name, "value": one.value })).collect()
            }
            _ => return None,
        })
    }

    fn web_link(&self, message: &Message) -> String {
        let id = self.id(message, IdKind::Ordinary);
        let id = utf8_percent_encode(&id, NON_ALPHANUMERIC);
        format!("https://outlook.office365.com/owa/?ItemID={id}&exvsurl=1&viewmodel=ReadMessageItem")
    }

    /// What `$filter`, `$orderby` and `$search` look at: all but the body, cheaply.
    pub(super) fn lean(&self, message: &Message) -> Value {
        let select = PROPERTIES.iter().filter(|name| !["body", "uniqueBody", "webLink"].contains(name));
        let view = View { select: Some(select.map(|name| (*name).to_owned()).collect()), ..View::default() };
        let mut value = self.render(message, &view);
        value["body"] = json!({ "content": message.item.body.content });
        value["singleValueExtendedProperties"] = extended(&message.item, |_| true);
        value
    }

    /// The attachments, as the client wants ids; with their contents if it wants them.
    pub(super) fn attachments(&self, message: &Message, kind: IdKind, with_content: bool) -> Vec<Value> {
        let item = &message.item;
        item.attachments.iter().map(|one| self.attachment(message, one, kind, with_content)).collect()
    }

    pub(super) fn attachment(
        &self,
        message: &Message,
        attachment: &Attachment,
        kind: IdKind,
        with_content: bool,
    ) -> Value {
        let id = ids::attachment(&self.id(message, kind), message.uid, attachment.number);
        let kind = match &attachment.content {
            Attached::File(_) => "fileAttachment",
            Attached::Message(_) | Attached::Other(_) => "itemAttachment",
            Attached::Reference => "referenceAttachment",
        };
        let mut shown = json!({
            "@odata.type": format!("#microsoft.graph.{kind}"),
            "id": id,
            "lastModifiedDateTime": seconds(attachment.modified),
            "name": attachment.name,
            "contentType": attachment.content_type,
            "size": attachment.size(),
            "isInline": attachment.is_inline,
        });
        if let Attached::File(bytes) = &attachment.content {
            shown["@odata.mediaContentType"] = json!(attachment.content_type);
            shown["contentId"] = json!(attachment.content_id);
            shown["contentLocation"] = json!(attachment.content_location);
            if with_content {
                shown["contentBytes"] = json!(STANDARD.encode(&bytes.0));
            }
        }
        shown
    }
}

/// An attached item as `$expand=microsoft.graph.itemAttachment/item` shows it.
pub(super) fn attached_item(item: &Item) -> Value {
    let time = item.sent.map(seconds);
    json!({
        "@odata.type": "#microsoft.graph.message",
        "id": "",
        "createdDateTime": time,
        "lastModifiedDateTime": time,
        "receivedDateTime": time,
        "sentDateTime": time,
        "hasAttachments": item.attachments.iter().any(|one| !one.is_inline),
        "internetMessageId": item.message_id,
        "subject": item.subject,
        "bodyPreview": preview(&item.body),
        "importance": item.importance.as_str(),
        "conversationIndex": STANDARD.encode(&item.conversation.index.0),
        "isRead": true,
        "isDraft": false,
        "body": shown_body(&item.body, BodyKind::Html),
        "sender": item.sender.as_ref().or(item.from.as_ref()).map(recipient),
        "from": item.from.as_ref().map(recipient),
        "toRecipients": recipients(&item.to),
        "ccRecipients": recipients(&item.cc),
        "replyTo": recipients(&item.reply_to),
    })
}

/// The extended properties that `wanted` names; the class is there without having been set.
pub(super) fn extended(item: &Item, wanted: impl Fn(&str) -> bool) -> Value {
    let is_class = |id: &str| MESSAGE_CLASS.iter().any(|class| class.eq_ignore_ascii_case(id));
    let has_class = item.extended.iter().any(|one| is_class(&one.id));
    let derived = MESSAGE_CLASS.iter().filter(|_| !has_class).map(|id| (*id, item.class()));
    let set = item.extended.iter().map(|one| (one.id.as_str(), one.value.as_str()));
    set.chain(derived)
        .filter(|(id, _)| wanted(id))
        .map(|(id, value)| json!({ "id": id, "value": value }))
        .collect()
}

fn recipient(address: &Address) -> Value {
    json!({ "emailAddress": { "name": address.name, "address": address.address } })
}

fn recipients(list: &[Address]) -> Value {
    list.iter().map(recipient).collect()
}

/// The first 255 characters of the text.
fn preview(body: &Body) -> String {
    let text = if body.is_html { to_text(&body.content) } else { body.content.clone() };
    text.trim().chars().take(255).collect()
}

fn shown_body(body: &Body, kind: BodyKind) -> Value {
    let (kind, content) = match (kind, body.is_html) {
        (BodyKind::Html, true) => ("html", body.content.clone()),
        (BodyKind::Html, false) => ("html", from_text(&body.content)),
        (BodyKind::Text, true) => ("text", to_text(&body.content)),
        (BodyKind::Text, false) => ("text", body.content.clone()),
    };
    json!({ "contentType": kind, "content": content })
}

/// What the message says itself: what stands before the message that it answers.
fn unique(body: &Body) -> &str {
    let marks: &[&str] = if body.is_html {
        &["<hr", "<div id=\"appendonsend\"", "<blockquote"]
    } else {
        &["\r\n________", "\n-----Original Message-----", "\n>"]
    };
    let end = marks.iter().filter_map(|mark| body.content.find(mark)).min().unwrap_or(body.content.len());
    &body.content[..end]
}
